#include "engine/model/llama_device.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/model/llama_block.h"

/* Labels whose logits are in memory at once. */
enum { LABEL_ROWS = 2048, WIDENED_ROWS = 16 };

struct device_layer {
    real *attention_norm, *ffn_norm;
    real *q, *k, *v, *o, *gate, *up, *down;
    real *q_bias, *k_bias, *v_bias, *o_bias, *gate_bias, *up_bias, *down_bias; /* or NULL */
};

struct llama_device {
    struct device *d;
    const struct device_ops *ops;
    const struct model *model;
    bool reduced;
    real *embedding, *output, *output_norm;
    struct device_layer *layers;
    /* Q = heads * head_dim, K = kv_heads * head_dim, F = ffn */
    size_t H, Q, K, F, V, L;
};

/* One block's activations. x: its input, borrowed. */
struct llama_device_saved {
    const real *x;
    real *rstd, *q, *k, *v, *attended, *lse; /* [n], [n, Q], [n, K], [n, K], [n, Q], [n, heads] */
    real *middle, *ffn_rstd, *gate, *up;     /* [n, H], [n], [n, F], [n, F] */
};

/* What a block needs besides, for all of them. */
struct block_scratch {
    real *normed, *act; /* [n, H], [n, F] */
};

/* ---- weights ------------------------------------------------------------------------- */

enum { UPLOAD_ROWS = 1024 };

struct widening {
    real *panel;
    const struct weight *w;
    size_t first;
};

static void widen_part(const void *loop, size_t first, size_t last)
{
    const struct widening *p = loop;
    for (size_t i = first; i < last; i++)
        weight_row(p->panel + i * p->w->cols, p->w, p->first + i);
}

static real *upload_matrix(struct llama_device *m, const struct weight *w)
{
    real *to = device_reals(m->d, w->rows * w->cols);
    real *panel = xmalloc(size_min(w->rows, UPLOAD_ROWS) * w->cols * sizeof *panel);
    for (size_t first = 0; first < w->rows; first += UPLOAD_ROWS) {
        size_t n = size_min(UPLOAD_ROWS, w->rows - first);
        const struct widening widening = {panel, w, first};
        team_run(widen_part, &widening, n, WIDENED_ROWS);
        if (to)
            m->ops->upload(m->d, to + first * w->cols, panel, n * w->cols * sizeof *panel);
    }
    free(panel);
    return to;
}

static real *upload_vector(struct llama_device *m, const real *x, size_t count)
{
    return x ? device_reals_of(m->d, x, count) : NULL;
}

static void upload_layer(struct llama_device *m, struct device_layer *to,
                         const struct llama_layer *from)
{
    to->attention_norm = upload_vector(m, from->attention_norm, m->H);
    to->ffn_norm = upload_vector(m, from->ffn_norm, m->H);
    to->q = upload_matrix(m, &from->q);
    to->k = upload_matrix(m, &from->k);
    to->v = upload_matrix(m, &from->v);
    to->o = upload_matrix(m, &from->o);
    to->gate = upload_matrix(m, &from->gate);
    to->up = upload_matrix(m, &from->up);
    to->down = upload_matrix(m, &from->down);
    to->q_bias = upload_vector(m, from->q_bias, m->Q);
    to->k_bias = upload_vector(m, from->k_bias, m->K);
    to->v_bias = upload_vector(m, from->v_bias, m->K);
    to->o_bias = upload_vector(m, from->o_bias, m->H);
    to->gate_bias = upload_vector(m, from->gate_bias, m->F);
    to->up_bias = upload_vector(m, from->up_bias, m->F);
    to->down_bias = upload_vector(m, from->down_bias, m->H);
}

