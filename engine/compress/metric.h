/* The space in which senders and receivers are compared (METHOD section 2):
 * unit[i] = normalise(Wc LN_c(x[i]) + bc), rows of length 1; cost = 1 - u . w. */
#ifndef ENGINE_COMPRESS_METRIC_H
#define ENGINE_COMPRESS_METRIC_H

#include "engine/compress/compressor.h"

struct metric_saved {
    const real *x;     /* [n, H], borrowed */
    real *normed;      /* [n, H] LN_c(x) */
    real *mean, *rstd; /* [n] */
    real *length;      /* [n] before normalisation */
    real *unit;        /* [n, E] */
};

/* The arrays of *saved are taken from the arena; x must live as long. */
void metric_forward(const struct compressor *c, const real *x, size_t n,
                    struct metric_saved *saved, struct arena *arena);

/* dunit [n, E]; dx [n, H] is added to. */
void metric_backward(const struct compressor *c, const struct metric_saved *saved, size_t n,
                     const real *dunit, real *dx, const struct compressor_params *grads,
                     struct arena *scratch);

#endif
