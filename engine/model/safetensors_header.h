/* The header of a safetensors file: a JSON object of a fixed shape,
 *   {"__metadata__": {"key": "value", ...},
 *    "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 * read in one pass without a tree of values, so that a header of 100 MB costs little
 * more than its tensors, and every message can name the byte. */
#ifndef ENGINE_MODEL_SAFETENSORS_HEADER_H
#define ENGINE_MODEL_SAFETENSORS_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/safetensors.h"

/* A tensor with its place in the data, [begin, end), which fits its size. */
struct safetensors_span {
    struct tensor tensor; /* data is not set */
    size_t begin, end;
};

struct safetensors_header {
    struct safetensors_span *spans; /* in the order of the header */
    size_t count, capacity;
    struct safetensors_pair *pairs;
    size_t pair_count, pair_capacity;
};

/* Parses text; strings go to the arena. To be freed also on failure. */
bool safetensors_header_parse(struct safetensors_header *header, const char *text,
                              size_t length, struct arena *arena, struct err *err);
void safetensors_header_free(struct safetensors_header *header);

#endif