struct llama_device *llama_device_open(struct device *d, const struct model *model, bool reduced,
                                       struct err *err)
{
    const struct llama_config *c = &model->config;
    struct llama_device *m = xcalloc(1, sizeof *m);
    *m = (struct llama_device){
        .d = d, .ops = d->ops, .model = model, .reduced = reduced,
        .H = c->hidden, .Q = c->heads * c->head_dim, .K = c->kv_heads * c->head_dim,
        .F = c->ffn, .V = c->vocab, .L = c->layers,
    };
    m->layers = xcalloc(m->L, sizeof *m->layers);
    m->embedding = upload_matrix(m, &model->weights.embedding);
    m->output = c->tied_embeddings ? m->embedding : upload_matrix(m, &model->weights.output);
    m->output_norm = upload_vector(m, model->weights.output_norm, m->H);
    for (size_t l = 0; l < m->L; l++)
        upload_layer(m, &m->layers[l], &model->weights.layers[l]);
    if (device_finish(d, err))
        return m;
    llama_device_free(m);
    return NULL;
}

void llama_device_free(struct llama_device *m)
{
    if (!m)
        return;
    free(m->layers);
    free(m);
}

const real *llama_device_embeddings(const struct llama_device *m)
{
    return m->embedding;
}

/* ---- one block ----------------------------------------------------------------------- */

/* y [n, out] = x [n, in] w^T + bias, or added to y. */
static void linear(struct llama_device *m, real *y, const real *x, const real *w, const real *bias,
                   bool add, size_t n, size_t in, size_t out)
{
    m->ops->matmul(m->d, MATMUL_NT, y, out, x, in, w, in, 1, add ? 1 : 0, n, out, in, m->reduced);
    if (bias)
        m->ops->bias(m->d, y, bias, n, out);
}

/* dx [n, in] = dy [n, out] w, or added to dx. */
static void linear_back(struct llama_device *m, real *dx, const real *dy, const real *w, bool add,
                        size_t n, size_t in, size_t out)
{
    m->ops->matmul(m->d, MATMUL_NN, dx, in, dy, out, w, in, 1, add ? 1 : 0, n, in, out, m->reduced);
}

static struct llama_device_saved saved_take(struct llama_device *m, size_t n)
{
    struct device *d = m->d;
    return (struct llama_device_saved){
        .rstd = device_reals(d, n),
        .q = device_reals(d, n * m->Q),
        .k = device_reals(d, n * m->K),
        .v = device_reals(d, n * m->K),
        .attended = device_reals(d, n * m->Q),
        .lse = device_reals(d, n * m->model->config.heads),
        .middle = device_reals(d, n * m->H),
        .ffn_rstd = device_reals(d, n),
        .gate = device_reals(d, n * m->F),
        .up = device_reals(d, n * m->F),
    };
}

static struct block_scratch scratch_take(struct llama_device *m, size_t n)
{
    return (struct block_scratch){device_reals(m->d, n * m->H), device_reals(m->d, n * m->F)};
}

static void turn(struct llama_device *m, const struct llama_device_tape *t, real *q, real *k,
                 int sign)
{
    const struct llama_config *c = &m->model->config;
    size_t pairs = c->head_dim / 2;
    enum rope_layout layout = llama_rope_layout(c);
    m->ops->rope(m->d, q, t->cosine, t->sine, layout, sign, t->n, c->heads, pairs);
    m->ops->rope(m->d, k, t->cosine, t->sine, layout, sign, t->n, c->kv_heads, pairs);
}

