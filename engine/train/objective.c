#include "engine/train/objective.h"

#include <math.h>
#include <string.h>

#include "engine/base/size.h"

const char *const context_mode_name[CONTEXT_MODES] = {"compressed", "wrong", "full", "none"};

/* One sample on its way through the pass. Samples with the same context share what is
 * made of it: it is encoded once, stands once in the batch, and their queries go on from
 * there without seeing each other. */
struct item {
    const struct sample *sample;
    size_t owner;              /* the first sample with this context, perhaps itself */
    size_t members;            /* of an owner: samples with its context, itself included */
    struct compress_tape tape; /* CONTEXT_COMPRESSED and _WRONG; the owner's */
    const real *context;       /* [n_context, H] vectors behind BOS; the owner's */
    const real *teacher;       /* [n_query, H] full-context states before each query token */
    size_t n_context;
    size_t start;      /* first row of the owner in the packed batch */
    size_t soft, lead; /* rows of the soft prompt, and with BOS: those before the context */
    size_t query_at;   /* row of the first query token */
};

struct pass {
    const struct objective *o;
    enum context_mode mode;
    struct item *items;
    size_t n;
    struct arena arena;
    struct llama_batch batch;
    real *embeddings;
    int32_t *positions;
    size_t *starts, *prefix; /* of the sequences */
    size_t sequences;
    size_t *rows;    /* [labels] row of the final states that predicts each label */
    int32_t *labels; /* [labels] */
    size_t n_labels;
    size_t n_text_labels; /* the first ones; those of questions follow */
    bool distill;
    real *teacher; /* [labels, H] when distilling */
};

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
    struct arena scratch = {0};
    real *hidden = arena_array(&scratch, real, (L + 1) * n * H);
    struct llama_input input = {.n = n, .ids = s->query};
    struct llama_output output = {.hidden = hidden};
    bool ok = llama_forward(p->o->model, cache, 0, &input, &output, progress, err);
    if (ok)
        memcpy(teacher + H, hidden + L * n * H, n * H * sizeof *teacher);
    arena_free(&scratch);
    return ok;
}

/* The teacher's states of all samples that have this context. */
static bool read_teachers(struct pass *p, size_t owner, struct kv_cache *cache, const real *last,
                          const struct progress *progress, struct err *err)
{
    size_t used = cache->used;
    for (size_t i = owner; i < p->n; i++) {
        if (p->items[i].owner != owner)
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
    real *hidden = arena_array(&p->arena, real, shape->M * n * shape->H);
    struct kv_cache cache = {0};
    if (p->distill &&
        !kv_cache_init(&cache, &p->o->model->config, n + longest_query(p), err))
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

static bool same_context(const struct sample *a, const struct sample *b)
{
    return a->n_context == b->n_context && a->question == b->question &&
           memcmp(a->context, b->context, a->n_context * sizeof *a->context) == 0;
}

/* Finds who shares a context. */
static void find_owners(struct pass *p)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t owner = 0;
        while (owner < i && !same_context(p->items[owner].sample, p->items[i].sample))
            owner++;
        p->items[i].owner = owner;
        p->items[owner].members++;
    }
}

/* The next sample with another context: what is wrong for this one. When all have the
 * same, there is no wrong one. */
static const struct item *other_context(const struct pass *p, size_t i)
{
    size_t at = i;
    do
        at = (at + 1) % p->n;
    while (at != i && p->items[at].owner == p->items[i].owner);
    return &p->items[p->items[at].owner];
}

static bool make_contexts(struct pass *p, const struct progress *progress, struct err *err)
{
    size_t H = p->o->model->config.hidden;
    bool slots = p->mode == CONTEXT_COMPRESSED || p->mode == CONTEXT_WRONG;
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        const struct sample *s = item->sample;
        if (item->owner != i)
            continue;
        if (slots && s->n_context && !encode(p, i, progress, err))
            return false;
        if (p->mode == CONTEXT_FULL) {
            real *out = arena_array(&p->arena, real, s->n_context * H);
            if (!llama_embed(p->o->model, s->context, s->n_context, out, err))
                return false;
            item->context = out;
            item->n_context = s->n_context;
        }
    }
    for (size_t i = 0; slots && i < p->n; i++) {
        const struct item *from = p->mode == CONTEXT_WRONG ? other_context(p, i)
                                                           : &p->items[p->items[i].owner];
        p->items[i].context = from->tape.slots;
        p->items[i].n_context = from->tape.plan.slots;
    }
    return true;
}

