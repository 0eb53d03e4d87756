#include "engine/train/objective_private.h"

#include <string.h>

#include "engine/base/size.h"

/* ---- contexts --------------------------------------------------------------------------- */

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

void pass_begin(struct pass *p, const struct objective *o, enum context_mode mode,
                const struct sample *samples, size_t n, bool wanted)
{
    *p = (struct pass){.o = o, .mode = mode, .n = n, .arena.wide = true};
    if (o->memory)
        p->arena = *o->memory;
    p->distill = o->distill > 0 && mode == CONTEXT_COMPRESSED && wanted;
    p->items = arena_array(&p->arena, struct item, n);
    for (size_t i = 0; i < n; i++)
        p->items[i].sample = &samples[i];
    find_owners(p);
}

void pass_end(struct pass *p)
{
    if (!p->o->memory) {
        arena_free(&p->arena);
        return;
    }
    arena_rewind(&p->arena);
    *p->o->memory = p->arena;
}

bool pass_is_taught(const struct pass *p, size_t i)
{
    return p->distill && !(p->items[i].sample->question && p->o->n_soft > 0);
}

bool pass_is_encoded(const struct pass *p, size_t i)
{
    const struct item *item = &p->items[i];
    return pass_has_slots(p) && item->owner == i && item->sample->n_context > 0;
}

/* The contexts of the wrong mode are read from a copy, as every item gives its own away. */
void pass_place_contexts(struct pass *p)
{
    struct item *own = arena_array(&p->arena, struct item, p->n);
    memcpy(own, p->items, p->n * sizeof *own);
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        const struct item *from = &own[item->owner];
        if (p->mode == CONTEXT_WRONG)
            from = &own[other_context(p, i) - p->items];
        if (pass_has_slots(p)) {
            item->first_slot = from->first_slot;
            item->n_context = from->n_context;
        } else {
            item->n_context = p->mode == CONTEXT_FULL ? item->sample->n_context : 0;
        }
    }
}

/* ---- the packed decoder input ------------------------------------------------------------ */

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

bool pass_shares(const struct pass *p, size_t i)
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
    if (!pass_shares(p, i)) {
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
    size_t labels = 0;
    p->starts = arena_array(&p->arena, size_t, 2 * p->n + 1);
    p->prefix = arena_array(&p->arena, size_t, 2 * p->n);
    for (size_t i = 0; i < p->n; i++) {
        struct item *item = &p->items[i];
        item->soft = item->sample->question ? p->o->n_soft : 0;
        item->lead = item->soft + leads_with_bos(p);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (!pass_shares(p, i) || p->items[i].owner == i)
            place(p, i);
        labels += sample_labels(p->items[i].sample);
    }
    size_t total = p->starts[p->sequences];
    p->source = arena_array(&p->arena, int32_t, total);
    p->positions = arena_array(&p->arena, int32_t, total);
    p->rows = arena_array(&p->arena, size_t, labels);
    p->labels = arena_array(&p->arena, int32_t, labels);
    p->item_of = arena_array(&p->arena, size_t, labels);
    p->query_of = arena_array(&p->arena, size_t, labels);
}

/* Vector i of the soft prompt and the slots behind it. */
static int32_t vector_source(size_t i)
{
    return -1 - (int32_t)i;
}

/* Soft prompt, BOS and context. */
static void pack_context(struct pass *p, const struct item *item)
{
    size_t gap = position_gap(p, item);
    int32_t *at = p->source + item->start;
    for (size_t t = 0; t < item->soft; t++)
        *at++ = vector_source(t);
    if (leads_with_bos(p))
        *at++ = tokenizer_bos(p->o->model->tokenizer);
    for (size_t t = 0; t < item->n_context; t++)
        *at++ = pass_has_slots(p) ? vector_source(p->o->n_soft + item->first_slot + t)
                                  : item->sample->context[t];
    for (size_t t = 0; t < item->lead + item->n_context; t++)
        p->positions[item->start + t] = (int32_t)(t + (t >= item->lead ? gap : 0));
}

static void pack_query(struct pass *p, const struct item *item)
{
    size_t first = item->lead + item->n_context + position_gap(p, item);
    for (size_t t = 0; t < query_rows(item); t++) {
        p->source[item->query_at + t] = item->sample->query[t];
        p->positions[item->query_at + t] = (int32_t)(first + t);
    }
}

/* The first label has nothing in front of it when context, BOS and soft prompt are
 * all absent; it does not count then. */
static void collect_labels(struct pass *p, const struct item *item)
{
    size_t before = item->lead + item->n_context;
    for (size_t t = 0; t < item->sample->n_query; t++) {
        if (item->sample->labels[t] == LABEL_NONE || before + t == 0)
            continue;
        p->item_of[p->n_labels] = (size_t)(item - p->items);
        p->query_of[p->n_labels] = t;
        p->rows[p->n_labels] = t ? item->query_at + t - 1 : item->start + before - 1;
        p->labels[p->n_labels++] = item->sample->labels[t];
    }
}

static void collect_kind(struct pass *p, bool question)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].sample->question == question)
            collect_labels(p, &p->items[i]);
}

/* "token id 70000 of a sample is outside the vocabulary of 49152" */
static bool check_sources(const struct pass *p, struct err *err)
{
    size_t vocab = p->o->model->config.vocab;
    for (size_t r = 0; r < pass_batch_rows(p); r++)
        if (p->source[r] >= 0 && (size_t)p->source[r] >= vocab)
            return err_set(err, ERR_INPUT,
                           "token id %d of a sample is outside the vocabulary of %zu",
                           (int)p->source[r], vocab);
    return true;
}

bool pass_pack(struct pass *p, struct err *err)
{
    measure(p);
    for (size_t i = 0; i < p->n; i++) {
        const struct item *item = &p->items[i];
        if (!pass_shares(p, i) || item->owner == i)
            pack_context(p, item);
        pack_query(p, item);
    }
    collect_kind(p, false);
    p->n_text_labels = p->n_labels;
    collect_kind(p, true);
    if (p->n_labels == 0)
        return err_set(err, ERR_INPUT, "a batch without a single label");
    return check_sources(p, err);
}

size_t pass_batch_rows(const struct pass *p)
{
    return p->starts[p->sequences];
}

/* ---- labels --------------------------------------------------------------------------- */

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

void pass_label_groups(const struct pass *p, struct label_group groups[LABEL_GROUPS])
{
    double questions = question_share(p);
    size_t text = p->n_text_labels;
    groups[0] = (struct label_group){0, text, 1 - questions, p->distill};
    groups[1] = (struct label_group){text, p->n_labels - text, questions,
                                     p->distill && p->o->n_soft == 0};
}
