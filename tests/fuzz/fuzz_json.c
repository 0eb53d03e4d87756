/* JSON text, and as config.json. */
#include <stdint.h>

#include "engine/base/json.h"
#include "engine/model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct llama_config config;
    json_t *json = json_parse((const char *)data, size, "fuzz", &err);
    if (json)
        llama_config_from_json(&config, json, "fuzz/config.json", &err);
    json_decref(json);
    return 0;
}
