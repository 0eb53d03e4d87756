#include "engine/ops/qkernel.h"

#include <string.h>

#include "engine/ops/half.h"
#include "engine/ops/simd.h"

static float float_at(const uint8_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static float half_at(const uint8_t *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return half_to_float(h);
}

/* ---- portable ------------------------------------------------------------------ */

/* Value i of row t of x. */
static int value_of(enum qformat format, const uint8_t *x, size_t rows, size_t t,
                    size_t i)
{
    const int8_t *parts = (const int8_t *)x + t * QBLOCK + i;
    int16_t wide;
    switch (format) {
    case QFORMAT_X_8:
        return *parts;
    case QFORMAT_X_15:
        return 128 * parts[0] + parts[rows * QBLOCK];
    default:
        memcpy(&wide, x + 2 * (t * QBLOCK + i), sizeof wide);
        return wide;
    }
}

static void block_portable_4(float *out, const uint8_t *w, const uint8_t *x, size_t rows,
                             size_t t, enum qformat format)
{
    size_t parts = format == QFORMAT_X_15 ? 2 : 1;
    const uint8_t *scales = x + parts * rows * QBLOCK;
    float scale = float_at(scales + 4 * t), sum = float_at(scales + 4 * (rows + t));
    for (size_t r = 0; r < QPANEL; r++) {
        int dot = 0;
        for (size_t i = 0; i < QBLOCK / 2; i++) {
            int byte = w[i / 4 * 32 + 4 * r + i % 4];
            dot += (byte & 15) * value_of(format, x, rows, t, i);
            dot += (byte >> 4) * value_of(format, x, rows, t, i + 16);
        }
        out[r] = out[r] + half_at(w + 128 + 2 * r) * scale * (float)dot;
        out[r] = out[r] + half_at(w + 144 + 2 * r) * sum;
    }
}

static void block_portable_8(float *out, const uint8_t *w, const uint8_t *x, size_t rows,
                             size_t t)
{
    float scale = float_at(x + 2 * rows * QBLOCK + 4 * t);
    for (size_t r = 0; r < QPANEL; r++) {
        int dot = 0;
        for (size_t i = 0; i < QBLOCK; i++)
            dot += (int8_t)w[i / 2 * 16 + 2 * r + i % 2] *
                   value_of(QFORMAT_X_16, x, rows, t, i);
        out[r] = out[r] + half_at(w + 256 + 2 * r) * scale * (float)dot;
    }
}

static void multiply_portable(qtile_sums out, const struct qtile *tile,
                              enum qformat format)
{
    static const size_t x_bytes[QFORMATS] = {QROW_X_8_BYTES, QROW_X_15_BYTES,
                                             QROW_X_16_BYTES};
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++) {
            const uint8_t *w = tile->panels + p * tile->panel_bytes, *x = tile->x;
            memset(out[p][t], 0, sizeof out[p][t]);
            for (size_t b = 0; b < tile->blocks; b++, x += tile->rows * x_bytes[format])
                if (format == QFORMAT_X_16)
                    block_portable_8(out[p][t], w + b * QBLOCK_8_BYTES, x, tile->rows, t);
                else
                    block_portable_4(out[p][t], w + b * QBLOCK_4_BYTES, x, tile->rows, t,
                                     format);
        }
}

static void portable_x_8(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_8);
}

static void portable_x_15(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_15);
}

static void portable_x_16(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_16);
}

const struct qkernels qkernels_portable = {"portable",
                                           {portable_x_8, portable_x_15, portable_x_16}};

/* ---- AVX2 ---------------------------------------------------------------------- */

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define AVX2_BODY static inline __attribute__((always_inline, target("avx2,f16c")))
#define AVX2      __attribute__((target("avx2,f16c")))

/* Keeps the order of sums: gcc would add them as trees, which do not fit the registers.
 */
#define IN_ORDER(sum) __asm__("" : "+x"(sum))

AVX2_BODY __m256i spread(const uint8_t *four)
{
    int32_t x;
    memcpy(&x, four, sizeof x);
    return _mm256_set1_epi32(x);
}

/* For a single row of x the matrix comes from memory, and the few blocks that a core
 * looks ahead by itself are too few. */
