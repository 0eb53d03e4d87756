/* The order in which samples are trained on: a mixture of phases over several data
 * sets, shuffled, resumable from a few numbers. */
#ifndef ENGINE_DATA_STREAM_H
#define ENGINE_DATA_STREAM_H

#include "engine/base/rng.h"
#include "engine/data/dataset.h"

enum { STREAM_DATASETS_MAX = 32, STREAM_SHAPES_MAX = 8 };

/* Everything that a checkpoint has to hold; plain data. */
struct stream_state {
    struct rng rng;
    uint64_t seed;
    uint64_t cursor[PHASES][STREAM_SHAPES_MAX][STREAM_DATASETS_MAX]; /* samples taken */
};

struct stream {
    struct dataset **datasets; /* borrowed */
    size_t n_datasets;
    const struct tokenizer *tokenizer;
    double mix[PHASES]; /* share of each phase in the samples */
    struct block_shape shapes[STREAM_SHAPES_MAX]; /* NTP and reconstruction; one a step */
    size_t n_shapes;
    struct block_shape sft_shape;
    size_t sft_group; /* most questions of one context that are drawn in a row; 0 or 1: one */
    struct stream_state state;
};

void stream_seed(struct stream *stream, uint64_t seed);

/* "ntp needs plain text, and none of the data has any" etc. */
bool stream_check(const struct stream *stream, struct err *err);

/* Draws n samples of one step: all NTP blocks of a step have the same shape. Questions of
 * one context stand beside each other, so that they can share its pass; of a group that
 * the step has no room for, the rest waits for the next epoch. */
void stream_draw(struct stream *stream, struct sample *samples, size_t n);

/* Samples of a phase and shape that one pass over the training part has. */
size_t stream_epoch(const struct stream *stream, enum phase phase, size_t shape);

/* How often the training part was gone through so far: of the phase that is furthest. */
double stream_passes(const struct stream *stream);

/* Held-out sample i of a phase, or false when there are fewer. */
bool stream_held_out(const struct stream *stream, enum phase phase, struct block_shape shape,
                     size_t i, struct sample *out);

#endif