/* ---- the packed decoder input ---------------------------------------------------- */

/* Slots that a context of the whole budget would have. */
static size_t budget_slots(const struct objective *o)
{
    size_t windows = size_div_up(o->budget, o->settings.window);
    return windows * compress_slots_per_window(&o->settings);
}

/* METHOD section 4: empty slots keep their places between BOS and the first slot. */
static size_t position_gap(const struct pass *p, const struct item *item)
{
    if (p->o->positions != POSITIONS_REFERENCE || p->mode == CONTEXT_FULL ||
        p->mode == CONTEXT_NONE)
        return 0;
    size_t budget = budget_slots(p->o);
    return budget > item->n_context ? budget - item->n_context : 0;
}

/* A context that is read as text begins with its own BOS, if it has one. */
static bool leads_with_bos(const struct pass *p)
{
    return p->mode != CONTEXT_FULL && tokenizer_bos(p->o->model->tokenizer) >= 0;
}

/* Does sample i stand behind the context of another one? Only where both have the same
 * before them. */
static bool shares(const struct pass *p, size_t i)
{
    bool own = p->mode == CONTEXT_COMPRESSED || p->mode == CONTEXT_FULL;
    return own && p->items[p->items[i].owner].members > 1;
}

/* Nothing is predicted from the last query token: it is not fed. */
static size_t query_rows(const struct item *item)
{
    return item->sample->n_query - 1;
}

static void add_sequence(struct pass *p, size_t prefix, size_t rows)
{
    p->prefix[p->sequences] = prefix;
    p->starts[p->sequences + 1] = p->starts[p->sequences] + rows;
    p->sequences++;
}

/* The sequences of sample i: alone one, context and query; with others the context, and
 * behind it the query of each. */
static void place(struct pass *p, size_t i)
{
    struct item *owner = &p->items[i];
    size_t first = p->sequences, context = owner->lead + owner->n_context;
    owner->start = p->starts[first];
    if (!shares(p, i)) {
        add_sequence(p, first, context + query_rows(owner));
        owner->query_at = owner->start + context;
        return;
    }
    add_sequence(p, first, context);
    for (size_t k = i; k < p->n; k++) {
        struct item *item = &p->items[k];
        if (item->owner != i)
            continue;
        item->start = owner->start;
        item->n_context = owner->n_context;
        item->query_at = p->starts[p->sequences];
        add_sequence(p, first, query_rows(item));
    }
}

static void measure(struct pass *p)
{
    size_t labels = 0, H = p->o->model->config.hidden;
    p->starts = arena_array(&p->arena, size_t, 2 * p->n + 1);
    p->prefix = arena_array(&p->arena, size_t, 2 * p->n);
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        item->soft = item->sample->question ? p->o->n_soft : 0;
        item->lead = item->soft + leads_with_bos(p);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (!shares(p, i) || p->items[i].owner == i)
            place(p, i);
        labels += sample_labels(p->items[i].sample);
    }
    size_t total = p->starts[p->sequences];
    p->embeddings = arena_array(&p->arena, real, total * H);
    p->positions = arena_array(&p->arena, int32_t, total);
    p->rows = arena_array(&p->arena, size_t, labels);
    p->labels = arena_array(&p->arena, int32_t, labels);
    if (p->distill)
        p->teacher = arena_array(&p->arena, real, labels * H);
}

/* Soft prompt, BOS and context. */
static bool pack_context(struct pass *p, const struct item *item, struct err *err)
{
    const struct objective *o = p->o;
    size_t H = o->model->config.hidden, gap = position_gap(p, item);
    real *at = p->embeddings + item->start * H;
    int32_t bos = tokenizer_bos(o->model->tokenizer);
    if (item->soft)
        memcpy(at, o->soft_prompt, item->soft * H * sizeof *at);
    if (leads_with_bos(p) && !llama_embed(o->model, &bos, 1, at + item->soft * H, err))
        return false;
    if (item->n_context)
        memcpy(at + item->lead * H, item->context, item->n_context * H * sizeof *at);
    for (size_t t = 0; t < item->lead + item->n_context; t++)
        p->positions[item->start + t] = (int32_t)(t + (t >= item->lead ? gap : 0));
    return true;
}

