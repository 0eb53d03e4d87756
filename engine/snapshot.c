/* Reference-counted parts of what the engine shows. A count is only raised by
 * someone who holds a reference, so relaxed order is enough on the way up; the
 * last release must see all writes, hence acquire-release on the way down. */
#include "engine/snapshot.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

const char *const answer_mode_name[ANSWER_MODES] = {"full", "compressed", "none"};

static void count_up(atomic_uint *references)
{
    atomic_fetch_add_explicit(references, 1, memory_order_relaxed);
}

/* Was this the last reference? */
static bool count_down(atomic_uint *references)
{
    unsigned before = atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel);
    CHECK(before > 0);
    return before == 1;
}

static void *copy_block(const void *from, size_t count, size_t bytes)
{
    if (!from)
        return NULL;
    void *copy = xcalloc(count, bytes);
    memcpy(copy, from, count * bytes);
    return copy;
}

/* ---- document --------------------------------------------------------------- */

struct snapshot_document *snapshot_document_new(size_t tokens)
{
    struct snapshot_document *d = xcalloc(1, sizeof *d);
    atomic_init(&d->references, 1);
    d->tokens = tokens;
    d->ids = xcalloc(tokens, sizeof *d->ids);
    d->start = xcalloc(tokens, sizeof *d->start);
    d->end = xcalloc(tokens, sizeof *d->end);
    d->special = xcalloc(tokens, sizeof *d->special);
    return d;
}

struct snapshot_document *snapshot_document_retain(struct snapshot_document *d)
{
    if (d)
        count_up(&d->references);
    return d;
}

void snapshot_document_release(struct snapshot_document *d)
{
    if (!d || !count_down(&d->references))
        return;
    for (size_t i = 0; d->special && i < d->tokens; i++)
        free(d->special[i]);
    free(d->name);
    free(d->text);
    free(d->ids);
    free(d->start);
    free(d->end);
    free(d->special);
    free(d);
}

/* ---- window ----------------------------------------------------------------- */

static float *new_floats(size_t rows, size_t columns)
{
    size_t count;
    CHECK(size_mul(rows, columns, &count));
    return xcalloc(count, sizeof(float));
}

struct snapshot_window *snapshot_window_new(size_t tokens, size_t slots, size_t layers,
                                            unsigned iters, bool history)
{
    struct snapshot_window *w = xcalloc(1, sizeof *w);
    size_t rounds = (size_t)iters + 1;
    atomic_init(&w->references, 1);
    w->tokens = tokens;
    w->slots = slots;
    w->layers = layers;
    w->iters = iters;
    w->capacity = slots ? 1.0f / (float)slots : 0.0f;
    w->gate = new_floats(tokens, layers);
    w->mass = new_floats(tokens, 1);
    w->plan = new_floats(tokens, slots);
    w->cost = new_floats(tokens, slots);
    w->span = xcalloc(slots + 1, sizeof *w->span);
    w->row_error = new_floats(rounds, 1);
    w->column_error = new_floats(rounds, 1);
    w->twin = new_floats(slots, 1);
    if (history) {
        w->f = new_floats(rounds, tokens);
        w->g = new_floats(rounds, slots);
    }
    return w;
}

struct snapshot_window *snapshot_window_retain(struct snapshot_window *w)
{
    if (w)
        count_up(&w->references);
    return w;
}

void snapshot_window_release(struct snapshot_window *w)
{
    if (!w || !count_down(&w->references))
        return;
    free(w->gate);
    free(w->mass);
    free(w->plan);
    free(w->cost);
    free(w->span);
    free(w->f);
    free(w->g);
    free(w->row_error);
    free(w->column_error);
    free(w->twin);
    free(w);
}

/* Round 0 has no potentials: exp(-C / eps), scaled to a total of 1. The smallest
 * cost is taken out first, because exp(-1 / 0.005) is no float. */
