/* GGUF bytes: the reader, every getter, the configuration, the weights, and all values.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/model/config.h"
#include "engine/model/gguf.h"
#include "engine/model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tensor *find(const void *file, const char *name)
{
    return gguf_tensor(file, name);
}

static void use_keys(const struct gguf *g)
{
    char text[200];
    for (size_t i = 0; i < gguf_key_count(g); i++) {
        const char *key = gguf_key_at(g, i, text, sizeof text);
        const struct gguf_string *strings;
        struct gguf_string string;
        const void *numbers;
        uint64_t integer;
        double number;
        size_t count;
        bool flag;
        struct err err;
        gguf_get_u64(g, key, &integer, &err);
        gguf_get_f64(g, key, &number, &err);
        gguf_get_bool(g, key, &flag, &err);
        gguf_get_string(g, key, &string, &err);
        gguf_get_i32s(g, key, &numbers, &count, &err);
        gguf_get_f32s(g, key, &numbers, &count, &err);
        if (gguf_get_strings(g, key, &strings, &count, &err) == GGUF_FOUND && count > 0)
            (void)*(volatile const char *)&strings[count - 1].text;
    }
}

static void use_model(const struct gguf *g)
{
    struct llama_config config;
    struct llama_weights weights;
    struct err err;
    const struct tensor_source source = {find, g, "fuzz"};
    if (!llama_config_from_gguf(&config, g, &err) ||
        !llama_weights_from_gguf(&weights, &config, &source, 0, &err))
        return;
    real *row = calloc(config.hidden, sizeof *row);
    weight_row(row, &weights.embedding, config.vocab - 1);
    free(row);
    llama_weights_free(&weights, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct gguf *g = gguf_open_buffer(data, size, "fuzz", &err);
    if (!g)
        return 0;
    use_keys(g);
    for (size_t i = 0; i < gguf_tensor_count(g); i++)
        tensor_count_nonfinite(gguf_tensor_at(g, i));
    use_model(g);
    gguf_close(g);
    return 0;
}
