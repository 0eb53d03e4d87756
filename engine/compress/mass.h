/* Sender mass (METHOD section 2): how much of a window's message a token may
 * send. s[t] = wm . LN_m(x[t]) + bm; inside each window of n valid tokens
 *     a = (1 - lambda) softmax(s / tau) + lambda / n, renormalised.
 * The gradients of LN_m's bias and of bm are zero: a softmax ignores a constant. */
#ifndef ENGINE_COMPRESS_MASS_H
#define ENGINE_COMPRESS_MASS_H

#include "engine/compress/compressor.h"

struct mass_saved {
    const real *x;     /* [T, H], borrowed */
    real *normed;      /* [T, H] LN_m(x) */
    real *mean, *rstd; /* [T] */
    real *share;       /* [T] the softmax of each window */
};

/* Writes `mass` [n] of every window of plan; the arrays of *saved are taken from
 * the arena. With ABLATE_MASS it is uniform and *saved is not touched. */
void mass_forward(const struct compressor *c, const struct compress_settings *s, const real *x,
                  size_t T, struct segment_plan *plan, struct mass_saved *saved,
                  struct arena *arena);

/* Multiplies the mass of every token with factor [T] >= 0 and lets each edited window
 * sum to 1 again, the others stay as they are; a window without any mass left is an error. */
bool mass_edit(const real *factor, struct segment_plan *plan, struct err *err);

/* dlog_a [T]: gradient of log a, window behind window; dx [T, H] is added to. */
void mass_backward(const struct compressor *c, const struct compress_settings *s,
                   const struct segment_plan *plan, const struct mass_saved *saved, size_t T,
                   const real *dlog_a, real *dx, const struct compressor_params *grads,
                   struct arena *scratch);

#endif
