/* The kernels of qkernel.h for AVX2. A panel is two vectors of eight rows. */
#include "engine/ops/qkernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "engine/ops/simd.h"

#define AVX2_BODY static inline __attribute__((always_inline, target("avx2,f16c")))
#define AVX2      __attribute__((target("avx2,f16c")))

/* Keeps the order of sums: gcc would add them as trees, which do not fit the registers.
 */
#define IN_ORDER(sum) __asm__("" : "+x"(sum))

enum { HALVES = 2, HALF_BYTES = 32, HALF_SCALES = 16, ROWS = 4 };

AVX2_BODY __m256i spread(const uint8_t *four)
{
    int32_t x;
    memcpy(&x, four, sizeof x);
    return _mm256_set1_epi32(x);
}

AVX2_BODY __m256 spread_float(const uint8_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return _mm256_set1_ps(x);
}

/* For a single row of x the matrix comes from memory, and the few blocks that a core
 * looks ahead by itself are too few. */
AVX2_BODY void fetch_ahead(const uint8_t *w, const size_t bytes)
{
    enum { AHEAD = 4096, LINE = 64 };
    for (size_t i = 0; i < bytes; i += LINE)
        _mm_prefetch((const char *)w + AHEAD + i, _MM_HINT_T0);
}

AVX2_BODY __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2_BODY __m256 scales(const uint8_t *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)halves));
}

/* dot[h][t] += products of 4 values of each row of half h with those of row t of x. */
AVX2_BODY void step_4(__m256i dot[HALVES][ROWS], const __m256i q[HALVES], const uint8_t *x,
                      size_t part, const size_t rows, const size_t parts)
{
#pragma GCC unroll 4
    for (size_t t = 0; t < rows * parts; t++) {
        __m256i four = spread(x + t / rows * part + t % rows * QBLOCK);
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) {
            dot[h][t] = _mm256_add_epi16(dot[h][t], _mm256_maddubs_epi16(q[h], four));
            IN_ORDER(dot[h][t]);
        }
    }
}

/* Sums of one block. 16-bit lanes hold 8 steps of two products each, at most
 * 8 * 2 * 15 * 127 = 30480. part: bytes between the high and the low parts of x. */
AVX2_BODY void dot_4(__m256i dot[HALVES][ROWS], const uint8_t *w, const uint8_t *x,
                     size_t part, const size_t rows, const size_t parts)
{
    const __m256i nibble = _mm256_set1_epi8(15);
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows * parts; t++)
            dot[h][t] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, w += HALVES * HALF_BYTES, x += 4) {
        __m256i low[HALVES], high[HALVES];
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) {
            __m256i both = load(w + h * HALF_BYTES);
            low[h] = _mm256_and_si256(both, nibble);
            high[h] = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
        }
        step_4(dot, low, x, part, rows, parts);
        step_4(dot, high, x + 16, part, rows, parts);
    }
}

/* The sums of a row of x in 32 bits; high and low parts, where there are, are those of
 * different rows to dot_4. */
AVX2_BODY __m256i widen_4(__m256i dot[ROWS], size_t t, const size_t rows,
                          const size_t parts)
{
    if (parts == 1)
        return _mm256_madd_epi16(dot[t], _mm256_set1_epi16(1));
    return _mm256_add_epi32(_mm256_madd_epi16(dot[t], _mm256_set1_epi16(128)),
                            _mm256_madd_epi16(dot[rows + t], _mm256_set1_epi16(1)));
}

/* Panel `panel` times rows first .. first + rows - 1 of x. */
AVX2_BODY void multiply_4(qtile_sums out, const struct qtile *tile, size_t panel,
                          size_t first, const size_t rows, const size_t parts)
{
    const uint8_t *w = tile->panels + panel * tile->panel_bytes, *x = tile->x;
    size_t part = tile->rows * QBLOCK, x_bytes = tile->rows * (parts * QBLOCK + 8);
    __m256 sum[HALVES][ROWS];
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[h][t] = _mm256_setzero_ps();
    for (size_t b = 0; b < tile->blocks; b++, w += QBLOCK_4_BYTES, x += x_bytes) {
        __m256i dot[HALVES][ROWS];
        if (rows == 1)
            fetch_ahead(w, QBLOCK_4_BYTES);
        dot_4(dot, w, x + first * QBLOCK, part, rows, parts);
        const uint8_t *scale = x + parts * part + 4 * first, *total = scale + 4 * tile->rows;
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) {
            __m256 d = scales(w + 256 + h * HALF_SCALES);
            __m256 m = scales(w + 288 + h * HALF_SCALES);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m256 wide = _mm256_cvtepi32_ps(widen_4(dot[h], t, rows, parts));
                __m256 factor = _mm256_mul_ps(d, spread_float(scale + 4 * t));
                __m256 offset = _mm256_mul_ps(m, spread_float(total + 4 * t));
                sum[h][t] = _mm256_add_ps(sum[h][t], _mm256_mul_ps(factor, wide));
                sum[h][t] = _mm256_add_ps(sum[h][t], offset);
            }
        }
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm256_storeu_ps(out[panel][first + t] + h * LANES, sum[h][t]);
}

