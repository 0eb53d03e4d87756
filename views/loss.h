/* The loss map in numbers and words (UX.md section 4). */
#ifndef VIEWS_LOSS_H
#define VIEWS_LOSS_H

#include <stddef.h>

#include "engine/snapshot.h"
#include "views/view_state.h"

/* nats(compressed) - nats(full) of a token; NaN where it is not known. */
double loss_of_compression(const struct snapshot *snapshot, size_t token);

/* The same within the range that is selected, NaN outside. */
double loss_shown(const struct snapshot *snapshot, const struct view_state *view, size_t token);

/* The difference that the strongest colour stands for: the largest on either side but
 * for the highest hundredth, more than 0. */
double loss_scale(const struct snapshot *snapshot, const struct view_state *view);

/* "loss +0.35 nats · ", or how to get it. */
void loss_heading(const struct snapshot *snapshot, const struct view_state *view, char *out,
                  size_t size);

/* "costliest: coal +3.1, ...": five words, or as many as `room` columns hold, mean of their
 * tokens; "" when unknown. */
void loss_costliest(const struct snapshot *snapshot, const struct view_state *view, int room,
                    char *out, size_t size);

#endif
