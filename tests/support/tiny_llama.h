/* A small Llama with random weights, made in memory; for tests that need a model
 * and no file.
 *
 *     struct tiny_llama tiny;
 *     tiny_llama_init(&tiny, &tiny_llama_default, 1);
 *     llama_forward(&tiny.model, ...);
 *     tiny_llama_free(&tiny);
 */
#ifndef TESTS_SUPPORT_TINY_LLAMA_H
#define TESTS_SUPPORT_TINY_LLAMA_H

#include <stdbool.h>

#include "engine/model/model.h"

struct tiny_llama {
    struct model model; /* no tokenizer, no file */
    float *block;       /* the stored weights */
};

struct tiny_llama_options {
    struct llama_config config;
    bool biases;
};

/* 3 blocks, H 24, 4 heads of 10 (not H / heads) on 2 key/value heads, 50 tokens,
 * untied, with biases. */
extern const struct tiny_llama_options tiny_llama_default;

void tiny_llama_init(struct tiny_llama *tiny, const struct tiny_llama_options *options,
                     unsigned seed);
void tiny_llama_free(struct tiny_llama *tiny);

#endif
