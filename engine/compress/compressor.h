/* ComprExIT: from frozen hidden states to slots (METHOD sections 1 to 3), and
 * back. Never sees a model: it takes `const real *hidden` and shapes.
 *
 * Notation, used throughout engine/compress:
 *   T tokens of one segment   M hidden states a token (L + 1)   H hidden size
 *   D gate width              E metric width (256 when published)
 *   W window length           r ratio          K = ceil(W / r) slots a window
 *   nW windows = ceil(T / W)  S valid slots of the segment
 * Gradients are `d` + name and are added to, never overwritten. */
#ifndef ENGINE_COMPRESS_COMPRESSOR_H
#define ENGINE_COMPRESS_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/progress.h"
#include "engine/base/rng.h"
#include "engine/ops/real.h"

struct compressor_shape {
    size_t M, H, D, E;
    size_t depth; /* linear layers of the projector, 1 or more; 2 when published */
};

/* The one list of parameters: member, published name, rows, columns (0 = a
 * vector), initialisation (see compressor_init). The projector's layers follow it,
 * as projector.mlp.{0,2,4..}.{weight,bias}. */
#define COMPRESSOR_PARAMS(X)                                                                   \
    X(query_fusion, "pooling_layer.query_fusion_weights", M, 0, ZERO)                          \
    X(layer_embedding, "pooling_layer.layer_fusion_layer_embeddings", M, D, NORMAL)            \
    X(wq, "pooling_layer.layer_fusion_q_prj.weight", D, H, LINEAR)                             \
    X(bq, "pooling_layer.layer_fusion_q_prj.bias", D, 0, LINEAR_BIAS)                          \
    X(wk, "pooling_layer.layer_fusion_k_prj.weight", D, H, LINEAR)                             \
    X(bk, "pooling_layer.layer_fusion_k_prj.bias", D, 0, LINEAR_BIAS)                          \
    X(wv, "pooling_layer.layer_fusion_v_prj.weight", H, H, LINEAR)                             \
    X(bv, "pooling_layer.layer_fusion_v_prj.bias", H, 0, LINEAR_BIAS)                          \
    X(metric_ln_w, "pooling_layer.metric_ln.weight", H, 0, ONE)                                \
    X(metric_ln_b, "pooling_layer.metric_ln.bias", H, 0, ZERO)                                 \
    X(wc, "pooling_layer.metric_prj.weight", E, H, LINEAR)                                     \
    X(bc, "pooling_layer.metric_prj.bias", E, 0, LINEAR_BIAS)                                  \
    X(value_ln_w, "pooling_layer.value_ln.weight", H, 0, ONE)                                  \
    X(value_ln_b, "pooling_layer.value_ln.bias", H, 0, ZERO)                                   \
    X(wu, "pooling_layer.value_prj.weight", H, H, LINEAR)                                      \
    X(bu, "pooling_layer.value_prj.bias", H, 0, LINEAR_BIAS)                                   \
    X(mass_ln_w, "pooling_layer.source_mass.ln.weight", H, 0, ONE)                             \
    X(mass_ln_b, "pooling_layer.source_mass.ln.bias", H, 0, ZERO)                              \
    X(wm, "pooling_layer.source_mass.mass_prj.weight", 1, H, ZERO)                             \
    X(bm, "pooling_layer.source_mass.mass_prj.bias", 1, 0, ZERO)

enum { COMPRESSOR_DEPTH_MAX = 8 };
#define COMPRESSOR_MEMBER(member, name, rows, cols, init) real *member;

/* Views into one block: parameters, or gradients of the same layout. */
struct compressor_params {
    COMPRESSOR_PARAMS(COMPRESSOR_MEMBER)
    real *projector_w[COMPRESSOR_DEPTH_MAX]; /* [H, H] each */
    real *projector_b[COMPRESSOR_DEPTH_MAX]; /* [H] */
};
#undef COMPRESSOR_MEMBER

