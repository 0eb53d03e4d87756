/* safetensors bytes: the reader, metadata, and all values. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct safetensors *f = safetensors_open_buffer(data, size, "fuzz", &err);
    if (!f)
        return 0;
    for (size_t i = 0; i < safetensors_count(f); i++) {
        const struct tensor *t = safetensors_at(f, i);
        CHECK(safetensors_find(f, t->name) == t);
        tensor_count_nonfinite(t);
    }
    for (size_t i = 0; i < safetensors_metadata_count(f); i++) {
        const char *value, *key = safetensors_metadata_at(f, i, &value);
        CHECK(strcmp(safetensors_metadata(f, key), value) == 0);
    }
    safetensors_close(f);
    return 0;
}
