/* Sums over a row, each in one fixed order (eight lanes, then a tree). */
#ifndef ENGINE_OPS_REDUCE_H
#define ENGINE_OPS_REDUCE_H

#include <stddef.h>

#include "engine/ops/real.h"

real reduce_sum(const real *x, size_t n);
real reduce_max(const real *x, size_t n); /* -infinity for n = 0 */
real reduce_dot(const real *a, const real *b, size_t n);

real reduce_dot3(const real *a, const real *b, const real *c, size_t n);

/* sum x^2, block by block in double: for the norm of millions of numbers */
double reduce_squares(const real *x, size_t n);

/* sum (x - centre)^2 */
real reduce_square_distance(const real *x, real centre, size_t n);

/* y[i] = exp(scale * x[i] - offset); returns the sum of y. y may be x. The sum is
 * taken in double block by block: it may run over a whole vocabulary. */
double reduce_exp(real *y, const real *x, real scale, real offset, size_t n);

#endif
