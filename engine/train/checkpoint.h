/* Training checkpoints: everything that a run needs to go on bit by bit as if it
 * had not stopped. One safetensors file:
 *   parameters, moment1.NAME, moment2.NAME   F32, as the optimizer walks them
 *   average.NAME                             F32, when the run keeps a mean
 *   stream                                   I64, order and random state
 *   metadata: format, version, step, totals, best, config, data, sha256
 * sha256 covers names, shapes, all data and all other metadata. */
#ifndef ENGINE_TRAIN_CHECKPOINT_H
#define ENGINE_TRAIN_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/data/stream.h"
#include "engine/train/parameters.h"

/* 2: with a mean of the weights. A file has the least version that says what it holds. */
enum { CHECKPOINT_VERSION = 2 };

struct checkpoint_state {
    size_t step;      /* steps done */
    uint64_t samples, tokens;
    double seconds;   /* of training so far */
    size_t skipped;   /* steps left out because of non-finite values */
    double best;      /* best validation loss; infinite before the first */
    size_t best_step;
    char *config;     /* text of train_config_print; owned */
    char *data;       /* a line "sha256 bytes path" per data set; owned */
    char base_sha256[65]; /* embedding of the frozen model */
};
void checkpoint_state_free(struct checkpoint_state *state);

/* Refuses non-finite parameters and moments (ERR_NONFINITE, nothing is written). The
 * file is read back and compared before it counts. */
bool checkpoint_save(const char *path, const struct parameters *parameters,
                     const struct stream_state *stream, const struct checkpoint_state *state,
                     struct err *err);

/* Fills parameters (whose layout must match), stream and state. On failure
 * everything is as before. */
bool checkpoint_load(const char *path, struct parameters *parameters, struct stream_state *stream,
                     struct checkpoint_state *state, struct err *err);

/* Is the file a checkpoint, whole and undamaged? Needs no model; *err says what is
 * wrong. */
bool checkpoint_verify(const char *path, struct err *err);

/* Does path claim to be a checkpoint? Files that cannot be read do not. */
bool checkpoint_present(const char *path);

#endif
