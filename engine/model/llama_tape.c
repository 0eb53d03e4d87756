/* Training: the forward pass that keeps what each block started from, and the
 * backward pass to the input embeddings. No weight has a gradient. */
#include "engine/model/llama.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/model/llama_block.h"
#include "engine/ops/attention.h"
#include "engine/ops/norm.h"
#include "engine/ops/swiglu.h"

/* Backward passes hold more wide arrays than forward ones: rows at a time. */
enum { BACKWARD_ROWS = LLAMA_FFN_ROWS };

/* What the backward pass needs of a block besides its input. */
struct llama_saved {
    real *q, *k, *v; /* [n, Q], [n, K], turned; NULL: computed again */
    /* Of a block that narrows, wanted rows alone: */
    real *middle;    /* [n, H] between the two halves */
    real *gate, *up; /* [n, F]; NULL: computed again, panel by panel */
};

/* Scratch of the attention half. Sizes as in llama_rows. */
struct attention_work {
    struct llama_rows rows;
    struct llama_saved again;       /* of a block that was not kept */
    bool rounds;                    /* multiplies in bfloat16 */
    real *rstd;                     /* [n] */
    real *dq, *dattended, *dk, *dv; /* backward only */
    real *dnormed;                  /* [n, H] */
};

/* Scratch of the feed-forward half, [R, H] and [R, F]. */
struct ffn_work {
    real *normed, *dnormed, *rstd;
    real *gate, *up, *dgate, *dup, *dact;
};

static size_t saved_reals(const struct llama_config *config, size_t n)
{
    size_t Q = config->heads * config->head_dim, K = config->kv_heads * config->head_dim;
    return n * (Q + 2 * K + config->hidden + 2 * config->ffn);
}

/* How many blocks' activations fit. */
static size_t blocks_kept(const struct llama_config *config, size_t n, size_t limit)
{
    return size_min(config->layers, limit / (saved_reals(config, n) * sizeof(real)));
}

size_t llama_tape_kept_bytes(const struct llama_config *config, size_t n, size_t limit)
{
    return n ? blocks_kept(config, n, limit) * saved_reals(config, n) * sizeof(real) : 0;
}

/* For n rows, of which `behind` go on behind the attention. */
static struct llama_saved saved_take(const struct llama_config *config, size_t n, size_t behind,
                                     bool ffn, struct arena *arena)
{
    size_t Q = config->heads * config->head_dim, K = config->kv_heads * config->head_dim;
    return (struct llama_saved){
        .q = arena_raw(arena, real, n * Q),
        .k = arena_raw(arena, real, n * K),
        .v = arena_raw(arena, real, n * K),
        .middle = arena_raw(arena, real, behind * config->hidden),
        .gate = ffn ? arena_raw(arena, real, behind * config->ffn) : NULL,
        .up = ffn ? arena_raw(arena, real, behind * config->ffn) : NULL,
    };
}

static void attention_work_init(struct attention_work *work, struct model *model,
                                const struct llama_batch *batch, bool all_kept, bool backward,
                                struct arena *arena)
{
    const struct llama_config *config = &model->config;
    size_t n = batch->n, H = config->hidden;
    size_t Q = config->heads * config->head_dim, K = config->kv_heads * config->head_dim;
    *work = (struct attention_work){0};
    size_t scratch = llama_rows_layout(&work->rows, config, n, NULL);
    llama_rows_layout(&work->rows, config, n, arena_raw(arena, real, scratch));
    llama_rows_turns(&work->rows, config, &model->weights, batch->positions);
    work->rounds = llama_weights_round_gradients(&model->weights, config);
    if (!all_kept)
        work->again = saved_take(config, n, n, false, arena);
    work->rstd = arena_raw(arena, real, n);
    if (!backward)
        return;
    work->dq = arena_raw(arena, real, n * Q);
    work->dattended = arena_raw(arena, real, n * Q);
    work->dk = arena_raw(arena, real, n * K);
    work->dv = arena_raw(arena, real, n * K);
    work->dnormed = arena_raw(arena, real, n * H);
}

