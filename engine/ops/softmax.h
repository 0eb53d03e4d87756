/* Softmax over rows x [n, k]: p = exp(scale x) / sum exp(scale x). Entries of
 * -infinity are masked: their p is 0. A row that is masked as a whole gives zeros,
 * and so do its gradients. */
#ifndef ENGINE_OPS_SOFTMAX_H
#define ENGINE_OPS_SOFTMAX_H

#include <stddef.h>

#include "engine/ops/real.h"

/* p may be x. */
void softmax_forward(real *p, const real *x, real scale, size_t n, size_t k);

/* One row, for callers that are parallel themselves. */
void softmax_row(real *p, const real *x, real scale, size_t k);

/* dx += scale * p * (dp - sum(p dp)) */
void softmax_backward(real *dx, const real *dp, const real *p, real scale, size_t n, size_t k);

/* log sum exp(x); -infinity when every x is. scratch [n]. */
real softmax_logsumexp(const real *x, real *scratch, size_t n);

#endif
