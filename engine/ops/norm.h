/* Normalisation of rows x [n, H]:
 *   RMSNorm    y = w * x * rstd,             rstd = 1 / sqrt(mean(x^2) + eps)
 *   LayerNorm  y = w * (x - mean) * rstd + b, rstd = 1 / sqrt(var(x) + eps)
 * Gradients are added to; NULL = not wanted. Saved statistics ([n]) may be NULL in
 * the forward pass when no backward pass follows. y may be x. */
#ifndef ENGINE_OPS_NORM_H
#define ENGINE_OPS_NORM_H

#include <stddef.h>

#include "engine/ops/real.h"

void rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, real eps, size_t n,
                     size_t H);
void rmsnorm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *weight,
                      const real *rstd, size_t n, size_t H);

void layernorm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight,
                       const real *bias, real eps, size_t n, size_t H);
void layernorm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x,
                        const real *weight, const real *mean, const real *rstd, size_t n,
                        size_t H);

/* y = x / max(|x|, eps): rows of length 1. norm [n]: the divisors. */
void l2norm_forward(real *y, real *norm, const real *x, real eps, size_t n, size_t H);
void l2norm_backward(real *dx, const real *dy, const real *y, const real *norm, real eps, size_t n,
                     size_t H);

#endif