static bool pack_query(struct pass *p, const struct item *item, struct err *err)
{
    size_t H = p->o->model->config.hidden, first = item->lead + item->n_context;
    for (size_t t = 0; t < query_rows(item); t++)
        p->positions[item->query_at + t] = (int32_t)(first + t + position_gap(p, item));
    return llama_embed(p->o->model, item->sample->query, query_rows(item),
                       p->embeddings + item->query_at * H, err);
}

/* The first label has nothing in front of it when context, BOS and soft prompt are
 * all absent; it does not count then. */
static void collect_labels(struct pass *p, const struct item *item)
{
    size_t H = p->o->model->config.hidden, before = item->lead + item->n_context;
    for (size_t t = 0; t < item->sample->n_query; t++) {
        if (item->sample->labels[t] == LABEL_NONE || before + t == 0)
            continue;
        if (p->distill)
            memcpy(p->teacher + p->n_labels * H, item->teacher + t * H, H * sizeof(real));
        p->rows[p->n_labels] = t ? item->query_at + t - 1 : item->start + before - 1;
        p->labels[p->n_labels++] = item->sample->labels[t];
    }
}

static bool pack(struct pass *p, struct err *err)
{
    measure(p);
    for (size_t i = 0; i < p->n; i++) {
        const struct item *item = &p->items[i];
        bool has_context = !shares(p, i) || item->owner == i;
        if ((has_context && !pack_context(p, item, err)) || !pack_query(p, item, err))
            return false;
    }
    for (size_t i = 0; i < p->n; i++)
        if (!p->items[i].sample->question)
            collect_labels(p, &p->items[i]);
    p->n_text_labels = p->n_labels;
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].sample->question)
            collect_labels(p, &p->items[i]);
    p->batch = (struct llama_batch){
        .n = p->starts[p->sequences],
        .pack = {p->sequences, p->starts, p->prefix},
        .embeddings = p->embeddings,
        .positions = p->positions,
    };
    if (p->n_labels == 0)
        return err_set(err, ERR_INPUT, "a batch without a single label");
    return true;
}

/* ---- backward --------------------------------------------------------------------- */

static void backward_items(const struct pass *p, const real *dembeddings,
                           const struct compressor_params *grads, real *dsoft)
{
    size_t H = p->o->model->config.hidden;
    struct arena scratch = {0};
    for (size_t i = 0; i < p->n; i++) {
        const struct item *item = &p->items[i];
        const real *d = dembeddings + item->start * H;
        if (shares(p, i) && item->owner != i)
            continue;
        for (size_t k = 0; dsoft && k < item->soft * H; k++)
            dsoft[k] += d[k];
        if (grads && item->n_context)
            compressor_backward(p->o->compressor, &item->tape, d + item->lead * H, grads, &scratch);
        arena_free(&scratch);
    }
}

/* Cross-entropy of labels [first, first + count), whose mean has the weight `share`
 * in the loss; dfinal (NULL: not wanted) has scale * its gradient added. */
static void add_loss(const struct pass *p, const struct llama_tape *tape, size_t first, size_t count,
                     double share, double scale, real *dfinal, struct objective_result *result,
                     struct arena *arena)
{
    if (count == 0)
        return;
    struct llama_teacher teacher = {.weight = p->o->distill};
    if (p->distill)
        teacher.final = p->teacher + first * p->o->model->config.hidden;
    double sum = llama_cross_entropy(p->o->model, tape->final, p->rows + first, p->labels + first,
                                     count, scale * share / (double)count, NULL, dfinal,
                                     p->distill ? &teacher : NULL, arena);
    result->nll_sum += sum;
    result->loss += share * sum / (double)count;
    result->kl += share * teacher.kl_sum / (double)count;
}

/* Share of the samples that are questions; of one kind alone when the other has no label. */
static double question_share(const struct pass *p)
{
    if (p->n_text_labels == 0 || p->n_text_labels == p->n_labels)
        return p->n_text_labels == 0;
    size_t questions = 0;
    for (size_t i = 0; i < p->n; i++)
        questions += p->items[i].sample->question;
    return (double)questions / (double)p->n;
}

