/* Products of matrices in bfloat16 that lie in one core's cache, as tile.h has them in
 * floats: what attention of training is made of where the CPU has AVX512_BF16. Sums are in
 * float; what an element is depends on its row and its column alone.
 *
 * Operands are pairs: two numbers that are neighbours along the sum, as bfloats, the first
 * in the low half of a word. */
#ifndef ENGINE_OPS_TILE_BFLOAT_H
#define ENGINE_OPS_TILE_BFLOAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* Columns of B that are interleaved. */
enum { TILE_BFLOAT_PANEL = 16 };

/* A[i][p] is a[i * a_row + p * a_step]; column j of B[p] is in its panel
 * b[j / 16 * b_panel + p * 16 + j % 16]. */
struct bfloat_operands {
    const uint32_t *a, *b;
    size_t a_row, a_step, b_panel;
    size_t pairs;
};

struct bfloat_tiles {
    /* c[m, n], row stride ldc: = A B, or added to it. n: a multiple of 16. */
    void (*multiply)(real *c, size_t ldc, bool add, const struct bfloat_operands *o, size_t m,
                     size_t n);
    /* out[ceil(n / 2)]: x[0] and x[1], x[2] and x[3], ...; an odd one has a 0 beside it. */
    void (*pair_along)(uint32_t *out, const real *x, size_t n);
    /* out[n]: x[i] and y[i]; y NULL: zeros. */
    void (*pair_across)(uint32_t *out, const real *x, const real *y, size_t n);
};

/* NULL where the CPU or the compiler has none, and in the double build. */
const struct bfloat_tiles *bfloat_tiles(void);

#endif
