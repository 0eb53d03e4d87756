/* Linear layer: y [n, out] = x [n, in] w^T + bias, w [out, in]. */
#ifndef ENGINE_OPS_LINEAR_H
#define ENGINE_OPS_LINEAR_H

#include <stddef.h>

#include "engine/ops/real.h"

/* bias [out] may be NULL. */
void linear_forward(real *y, const real *x, const real *w, const real *bias, size_t n, size_t in,
                    size_t out);

/* Adds to dx [n, in], dw [out, in], dbias [out]; NULL = not wanted. */
void linear_backward(real *dx, real *dw, real *dbias, const real *dy, const real *x, const real *w,
                     size_t n, size_t in, size_t out);

/* y [n, width] += bias in every row. */
void linear_add_bias(real *y, const real *bias, size_t n, size_t width);

#endif