/* A parameter tensor as the optimizer, the checkpoint and the tests walk them. */
struct compressor_tensor {
    const char *name; /* published name; owned by the compressor */
    size_t rows, cols; /* cols 0: a vector of `rows` */
    size_t offset, count; /* in the block */
};

struct compressor {
    struct compressor_shape shape;
    struct compressor_params params;
    real *block; /* owned */
    size_t count; /* reals in the block */
    struct compressor_tensor *tensors;
    size_t n_tensors;
};

/* All parameters zero. ERR_INPUT when a dimension is 0 or too large. */
bool compressor_init(struct compressor *c, const struct compressor_shape *shape, struct err *err);
void compressor_free(struct compressor *c);

/* Points `params` into another block of the same layout (gradients, moments). */
void compressor_view(const struct compressor *c, real *block, struct compressor_params *params);

/* The published initialisation: torch's default for linear layers, N(0, 0.02)
 * layer embeddings, Xavier-uniform with gain 0.4 for the projector. */
void compressor_init_published(struct compressor *c, struct rng *rng);

/* Our warm start: a slot begins as an average of token embeddings, and the
 * metric as a whitened random projection of them. With a spread, the gate begins
 * with that share of its weight on the layers above the embedding, and Wv as the
 * linear map that best brings the mixture back to the embedding: such a gate is not
 * saturated, so that it learns, and deep states do not drown the embedding. */
struct warm_start {
    const real *embeddings; /* [n, H]: rows of the model's embedding matrix for running text */
    const real *mixture;    /* [n, H]: its hidden states mixed by compressor_warm_weights; not
                               read without a spread */
    size_t n;               /* > 0; several times H with a spread */
    double gate;            /* without a spread: preference G for the embedding layer (12) */
    double spread;          /* share of the layers above the embedding, 0 to 1 */
};

/* weights [M], sum 1: 1 - spread for the embedding, the rest falls from layer to layer. */
void compressor_warm_weights(double spread, size_t M, double *weights);

void compressor_init_warm(struct compressor *c, const struct warm_start *start, struct rng *rng);

enum align { ALIGN_TAIL, ALIGN_HEAD };

/* What can be taken out of the method to see what it gives (METHOD section 9). */
enum compress_ablation {
    ABLATE_DEPTH = 1, /* anchors from the last hidden state alone: the gate is shut */
    ABLATE_PLAN = 2,  /* a slot is the mean of its home span: no transport plan */
    ABLATE_MASS = 4,  /* uniform sender mass */
    ABLATE_ORDER = 8  /* home spans of a random order of the window's tokens (order_seed) */
};

/* What a person changes by hand in a forward pass, to see what depends on it. There is
 * no derivative of edits: training has none. */
struct compress_edits {
    const real *mass;      /* [T] factors of the sender mass, or NULL; a window is renormalised */
    const bool *layer_off; /* [M] layers that no gate takes from, or NULL */
    const bool *slot_off;  /* [S] slots that receive nothing, or NULL; the others of the window
                              share its mass evenly */
};

/* No parameter depends on these: they may change at any time. */
struct compress_settings {
    size_t window;  /* W */
    double ratio;   /* r; K = ceil(W / r) */
    double eps;     /* Sinkhorn's regularisation */
    unsigned iters; /* Sinkhorn's iterations */
    enum align align;
    double gate_tau;     /* 0.7 */
    double source_tau;   /* 1.0 */
    double lambda_floor; /* 0.05 */
    unsigned ablations;  /* of enum compress_ablation; 0 = the method as published */
    unsigned order_seed; /* of the order that ABLATE_ORDER makes */
    const struct compress_edits *edits; /* borrowed; NULL: none */
};
extern const struct compress_settings compress_settings_default;

/* "ratio 0 is not in 1..8192" etc. */
bool compress_settings_check(const struct compress_settings *s, struct err *err);
size_t compress_slots_per_window(const struct compress_settings *s); /* K */

