/* Small dense linear algebra for the warm start, in double. */
#ifndef ENGINE_COMPRESS_WHITEN_H
#define ENGINE_COMPRESS_WHITEN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/rng.h"

/* Cholesky: the symmetric matrix s [n, n] becomes L (lower triangle, the rest is
 * zeroed) with L L^T = s. False when s is not positive definite. */
bool whiten_cholesky(double *s, size_t n);

/* Every row x of `rows` [m, n] becomes x L^-1. */
void whiten_rows(double *rows, size_t m, const double *L, size_t n);

/* Every row x of `rows` [m, n] becomes x (L L^T)^-1. */
void whiten_solve_rows(double *rows, size_t m, const double *L, size_t n);

/* rows [m, n]: random, of length 1, orthogonal to each other in groups of n. */
void whiten_orthonormal_rows(double *rows, size_t m, size_t n, struct rng *rng);

#endif
