/* Width-wise transmission on a device (mass.h, metric.h, plan.h, slots.h), the windows of all
 * segments at once.
 *
 * Everything starts from one array of points [n + S + 1, H]: the anchors of n tokens, the
 * means of the S home spans, and the zero vector that the reference puts in the place of
 * empty slots. The metric runs once over all of them. */
#ifndef ENGINE_COMPRESS_PLAN_DEVICE_H
#define ENGINE_COMPRESS_PLAN_DEVICE_H

#include "engine/compress/compressor_device.h"
#include "engine/ops/device_transport.h"

/* A layer norm of n rows. */
struct norm_device_saved {
    real *normed;      /* [n, H] */
    real *mean, *rstd; /* [n] */
};

struct plan_device_saved {
    struct device_windows windows;
    real *points;
    struct norm_device_saved mass_norm, metric_norm, value_norm;
    real *share;        /* [n] softmax of the mass scores in each window */
    real *length, *unit; /* [n + S + 1], [n + S + 1, E] */
    real *score, *ghost, *mass; /* what the plan is made from */
    struct device_sinkhorn plan;
    real *gathered, *raw_slots; /* [S, H] before and behind Wu */
};

/* Takes the arrays of *saved from the device; points are not filled. */
void plan_device_init(struct device *d, const struct compressor_device *c,
                      const struct compress_settings *s, const struct device_windows *windows,
                      struct plan_device_saved *saved);

/* The first n points are the anchors; leaves raw_slots. */
void plan_device_forward(struct device *d, const struct compressor_device *c,
                         const struct compress_settings *s, struct plan_device_saved *saved);

/* draw_slots [S, H] -> dpoints [n + S + 1, H] is overwritten; its first n rows are the
 * gradient of the anchors. */
void plan_device_backward(struct device *d, const struct compressor_device *c,
                          const struct compress_settings *s, const struct plan_device_saved *saved,
                          const real *draw_slots, real *dpoints,
                          const struct compressor_params *grads);

#endif
