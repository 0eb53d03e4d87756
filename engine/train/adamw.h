/* AdamW with bias correction and decoupled weight decay (Loshchilov and Hutter),
 * and the gradient clipping that goes with it. */
#ifndef ENGINE_TRAIN_ADAMW_H
#define ENGINE_TRAIN_ADAMW_H

#include <stddef.h>

#include "engine/ops/real.h"

struct adamw {
    double lr, beta1, beta2, eps, weight_decay;
};

/* Update number `step` = 1, 2, ... of `count` values w with moments m and v;
 * gradients are multiplied by grad_scale first. */
void adamw_step(const struct adamw *a, real *w, real *m, real *v, const real *gradient,
                size_t count, double grad_scale, size_t step);

/* min(1, clip / (norm + 1e-6)). */
double adamw_clip_factor(double norm, double clip);

#endif