static void plan_before_balancing(const struct snapshot_window *w, float *out)
{
    size_t count = w->tokens * w->slots;
    double least = HUGE_VAL, total = 0;
    for (size_t i = 0; i < count; i++)
        least = fmin(least, (double)w->cost[i]);
    for (size_t i = 0; i < count; i++) {
        out[i] = expf((float)((least - (double)w->cost[i]) / w->eps));
        total += (double)out[i];
    }
    float scale = total > 0 ? (float)(1 / total) : 0;
    for (size_t i = 0; i < count; i++)
        out[i] *= scale;
}

bool snapshot_window_plan_at(const struct snapshot_window *w, unsigned iteration,
                             float *out)
{
    if (!w->has_plan || iteration > w->iters || !w->f || !w->g || !(w->eps > 0))
        return false;
    if (iteration == 0) {
        plan_before_balancing(w, out);
        return true;
    }
    const float *f = w->f + (size_t)iteration * w->tokens;
    const float *g = w->g + (size_t)iteration * w->slots;
    float scale = (float)(-1 / w->eps);
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++)
            out[t * w->slots + j] = expf(w->cost[t * w->slots + j] * scale + f[t] + g[j]);
    return true;
}

/* ---- answer ----------------------------------------------------------------- */

struct snapshot_answer *snapshot_answer_new(void)
{
    struct snapshot_answer *a = xcalloc(1, sizeof *a);
    atomic_init(&a->references, 1);
    a->f1 = a->exact = -1;
    return a;
}

struct snapshot_answer *snapshot_answer_copy(const struct snapshot_answer *from)
{
    struct snapshot_answer *a = snapshot_answer_new();
    /* All but the count, which the other thread changes meanwhile. */
    const size_t plain = offsetof(struct snapshot_answer, state);
    memcpy((char *)a + plain, (const char *)from + plain, sizeof *a - plain);
    a->text = from->text ? xstrdup(from->text) : NULL;
    a->ids = xmalloc((from->tokens + 1) * sizeof *a->ids);
    a->start = xcalloc(from->tokens + 2, sizeof *a->start);
    a->attention = from->sources ? xcalloc((from->tokens + 1) * from->sources, sizeof(float))
                                 : NULL;
    if (from->ids)
        memcpy(a->ids, from->ids, from->tokens * sizeof *a->ids);
    if (a->attention && from->attention)
        memcpy(a->attention, from->attention, from->tokens * from->sources * sizeof(float));
    if (from->start)
        memcpy(a->start, from->start, (from->tokens + 1) * sizeof *a->start);
    return a;
}

struct snapshot_answer *snapshot_answer_retain(struct snapshot_answer *a)
{
    if (a)
        count_up(&a->references);
    return a;
}

void snapshot_answer_release(struct snapshot_answer *a)
{
    if (!a || !count_down(&a->references))
        return;
    free(a->text);
    free(a->ids);
    free(a->start);
    free(a->attention);
    free(a);
}

/* ---- loss ------------------------------------------------------------------- */

struct snapshot_loss *snapshot_loss_new(size_t tokens)
{
    struct snapshot_loss *l = xcalloc(1, sizeof *l);
    atomic_init(&l->references, 1);
    l->tokens = tokens;
    l->full = new_floats(tokens, 1);
    l->compressed = new_floats(tokens, 1);
    for (size_t t = 0; t < tokens; t++)
        l->full[t] = l->compressed[t] = NAN;
    return l;
}

struct snapshot_loss *snapshot_loss_retain(struct snapshot_loss *l)
{
    if (l)
        count_up(&l->references);
    return l;
}

void snapshot_loss_release(struct snapshot_loss *l)
{
    if (!l || !count_down(&l->references))
        return;
    free(l->full);
    free(l->compressed);
    free(l);
}

void snapshot_set_loss(struct snapshot *s, struct snapshot_loss *l)
{
    snapshot_loss_release(s->loss);
    s->loss = l;
}

