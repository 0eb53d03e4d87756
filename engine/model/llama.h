/* Forward pass of the frozen model, with taps on every hidden state, a KV cache,
 * and input either as token ids or as embeddings (slots); backward to the input
 * embeddings. Notation: H hidden, L blocks, M = L + 1. METHOD section 0:
 * hidden[l] is the residual stream after block l, hidden[0] the embedding, and
 * the last one is taken after the final RMSNorm. */
#ifndef ENGINE_MODEL_LLAMA_H
#define ENGINE_MODEL_LLAMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/progress.h"
#include "engine/model/kv_cache.h"
#include "engine/model/model.h"
#include "engine/ops/attention.h"

struct llama_input {
    size_t n;                 /* tokens in this call */
    const int32_t *ids;       /* [n], or NULL: */
    const real *embeddings;   /* [n, H] */
    const int32_t *positions; /* [n], or NULL: cache->used, +1, ... */
};

/* What to keep; NULL members are not computed. */
struct llama_output {
    real *hidden;        /* [M, n, H], M = blocks + 1 */
    size_t hidden_stride; /* tokens between two layers in hidden; 0 = n */
    real *logits;        /* [n_logits, vocab] */
    size_t first_logit;  /* logits for input tokens first_logit .. n-1 */
    real *attention;     /* [n, cache->used after the call]: mean over layers and
                            heads of each token's attention */
};

#define LLAMA_ALL SIZE_MAX

/* Runs the first `blocks` blocks, 0 of them too and all for LLAMA_ALL, on n tokens that
 * follow what the cache holds (cache NULL: a sequence of its own). Every token sees all
 * tokens before it; positions only turn queries and keys, and may have gaps. ERR_INPUT when an id
 * is outside the vocabulary, a position is negative or the sequence is longer than
 * the cache; ERR_CANCELLED from progress, which is called between blocks; after any
 * failure the cache is as before. */
bool llama_forward(struct model *model, struct kv_cache *cache, size_t blocks,
                   const struct llama_input *input, const struct llama_output *output,
                   const struct progress *progress, struct err *err);

/* out[n, H] = embedding rows. */
bool llama_embed(const struct model *model, const int32_t *ids, size_t n, real *out,
                 struct err *err);

/* Training: several sequences packed one behind the other, independent, or several that
 * go on from a common beginning. */
struct llama_batch {
    size_t n;
    struct attention_pack pack;
    const real *embeddings;   /* [n, H] */
    const int32_t *positions; /* [n] */
    size_t keep_bytes;        /* may be spent on activations for a backward pass */
    const bool *wanted;       /* [n] whose final states something is predicted from; NULL: all */
};

/* Feed-forward rows at a time: the widest activations are never whole. */
enum { LLAMA_FFN_ROWS = 512 };

/* A good keep_bytes when a backward pass follows: a quarter less arithmetic. */
#define LLAMA_KEEP_BYTES ((size_t)1 << 30)

/* Bytes of activations that a tape of n tokens keeps within `limit`. */
size_t llama_tape_kept_bytes(const struct llama_config *config, size_t n, size_t limit);

/* A forward pass that keeps the input of every block, the activations of the last
 * blocks as far as batch->keep_bytes go (the backward pass computes the others
 * again), and the final hidden states after the last norm, [n, H]; rows that are not
 * wanted are zeros and stop after the last block's attention. All memory is in the arena.
 * The result does not depend on keep_bytes. */
struct llama_tape {
    struct llama_batch batch;
    real *inputs; /* [L, n, H] */
    size_t *rows; /* [n_rows] that are wanted, in their order; private */
    size_t n_rows;
    real *last;   /* [n_rows, H] before the final norm */
    real *final;  /* [n, H] after it */
    struct llama_saved *saved; /* [L], private */
};
bool llama_tape_forward(struct model *model, const struct llama_batch *batch,
                        struct llama_tape *tape, struct arena *arena,
                        const struct progress *progress, struct err *err);

/* Given d(loss)/d(final) [n, H], of which only wanted rows are read, adds
 * d(loss)/d(embeddings) to dembeddings [n, H]. */
bool llama_tape_backward(struct model *model, const struct llama_tape *tape, const real *dfinal,
                         real *dembeddings, struct arena *arena, const struct progress *progress,
                         struct err *err);

/* Knowledge distillation: `weight` times KL(teacher || model) is added to the loss
 * of every label. final [count, H]: the teacher's final hidden states that predict
 * the labels, in their order; the teacher is the same frozen model. */
struct llama_teacher {
    const real *final;
    double weight;
    double kl_sum; /* out: sum over labels, without the weight */
};

/* Sum of cross-entropies of `count` rows of final hidden states [*, H] against
 * labels, in panels so that the logits are never all in memory. rows[i] is the
 * row that predicts labels[i]; nll [count] may be NULL; dfinal (NULL: not wanted)
 * has scale * gradient added to its rows; teacher may be NULL. The result is the
 * cross-entropy alone. */
double llama_cross_entropy(struct model *model, const real *final, const size_t *rows,
                           const int32_t *labels, size_t count, double scale, real *nll,
                           real *dfinal, struct llama_teacher *teacher, struct arena *arena);

#endif