static bool decode(struct pass *p, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err)
{
    size_t H = p->o->model->config.hidden, n = p->batch.n;
    bool wanted = grads || dsoft;
    struct llama_tape tape;
    p->batch.keep_bytes = wanted ? LLAMA_KEEP_BYTES : 0;
    if (!llama_tape_forward(p->o->model, &p->batch, &tape, &p->arena, progress, err))
        return false;
    real *dfinal = wanted ? arena_array(&p->arena, real, n * H) : NULL;
    double share = question_share(p);
    size_t text = p->n_text_labels;
    add_loss(p, &tape, 0, text, 1 - share, scale, dfinal, result, &p->arena);
    add_loss(p, &tape, text, p->n_labels - text, share, scale, dfinal, result, &p->arena);
    result->labels = p->n_labels;
    result->tokens = n;
    if (!wanted)
        return true;
    real *dembeddings = arena_array(&p->arena, real, n * H);
    if (!llama_tape_backward(p->o->model, &tape, dfinal, dembeddings, &p->arena, progress, err))
        return false;
    backward_items(p, dembeddings, grads, dsoft);
    return true;
}

/* ---- plan health ------------------------------------------------------------------- */

static double entropy_bits(const real *p, size_t n)
{
    double h = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] > 0)
            h -= (double)p[i] * log2((double)p[i]);
    return h;
}

/* Mean over slots of exp(entropy of the shares that a slot is made of). */
static double window_spread(const struct window_plan *w)
{
    double sum = 0;
    for (size_t j = 0; j < w->slots; j++) {
        double h = 0;
        for (size_t t = 0; t < w->tokens; t++) {
            double share = (double)w->plan[t * w->slots + j] / (double)w->capacity;
            if (share > 0)
                h -= share * log(share);
        }
        sum += exp(h);
    }
    return sum / (double)w->slots;
}

static void add_gate_health(const struct item *item, size_t M, double *mean,
                            struct objective_result *r)
{
    for (size_t t = 0; t < item->tape.T; t++) {
        const real *alpha = item->tape.alpha + t * M;
        for (size_t l = 0; l < M; l++)
            mean[l] += (double)alpha[l];
        r->gate_entropy += entropy_bits(alpha, M);
    }
}

static void fill_health(struct pass *p, struct objective_result *r)
{
    if (p->mode != CONTEXT_COMPRESSED)
        return;
    size_t M = p->o->compressor->shape.M, tokens = 0, windows = 0;
    double *mean = arena_array(&p->arena, double, M);
    for (size_t i = 0; i < p->n; i++) {
        const struct item *item = &p->items[i];
        if (item->owner != i)
            continue;
        tokens += item->tape.T;
        add_gate_health(item, M, mean, r);
        for (size_t w = 0; w < item->tape.plan.windows; w++, windows++) {
            const struct window_plan *plan = &item->tape.plan.window[w];
            r->spread += window_spread(plan);
            r->senders_off += (double)plan->row_error[plan->iters];
        }
    }
    if (!tokens)
        return;
    for (size_t l = 0; l < M; l++)
        r->gate_max = fmax(r->gate_max, mean[l] / (double)tokens);
    r->gate_entropy /= (double)tokens;
    r->spread /= (double)windows;
    r->senders_off /= (double)windows;
    r->tokens += tokens;
}

bool objective_run(const struct objective *o, enum context_mode mode, const struct sample *samples,
                   size_t n, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err)
{
    struct pass p = {.o = o, .mode = mode, .n = n};
    p.distill = o->distill > 0 && mode == CONTEXT_COMPRESSED && (grads || dsoft);
    *result = (struct objective_result){0};
    p.items = arena_array(&p.arena, struct item, n);
    for (size_t i = 0; i < n; i++)
        p.items[i].sample = &samples[i];
    find_owners(&p);
    bool ok = make_contexts(&p, progress, err) && pack(&p, err) &&
              decode(&p, scale, grads, dsoft, result, progress, err);
    if (ok)
        fill_health(&p, result);
    arena_free(&p.arena);
    return ok;
}
