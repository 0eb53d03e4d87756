/* Width-wise transmission (METHOD section 2): mass, cost, Sinkhorn and what the
 * slots receive, for all windows of a segment, with the derivative.
 *
 * The metric runs once over the rows [anchors; receivers; ghost]: T tokens, the S
 * means of the home spans, and, where a window has empty slots, the zero vector
 * that the reference puts in their place (METHOD section 2, first f update). */
#ifndef ENGINE_COMPRESS_PLAN_H
#define ENGINE_COMPRESS_PLAN_H

#include "engine/compress/mass.h"
#include "engine/compress/metric.h"
#include "engine/compress/slots.h"

struct plan_saved {
    size_t rows;         /* of the metric: T + S, + 1 with a ghost */
    real *points;        /* [rows, H] */
    struct metric_saved metric;
    struct mass_saved mass;
    struct slots_saved slots;
    real **score;        /* [windows]: -C / eps [n, k] */
    real **ghost;        /* [windows]: the ghost's scores [n], or NULL */
};

/* Layout and arrays of *out. */
void plan_prepare(const struct compressor *c, const struct compress_settings *s, size_t T,
                  bool history, struct segment_plan *out, struct arena *arena);

/* Fills in a prepared plan. */
bool plan_run(const struct compressor *c, const struct compress_settings *s, const real *anchors,
              size_t T, struct segment_plan *out, struct plan_saved *saved, struct arena *arena,
              const struct progress *progress, struct err *err);

/* Needs the history. draw_slots [S, H]; danchors [T, H] is overwritten. */
void plan_backward(const struct compressor *c, const struct compress_settings *s,
                   const struct segment_plan *plan, const struct plan_saved *saved, size_t T,
                   const real *draw_slots, real *danchors, const struct compressor_params *grads,
                   struct arena *scratch);

#endif