/* Section 1. hidden [M, T, H] with `stride` tokens from layer to layer (T when
 * dense). alpha [T, M] gate weights, mixed [T, H] = sum_l alpha h (may be NULL),
 * anchors [T, H]. Tokens do not depend on each other, so a segment may come in
 * pieces. What is taken from scratch is given back. */
void gate_forward(const struct compressor *c, const struct compress_settings *s,
                  const real *hidden, size_t stride, size_t T, real *alpha, real *mixed,
                  real *anchors, struct arena *scratch);

/* One window. Positions 0..W-1; the valid tokens are the `tokens` positions from
 * `pad` on. Everything of invalid tokens and slots is left out here: rows are
 * valid tokens, columns valid slots. */
struct window_plan {
    size_t first;         /* its first valid token in the segment */
    size_t tokens, slots; /* valid: n rows, k columns */
    size_t pad;           /* positions before the first valid token (tail) */
    size_t W, K;
    size_t first_slot;    /* index of its first slot in its own K (tail: > 0) */
    size_t *span;         /* [k + 1]: home span of slot j = tokens span[j]..span[j+1] */
    real *mass;           /* a [n] */
    real capacity;        /* b, the same for all valid slots that are not off */
    const bool *off;      /* NULL, or [k]: slots that receive nothing (edits) */
    real *cost;           /* C [n, k] */
    real *plan;           /* P [n, k] */
    const size_t *order;  /* NULL, or [n]: the tokens that home spans count (ABLATE_ORDER) */
    real *f, *g;          /* potentials of every iteration: [iters + 1, n], [iters + 1, k] */
    unsigned iters; /* index of the last row of f, g and the errors: 0 without history */
    real *row_error, *column_error; /* [iters + 1]: sum |sent - a|, sum |received - b| */
    real *raw_slots;      /* z [k, H] */
};

/* Section 2 for all windows of a segment. anchors [T, H]. The windows, in order,
 * with all their arrays in the arena; keep_history: f, g and the errors of every
 * iteration (row 0: before the first), else only of the last, as row 0. Whether
 * the plan has converged is for the caller to judge by row_error; numbers that
 * are not finite are an error. */
struct segment_plan {
    size_t windows;
    struct window_plan *window; /* [windows] */
    size_t slots;               /* S */
    real *raw_slots;            /* [S, H], the windows' z one behind the other */
};
bool plan_forward(const struct compressor *c, const struct compress_settings *s,
                  const real *anchors, size_t T, bool keep_history, struct segment_plan *out,
                  struct arena *arena, const struct progress *progress, struct err *err);

/* P at an earlier iteration from the kept potentials, into plan [n, k]; iteration
 * <= w->iters. Iteration 0 of a history is exp(-C/eps) scaled to total mass 1. */
void window_plan_at(const struct window_plan *w, double eps, unsigned iteration, real *plan);

/* Section 3: slots [S, H] = projector(raw_slots [S, H]). */
void projector_forward(const struct compressor *c, const real *raw_slots, size_t S, real *slots,
                       struct arena *scratch);

/* All three at once, keeping what the backward pass needs. */
struct compress_tape {
    struct compress_settings settings;
    const real *hidden; /* borrowed */
    size_t stride, T;
    real *alpha, *mixed, *anchors; /* [T, M], [T, H], [T, H] */
    struct segment_plan plan;
    real *slots; /* [S, H] */
    void *saved; /* private */
};
bool compressor_forward(const struct compressor *c, const struct compress_settings *s,
                        const real *hidden, size_t stride, size_t T, struct compress_tape *tape,
                        struct arena *arena, const struct progress *progress, struct err *err);

/* dslots [S, H] -> adds to every gradient of `grads`. */
void compressor_backward(const struct compressor *c, const struct compress_tape *tape,
                         const real *dslots, const struct compressor_params *grads,
                         struct arena *scratch);

#endif
