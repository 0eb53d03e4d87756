/* Gradients against central differences; for every test of a backward pass.
 *
 *     gradcheck("gelu dx", loss, &context, x, dx, n);
 *
 * loss(context) must read x anew on each call. A step of 1e-6 only means
 * something in double, so float builds return at once (gradcheck_possible() is
 * false: skip()). Fails, naming the worst element, when a difference exceeds 1e-6
 * of the largest gradient of the tensor. */
#ifndef TESTS_SUPPORT_GRADCHECK_H
#define TESTS_SUPPORT_GRADCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/rng.h"
#include "engine/ops/real.h"

bool gradcheck_possible(void);

/* dx [n]: what the backward pass says is d loss / d x. Of a large tensor, 300
 * random elements are checked, and three random directions of all. */
void gradcheck(const char *name, double (*loss)(void *context), void *context, real *x,
               const real *dx, size_t n);

/* sum of y[i] r[i]: the scalar whose gradient by y is r. */
double weighted_sum(const real *y, const real *r, size_t n);

/* count normal random numbers times scale, to be freed. */
real *random_reals(struct rng *rng, size_t count, double scale);

#endif
