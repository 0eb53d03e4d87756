/* What the parts of the Train screen share: screen_train.c (layout, log, headings),
 * screen_train_curve.c and screen_train_numbers.c. */
#ifndef VIEWS_SCREEN_TRAIN_H
#define VIEWS_SCREEN_TRAIN_H

#include <stddef.h>

#include "views/scene.h"
#include "views/training.h"

/* The last step that is known of, by a step or by a check. */
size_t train_last_step(const struct training *run);

double train_value_of(const struct training_step *step, enum train_value value);

/* "12 s", "40 min", "2.1 h", "-". */
void train_format_seconds(double seconds, char *out, size_t size);

void train_draw_curve(struct scene *scene, const struct training *run, struct rect area);
void train_draw_numbers(struct scene *scene, const struct training *run, struct rect area);

#endif