AVX2_BODY void fetch_ahead(const uint8_t *w)
{
    enum { AHEAD = 2048, LINE = 64 };
    _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
    _mm_prefetch((const char *)w + AHEAD + LINE, _MM_HINT_T0);
    _mm_prefetch((const char *)w + AHEAD + 2 * LINE, _MM_HINT_T0);
}

AVX2_BODY __m256 scales(const uint8_t *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)halves));
}

/* dot[p][t] += products of 4 values of each row of panel p with those of row t of x. */
AVX2_BODY void step_4(__m256i dot[QTILE_PANELS][QTILE_ROWS],
                      const __m256i q[QTILE_PANELS], const uint8_t *x,
                      const size_t panels, const size_t rows)
{
#pragma GCC unroll 4
    for (size_t t = 0; t < rows; t++) {
        __m256i four = spread(x + t * QBLOCK);
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            dot[p][t] = _mm256_add_epi16(dot[p][t], _mm256_maddubs_epi16(q[p], four));
            IN_ORDER(dot[p][t]);
        }
    }
}

/* Sums of one block. 16-bit lanes hold 8 steps of two products each, at most
 * 8 * 2 * 15 * 127 = 30480. */
AVX2_BODY void dot_4(__m256i dot[QTILE_PANELS][QTILE_ROWS], const uint8_t *w,
                     size_t panel_bytes, const uint8_t *x, const size_t panels,
                     const size_t rows)
{
    const __m256i nibble = _mm256_set1_epi8(15);
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            dot[p][t] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, w += 32, x += 4) {
        __m256i low[QTILE_PANELS], high[QTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m256i both =
                _mm256_loadu_si256((const __m256i *)(const void *)(w + p * panel_bytes));
            low[p] = _mm256_and_si256(both, nibble);
            high[p] = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
        }
        step_4(dot, low, x, panels, rows);
        step_4(dot, high, x + 16, panels, rows);
    }
}

/* The sums of a row of x in 32 bits; high and low parts, where there are, are those of
 * different rows to dot_4. */
AVX2_BODY __m256i widen_4(__m256i dot[QTILE_ROWS], size_t t, const size_t rows,
                          const size_t parts)
{
    if (parts == 1)
        return _mm256_madd_epi16(dot[t], _mm256_set1_epi16(1));
    return _mm256_add_epi32(_mm256_madd_epi16(dot[t], _mm256_set1_epi16(128)),
                            _mm256_madd_epi16(dot[rows + t], _mm256_set1_epi16(1)));
}

AVX2_BODY void multiply_avx2_4(qtile_sums out, const struct qtile *tile,
                               const size_t panels, const size_t rows, const size_t parts)
{
    const uint8_t *w = tile->panels, *x = tile->x;
    __m256 sum[QTILE_PANELS][QTILE_ROWS];
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[p][t] = _mm256_setzero_ps();
    for (size_t b = 0; b < tile->blocks;
         b++, w += QBLOCK_4_BYTES, x += rows * (parts * QBLOCK + 8)) {
        __m256i dot[QTILE_PANELS][QTILE_ROWS];
        if (rows == 1)
            fetch_ahead(w);
        dot_4(dot, w, tile->panel_bytes, x, panels, parts * rows);
        const uint8_t *scale = x + parts * rows * QBLOCK, *total = scale + 4 * rows;
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m256 d = scales(w + p * tile->panel_bytes + 128);
            __m256 m = scales(w + p * tile->panel_bytes + 144);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m256 wide = _mm256_cvtepi32_ps(widen_4(dot[p], t, rows, parts));
                __m256 factor = _mm256_mul_ps(d, _mm256_set1_ps(float_at(scale + 4 * t)));
                __m256 offset = _mm256_mul_ps(m, _mm256_set1_ps(float_at(total + 4 * t)));
                sum[p][t] = _mm256_add_ps(sum[p][t], _mm256_mul_ps(factor, wide));
                sum[p][t] = _mm256_add_ps(sum[p][t], offset);
            }
        }
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm256_storeu_ps(out[p][t], sum[p][t]);
}

