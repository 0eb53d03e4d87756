#include "engine/train/objective.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/train/objective_device.h"
#include "engine/train/objective_private.h"

const char *const context_mode_name[CONTEXT_MODES] = {"compressed", "wrong", "full", "none"};

/* ---- contexts ------------------------------------------------------------------ */

/* Reads the query behind the context, whose keys and values the cache holds: the
 * final states that predict each query token with the whole context in view. */
static bool read_teacher(struct pass *p, struct item *item, struct kv_cache *cache,
                         const real *last, const struct progress *progress, struct err *err)
{
    const struct sample *s = item->sample;
    size_t H = p->o->model->config.hidden, L = p->o->model->config.layers, n = s->n_query - 1;
    real *teacher = arena_array(&p->arena, real, s->n_query * H);
    memcpy(teacher, last, H * sizeof *teacher);
    item->teacher = teacher;
    if (n == 0)
        return true;
    struct arena_mark mark = arena_mark(&p->arena);
    real *hidden = arena_raw(&p->arena, real, (L + 1) * n * H);
    struct llama_input input = {.n = n, .ids = s->query};
    struct llama_output output = {.hidden = hidden};
    bool ok = llama_forward(p->o->model, cache, LLAMA_ALL, &input, &output, progress, err);
    if (ok)
        memcpy(teacher + H, hidden + L * n * H, n * H * sizeof *teacher);
    arena_release(&p->arena, mark);
    return ok;
}

/* The teacher's states of all samples that have this context. */
static bool read_teachers(struct pass *p, size_t owner, struct kv_cache *cache, const real *last,
                          const struct progress *progress, struct err *err)
{
    size_t used = cache->used;
    for (size_t i = owner; i < p->n; i++) {
        if (p->items[i].owner != owner || !pass_is_taught(p, i))
            continue;
        if (!read_teacher(p, &p->items[i], cache, last, progress, err))
            return false;
        kv_cache_truncate(cache, used);
    }
    return true;
}

static size_t longest_query(const struct pass *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->n; i++)
        most = size_max(most, p->items[i].sample->n_query);
    return most;
}

/* The context of an owner. */
static bool encode(struct pass *p, size_t owner, const struct progress *progress, struct err *err)
{
    struct item *item = &p->items[owner];
    const struct sample *s = item->sample;
    const struct compressor_shape *shape = &p->o->compressor->shape;
    size_t n = s->n_context;
    real *hidden = arena_raw(&p->arena, real, shape->M * n * shape->H);
    struct kv_cache cache = {0};
    if (p->distill &&
        !kv_cache_init(&cache, p->o->model, n + longest_query(p), err))
        return false;
    struct llama_input input = {.n = n, .ids = s->context};
    struct llama_output output = {.hidden = hidden};
    bool ok = llama_forward(p->o->model, p->distill ? &cache : NULL, shape->M - 1, &input, &output,
                            progress, err) &&
              (!p->distill ||
               read_teachers(p, owner, &cache,
                             hidden + ((shape->M - 1) * n + n - 1) * shape->H, progress, err)) &&
              compressor_forward(p->o->compressor, &p->o->settings, hidden, n, n, &item->tape,
                                 &p->arena, progress, err);
    kv_cache_free(&cache);
    return ok;
}

static bool encode_all(struct pass *p, const struct progress *progress, struct err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        if (!pass_is_encoded(p, i))
            continue;
        if (!encode(p, i, progress, err))
            return false;
        item->first_slot = p->slots;
        item->n_context = item->tape.plan.slots;
        p->slots += item->n_context;
    }
    return true;
}

/* ---- the decoder's input -------------------------------------------------------- */

/* The soft prompt's vectors and all slots, one behind the other: [n_soft + slots, H]. */
static real *vectors(struct pass *p)
{
    size_t H = p->o->model->config.hidden, soft = p->o->n_soft * H;
    real *all = arena_array(&p->arena, real, soft + p->slots * H), *slots = all + soft;
    if (soft)
        memcpy(all, p->o->soft_prompt, soft * sizeof *all);
    for (size_t i = 0; i < p->n; i++) {
        const struct compress_tape *tape = &p->items[i].tape;
        if (!pass_is_encoded(p, i))
            continue;
        memcpy(slots, tape->slots, tape->plan.slots * H * sizeof *slots);
        slots += tape->plan.slots * H;
    }
    return all;
}

static bool embed_rows(struct pass *p, real *embeddings, struct err *err)
{
    size_t H = p->o->model->config.hidden;
    const real *all = vectors(p);
    for (size_t r = 0; r < pass_batch_rows(p); r++) {
        int32_t source = p->source[r];
        if (source < 0)
            memcpy(embeddings + r * H, all + (size_t)(-1 - source) * H, H * sizeof *embeddings);
        else if (!llama_embed(p->o->model, &source, 1, embeddings + r * H, err))
            return false;
    }
    return true;
}

/* ---- backward --------------------------------------------------------------------- */

