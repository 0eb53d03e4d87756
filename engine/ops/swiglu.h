/* SwiGLU: y = silu(gate) * up, silu(x) = x / (1 + exp(-x)). */
#ifndef ENGINE_OPS_SWIGLU_H
#define ENGINE_OPS_SWIGLU_H

#include <stddef.h>

#include "engine/ops/real.h"

/* y may be gate or up. */
void swiglu_forward(real *y, const real *gate, const real *up, size_t n);

/* Overwrites dgate and dup: nothing else has a part in them. */
void swiglu_backward(real *dgate, real *dup, const real *dy, const real *gate, const real *up,
                     size_t n);

#endif
