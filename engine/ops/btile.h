/* Products of bfloats (half.h) that lie in one core's cache: what tile.h is for reals. */
#ifndef ENGINE_OPS_BTILE_H
#define ENGINE_OPS_BTILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* C [m, n] = A B. Rows of A are pairs of bfloats, `a_step` bfloats from one to the next. B is in
 * panels of 16 columns, each [pairs][16][2], as bmatmul.h has rows of a matrix, `panel_step`
 * bfloats from one to the next. Sums are floats, in the order of the pairs. */
void btile_multiply(real *c, size_t ldc, const uint16_t *a, size_t a_step, const uint16_t *panels,
                    size_t panel_step, size_t m, size_t n, size_t pairs);

#endif
