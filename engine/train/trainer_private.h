/* What the parts of the trainer (steps, validation) share. */
#ifndef ENGINE_TRAIN_TRAINER_PRIVATE_H
#define ENGINE_TRAIN_TRAINER_PRIVATE_H

#include "engine/train/objective.h"
#include "engine/train/trainer.h"

/* Is a soft prompt trained, and no compressor? */
bool trainer_is_prompt(const struct train_config *config);

/* How samples are passed at a step; borrows from the trainer. */
struct objective trainer_objective(struct trainer *t, size_t step);

#endif
