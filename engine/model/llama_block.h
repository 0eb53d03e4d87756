/* The two halves of a Llama block, on rows of tokens; what inference and training
 * share. Internal to llama*.c.
 *   middle = x + Wo attention(rope(Wq norm1(x)), rope(Wk norm1(x)), Wv norm1(x))
 *   out    = middle + Wdown (silu(Wgate norm2(middle)) * (Wup norm2(middle))) */
#ifndef ENGINE_MODEL_LLAMA_BLOCK_H
#define ENGINE_MODEL_LLAMA_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model/config.h"
#include "engine/model/llama.h"
#include "engine/model/weights.h"
#include "engine/ops/attention.h"
#include "engine/ops/rope.h"

/* Scratch for n rows, in one block of memory. Q = heads * head_dim,
 * K = kv_heads * head_dim, F = ffn, P = head_dim / 2, R = min(n, LLAMA_FFN_ROWS). */
struct llama_rows {
    size_t n;
    real *normed;        /* [n, H] */
    real *q, *attended;  /* [n, Q] */
    real *gate, *up;     /* [R, F] */
    real *cosine, *sine; /* [n, P] */
};

/* Reals that the scratch needs; points it into block (NULL: only counts). */
size_t llama_rows_layout(struct llama_rows *rows, const struct llama_config *config, size_t n,
                         real *block);

struct attention_shape llama_attention_shape(const struct llama_config *config);
enum rope_layout llama_rope_layout(const struct llama_config *config);

/* Fills cosine and sine for these positions. */
void llama_rows_turns(struct llama_rows *rows, const struct llama_config *config,
                      const struct llama_weights *weights, const int32_t *positions);

/* rows->q, k, v [n, K] of the attention, turned; rows->normed = norm1(x). */
void llama_block_project(struct llama_layer *layer, const struct llama_config *config,
                         struct llama_rows *rows, const real *x, real *k, real *v);

/* x += Wo rows->attended */
void llama_block_attended(struct llama_layer *layer, const struct llama_rows *rows, real *x);

/* x += feed-forward(x). gate, up [n, F]: both products are left there; or NULL. */
void llama_block_ffn(struct llama_layer *layer, const struct llama_config *config,
                     struct llama_rows *rows, real *x, real *gate, real *up);

/* x[i] += y[i]; x[i] = y[i] */
void llama_add(real *x, const real *y, size_t count);
void llama_copy(real *x, const real *y, size_t count);

#endif
