/* A training run out of plain arithmetic, for golden screens and figures. */
#ifndef TESTS_SUPPORT_SAMPLE_TRAINING_H
#define TESTS_SUPPORT_SAMPLE_TRAINING_H

#include "views/training.h"

/* 412 of 600 steps, a check every 50, five looks at a probe. To be freed with
 * training_free. */
void sample_training(struct training *t);

#endif
