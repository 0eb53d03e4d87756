#include "engine/model/tensor.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/size.h"
#include "engine/model/quant.h"
#include "engine/ops/half.h"

#define TYPE_ROW(id, type_name, block_values, block_bytes)                               \
    [TENSOR_##id] = {type_name, block_values, block_bytes},
static const struct {
    const char *name;
    size_t values, bytes;
} types[TENSOR_TYPE_COUNT] = {TENSOR_TYPES(TYPE_ROW)};

const char *tensor_type_name(enum tensor_type type)
{
    return types[type].name;
}

size_t tensor_type_values(enum tensor_type type)
{
    return types[type].values;
}

size_t tensor_type_bytes(enum tensor_type type)
{
    return types[type].bytes;
}

size_t tensor_count(const struct tensor *tensor)
{
    size_t count = 1;
    for (unsigned i = 0; i < tensor->n_dims; i++)
        count *= tensor->dims[i];
    return count;
}

/* Loops over values of one plain type; memcpy, because a safetensors file may
 * place them at any address. */
#define WIDEN_PLAIN(type, value)                                                         \
    for (size_t i = 0; i < count; i++) {                                                 \
        type v;                                                                          \
        memcpy(&v, source + i * sizeof v, sizeof v);                                     \
        out[i] = (real)(value);                                                          \
    }                                                                                    \
    break

static void widen_plain(enum tensor_type type, const uint8_t *source, size_t count,
                        real *out)
{
    switch (type) {
    case TENSOR_F32:
        WIDEN_PLAIN(float, v);
    case TENSOR_F16:
        WIDEN_PLAIN(uint16_t, half_to_float(v));
    case TENSOR_BF16:
        WIDEN_PLAIN(uint16_t, bfloat_to_float(v));
    case TENSOR_F64:
        WIDEN_PLAIN(double, v);
    case TENSOR_I64:
        WIDEN_PLAIN(int64_t, v);
    case TENSOR_I32:
        WIDEN_PLAIN(int32_t, v);
    case TENSOR_I16:
        WIDEN_PLAIN(int16_t, v);
    case TENSOR_I8:
        WIDEN_PLAIN(int8_t, v);
    case TENSOR_U8:
        WIDEN_PLAIN(uint8_t, v);
    default:
        CHECK(false);
    }
}

void tensor_widen(const struct tensor *tensor, size_t first, size_t count, real *out)
{
    size_t values = types[tensor->type].values, bytes = types[tensor->type].bytes;
    CHECK(first % values == 0 && count % values == 0);
    const uint8_t *source = (const uint8_t *)tensor->data + first / values * bytes;
    quant_widen_fn *widen_block = quant_widener(tensor->type);
    if (!widen_block) {
        widen_plain(tensor->type, source, count, out);
        return;
    }
    for (size_t i = 0; i < count; i += values, source += bytes)
        widen_block(source, out + i);
}

size_t tensor_count_nonfinite(const struct tensor *tensor)
{
    enum { CHUNK = 1 << 12 }; /* a multiple of all block sizes */
    real values[CHUNK];
    size_t bad = 0, count = tensor_count(tensor);
    for (size_t i = 0; i < count; i += CHUNK) {
        size_t n = size_min(CHUNK, count - i);
        tensor_widen(tensor, i, n, values);
        for (size_t j = 0; j < n; j++)
            bad += isfinite(values[j]) ? 0 : 1;
    }
    return bad;
}

void tensor_forget(const struct tensor *tensor)
{
    if (tensor->mapped)
        mapped_bytes_forget(tensor->data, tensor->bytes);
}
