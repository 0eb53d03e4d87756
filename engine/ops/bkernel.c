#include "engine/ops/bkernel.h"

#include <string.h>

#include "engine/ops/half.h"

void bkernel_portable(btile_sums out, const struct btile *tile)
{
    memset(out, 0, sizeof(btile_sums));
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++) {
            const uint16_t *w = tile->panels + 2 * BPANEL * tile->stride * p;
            const uint16_t *x = tile->x + 2 * tile->stride * t;
            for (size_t i = 0; i < tile->pairs; i++, w += 2 * BPANEL)
                for (size_t r = 0; r < BPANEL; r++)
                    for (size_t j = 0; j < 2; j++)
                        out[p][t][r] +=
                            bfloat_to_float(w[2 * r + j]) * bfloat_to_float(x[2 * i + j]);
        }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define TARGET      "avx512f,avx512bw,avx512vl,avx512bf16"
#define AVX512_BODY static inline __attribute__((always_inline, target(TARGET)))
#define AVX512      __attribute__((target(TARGET)))

AVX512_BODY void multiply(btile_sums out, const struct btile *tile, const size_t panels,
                          const size_t rows)
{
    size_t step = 2 * BPANEL * tile->stride;
    const uint16_t *w = tile->panels, *x = tile->x;
    __m512 sum[BTILE_PANELS][BTILE_ROWS];
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 6
        for (size_t t = 0; t < rows; t++)
            sum[p][t] = _mm512_setzero_ps();
    for (size_t i = 0; i < tile->pairs; i++, w += 2 * BPANEL, x += 2) {
        __m512bh q[BTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
            q[p] = (__m512bh)_mm512_loadu_si512(w + p * step);
#pragma GCC unroll 6
        for (size_t t = 0; t < rows; t++) {
            int32_t pair;
            memcpy(&pair, x + 2 * tile->stride * t, sizeof pair);
            __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
                sum[p][t] = _mm512_dpbf16_ps(sum[p][t], q[p], both);
        }
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 6
        for (size_t t = 0; t < rows; t++)
            _mm512_storeu_ps(out[p][t], sum[p][t]);
}

/* One version for each number of rows. */
AVX512_BODY void multiply_panels(btile_sums out, const struct btile *tile, const size_t panels)
{
    switch (tile->rows) {
    case 1:
        multiply(out, tile, panels, 1);
        break;
    case 2:
        multiply(out, tile, panels, 2);
        break;
    case 3:
        multiply(out, tile, panels, 3);
        break;
    case 4:
        multiply(out, tile, panels, 4);
        break;
    case 5:
        multiply(out, tile, panels, 5);
        break;
    default:
        multiply(out, tile, panels, 6);
    }
}

AVX512 static void multiply_avx512(btile_sums out, const struct btile *tile)
{
    if (tile->n_panels == 1)
        multiply_panels(out, tile, 1);
    else
        multiply_panels(out, tile, 2);
}

bkernel *bkernel_avx512(void)
{
    unsigned a = 0, b, c, d;
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
    return has ? multiply_avx512 : NULL;
}

#else

bkernel *bkernel_avx512(void)
{
    return NULL;
}

#endif
