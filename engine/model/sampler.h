/* Choice of the next token from logits. */
#ifndef ENGINE_MODEL_SAMPLER_H
#define ENGINE_MODEL_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/rng.h"
#include "engine/ops/real.h"

struct sampler {
    double temperature; /* 0 = greedy (the lowest id among equals) */
    size_t top_k;       /* 0 = off */
    double top_p;       /* 1 = off */
    struct rng rng;
};

int32_t sampler_pick(struct sampler *sampler, const real *logits, size_t vocab);

#endif
