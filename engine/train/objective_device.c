#include "engine/train/objective_device.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/train/objective_private.h"

bool objective_device_open(struct objective_device *o, struct device *d, const struct model *model,
                           const struct compressor *compressor, bool reduced, struct err *err)
{
    *o = (struct objective_device){.d = d};
    o->llama = llama_device_open(d, model, reduced, err);
    if (!o->llama)
        return false;
    if (compressor) {
        compressor_device_init(&o->params, compressor, d);
        compressor_device_init(&o->grads, compressor, d);
    }
    if (device_finish(d, err))
        return true;
    objective_device_close(o);
    return false;
}

void objective_device_close(struct objective_device *o)
{
    llama_device_free(o->llama);
    o->llama = NULL;
}

/* One pass: what the device holds of it. */
struct device_pass {
    struct pass *p;
    struct objective_device *o;
    struct device *d;
    const struct device_ops *ops;
    size_t H;
    struct compress_device_tape slots; /* when there are contexts to compress */
    const real *read; /* [rows of the encoding, H]: its last states */
    struct llama_device_tape tape;
    real *embeddings, *dx; /* [rows, H] */
};

/* ---- contexts -> slots ------------------------------------------------------------------ */

/* What the frozen model reads: all contexts that are to be compressed and, behind them, the
 * queries that it teaches, each going on from its context. */
struct reading {
    int32_t *ids;
    size_t *starts, *prefix; /* of the sequences */
    size_t sequences;
    size_t contexts; /* sequences that are contexts: the first ones */
};

static void read_sequence(struct reading *r, const int32_t *ids, size_t n, size_t prefix)
{
    size_t at = r->starts[r->sequences];
    memcpy(r->ids + at, ids, n * sizeof *ids);
    r->prefix[r->sequences++] = prefix;
    r->starts[r->sequences] = at + n;
}

static void list_reading(struct pass *p, struct reading *r)
{
    size_t total = 0, *segment_of = arena_array(&p->arena, size_t, p->n);
    for (size_t i = 0; i < p->n; i++)
        total += p->items[i].sample->n_context + p->items[i].sample->n_query;
    *r = (struct reading){
        .ids = arena_array(&p->arena, int32_t, total),
        .starts = arena_array(&p->arena, size_t, 2 * p->n + 1),
        .prefix = arena_array(&p->arena, size_t, 2 * p->n),
    };
    for (size_t i = 0; i < p->n; i++) {
        const struct sample *s = p->items[i].sample;
        segment_of[i] = r->contexts;
        if (!pass_is_encoded(p, i))
            continue;
        p->items[i].context_at = r->starts[r->contexts];
        read_sequence(r, s->context, s->n_context, r->contexts);
        r->contexts++;
    }
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        if (!pass_is_taught(p, i))
            continue;
        item->teacher_at = r->starts[r->sequences];
        read_sequence(r, item->sample->query, item->sample->n_query - 1, segment_of[item->owner]);
    }
}

static bool check_ids(const struct pass *p, const int32_t *ids, size_t n, struct err *err)
{
    size_t vocab = p->o->model->config.vocab;
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocab)
            return err_set(err, ERR_INPUT,
                           "token id %d of a context is outside the vocabulary of %zu", (int)ids[i],
                           vocab);
    return true;
}

/* hidden [M, n, H] of the contexts, the first rows of what was read. */
static const real *context_states(struct device_pass *x, const real *states, size_t rows, size_t n)
{
    size_t M = x->p->o->compressor->shape.M;
    if (rows == n)
        return states;
    real *hidden = device_reals(x->d, M * n * x->H);
    for (size_t l = 0; l < M; l++)
        x->ops->copy(x->d, hidden + l * n * x->H, states + l * rows * x->H, n * x->H);
    return hidden;
}

/* Where the slots of each context are. */
static void note_slots(struct device_pass *x)
{
    struct pass *p = x->p;
    const size_t *first = x->slots.slot_start;
    for (size_t i = 0; i < p->n; i++) {
        if (!pass_is_encoded(p, i))
            continue;
        p->items[i].first_slot = first[0];
        p->items[i].n_context = first[1] - first[0];
        first++;
    }
    p->slots = x->slots.slots;
}

