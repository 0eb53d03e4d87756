/* GELU, exact: y = x Phi(x) = x (1 + erf(x / sqrt 2)) / 2. */
#ifndef ENGINE_OPS_GELU_H
#define ENGINE_OPS_GELU_H

#include <stddef.h>

#include "engine/ops/real.h"

void gelu_forward(real *y, const real *x, size_t n);     /* y may be x */
void gelu_backward(real *dx, const real *dy, const real *x, size_t n); /* adds */

#endif
