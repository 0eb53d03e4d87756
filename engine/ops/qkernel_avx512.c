/* The kernels of qkernel.h for AVX-512 with VNNI. A panel is one vector of sixteen rows,
 * and one instruction adds the products of four values of each: 8 of them are a block, and
 * about 6 others of floats and of unpacking go beside. */
#include "engine/ops/qkernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET "avx512f,avx512bw,avx512vl,avx512vnni,f16c"
#define AVX512_BODY static inline __attribute__((always_inline, target(TARGET)))
#define AVX512      __attribute__((target(TARGET)))

enum { STEP_BYTES = 4 * QPANEL, D_4 = 4 * STEP_BYTES, M_4 = D_4 + 2 * QPANEL,
       D_8 = 8 * STEP_BYTES };

AVX512_BODY __m512i spread(const uint8_t *four)
{
    int32_t x;
    memcpy(&x, four, sizeof x);
    return _mm512_set1_epi32(x);
}

AVX512_BODY __m512 spread_float(const uint8_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return _mm512_set1_ps(x);
}

AVX512_BODY __m512 scales(const uint8_t *halves)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)halves));
}

/* A single row reads the matrix from memory: see qkernel_avx2.c. */
AVX512_BODY void fetch_ahead(const uint8_t *w, const size_t bytes)
{
    enum { AHEAD = 4096, LINE = 64 };
#pragma GCC unroll 9
    for (size_t i = 0; i < bytes; i += LINE)
        _mm_prefetch((const char *)w + AHEAD + i, _MM_HINT_T0);
}

/* dot[p][t] += the sums of one block, for rows [first, last); x: the parts of row t lie
 * QBLOCK t behind. */
AVX512_BODY void dot_4(__m512i dot[QTILE_PANELS][QTILE_ROWS], const uint8_t *w,
                       size_t panel_bytes, const uint8_t *x, const size_t panels,
                       const size_t first, const size_t last)
{
    const __m512i nibble = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, w += STEP_BYTES, x += 4) {
        __m512i low[QTILE_PANELS], high[QTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m512i both = _mm512_loadu_si512(w + p * panel_bytes);
            low[p] = _mm512_and_si512(both, nibble);
            high[p] = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
        }
#pragma GCC unroll 4
        for (size_t t = first; t < last; t++) {
            __m512i front = spread(x + t * QBLOCK), back = spread(x + t * QBLOCK + 16);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++) {
                dot[p][t] = _mm512_dpbusd_epi32(dot[p][t], low[p], front);
                dot[p][t] = _mm512_dpbusd_epi32(dot[p][t], high[p], back);
            }
        }
    }
}

/* Has a row's low part any value? Blocks without (QROUNDING_MIXED) need one pass alone. */
AVX512_BODY bool has_low(const uint8_t *part)
{
    __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)part);
    return !_mm256_testz_si256(bits, bits);
}

AVX512_BODY void multiply_4(qtile_sums out, const struct qtile *tile, const size_t panels,
                            const size_t rows, const size_t parts)
{
    const uint8_t *w = tile->panels, *x = tile->x;
    size_t step = tile->panel_bytes;
    __m512 sum[QTILE_PANELS][QTILE_ROWS];
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[p][t] = _mm512_setzero_ps();
    for (size_t b = 0; b < tile->blocks;
         b++, w += QBLOCK_4_BYTES, x += rows * (parts * QBLOCK + 8)) {
        __m512i dot[QTILE_PANELS][QTILE_ROWS];
        if (rows == 1)
            fetch_ahead(w, QBLOCK_4_BYTES);
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++)
                dot[p][t] = _mm512_setzero_si512();
        dot_4(dot, w, step, x, panels, 0, rows);
        if (parts == 2) {
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
                for (size_t t = 0; t < rows; t++)
                    dot[p][t] = _mm512_slli_epi32(dot[p][t], 7);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++)
                if (has_low(x + (rows + t) * QBLOCK))
                    dot_4(dot, w, step, x + rows * QBLOCK, panels, t, t + 1);
        }
        const uint8_t *scale = x + parts * rows * QBLOCK, *total = scale + 4 * rows;
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m512 d = scales(w + p * step + D_4), m = scales(w + p * step + M_4);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m512 factor = _mm512_mul_ps(d, spread_float(scale + 4 * t));
                __m512 offset = _mm512_mul_ps(m, spread_float(total + 4 * t));
                __m512 wide = _mm512_cvtepi32_ps(dot[p][t]);
                sum[p][t] = _mm512_add_ps(sum[p][t], _mm512_mul_ps(factor, wide));
                sum[p][t] = _mm512_add_ps(sum[p][t], offset);
            }
        }
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm512_storeu_ps(out[p][t], sum[p][t]);
}

