/* The frozen weights: views into the mapped file, widened to `real` matrix by
 * matrix when first used, or on the fly where memory is short. The first use
 * writes the copy: one thread at a time uses a model (the loops inside are
 * parallel). Results do not depend on the number of threads. */
#ifndef ENGINE_MODEL_WEIGHTS_H
#define ENGINE_MODEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/model/config.h"
#include "engine/model/tensor.h"
#include "engine/ops/bmatmul.h"
#include "engine/ops/qmatmul.h"

/* How the forward pass multiplies. F32: widened weights, the reference. Q16: stored blocks
 * whose numbers can be kept (quant_pack.h) as they are, with activations of 15 bits
 * (qmatmul.h), other matrices as F32. MIXED: the same with 15 bits only for what stands out
 * and 8 elsewhere. Q8: all matrices in blocks, with activations of 8 bits.
 * BF16: weights and activations rounded to bfloat16 (bmatmul.h).
 * The backward pass of F32 and Q16 is that of F32. That of BF16 is in bfloat16; that of Q8 and
 * MIXED in blocks of 8 bits, gradients and weights, or in bfloat16, where the CPU has kernels
 * for these. */
enum precision {
    PRECISION_F32,
    PRECISION_Q16,
    PRECISION_Q8,
    PRECISION_BF16,
    PRECISION_MIXED,
    PRECISION_COUNT
};
const char *precision_name(enum precision precision); /* "f32", "q16", "q8", "bf16", "mixed" */

/* Is attention computed from bfloats (attention.h) when tokens are read? It loses less there than
 * these lose elsewhere: not F32 and Q16. */
bool precision_rounds_attention(enum precision precision);

/* How gradients go through a matrix to its input. */
enum gradient_products { GRADIENT_EXACT, GRADIENT_BFLOAT, GRADIENT_8, GRADIENT_KINDS };

/* A matrix [rows, cols]: y = x W^T has `rows` outputs. */
struct weight {
    struct tensor stored;
    size_t rows, cols;
    const real *dense; /* the matrix as reals, or NULL until needed */
    real *room;        /* where a widened copy goes; NULL: panels are widened per use */
    struct qmatrix packed; /* panels NULL: never packed */
    bool is_packed;        /* the panels are filled */
    struct bmatrix rounded, transposed; /* in bfloat16; panels NULL: never */
    struct qmatrix transposed_8;        /* in blocks of 8 bits; panels NULL: never */
    bool is_rounded, is_transposed, is_transposed_8; /* their panels are filled */
    enum precision precision; /* anything but F32: multiply with the panels */
    enum gradient_products gradient;
};

struct llama_layer {
    real *attention_norm, *ffn_norm; /* [H] */
    struct weight q, k, v, o, gate, up, down;
    real *q_bias, *k_bias, *v_bias, *o_bias, *gate_bias, *up_bias,
        *down_bias; /* or NULL */
};

struct llama_weights {
    struct weight embedding; /* [vocab, H]; never widened as a whole */
    struct weight output;    /* [vocab, H]; the same tensor when tied */
    real *output_norm;       /* [H] */
    real *rope_divisors;     /* [head_dim / 2] of rope_freqs.weight, or NULL */
    struct llama_layer *layers;
    real *block; /* room for all widened copies */
    uint8_t *packed; /* room for all packed matrices, once Q16 or Q8 was asked for */
    uint16_t *rounded; /* room for all matrices in bfloat16, once that was */
    uint8_t *transposed[GRADIENT_KINDS]; /* and for transposes, once a backward pass wants them */
};

/* Finds and checks every tensor ("token_embd.weight is [577,49152], expected
 * [576,49152]", "missing blk.7.attn_k.weight (and 3 more)"); vectors must be finite.
 * find: looks a name up in a file. memory: bytes that widened copies may take in all;
 * layers have them before the output matrix. On failure nothing is left to free. */
struct tensor_source {
    const struct tensor *(*find)(const void *file, const char *name);
    const void *file;
    const char *path;
};
bool llama_weights_from_gguf(struct llama_weights *weights,
                             const struct llama_config *config,
                             const struct tensor_source *source, size_t memory,
                             struct err *err);

/* prefix: what stands before "model.": "" or "lm.". With "lm.", a published checkpoint,
 * config->layers is raised to the blocks that are there, because its configuration states
 * only those that the compressor reads; and the embeddings are tied when lm_head is
 * absent. */
bool llama_weights_from_hf(struct llama_weights *weights, struct llama_config *config,
                           const struct tensor_source *source, const char *prefix,
                           size_t memory, struct err *err);
void llama_weights_free(struct llama_weights *weights, const struct llama_config *config);

/* Bytes of the copies that a forward and a backward pass have still to make. */
size_t llama_weights_pending(const struct llama_weights *weights,
                             const struct llama_config *config);

/* Bytes that all widened copies take. */
size_t llama_weights_bytes(const struct llama_config *config);

/* Chooses how weight_forward multiplies from now on; matrices are packed when they are first
 * used. Matrices whose columns are no multiple of 32, for BF16 of 2, stay in F32. ERR_MEMORY
 * leaves everything as it was. */
bool llama_weights_set_precision(struct llama_weights *weights,
                                 const struct llama_config *config,
                                 enum precision precision, struct err *err);

/* Are the gradients of any matrix rounded at this precision? */
bool llama_weights_round_gradients(struct llama_weights *weights,
                                   const struct llama_config *config);

/* Makes room for what weight_backward multiplies with at this precision. ERR_MEMORY leaves
 * everything as it was. */
bool llama_weights_reserve_backward(struct llama_weights *weights,
                                    const struct llama_config *config, struct err *err);

/* y[n, rows] = x[n, cols] W^T (+ bias [rows] when not NULL). */
void weight_forward(real *y, const real *x, struct weight *w, const real *bias, size_t n);

/* The same, or added to y, for several matrices with one x, which is quantised only once. */
struct weight_use {
    real *y;
    struct weight *w;
    const real *bias;
    bool add;
};
enum { WEIGHT_USES_MAX = 3 };
void weights_forward(const struct weight_use *uses, size_t count, const real *x, size_t n);

/* dx[n, cols] = dy[n, rows] W, or added to it; rounded only after
 * llama_weights_reserve_backward. */
void weight_backward(real *dx, const real *dy, struct weight *w, size_t n, bool add);

/* out[cols] = row `row`, for embeddings. */
void weight_row(real *out, const struct weight *w, size_t row);

#endif