/* out [n, H] = block l of x; fills s. out may be x when nothing goes back. */
static void block_forward(struct llama_device *m, size_t l, const struct llama_device_tape *t,
                          struct llama_device_saved *s, const struct block_scratch *work,
                          const real *x, real *out)
{
    const struct attention_shape shape = llama_attention_shape(&m->model->config);
    const struct device_layer *w = &m->layers[l];
    const struct device_ops *ops = m->ops;
    real eps = (real)m->model->config.rms_eps;
    size_t n = t->n, H = m->H;
    s->x = x;
    ops->rmsnorm_forward(m->d, work->normed, s->rstd, x, w->attention_norm, eps, n, H);
    linear(m, s->q, work->normed, w->q, w->q_bias, false, n, H, m->Q);
    linear(m, s->k, work->normed, w->k, w->k_bias, false, n, H, m->K);
    linear(m, s->v, work->normed, w->v, w->v_bias, false, n, H, m->K);
    turn(m, t, s->q, s->k, 1);
    ops->attention_forward(m->d, s->attended, s->lse, s->q, s->k, s->v, &t->pack, &shape);
    ops->copy(m->d, s->middle, x, n * H);
    linear(m, s->middle, s->attended, w->o, w->o_bias, true, n, m->Q, H);
    ops->rmsnorm_forward(m->d, work->normed, s->ffn_rstd, s->middle, w->ffn_norm, eps, n, H);
    linear(m, s->gate, work->normed, w->gate, w->gate_bias, false, n, H, m->F);
    linear(m, s->up, work->normed, w->up, w->up_bias, false, n, H, m->F);
    ops->swiglu_forward(m->d, work->act, s->gate, s->up, n * m->F);
    ops->copy(m->d, out, s->middle, n * H);
    linear(m, out, work->act, w->down, w->down_bias, true, n, m->F, H);
}

/* What the way back needs besides, for all blocks. */
struct back_scratch {
    real *dq, *dk, *dv, *dattended, *along; /* [n, Q], [n, K], [n, K], [n, Q], [n, heads] */
    real *dact, *dgate, *dup, *dnormed;     /* [n, F] three times, [n, H] */
};

static struct back_scratch back_take(struct llama_device *m, size_t n)
{
    struct device *d = m->d;
    return (struct back_scratch){
        .dq = device_reals(d, n * m->Q),
        .dk = device_reals(d, n * m->K),
        .dv = device_reals(d, n * m->K),
        .dattended = device_reals(d, n * m->Q),
        .along = device_reals(d, n * m->model->config.heads),
        .dact = device_reals(d, n * m->F),
        .dgate = device_reals(d, n * m->F),
        .dup = device_reals(d, n * m->F),
        .dnormed = device_reals(d, n * m->H),
    };
}

/* dx: gradient to the output of block l, becomes that to its input. */
static void block_backward(struct llama_device *m, size_t l, const struct llama_device_tape *t,
                           const struct back_scratch *b, real *dx)
{
    const struct attention_shape shape = llama_attention_shape(&m->model->config);
    const struct llama_device_saved *s = &t->saved[l];
    const struct device_layer *w = &m->layers[l];
    const struct device_ops *ops = m->ops;
    size_t n = t->n, H = m->H;
    linear_back(m, b->dact, dx, w->down, false, n, m->F, H);
    ops->swiglu_backward(m->d, b->dgate, b->dup, b->dact, s->gate, s->up, n * m->F);
    linear_back(m, b->dnormed, b->dgate, w->gate, false, n, H, m->F);
    linear_back(m, b->dnormed, b->dup, w->up, true, n, H, m->F);
    ops->rmsnorm_backward(m->d, dx, b->dnormed, s->middle, w->ffn_norm, s->ffn_rstd, n, H);
    linear_back(m, b->dattended, dx, w->o, false, n, m->Q, H);
    ops->attention_backward(m->d, b->dq, b->dk, b->dv, b->dattended, s->attended, s->lse, s->q,
                            s->k, s->v, b->along, &t->pack, &shape);
    turn(m, t, b->dq, b->dk, -1);
    linear_back(m, b->dnormed, b->dq, w->q, false, n, H, m->Q);
    linear_back(m, b->dnormed, b->dk, w->k, true, n, H, m->K);
    linear_back(m, b->dnormed, b->dv, w->v, true, n, H, m->K);
    ops->rmsnorm_backward(m->d, dx, b->dnormed, s->x, w->attention_norm, s->rstd, n, H);
}

/* ---- passes -------------------------------------------------------------------------- */

