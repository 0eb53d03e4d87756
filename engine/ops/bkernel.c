#include "engine/ops/bkernel.h"

#include <string.h>

#include "engine/ops/half.h"

void bkernel_portable(btile_sums out, const struct btile *tile)
{
    memset(out, 0, sizeof(btile_sums));
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++) {
            const uint16_t *w = tile->panels + tile->panel_step * p;
            const uint16_t *x = tile->x + tile->x_step * t;
            for (size_t i = 0; i < tile->pairs; i++, w += 2 * BPANEL)
                for (size_t r = 0; r < BPANEL; r++)
                    for (size_t j = 0; j < 2; j++)
                        out[p][t][r] +=
                            bfloat_to_float(w[2 * r + j]) * bfloat_to_float(x[2 * i + j]);
        }
}

#if defined(__x86_64__)
#include <immintrin.h>

/* One version for each number of rows. */
#define CASES(multiply, panels)                                                          \
    switch (tile->rows) {                                                                \
    case 1:                                                                              \
        multiply(out, tile, panels, 1);                                                  \
        break;                                                                           \
    case 2:                                                                              \
        multiply(out, tile, panels, 2);                                                  \
        break;                                                                           \
    case 3:                                                                              \
        multiply(out, tile, panels, 3);                                                  \
        break;                                                                           \
    case 4:                                                                              \
        multiply(out, tile, panels, 4);                                                  \
        break;                                                                           \
    case 5:                                                                              \
        multiply(out, tile, panels, 5);                                                  \
        break;                                                                           \
    default:                                                                             \
        multiply(out, tile, panels, 6);                                                  \
    }

/* ---- AVX2 and FMA ------------------------------------------------------------------ */

#define AVX2_BODY static inline __attribute__((always_inline, target("avx2,fma")))
#define AVX2      __attribute__((target("avx2,fma")))

/* The first and second values of eight pairs, widened. */
AVX2_BODY __m256 firsts(__m256i pairs)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}

AVX2_BODY __m256 seconds(__m256i pairs)
{
    return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000u)));
}

/* One panel: a product of two bfloats is exact in float, so fusing changes nothing. */
AVX2_BODY void multiply_avx2_panel(float (*out)[BPANEL], const struct btile *tile,
                                   const uint16_t *w, const size_t rows)
{
    __m256 sum[BTILE_ROWS][2];
    const uint16_t *x = tile->x;
#pragma GCC unroll 6
    for (size_t t = 0; t < rows; t++)
        sum[t][0] = sum[t][1] = _mm256_setzero_ps();
    for (size_t i = 0; i < tile->pairs; i++, w += 2 * BPANEL, x += 2) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)w);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(w + BPANEL));
#pragma GCC unroll 6
        for (size_t t = 0; t < rows; t++) {
            __m256 first = _mm256_set1_ps(bfloat_to_float(x[tile->x_step * t]));
            sum[t][0] = _mm256_fmadd_ps(firsts(low), first, sum[t][0]);
            sum[t][1] = _mm256_fmadd_ps(firsts(high), first, sum[t][1]);
            __m256 second = _mm256_set1_ps(bfloat_to_float(x[tile->x_step * t + 1]));
            sum[t][0] = _mm256_fmadd_ps(seconds(low), second, sum[t][0]);
            sum[t][1] = _mm256_fmadd_ps(seconds(high), second, sum[t][1]);
        }
    }
#pragma GCC unroll 6
    for (size_t t = 0; t < rows; t++) {
        _mm256_storeu_ps(out[t], sum[t][0]);
        _mm256_storeu_ps(out[t] + BPANEL / 2, sum[t][1]);
    }
}

AVX2_BODY void multiply_avx2_panels(btile_sums out, const struct btile *tile, size_t panels,
                                    const size_t rows)
{
    for (size_t p = 0; p < panels; p++)
        multiply_avx2_panel(out[p], tile, tile->panels + p * tile->panel_step, rows);
}

AVX2 static void multiply_avx2(btile_sums out, const struct btile *tile)
{
    CASES(multiply_avx2_panels, tile->n_panels)
}

bkernel *bkernel_avx2(void)
{
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return has ? multiply_avx2 : NULL;
}

/* ---- AVX512_BF16 ------------------------------------------------------------------- */

#define TARGET      "avx512f,avx512bw,avx512vl,avx512bf16"
#define AVX512_BODY static inline __attribute__((always_inline, target(TARGET)))
#define AVX512      __attribute__((target(TARGET)))

AVX512_BODY void multiply(btile_sums out, const struct btile *tile, const size_t panels,
                          const size_t rows)
{
    size_t step = tile->panel_step;
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
            memcpy(&pair, x + tile->x_step * t, sizeof pair);
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

AVX512 static void multiply_avx512(btile_sums out, const struct btile *tile)
{
    if (tile->n_panels == 1)
        CASES(multiply, 1)
    else
        CASES(multiply, 2)
}

/* Not by CPUID itself: where a hypervisor traps it, that takes as long as a small product. */
bkernel *bkernel_avx512(void)
{
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
    return has ? multiply_avx512 : NULL;
}

#else

bkernel *bkernel_avx2(void)
{
    return NULL;
}

bkernel *bkernel_avx512(void)
{
    return NULL;
}

#endif

bkernel *bkernel_best(void)
{
    bkernel *fast = bkernel_avx512();
    fast = fast ? fast : bkernel_avx2();
    return fast ? fast : bkernel_portable;
}
