#include "engine/ops/half.h"

#include "engine/ops/simd.h"

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef uint32_t words __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef uint16_t halves __attribute__((vector_size(LANES * sizeof(uint16_t))));

SIMD_BODY void round_reals_body(uint16_t *out, const real *x, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        floats v = __builtin_convertvector(LANES_OF(x + i), floats);
        words bits = (words)v, is_nan = (words)(v != v);
        words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
        halves h = __builtin_convertvector((rounded & ~is_nan) | (quiet & is_nan), halves);
        memcpy(out + i, &h, sizeof h);
    }
    for (; i < n; i++)
        out[i] = bfloat_from_float((float)x[i]);
}
SIMD_DISPATCH(round_reals, (uint16_t *out, const real *x, size_t n), (out, x, n))

void bfloats_from_reals(uint16_t *out, const real *x, size_t n)
{
    round_reals(out, x, n);
}