/* The scratch of the forward pass's feed-forward serves this one's. */
static void ffn_work_init(struct ffn_work *work, const struct llama_config *config,
                          const struct llama_rows *forward, size_t n, struct arena *arena)
{
    size_t rows = size_min(n, BACKWARD_ROWS), H = config->hidden, F = config->ffn;
    work->normed = arena_raw(arena, real, rows * H);
    work->dnormed = arena_raw(arena, real, rows * H);
    work->rstd = arena_raw(arena, real, rows);
    work->gate = forward->gate;
    work->up = forward->up;
    work->dgate = arena_raw(arena, real, rows * F);
    work->dup = arena_raw(arena, real, rows * F);
    work->dact = arena_raw(arena, real, rows * F);
}

/* Wanted rows of x [n, width] become its first ones. */
static void gather_rows(real *x, const struct llama_tape *tape, size_t width)
{
    for (size_t i = 0; i < tape->n_rows; i++)
        memmove(x + i * width, x + tape->rows[i] * width, width * sizeof *x);
}

/* And go back to their places, with zeros between them. */
static void spread_rows(real *x, const struct llama_tape *tape, size_t width)
{
    size_t end = tape->batch.n;
    for (size_t i = tape->n_rows; i-- > 0;) {
        size_t row = tape->rows[i];
        memmove(x + row * width, x + i * width, width * sizeof *x);
        memset(x + (row + 1) * width, 0, (end - row - 1) * width * sizeof *x);
        end = row;
    }
    memset(x, 0, end * width * sizeof *x);
}

/* Does block l have rows that nobody sees behind its attention? Then the wanted ones alone
 * go on. */
static bool narrows(const struct llama_tape *tape, const struct llama_config *config, size_t l)
{
    return l + 1 == config->layers && tape->n_rows < tape->batch.n;
}

static size_t rows_behind(const struct llama_tape *tape, const struct llama_config *config,
                          size_t l)
{
    return narrows(tape, config, l) ? tape->n_rows : tape->batch.n;
}

/* x += attention(x) for all sequences; fills q, k, v and middle. Only wanted rows of x are
 * left, and as many in work->rows, where block l narrows. */
static void attention_half(struct model *model, size_t l, const struct llama_tape *tape,
                           struct attention_work *work, const struct llama_saved *saved, real *x)
{
    const struct llama_config *config = &model->config;
    const struct attention_shape shape = llama_attention_shape(config);
    struct llama_layer *layer = &model->weights.layers[l];
    work->rows.q = saved->q;
    llama_block_project(layer, config, &work->rows, x, saved->k, saved->v);
    attention_packed_forward(work->rows.attended, saved->q, saved->k, saved->v, &tape->batch.pack,
                             &shape, work->rounds);
    if (narrows(tape, config, l)) {
        gather_rows(x, tape, config->hidden);
        gather_rows(work->rows.attended, tape, config->heads * config->head_dim);
        work->rows.n = tape->n_rows;
    }
    llama_block_attended(layer, &work->rows, x);
    if (saved->middle != x)
        llama_copy(saved->middle, x, work->rows.n * config->hidden);
}

static void tape_init(struct llama_tape *tape, const struct llama_config *config,
                      const struct llama_batch *batch, struct arena *arena)
{
    size_t L = config->layers, n = batch->n, count = n * config->hidden;
    *tape = (struct llama_tape){.batch = *batch};
    tape->inputs = arena_raw(arena, real, L * count);
    tape->last = arena_raw(arena, real, count);
    tape->final = arena_raw(arena, real, count);
    tape->saved = arena_array(arena, struct llama_saved, L);
    tape->rows = arena_raw(arena, size_t, n);
    for (size_t i = 0; i < n; i++)
        if (!batch->wanted || batch->wanted[i])
            tape->rows[tape->n_rows++] = i;
    size_t kept = n ? blocks_kept(config, n, batch->keep_bytes) : 0;
    for (size_t l = L - kept; l < L; l++)
        tape->saved[l] = saved_take(config, n, rows_behind(tape, config, l), true, arena);
}

