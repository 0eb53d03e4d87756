/* The warm start of a run: running text of its data, as the compressor's own
 * initialisation wants it. */
#ifndef ENGINE_TRAIN_WARM_H
#define ENGINE_TRAIN_WARM_H

#include "engine/compress/compressor.h"
#include "engine/data/stream.h"
#include "engine/model/model.h"
#include "engine/train/config.h"

/* Fits c to the first tokens of the text data. With config->warm_spread the frozen
 * model reads some thousands of them. ERR_USAGE without text. */
bool warm_start(struct compressor *c, struct model *model, const struct stream *stream,
                const struct train_config *config, struct rng *rng, struct err *err);

#endif
