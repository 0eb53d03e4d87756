/* Products of matrices that lie in one core's cache: no packing, no threads, no
 * library. What attention is made of, where a BLAS spends more on packing its
 * operands than on multiplying them. */
#ifndef ENGINE_OPS_TILE_H
#define ENGINE_OPS_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/ops/real.h"

/* C[i][j] = sum_p A[i][p] B[p][j], or added to it; m x n x k. A[i][p] is
 * a[i * a_row + p * a_step], so that A may be a transpose; rows of B and C are
 * contiguous. Each element is summed in the order of p. */
void tile_multiply(real *c, size_t ldc, bool add, const real *a, size_t a_row, size_t a_step,
                   const real *b, size_t ldb, size_t m, size_t n, size_t k);

/* Rows x [n, d] (row stride ldx) as panels of TILE_PANEL rows, each transposed:
 * panels [ceil(n / TILE_PANEL), d, TILE_PANEL], missing rows as zeros. */
enum { TILE_PANEL = 16 };
void tile_pack(real *panels, const real *x, size_t ldx, size_t n, size_t d);

/* C [m, n] = A [m, d] X^T with X packed; n is rounded up to whole panels, so rows
 * of C must have room for that. */
void tile_multiply_packed(real *c, size_t ldc, const real *a, size_t lda, const real *panels,
                          size_t m, size_t n, size_t d);

#endif