/* The last blocks are kept, so all are if the first is. */
static bool tape_keeps_all(const struct llama_tape *tape)
{
    return tape->saved[0].q != NULL;
}

bool llama_tape_forward(struct model *model, const struct llama_batch *batch,
                        struct llama_tape *tape, struct arena *arena,
                        const struct progress *progress, struct err *err)
{
    const struct llama_config *config = &model->config;
    size_t L = config->layers, count = batch->n * config->hidden;
    if (!llama_weights_reserve_backward(&model->weights, config, err))
        return false;
    tape_init(tape, config, batch, arena);
    struct arena_mark mark = arena_mark(arena);
    struct attention_work work;
    attention_work_init(&work, model, batch, tape_keeps_all(tape), false, arena);
    memcpy(tape->last, batch->embeddings, count * sizeof *tape->last);
    bool going = true;
    for (size_t l = 0; l < L && going; l++) {
        const struct llama_saved *saved = tape->saved[l].q ? &tape->saved[l] : &work.again;
        llama_copy(tape->inputs + l * count, tape->last, count);
        attention_half(model, l, tape, &work, saved, tape->last);
        llama_block_ffn(&model->weights.layers[l], config, &work.rows, tape->last, saved->gate,
                        saved->up);
        going = progress_tick(progress, "layers", l + 1, L, err);
    }
    rmsnorm_forward(tape->final, NULL, tape->last, model->weights.output_norm,
                    (real)config->rms_eps, tape->n_rows, config->hidden);
    spread_rows(tape->final, tape, config->hidden);
    arena_release(arena, mark);
    return going;
}

/* dx: gradient to the block's output, becomes that to `middle`. n <= BACKWARD_ROWS;
 * gate, up: of these rows, or NULL. */
static void ffn_panel_backward(struct llama_layer *layer, const struct llama_config *config,
                               struct ffn_work *work, const real *middle, const real *gate,
                               const real *up, real *dx, size_t n)
{
    size_t H = config->hidden, F = config->ffn;
    rmsnorm_forward(work->normed, work->rstd, middle, layer->ffn_norm, (real)config->rms_eps, n, H);
    if (!gate) {
        const struct weight_use uses[] = {{work->gate, &layer->gate, layer->gate_bias, false},
                                          {work->up, &layer->up, layer->up_bias, false}};
        weights_forward(uses, 2, work->normed, n);
        gate = work->gate;
        up = work->up;
    }
    weight_backward(work->dact, dx, &layer->down, n, false);
    swiglu_backward(work->dgate, work->dup, work->dact, gate, up, n * F);
    weight_backward(work->dnormed, work->dgate, &layer->gate, n, false);
    weight_backward(work->dnormed, work->dup, &layer->up, n, true);
    rmsnorm_backward(dx, NULL, work->dnormed, middle, layer->ffn_norm, work->rstd, n, H);
}

static void ffn_backward(struct llama_layer *layer, const struct llama_config *config,
                         struct ffn_work *work, const struct llama_saved *saved, real *dx, size_t n)
{
    size_t H = config->hidden, F = config->ffn;
    for (size_t first = 0; first < n; first += BACKWARD_ROWS)
        ffn_panel_backward(layer, config, work, saved->middle + first * H,
                           saved->gate ? saved->gate + first * F : NULL,
                           saved->up ? saved->up + first * F : NULL, dx + first * H,
                           size_min(BACKWARD_ROWS, n - first));
}

