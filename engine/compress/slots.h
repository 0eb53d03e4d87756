/* What the slots receive (METHOD section 2):
 *     z[j] = (1 / b) sum_t P[t,j] (Wu LN_v(x[t]) + bu)
 * The plan is applied before the projection, which then runs over the slots and
 * not over the tokens; because every column of P sums to b,
 *     y[j] = (1 / b) sum_t P[t,j] LN_v(x[t])     z[j] = Wu y[j] + bu */
#ifndef ENGINE_COMPRESS_SLOTS_H
#define ENGINE_COMPRESS_SLOTS_H

#include "engine/compress/compressor.h"

struct slots_saved {
    const real *x;     /* [T, H], borrowed */
    real *normed;      /* [T, H] LN_v(x) */
    real *mean, *rstd; /* [T] */
    real *gathered;    /* y [S, H] */
};

/* Needs the plans of all windows; writes plan->raw_slots [S, H], which the caller
 * has taken. */
void slots_forward(const struct compressor *c, const real *x, size_t T,
                   const struct segment_plan *plan, struct slots_saved *saved,
                   struct arena *arena);

/* draw_slots [S, H] -> dplan[i] [n, k] of every window is overwritten; dx [T, H]
 * is added to. */
void slots_backward(const struct compressor *c, size_t T, const struct segment_plan *plan,
                    const struct slots_saved *saved, const real *draw_slots, real *const *dplan,
                    real *dx, const struct compressor_params *grads, struct arena *scratch);

#endif
