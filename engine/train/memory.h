/* What a run takes of memory, by adding up what it holds, so that one that does not fit is
 * refused before it begins. */
#ifndef ENGINE_TRAIN_MEMORY_H
#define ENGINE_TRAIN_MEMORY_H

#include "engine/train/trainer.h"

/* Bytes beside the model and the data: parameters, gradients, moments, and the most that
 * is held at once for a step, a validation or a checkpoint. */
size_t training_memory(const struct trainer *t);

/* Of these, what passes and updates take from the trainer's arena at most. */
size_t training_arena(const struct trainer *t);

/* Resident bytes of the whole process at its peak, as far as it can be known before the
 * first step. */
size_t training_peak(const struct trainer *t);

/* Is there memory for it? ERR_MEMORY says what is missing. */
bool training_fits(const struct trainer *t, struct err *err);

#endif