/* dx: gradient to `middle`, becomes that to the block's input x. */
static void attention_half_backward(struct model *model, size_t l, const struct llama_tape *tape,
                                    struct attention_work *work, const struct llama_saved *saved,
                                    const real *x, real *dx)
{
    const struct llama_batch *batch = &tape->batch;
    const struct llama_config *config = &model->config;
    const struct attention_shape shape = llama_attention_shape(config);
    enum rope_layout layout = llama_rope_layout(config);
    struct llama_layer *layer = &model->weights.layers[l];
    struct llama_rows *rows = &work->rows;
    size_t n = batch->n, H = config->hidden, pairs = config->head_dim / 2;
    size_t q_bytes = n * config->heads * config->head_dim * sizeof(real);
    size_t k_bytes = n * config->kv_heads * config->head_dim * sizeof(real);
    memset(work->dq, 0, q_bytes);
    memset(work->dk, 0, k_bytes);
    memset(work->dv, 0, k_bytes);
    weight_backward(work->dattended, dx, &layer->o, rows_behind(tape, config, l), false);
    if (narrows(tape, config, l)) {
        spread_rows(work->dattended, tape, config->heads * config->head_dim);
        spread_rows(dx, tape, H);
    }
    attention_packed_backward(work->dq, work->dk, work->dv, work->dattended, saved->q, saved->k,
                              saved->v, &batch->pack, &shape, work->rounds);
    rope_backward(work->dq, rows->cosine, rows->sine, layout, n, config->heads, pairs);
    rope_backward(work->dk, rows->cosine, rows->sine, layout, n, config->kv_heads, pairs);
    weight_backward(work->dnormed, work->dq, &layer->q, n, false);
    weight_backward(work->dnormed, work->dk, &layer->k, n, true);
    weight_backward(work->dnormed, work->dv, &layer->v, n, true);
    rmsnorm_forward(rows->normed, work->rstd, x, layer->attention_norm, (real)config->rms_eps, n,
                    H);
    rmsnorm_backward(dx, NULL, work->dnormed, x, layer->attention_norm, work->rstd, n, H);
}

/* dx: gradient to the output of block l, becomes that to its input. */
static void block_backward(struct model *model, size_t l, const struct llama_tape *tape,
                           struct attention_work *work, struct ffn_work *ffn, real *dx)
{
    const struct llama_config *config = &model->config;
    size_t count = tape->batch.n * config->hidden;
    const real *x = tape->inputs + l * count;
    const struct llama_saved *saved = &tape->saved[l];
    if (!saved->q) {
        saved = &work->again;
        llama_copy(saved->middle, x, count);
        attention_half(model, l, tape, work, saved, saved->middle);
        work->rows.n = tape->batch.n;
    }
    ffn_backward(&model->weights.layers[l], config, ffn, saved, dx, rows_behind(tape, config, l));
    attention_half_backward(model, l, tape, work, saved, x, dx);
}

bool llama_tape_backward(struct model *model, const struct llama_tape *tape, const real *dfinal,
                         real *dembeddings, struct arena *arena, const struct progress *progress,
                         struct err *err)
{
    const struct llama_config *config = &model->config;
    size_t n = tape->batch.n, H = config->hidden, L = config->layers;
    struct arena_mark mark = arena_mark(arena);
    struct attention_work work;
    struct ffn_work ffn;
    attention_work_init(&work, model, &tape->batch, tape_keeps_all(tape), true, arena);
    ffn_work_init(&ffn, config, &work.rows, n, arena);
    real *dx = arena_array(arena, real, n * H);
    memcpy(work.dnormed, dfinal, n * H * sizeof *dfinal);
    gather_rows(work.dnormed, tape, H);
    rmsnorm_forward(work.rows.normed, work.rstd, tape->last, model->weights.output_norm,
                    (real)config->rms_eps, tape->n_rows, H);
    rmsnorm_backward(dx, NULL, work.dnormed, tape->last, model->weights.output_norm, work.rstd,
                     tape->n_rows, H);
    bool going = true;
    for (size_t l = L; l-- > 0 && going;) {
        block_backward(model, l, tape, &work, &ffn, dx);
        going = progress_tick(progress, "gradients", L - l, L, err);
    }
    if (going)
        llama_add(dembeddings, dx, n * H);
    arena_release(arena, mark);
    return going;
}