static bool encode_all(struct device_pass *x, struct err *err)
{
    struct pass *p = x->p;
    const struct compressor *c = p->o->compressor;
    struct reading r;
    list_reading(p, &r);
    if (!r.contexts)
        return true;
    size_t rows = r.starts[r.sequences], n = r.starts[r.contexts], M = c->shape.M;
    if (!check_ids(p, r.ids, rows, err))
        return false;
    struct attention_pack pack = {r.sequences, r.starts, r.prefix};
    real *states = device_reals(x->d, M * rows * x->H);
    llama_device_encode(x->o->llama, r.ids, &pack, M - 1, states);
    x->read = states + (M - 1) * rows * x->H;
    x->ops->upload(x->d, x->o->params.block, c->block, c->count * sizeof *c->block);
    compressor_device_forward(x->d, &x->o->params, &p->o->settings,
                              context_states(x, states, rows, n), r.starts, r.contexts, &x->slots,
                              &p->arena);
    note_slots(x);
    return true;
}

/* ---- the decoder's input ------------------------------------------------------------------ */

/* Rows whose source is a token (or, the other way, a vector) are gathered from x, the
 * others become zeros. */
static void gather_kind(struct device_pass *x, real *out, const real *from, bool tokens)
{
    struct pass *p = x->p;
    size_t n = pass_batch_rows(p), used = 0;
    int32_t *starts = arena_array(&p->arena, int32_t, n + 1);
    int32_t *index = arena_array(&p->arena, int32_t, n);
    for (size_t r = 0; r < n; r++) {
        int32_t source = p->source[r];
        starts[r] = (int32_t)used;
        if (tokens == (source >= 0))
            index[used++] = tokens ? source : -1 - source;
    }
    starts[n] = (int32_t)used;
    x->ops->gather_sums(x->d, out, from, device_ints_of(x->d, starts, n + 1),
                        device_ints_of(x->d, index, n), n, x->H);
}

static void embed_rows(struct device_pass *x)
{
    struct pass *p = x->p;
    size_t count = pass_batch_rows(p) * x->H, soft = p->o->n_soft * x->H;
    x->embeddings = device_reals(x->d, count);
    gather_kind(x, x->embeddings, llama_device_embeddings(x->o->llama), true);
    if (soft + p->slots == 0)
        return;
    real *vectors = device_reals(x->d, soft + p->slots * x->H);
    if (soft)
        x->ops->upload(x->d, vectors, p->o->soft_prompt, soft * sizeof *vectors);
    if (p->slots)
        x->ops->copy(x->d, vectors + soft, x->slots.slots_out, p->slots * x->H);
    real *rows = device_reals(x->d, count);
    gather_kind(x, rows, vectors, false);
    x->ops->combine(x->d, x->embeddings, 1, rows, 1, count);
}

/* ---- loss ---------------------------------------------------------------------------------- */

/* The row of the encoding that predicts label i with the whole context in view. */
static int32_t teacher_row(const struct pass *p, size_t i)
{
    const struct item *item = &p->items[p->item_of[i]];
    const struct item *owner = &p->items[item->owner];
    size_t t = p->query_of[i];
    return (int32_t)(t ? item->teacher_at + t - 1
                       : owner->context_at + owner->sample->n_context - 1);
}

static struct llama_device_labels list_labels(struct device_pass *x, double scale,
                                              const struct label_group *groups)
{
    struct pass *p = x->p;
    size_t n = p->n_labels;
    int32_t *rows = arena_array(&p->arena, int32_t, n);
    int32_t *teacher_rows = arena_array(&p->arena, int32_t, n);
    real *weight = arena_array(&p->arena, real, n), *teaching = arena_array(&p->arena, real, n);
    for (size_t g = 0; g < LABEL_GROUPS; g++)
        for (size_t i = groups[g].first; i < groups[g].first + groups[g].count; i++) {
            rows[i] = (int32_t)p->rows[i];
            weight[i] = (real)(scale * groups[g].share / (double)groups[g].count);
            teacher_rows[i] = groups[g].taught ? teacher_row(p, i) : 0;
            teaching[i] = groups[g].taught ? weight[i] * (real)p->o->distill : 0;
        }
    return (struct llama_device_labels){
        .count = n, .rows = rows, .labels = p->labels, .weight = weight,
        .nll = arena_array(&p->arena, real, n),
        .teacher = p->distill ? x->read : NULL, .teacher_rows = teacher_rows,
        .teacher_weight = teaching, .kl = arena_array(&p->arena, real, n),
    };
}