/* ---- snapshot --------------------------------------------------------------- */

struct snapshot *snapshot_retain(struct snapshot *s)
{
    if (s)
        count_up(&s->references);
    return s;
}

static void release_windows(struct snapshot *s)
{
    for (size_t i = 0; i < s->windows; i++)
        snapshot_window_release(s->window[i]);
    free(s->window);
    free(s->window_first);
    s->window = NULL;
    s->window_first = NULL;
    s->windows = 0;
}

void snapshot_release(struct snapshot *s)
{
    if (!s || !count_down(&s->references))
        return;
    release_windows(s);
    snapshot_document_release(s->document);
    for (int mode = 0; mode < ANSWER_MODES; mode++)
        snapshot_answer_release(s->answer[mode]);
    snapshot_answer_release(s->previous);
    snapshot_loss_release(s->loss);
    free(s->question);
    free(s->gold);
    free(s->minimap_mass);
    free(s);
}

/* The plain members, one by one: a struct with an atomic count is not copied
 * as a whole. */
static void copy_plain_members(struct snapshot *s, const struct snapshot *from)
{
    s->version = from->version + 1;
    s->facts = from->facts;
    s->settings = from->settings;
    s->activity = from->activity;
    s->control = from->control;
    memcpy(s->problem, from->problem, sizeof s->problem);
    memcpy(s->note, from->note, sizeof s->note);
    s->note_serial = from->note_serial;
}

struct snapshot *snapshot_derive(const struct snapshot *from)
{
    struct snapshot *s = xcalloc(1, sizeof *s);
    atomic_init(&s->references, 1);
    if (!from)
        return s;
    copy_plain_members(s, from);
    s->document = snapshot_document_retain(from->document);
    if (from->window) {
        s->windows = from->windows;
        s->window = copy_block(from->window, from->windows, sizeof *s->window);
        for (size_t i = 0; i < s->windows; i++)
            snapshot_window_retain(s->window[i]);
    }
    s->window_first =
        copy_block(from->window_first, from->windows + 1, sizeof *s->window_first);
    for (int mode = 0; mode < ANSWER_MODES; mode++)
        s->answer[mode] = snapshot_answer_retain(from->answer[mode]);
    s->previous = snapshot_answer_retain(from->previous);
    s->loss = snapshot_loss_retain(from->loss);
    s->question = from->question ? xstrdup(from->question) : NULL;
    s->gold = from->gold ? xstrdup(from->gold) : NULL;
    s->minimap_mass =
        copy_block(from->minimap_mass, from->document ? from->document->tokens : 0,
                   sizeof *s->minimap_mass);
    return s;
}

void snapshot_set_document(struct snapshot *s, struct snapshot_document *d)
{
    snapshot_set_windows(s, 0, NULL);
    snapshot_set_loss(s, NULL);
    s->control = (struct snapshot_control){0};
    free(s->minimap_mass);
    s->minimap_mass = NULL;
    snapshot_document_release(s->document);
    s->document = d;
}

void snapshot_set_windows(struct snapshot *s, size_t windows, const uint32_t *first)
{
    release_windows(s);
    if (windows == 0)
        return;
    s->windows = windows;
    s->window = xcalloc(windows, sizeof *s->window);
    s->window_first = copy_block(first, windows + 1, sizeof *first);
}

void snapshot_set_window(struct snapshot *s, size_t i, struct snapshot_window *w)
{
    CHECK(i < s->windows);
    snapshot_window_release(s->window[i]);
    s->window[i] = w;
}

void snapshot_set_answer(struct snapshot *s, enum answer_mode mode,
                         struct snapshot_answer *a)
{
    snapshot_answer_release(s->answer[mode]);
    s->answer[mode] = a;
}

size_t snapshot_window_of(const struct snapshot *s, size_t token)
{
    size_t low = 0, high = s->windows;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->window_first[middle] <= token)
            low = middle;
        else
            high = middle;
    }
    return low;
}
