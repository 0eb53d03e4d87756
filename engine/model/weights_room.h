/* Between finding the weights and giving room to the forms that products want them in. */
#ifndef ENGINE_MODEL_WEIGHTS_ROOM_H
#define ENGINE_MODEL_WEIGHTS_ROOM_H

#include "engine/model/weights.h"

/* Matrix i in the order in which they are given room: layer by layer, last the output. NULL
 * behind it. */
struct weight *weights_matrix_at(struct llama_weights *weights, const struct llama_config *config,
                                 size_t i);

/* One block for all widened copies that fit into `memory` bytes: its pages are the system's until
 * a copy is written. Without the block there are no copies. */
void weights_reserve_copies(struct llama_weights *weights, const struct llama_config *config,
                            size_t memory);

#endif