static double sum_of(const real *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

static void add_losses(struct device_pass *x, double scale, struct objective_result *result)
{
    struct label_group groups[LABEL_GROUPS];
    pass_label_groups(x->p, groups);
    struct llama_device_labels l = list_labels(x, scale, groups);
    llama_device_cross_entropy(x->o->llama, x->tape.final, pass_batch_rows(x->p), &l, x->dx);
    for (size_t g = 0; g < LABEL_GROUPS; g++) {
        const struct label_group *of = &groups[g];
        if (of->count == 0)
            continue;
        double sum = sum_of(l.nll + of->first, of->count), mean = of->share / (double)of->count;
        result->nll_sum += sum;
        result->loss += mean * sum;
        if (of->taught)
            result->kl += mean * sum_of(l.kl + of->first, of->count);
    }
}

/* ---- backward ------------------------------------------------------------------------------ */

/* out [count, H] = for each of vectors first .. first + count - 1 the sum of the gradients of
 * the rows that it stands in. */
static real *vector_gradients(struct device_pass *x, size_t first, size_t count)
{
    struct pass *p = x->p;
    size_t n = pass_batch_rows(p);
    int32_t *to = arena_array(&p->arena, int32_t, n);
    for (size_t r = 0; r < n; r++)
        to[r] = -1 - p->source[r] - (int32_t)first;
    real *out = device_reals(x->d, count * x->H);
    device_sum_rows(x->d, out, x->dx, to, n, count, x->H);
    return out;
}

static void add_downloaded(struct device_pass *x, real *to, const real *from, size_t count)
{
    real *host = arena_array(&x->p->arena, real, count);
    x->ops->download(x->d, host, from, count * sizeof *host);
    for (size_t i = 0; i < count; i++)
        to[i] += host[i];
}

static void backward(struct device_pass *x, const struct compressor_params *grads, real *dsoft)
{
    const struct objective *o = x->p->o;
    llama_device_tape_backward(x->o->llama, &x->tape, x->dx);
    if (dsoft)
        add_downloaded(x, dsoft, vector_gradients(x, 0, o->n_soft), o->n_soft * x->H);
    if (!grads || !x->p->slots)
        return;
    struct compressor_device *g = &x->o->grads;
    x->ops->zero(x->d, g->block, o->compressor->count);
    compressor_device_backward(x->d, &x->o->params, &x->slots,
                               vector_gradients(x, o->n_soft, x->p->slots), g);
    add_downloaded(x, grads->query_fusion, g->block, o->compressor->count);
}

static void fill_health(struct device_pass *x, struct objective_result *r)
{
    const real *alpha;
    const struct window_plan *windows;
    size_t n_windows;
    struct health health;
    if (!x->p->slots)
        return;
    compressor_device_read(x->d, &x->slots, &alpha, &windows, &n_windows, &x->p->arena);
    health_begin(&health, x->p->o->compressor->shape.M, &x->p->arena);
    size_t tokens = 0;
    for (size_t i = 0; i < x->p->n; i++)
        tokens += pass_is_encoded(x->p, i) ? x->p->items[i].sample->n_context : 0;
    health_add_gates(&health, alpha, tokens, r);
    health_add_windows(&health, windows, n_windows, r);
    health_finish(&health, r);
}

static bool run(struct device_pass *x, double scale, const struct compressor_params *grads,
                real *dsoft, struct objective_result *result, const struct progress *progress,
                struct err *err)
{
    struct pass *p = x->p;
    if (!progress_tick(progress, "contexts", 0, 2, err) || !encode_all(x, err))
        return false;
    pass_place_contexts(p);
    if (!pass_pack(p, err))
        return false;
    embed_rows(x);
    struct attention_pack pack = {p->sequences, p->starts, p->prefix};
    llama_device_tape_forward(x->o->llama, x->embeddings, p->positions, &pack, &x->tape);
    x->dx = grads || dsoft ? device_reals(x->d, pass_batch_rows(p) * x->H) : NULL;
    add_losses(x, scale, result);
    if (!progress_tick(progress, "gradients", 1, 2, err))
        return false;
    if (x->dx)
        backward(x, grads, dsoft);
    if (p->mode == CONTEXT_COMPRESSED)
        fill_health(x, result);
    return true;
}

bool run_on_device(struct pass *p, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err)
{
    struct device *d = p->o->device->d;
    struct device_pass x = {
        .p = p, .o = p->o->device, .d = d, .ops = d->ops, .H = p->o->model->config.hidden};
    size_t mark = d->ops->mark(d);
    bool ok = run(&x, scale, grads, dsoft, result, progress, err);
    llama_device_tape_free(&x.tape);
    d->ops->release(d, mark);
    return device_finish(d, ok ? err : NULL) && ok;
}