static void backward_items(struct pass *p, const real *dembeddings,
                           const struct compressor_params *grads, real *dsoft)
{
    size_t H = p->o->model->config.hidden;
    for (size_t i = 0; i < p->n; i++) {
        const struct item *item = &p->items[i];
        const real *d = dembeddings + item->start * H;
        if (pass_shares(p, i) && item->owner != i)
            continue;
        for (size_t k = 0; dsoft && k < item->soft * H; k++)
            dsoft[k] += d[k];
        if (grads && item->n_context)
            compressor_backward(p->o->compressor, &item->tape, d + item->lead * H, grads,
                                &p->arena);
    }
}

/* [count, H]: the teacher's states for a group of labels, in their order. */
static const real *teacher_states(struct pass *p, const struct label_group *g)
{
    size_t H = p->o->model->config.hidden;
    real *states = arena_array(&p->arena, real, g->count * H);
    for (size_t i = 0; i < g->count; i++)
        memcpy(states + i * H,
               p->items[p->item_of[g->first + i]].teacher + p->query_of[g->first + i] * H,
               H * sizeof *states);
    return states;
}

/* Cross-entropy of a group of labels; dfinal (NULL: not wanted) has scale * its gradient
 * added. */
static void add_loss(struct pass *p, const struct llama_tape *tape, const struct label_group *g,
                     double scale, real *dfinal, struct objective_result *result)
{
    if (g->count == 0)
        return;
    struct llama_teacher teacher = {.weight = p->o->distill};
    if (g->taught)
        teacher.final = teacher_states(p, g);
    double sum = llama_cross_entropy(p->o->model, tape->final, p->rows + g->first,
                                     p->labels + g->first, g->count,
                                     scale * g->share / (double)g->count, NULL, dfinal,
                                     g->taught ? &teacher : NULL, &p->arena);
    result->nll_sum += sum;
    result->loss += g->share * sum / (double)g->count;
    result->kl += g->share * teacher.kl_sum / (double)g->count;
}

/* [n] does the row predict a label? */
static const bool *predicting_rows(struct pass *p, size_t n)
{
    bool *rows = arena_array(&p->arena, bool, n);
    for (size_t i = 0; i < p->n_labels; i++)
        rows[p->rows[i]] = true;
    return rows;
}

static bool decode(struct pass *p, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err)
{
    size_t H = p->o->model->config.hidden, n = pass_batch_rows(p);
    bool wanted = grads || dsoft;
    real *embeddings = arena_raw(&p->arena, real, n * H);
    struct llama_batch batch = {.n = n,
                                .pack = {p->sequences, p->starts, p->prefix},
                                .embeddings = embeddings,
                                .positions = p->positions,
                                .keep_bytes = wanted ? LLAMA_KEEP_BYTES : 0,
                                .wanted = predicting_rows(p, n)};
    struct llama_tape tape;
    if (!embed_rows(p, embeddings, err) ||
        !llama_tape_forward(p->o->model, &batch, &tape, &p->arena, progress, err))
        return false;
    real *dfinal = wanted ? arena_array(&p->arena, real, n * H) : NULL;
    struct label_group groups[LABEL_GROUPS];
    pass_label_groups(p, groups);
    for (size_t g = 0; g < LABEL_GROUPS; g++)
        add_loss(p, &tape, &groups[g], scale, dfinal, result);
    if (!wanted)
        return true;
    real *dembeddings = arena_array(&p->arena, real, n * H);
    if (!llama_tape_backward(p->o->model, &tape, dfinal, dembeddings, &p->arena, progress, err))
        return false;
    backward_items(p, dembeddings, grads, dsoft);
    return true;
}

static void fill_health(struct pass *p, struct objective_result *r)
{
    struct health health;
    health_begin(&health, p->o->compressor->shape.M, &p->arena);
    for (size_t i = 0; i < p->n; i++) {
        const struct compress_tape *tape = &p->items[i].tape;
        if (!pass_is_encoded(p, i))
            continue;
        health_add_gates(&health, tape->alpha, tape->T, r);
        health_add_windows(&health, tape->plan.window, tape->plan.windows, r);
    }
    health_finish(&health, r);
}

static bool run_on_host(struct pass *p, double scale, const struct compressor_params *grads,
                        real *dsoft, struct objective_result *result,
                        const struct progress *progress, struct err *err)
{
    if (!encode_all(p, progress, err))
        return false;
    pass_place_contexts(p);
    if (!pass_pack(p, err) || !decode(p, scale, grads, dsoft, result, progress, err))
        return false;
    if (p->mode == CONTEXT_COMPRESSED)
        fill_health(p, result);
    return true;
}

/* A teacher reads a context; a sample without one has none. */
static bool check_taught(const struct pass *p, struct err *err)
{
    for (size_t i = 0; i < p->n; i++)
        if (pass_is_taught(p, i) && p->items[i].sample->n_context == 0)
            return err_set(err, ERR_INPUT, "distill: sample %zu of a batch has no context", i + 1);
    return true;
}

bool objective_run(const struct objective *o, enum context_mode mode, const struct sample *samples,
                   size_t n, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err)
{
    struct pass p;
    pass_begin(&p, o, mode, samples, n, grads || dsoft);
    *result = (struct objective_result){0};
    bool ok = check_taught(&p, err) &&
              (o->device ? run_on_device : run_on_host)(&p, scale, grads, dsoft, result, progress,
                                                        err);
    if (ok) {
        result->labels = p.n_labels;
        result->tokens += pass_batch_rows(&p);
    }
    pass_end(&p);
    return ok;
}