/* 8 steps of 4 values: the first and third of each, then the others. */
AVX512_BODY void dot_8(__m512i dot[QTILE_PANELS][QTILE_ROWS], const uint8_t *w,
                       size_t panel_bytes, const uint8_t *x, const size_t panels,
                       const size_t rows)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < QBLOCK / 4; i++, w += STEP_BYTES, x += 8) {
        __m512i even[QTILE_PANELS], odd[QTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m512i four = _mm512_loadu_si512(w + p * panel_bytes);
            even[p] = _mm512_srai_epi16(_mm512_slli_epi16(four, 8), 8);
            odd[p] = _mm512_srai_epi16(four, 8);
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++) {
            const uint8_t *pairs = x + 2 * t * QBLOCK;
            __m512i first = spread(pairs), second = spread(pairs + 4);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++) {
                dot[p][t] = _mm512_dpwssd_epi32(dot[p][t], even[p], first);
                dot[p][t] = _mm512_dpwssd_epi32(dot[p][t], odd[p], second);
            }
        }
    }
}

/* x of 8 bits. Weights as bytes from 0 to 255, w + 128; what that adds is taken away first. */
AVX512_BODY void dot_8_8(__m512i dot[QTILE_PANELS][QTILE_ROWS], const uint8_t *w,
                         size_t panel_bytes, const uint8_t *x, const uint8_t *totals,
                         const size_t panels, const size_t rows)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
#pragma GCC unroll 4
    for (size_t t = 0; t < rows; t++) {
        __m512i more = _mm512_slli_epi32(spread(totals + 4 * t), 7);
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
            dot[p][t] = _mm512_sub_epi32(dot[p][t], more);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < QBLOCK / 4; i++, w += STEP_BYTES, x += 4) {
        __m512i four[QTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
            four[p] = _mm512_xor_si512(_mm512_loadu_si512(w + p * panel_bytes), sign);
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++) {
            __m512i values = spread(x + t * QBLOCK);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
                dot[p][t] = _mm512_dpbusd_epi32(dot[p][t], four[p], values);
        }
    }
}

AVX512_BODY void multiply_8(qtile_sums out, const struct qtile *tile, const size_t panels,
                            const size_t rows, const bool bytes)
{
    const uint8_t *w = tile->panels, *x = tile->x;
    size_t step = tile->panel_bytes;
    __m512 sum[QTILE_PANELS][QTILE_ROWS];
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[p][t] = _mm512_setzero_ps();
    for (size_t b = 0; b < tile->blocks;
         b++, w += QBLOCK_8_BYTES, x += rows * (bytes ? QROW_X_8_8_BYTES : QROW_X_16_BYTES)) {
        __m512i dot[QTILE_PANELS][QTILE_ROWS];
        if (rows == 1)
            fetch_ahead(w, QBLOCK_8_BYTES);
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++)
                dot[p][t] = _mm512_setzero_si512();
        const uint8_t *scale = x + (bytes ? 1 : 2) * rows * QBLOCK;
        if (bytes)
            dot_8_8(dot, w, step, x, scale + 4 * rows, panels, rows);
        else
            dot_8(dot, w, step, x, panels, rows);
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m512 d = scales(w + p * step + D_8);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m512 factor = _mm512_mul_ps(d, spread_float(scale + 4 * t));
                __m512 wide = _mm512_cvtepi32_ps(dot[p][t]);
                sum[p][t] = _mm512_add_ps(sum[p][t], _mm512_mul_ps(factor, wide));
            }
        }
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm512_storeu_ps(out[p][t], sum[p][t]);
}

/* One version for each size of tile. */
#define CASES(panels, multiply, ...)                                                     \
    case panels * 8 + 1:                                                                 \
        multiply(out, tile, panels, 1 __VA_ARGS__);                                      \
        break;                                                                           \
    case panels * 8 + 2:                                                                 \
        multiply(out, tile, panels, 2 __VA_ARGS__);                                      \
        break;                                                                           \
    case panels * 8 + 3:                                                                 \
        multiply(out, tile, panels, 3 __VA_ARGS__);                                      \
        break;                                                                           \
    case panels * 8 + 4:                                                                 \
        multiply(out, tile, panels, 4 __VA_ARGS__);                                      \
        break
#define PARTS(n) , n
#define BYTES(x_has) , x_has

AVX512 static void avx512_x_8(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        CASES(1, multiply_4, PARTS(1));
        CASES(2, multiply_4, PARTS(1));
    }
}

AVX512 static void avx512_x_15(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        CASES(1, multiply_4, PARTS(2));
        CASES(2, multiply_4, PARTS(2));
    }
}

AVX512 static void avx512_x_16(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        CASES(1, multiply_8, BYTES(false));
        CASES(2, multiply_8, BYTES(false));
    }
}

AVX512 static void avx512_x_8_8(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        CASES(1, multiply_8, BYTES(true));
        CASES(2, multiply_8, BYTES(true));
    }
}

const struct qkernels *qkernels_avx512(void)
{
    static const struct qkernels avx512 = {
        "avx512-vnni", {avx512_x_8, avx512_x_15, avx512_x_16, avx512_x_8_8}};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    return has ? &avx512 : NULL;
}

#else

const struct qkernels *qkernels_avx512(void)
{
    return NULL;
}

#endif
