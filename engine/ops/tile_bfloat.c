#include "engine/ops/tile_bfloat.h"

#if defined(__x86_64__) && !defined(REAL_DOUBLE)
#include <immintrin.h>
#include <string.h>

#include "engine/base/size.h"

#define TARGET      "avx512f,avx512bw,avx512vl,avx512bf16"
#define AVX512_BODY static inline __attribute__((always_inline, target(TARGET)))
#define AVX512      __attribute__((target(TARGET)))

/* Rows by panels: twelve sums, since one takes six cycles. */
enum { ROWS = 6, PANELS = 2, PANEL = TILE_BFLOAT_PANEL };

/* rows <= ROWS and panels <= PANELS are constants wherever this is inlined. */
AVX512_BODY void sum_products(float *c, size_t ldc, bool add, const struct bfloat_operands *o,
                              const size_t rows, const size_t panels)
{
    __m512 sum[PANELS][ROWS];
    const uint32_t *a = o->a, *b = o->b;
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++)
            sum[p][i] = _mm512_setzero_ps();
    for (size_t k = 0; k < o->pairs; k++, a += o->a_step, b += PANEL) {
        __m512bh columns[PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
            columns[p] = (__m512bh)_mm512_loadu_si512(b + p * o->b_panel);
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++) {
            __m512bh pair = (__m512bh)_mm512_set1_epi32((int32_t)a[i * o->a_row]);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
                sum[p][i] = _mm512_dpbf16_ps(sum[p][i], columns[p], pair);
        }
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            float *out = c + i * ldc + p * PANEL;
            if (add)
                sum[p][i] = _mm512_add_ps(sum[p][i], _mm512_loadu_ps(out));
            _mm512_storeu_ps(out, sum[p][i]);
        }
}

AVX512_BODY void multiply_rows(float *c, size_t ldc, bool add, const struct bfloat_operands *all,
                               const size_t rows, size_t n)
{
    struct bfloat_operands o = *all;
    for (; n >= PANELS * PANEL; n -= PANELS * PANEL, c += PANELS * PANEL, o.b += PANELS * o.b_panel)
        sum_products(c, ldc, add, &o, rows, PANELS);
    if (n)
        sum_products(c, ldc, add, &o, rows, 1);
}

AVX512 static void multiply(float *c, size_t ldc, bool add, const struct bfloat_operands *all,
                            size_t m, size_t n)
{
    struct bfloat_operands o = *all;
    for (; m >= ROWS; m -= ROWS, c += ROWS * ldc, o.a += ROWS * o.a_row)
        multiply_rows(c, ldc, add, &o, ROWS, n);
    if (m >= 4) {
        multiply_rows(c, ldc, add, &o, 4, n);
        m -= 4;
        c += 4 * ldc;
        o.a += 4 * o.a_row;
    }
    for (; m > 0; m--, c += ldc, o.a += o.a_row)
        multiply_rows(c, ldc, add, &o, 1, n);
}

/* Up to sixteen values; zeros behind them. */
AVX512_BODY __m512 load_some(const float *x, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << size_min(n, 16)) - 1), x);
}

AVX512_BODY void store_some(uint32_t *out, __m512i words, size_t n)
{
    _mm512_mask_storeu_epi32(out, (__mmask16)((1u << size_min(n, 16)) - 1), words);
}

AVX512 static void pair_along(uint32_t *out, const float *x, size_t n)
{
    for (; n >= 32; n -= 32, x += 32, out += 16)
        _mm512_storeu_si512(out, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16),
                                                              _mm512_loadu_ps(x)));
    if (n) {
        __m512 low = load_some(x, n), high = _mm512_setzero_ps();
        if (n > 16)
            high = load_some(x + 16, n - 16);
        store_some(out, (__m512i)_mm512_cvtne2ps_pbh(high, low), (n + 1) / 2);
    }
}

AVX512 static void pair_across(uint32_t *out, const float *x, const float *y, size_t n)
{
    static const uint16_t places[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                        21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                        11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i interleave = _mm512_loadu_si512(places);
    for (size_t i = 0; i < n; i += 16) {
        __m512 low = load_some(x + i, n - i);
        __m512 high = y ? load_some(y + i, n - i) : _mm512_setzero_ps();
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        store_some(out + i, _mm512_permutexvar_epi16(interleave, both), n - i);
    }
}

const struct bfloat_tiles *bfloat_tiles(void)
{
    static const struct bfloat_tiles tiles = {multiply, pair_along, pair_across};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
    return has ? &tiles : NULL;
}

#else

const struct bfloat_tiles *bfloat_tiles(void)
{
    return NULL;
}

#endif
