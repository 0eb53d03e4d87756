/* Entropic optimal transport with a fixed number of Sinkhorn iterations, in the
 * log domain (METHOD section 2), and its exact derivative.
 *
 *     f[t] = log a[t] - logsumexp_j(S[t,j] + g[j])      S = -C / eps, g starts at 0
 *     g[j] = log b[j] - logsumexp_t(S[t,j] + f[t])
 *     P[t,j] = exp(S[t,j] + f[t] + g[j])
 *
 * g is updated last: columns sum to b exactly, rows only approach a. In the very
 * first f update alone, `ghosts` more columns take part, all with the scores
 * ghost[t] and g = 0: the reference masks its empty slots one step too late.
 *
 * One exponential an element and iteration is enough: the f update's row softmax
 * R[t,j] also gives the g update, exp(S + f + g)[t,j] = a[t] R[t,j]; only a column
 * whose sum nearly underflows is summed again in the log domain. */
#ifndef ENGINE_COMPRESS_SINKHORN_H
#define ENGINE_COMPRESS_SINKHORN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/ops/real.h"

struct sinkhorn {
    size_t n, k;       /* senders, receivers */
    const real *score; /* S [n, k] */
    const real *a, *b; /* [n], [k], each with sum 1; a[t] may be 0, b[j] not */
    size_t ghosts;
    const real *ghost; /* [n], or NULL without ghosts */
    unsigned iters;
    bool history;      /* keep every iteration, else only the last one, in row 0 */
    real *f, *g;       /* out: [iters + 1, n], [iters + 1, k], or one row */
    real *row_error, *column_error; /* out: [iters + 1] or one; sums of |P 1 - a|, |P^T 1 - b| */
    real *plan;        /* out: P [n, k] */
};

/* Reals of scratch that one problem needs. */
size_t sinkhorn_scratch(size_t n, size_t k);
void sinkhorn_forward(const struct sinkhorn *p, real *scratch);

/* P from one row of potentials. */
void sinkhorn_plan(real *plan, const real *score, const real *f, const real *g, size_t n, size_t k);

/* Needs the history. dplan [n, k] -> dscore [n, k], dlog_a [n] and, with ghosts,
 * dghost [n], all of them overwritten. A sender without mass gets zeros. */
void sinkhorn_backward(const struct sinkhorn *p, const real *dplan, real *dscore, real *dlog_a,
                       real *dghost, real *scratch);

#endif