/* Pack and rotary angles. */
static void tape_begin(struct llama_device *m, struct llama_device_tape *t,
                       const int32_t *positions, const struct attention_pack *pack)
{
    const struct llama_config *c = &m->model->config;
    size_t n = pack->starts[pack->sequences], turns = n * c->head_dim / 2;
    *t = (struct llama_device_tape){.n = n};
    device_pack_init(m->d, &t->pack, pack);
    struct llama_rows rows = {.n = n};
    rows.cosine = xcalloc(2 * turns, sizeof *rows.cosine);
    rows.sine = rows.cosine + turns;
    llama_rows_turns(&rows, c, &m->model->weights, positions);
    t->cosine = device_reals_of(m->d, rows.cosine, turns);
    t->sine = device_reals_of(m->d, rows.sine, turns);
    free(rows.cosine);
}

static int32_t *positions_of(const struct attention_pack *pack)
{
    const size_t *starts = pack->starts;
    int32_t *positions = xcalloc(starts[pack->sequences], sizeof *positions);
    for (size_t s = 0; s < pack->sequences; s++) {
        size_t from = pack->prefix ? pack->prefix[s] : s;
        size_t before = from == s ? 0 : starts[from + 1] - starts[from];
        for (size_t t = starts[s]; t < starts[s + 1]; t++)
            positions[t] = (int32_t)(before + t - starts[s]);
    }
    return positions;
}

/* out [count, H] = rows of x. */
static void pick(struct llama_device *m, real *out, const real *x, const int32_t *rows,
                 size_t count)
{
    int32_t *starts = xcalloc(count + 1, sizeof *starts);
    for (size_t i = 0; i <= count; i++)
        starts[i] = (int32_t)i;
    m->ops->gather_sums(m->d, out, x, device_ints_of(m->d, starts, count + 1),
                        device_ints_of(m->d, rows, count), count, m->H);
    free(starts);
}

void llama_device_encode(struct llama_device *m, const int32_t *ids,
                         const struct attention_pack *pack, size_t blocks, real *hidden)
{
    int32_t *positions = positions_of(pack);
    size_t n = pack->starts[pack->sequences], count = n * m->H, mark = m->ops->mark(m->d);
    struct llama_device_tape t;
    tape_begin(m, &t, positions, pack);
    free(positions);
    struct llama_device_saved saved = saved_take(m, n);
    struct block_scratch work = scratch_take(m, n);
    pick(m, hidden, m->embedding, ids, n);
    for (size_t l = 0; l < blocks; l++)
        block_forward(m, l, &t, &saved, &work, hidden + l * count, hidden + (l + 1) * count);
    real *last = hidden + blocks * count;
    m->ops->rmsnorm_forward(m->d, last, saved.rstd, last, m->output_norm,
                            (real)m->model->config.rms_eps, n, m->H);
    m->ops->release(m->d, mark);
}

void llama_device_tape_forward(struct llama_device *m, const real *embeddings,
                               const int32_t *positions, const struct attention_pack *pack,
                               struct llama_device_tape *tape)
{
    tape_begin(m, tape, positions, pack);
    size_t n = tape->n, count = n * m->H;
    tape->saved = xcalloc(m->L, sizeof *tape->saved);
    tape->rstd = device_reals(m->d, n);
    tape->final = device_reals(m->d, count);
    struct block_scratch work = scratch_take(m, n);
    const real *x = embeddings;
    for (size_t l = 0; l < m->L; l++) {
        real *out = device_reals(m->d, count);
        tape->saved[l] = saved_take(m, n);
        block_forward(m, l, tape, &tape->saved[l], &work, x, out);
        x = tape->last = out;
    }
    m->ops->rmsnorm_forward(m->d, tape->final, tape->rstd, x, m->output_norm,
                            (real)m->model->config.rms_eps, n, m->H);
}

