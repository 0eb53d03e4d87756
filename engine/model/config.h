/* The hyper-parameters of a frozen Llama-family model, from GGUF metadata or
 * from config.json. */
#ifndef ENGINE_MODEL_CONFIG_H
#define ENGINE_MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/gguf.h"

enum rope_scaling { ROPE_SCALING_NONE, ROPE_SCALING_LINEAR, ROPE_SCALING_LLAMA3 };

struct llama_config {
    char architecture[32]; /* "llama", ... */
    char name[96];         /* for people, sanitised */
    size_t hidden;         /* H */
    size_t layers;         /* L */
    size_t heads, kv_heads, head_dim;
    size_t ffn;
    size_t vocab;
    size_t positions; /* longest sequence it was trained for */
    double rms_eps;
    double rope_theta;
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low_freq, rope_high_freq;
    size_t rope_original_positions;
    bool rope_interleaved; /* rotary pairs are neighbours (GGUF), else halves */
    bool qkv_bias;         /* q, k and v must have biases */
    bool tied_embeddings;
};

/* Every value is checked ("key K: value V not valid for llama"). In GGUF the vocabulary
 * is the token list, else the rows of token_embd.weight. */
bool llama_config_from_gguf(struct llama_config *config, const struct gguf *gguf,
                            struct err *err);
bool llama_config_from_json(struct llama_config *config, const json_t *json,
                            const char *path, struct err *err);

#endif
