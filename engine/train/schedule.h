/* Learning rate by step: a linear rise over the warm-up, then linear, cosine or
 * no decay (METHOD section 6). */
#ifndef ENGINE_TRAIN_SCHEDULE_H
#define ENGINE_TRAIN_SCHEDULE_H

#include <stddef.h>

enum schedule_kind { SCHEDULE_LINEAR, SCHEDULE_COSINE, SCHEDULE_CONSTANT };

/* ceil(share * steps). */
size_t schedule_warmup_steps(double share, size_t steps);

/* Step s = 0, 1, ...: peak * s / warmup while s < warmup (so the first rate is 0),
 * then peak * (steps - s) / (steps - warmup) when linear. */
double schedule_rate(enum schedule_kind kind, double peak, size_t warmup, size_t steps, size_t s);

#endif