AVX2_BODY void dot_8(__m256i dot[QTILE_PANELS][QTILE_ROWS], const uint8_t *w,
                     size_t panel_bytes, const uint8_t *x, const size_t panels,
                     const size_t rows)
{
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            dot[p][t] = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (size_t i = 0; i < QBLOCK / 2; i++, w += 16, x += 4) {
        __m256i q[QTILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++)
            q[p] = _mm256_cvtepi8_epi16(
                _mm_loadu_si128((const __m128i *)(const void *)(w + p * panel_bytes)));
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++) {
            __m256i pair = spread(x + 2 * t * QBLOCK);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++) {
                dot[p][t] = _mm256_add_epi32(dot[p][t], _mm256_madd_epi16(q[p], pair));
                IN_ORDER(dot[p][t]);
            }
        }
    }
}

AVX2_BODY void multiply_avx2_8(qtile_sums out, const struct qtile *tile,
                               const size_t panels, const size_t rows)
{
    const uint8_t *w = tile->panels, *x = tile->x;
    __m256 sum[QTILE_PANELS][QTILE_ROWS];
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[p][t] = _mm256_setzero_ps();
    for (size_t b = 0; b < tile->blocks;
         b++, w += QBLOCK_8_BYTES, x += rows * QROW_X_16_BYTES) {
        __m256i dot[QTILE_PANELS][QTILE_ROWS];
        if (rows == 1)
            fetch_ahead(w);
        dot_8(dot, w, tile->panel_bytes, x, panels, rows);
        const uint8_t *scale = x + 2 * rows * QBLOCK;
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            __m256 d = scales(w + p * tile->panel_bytes + 256);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m256 factor = _mm256_mul_ps(d, _mm256_set1_ps(float_at(scale + 4 * t)));
                __m256 wide = _mm256_cvtepi32_ps(dot[p][t]);
                sum[p][t] = _mm256_add_ps(sum[p][t], _mm256_mul_ps(factor, wide));
            }
        }
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < panels; p++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm256_storeu_ps(out[p][t], sum[p][t]);
}

/* One version for each size of tile. */
#define AVX2_CASES(panels, multiply, ...)                                                \
    case panels * 8 + 1:                                                                 \
        multiply(out, tile, panels, 1 __VA_ARGS__);                                      \
        break;                                                                           \
    case panels * 8 + 2:                                                                 \
        multiply(out, tile, panels, 2 __VA_ARGS__);                                      \
        break
#define AVX2_MORE_CASES(panels, multiply, ...)                                           \
    case panels * 8 + 3:                                                                 \
        multiply(out, tile, panels, 3 __VA_ARGS__);                                      \
        break;                                                                           \
    case panels * 8 + 4:                                                                 \
        multiply(out, tile, panels, 4 __VA_ARGS__);                                      \
        break
#define PARTS(n) , n

AVX2 static void avx2_x_8(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        AVX2_CASES(1, multiply_avx2_4, PARTS(1));
        AVX2_MORE_CASES(1, multiply_avx2_4, PARTS(1));
        AVX2_CASES(2, multiply_avx2_4, PARTS(1));
        AVX2_MORE_CASES(2, multiply_avx2_4, PARTS(1));
    }
}

AVX2 static void avx2_x_15(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        AVX2_CASES(1, multiply_avx2_4, PARTS(2));
        AVX2_CASES(2, multiply_avx2_4, PARTS(2));
    }
}

AVX2 static void avx2_x_16(qtile_sums out, const struct qtile *tile)
{
    switch (tile->n_panels * 8 + tile->rows) {
        AVX2_CASES(1, multiply_avx2_8, );
        AVX2_MORE_CASES(1, multiply_avx2_8, );
        AVX2_CASES(2, multiply_avx2_8, );
        AVX2_MORE_CASES(2, multiply_avx2_8, );
    }
}

static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

const struct qkernels *qkernels_best(void)
{
    static const struct qkernels avx2 = {"avx2", {avx2_x_8, avx2_x_15, avx2_x_16}};
    return simd_has_avx2() && has_f16c() ? &avx2 : &qkernels_portable;
}

#else

const struct qkernels *qkernels_best(void)
{
    return &qkernels_portable;
}

#endif
