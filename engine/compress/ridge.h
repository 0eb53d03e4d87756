/* Ridge regression between two sets of vectors, for the warm start. */
#ifndef ENGINE_COMPRESS_RIDGE_H
#define ENGINE_COMPRESS_RIDGE_H

#include <stddef.h>

#include "engine/ops/real.h"

/* w [H, H] and b [H] of the linear map y ~ w x + b with the least squared error over
 * the n rows of x and y, both [n, H], plus lambda n |w s|^2, s the deviation of each
 * channel of x: the penalty is the same whatever unit a channel has. lambda > 0. A
 * constant channel of x is not used. */
void ridge_fit(real *w, real *b, const real *x, const real *y, size_t n, size_t H, double lambda);

#endif