/* 8 steps of 4 values: the first and third of each, then the others. bytes: x has 8 bits. */
AVX2_BODY void dot_8(__m256i dot[HALVES][ROWS], const uint8_t *w, const uint8_t *x,
                     const size_t rows, const bool bytes)
{
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            dot[h][t] = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (size_t i = 0; i < QBLOCK / 4; i++, w += HALVES * HALF_BYTES, x += bytes ? 4 : 8) {
        __m256i even[HALVES], odd[HALVES];
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) {
            __m256i four = load(w + h * HALF_BYTES);
            even[h] = _mm256_srai_epi16(_mm256_slli_epi16(four, 8), 8);
            odd[h] = _mm256_srai_epi16(four, 8);
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++) {
            __m256i first, second;
            if (bytes) {
                __m256i four = spread(x + t * QBLOCK);
                first = _mm256_srai_epi16(_mm256_slli_epi16(four, 8), 8);
                second = _mm256_srai_epi16(four, 8);
            } else {
                first = spread(x + 2 * t * QBLOCK);
                second = spread(x + 2 * t * QBLOCK + 4);
            }
#pragma GCC unroll 2
            for (size_t h = 0; h < HALVES; h++) {
                dot[h][t] = _mm256_add_epi32(dot[h][t], _mm256_madd_epi16(even[h], first));
                IN_ORDER(dot[h][t]);
                dot[h][t] = _mm256_add_epi32(dot[h][t], _mm256_madd_epi16(odd[h], second));
                IN_ORDER(dot[h][t]);
            }
        }
    }
}

AVX2_BODY void multiply_8(qtile_sums out, const struct qtile *tile, size_t panel,
                          const size_t rows, const bool bytes)
{
    const uint8_t *w = tile->panels + panel * tile->panel_bytes, *x = tile->x;
    __m256 sum[HALVES][ROWS];
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            sum[h][t] = _mm256_setzero_ps();
    for (size_t b = 0; b < tile->blocks;
         b++, w += QBLOCK_8_BYTES, x += rows * (bytes ? QROW_X_8_8_BYTES : QROW_X_16_BYTES)) {
        __m256i dot[HALVES][ROWS];
        if (rows == 1)
            fetch_ahead(w, QBLOCK_8_BYTES);
        dot_8(dot, w, x, rows, bytes);
        const uint8_t *scale = x + (bytes ? 1 : 2) * rows * QBLOCK;
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) {
            __m256 d = scales(w + 512 + h * HALF_SCALES);
#pragma GCC unroll 4
            for (size_t t = 0; t < rows; t++) {
                __m256 factor = _mm256_mul_ps(d, spread_float(scale + 4 * t));
                __m256 wide = _mm256_cvtepi32_ps(dot[h][t]);
                sum[h][t] = _mm256_add_ps(sum[h][t], _mm256_mul_ps(factor, wide));
            }
        }
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++)
#pragma GCC unroll 4
        for (size_t t = 0; t < rows; t++)
            _mm256_storeu_ps(out[panel][t] + h * LANES, sum[h][t]);
}

/* One version for each number of rows. */
AVX2 static void avx2_x_8(qtile_sums out, const struct qtile *tile)
{
    for (size_t p = 0; p < tile->n_panels; p++)
        switch (tile->rows) {
        case 1:
            multiply_4(out, tile, p, 0, 1, 1);
            break;
        case 2:
            multiply_4(out, tile, p, 0, 2, 1);
            break;
        case 3:
            multiply_4(out, tile, p, 0, 3, 1);
            break;
        default:
            multiply_4(out, tile, p, 0, 4, 1);
        }
}

AVX2 static void avx2_x_15(qtile_sums out, const struct qtile *tile)
{
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t first = 0; first < tile->rows; first += 2)
            if (first + 1 < tile->rows)
                multiply_4(out, tile, p, first, 2, 2);
            else
                multiply_4(out, tile, p, first, 1, 2);
}

AVX2_BODY void multiply_8_panels(qtile_sums out, const struct qtile *tile, const bool bytes)
{
    for (size_t p = 0; p < tile->n_panels; p++)
        switch (tile->rows) {
        case 1:
            multiply_8(out, tile, p, 1, bytes);
            break;
        case 2:
            multiply_8(out, tile, p, 2, bytes);
            break;
        case 3:
            multiply_8(out, tile, p, 3, bytes);
            break;
        default:
            multiply_8(out, tile, p, 4, bytes);
        }
}

AVX2 static void avx2_x_16(qtile_sums out, const struct qtile *tile)
{
    multiply_8_panels(out, tile, false);
}

AVX2 static void avx2_x_8_8(qtile_sums out, const struct qtile *tile)
{
    multiply_8_panels(out, tile, true);
}

/* By CPUID only where the compiler does not keep the answer: an instruction that a hypervisor
 * traps takes as long as a small product. */
static bool has_f16c(void)
{
#ifdef __clang__
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
#else
    return __builtin_cpu_supports("f16c");
#endif
}

const struct qkernels *qkernels_avx2(void)
{
    static const struct qkernels avx2 = {"avx2", {avx2_x_8, avx2_x_15, avx2_x_16, avx2_x_8_8}};
    return simd_has_avx2() && has_f16c() ? &avx2 : NULL;
}

#else

const struct qkernels *qkernels_avx2(void)
{
    return NULL;
}

#endif