void llama_device_tape_backward(struct llama_device *m, const struct llama_device_tape *tape,
                                real *dx)
{
    size_t n = tape->n, count = n * m->H, mark = m->ops->mark(m->d);
    struct back_scratch work = back_take(m, n);
    m->ops->copy(m->d, work.dnormed, dx, count);
    m->ops->zero(m->d, dx, count);
    m->ops->rmsnorm_backward(m->d, dx, work.dnormed, tape->last, m->output_norm, tape->rstd, n,
                             m->H);
    for (size_t l = m->L; l-- > 0;)
        block_backward(m, l, tape, &work, dx);
    m->ops->release(m->d, mark);
}

void llama_device_tape_free(struct llama_device_tape *tape)
{
    free(tape->saved);
    tape->saved = NULL;
}

/* ---- loss ------------------------------------------------------------------------------ */

/* The labels on the device, and what a panel of them needs. */
struct label_pass {
    real *picked, *logits;        /* [count, H], [LABEL_ROWS, V] */
    real *weight, *nll;           /* [count] */
    const int32_t *labels;        /* [count] */
    real *teacher, *taught;       /* [count, H], [LABEL_ROWS, V], or NULL */
    real *teacher_weight, *kl;    /* [count] */
};

static struct label_pass label_pass_take(struct llama_device *m, const real *final,
                                         const struct llama_device_labels *l)
{
    size_t most = size_min(l->count, LABEL_ROWS);
    struct label_pass p = {
        .picked = device_reals(m->d, l->count * m->H),
        .logits = device_reals(m->d, most * m->V),
        .weight = device_reals_of(m->d, l->weight, l->count),
        .nll = device_reals(m->d, l->count),
        .labels = device_ints_of(m->d, l->labels, l->count),
    };
    pick(m, p.picked, final, l->rows, l->count);
    if (!l->teacher)
        return p;
    p.teacher = device_reals(m->d, l->count * m->H);
    pick(m, p.teacher, l->teacher, l->teacher_rows, l->count);
    p.taught = device_reals(m->d, most * m->V);
    p.teacher_weight = device_reals_of(m->d, l->teacher_weight, l->count);
    p.kl = device_reals(m->d, l->count);
    return p;
}

/* Labels [first, first + n): their rows of `picked` become the gradient when it is wanted. */
static void label_panel(struct llama_device *m, const struct label_pass *p, size_t first, size_t n,
                        bool wanted)
{
    real *rows = p->picked + first * m->H;
    linear(m, p->logits, rows, m->output, NULL, false, n, m->H, m->V);
    if (p->teacher) {
        linear(m, p->taught, p->teacher + first * m->H, m->output, NULL, false, n, m->H, m->V);
        m->ops->teach(m->d, p->kl + first, p->taught, p->logits, p->teacher_weight + first, n,
                      m->V);
    }
    m->ops->cross_entropy(m->d, p->nll + first, p->logits, p->labels + first, p->weight + first, n,
                          m->V);
    if (p->teacher)
        m->ops->combine(m->d, p->logits, 1, p->taught, 1, n * m->V);
    if (wanted)
        linear_back(m, rows, p->logits, m->output, false, n, m->H, m->V);
}

void llama_device_cross_entropy(struct llama_device *m, const real *final, size_t n,
                                const struct llama_device_labels *l, real *dfinal)
{
    size_t mark = m->ops->mark(m->d);
    struct label_pass p = label_pass_take(m, final, l);
    for (size_t first = 0; first < l->count; first += LABEL_ROWS)
        label_panel(m, &p, first, size_min(LABEL_ROWS, l->count - first), dfinal != NULL);
    m->ops->download(m->d, l->nll, p.nll, l->count * sizeof *l->nll);
    if (l->teacher)
        m->ops->download(m->d, l->kl, p.kl, l->count * sizeof *l->kl);
    if (dfinal)
        device_sum_rows(m->d, dfinal, p.picked, l->rows, l->count, n, m->H);
    m->ops->release(m->d, mark);
}
