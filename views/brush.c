#include "views/brush.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

/* ---- the plan of one window ------------------------------------------------- */

static double plan_at(const struct plan_ref *p, size_t token, size_t slot)
{
    return (double)p->plan[token * p->window->slots + slot];
}

double plan_slot_share(const struct plan_ref *p, size_t token, size_t slot)
{
    if (!p->plan || !(p->window->capacity > 0))
        return 0;
    return plan_at(p, token, slot) / (double)p->window->capacity;
}

double plan_token_share(const struct plan_ref *p, size_t token, size_t slot)
{
    double total = 0;
    if (!p->plan)
        return 0;
    for (size_t j = 0; j < p->window->slots; j++)
        total += plan_at(p, token, j);
    return total > 0 ? plan_at(p, token, slot) / total : 0;
}

double plan_slot_layer(const struct plan_ref *p, size_t slot, size_t layer)
{
    double sum = 0;
    if (!p->plan || !p->window->has_gate || layer >= p->window->layers)
        return 0;
    for (size_t t = 0; t < p->window->tokens; t++)
        sum += plan_slot_share(p, t, slot) *
               (double)p->window->gate[t * p->window->layers + layer];
    return sum;
}

double plan_received(const struct plan_ref *p, size_t slot)
{
    double sum = 0;
    for (size_t t = 0; p->plan && t < p->window->tokens; t++)
        sum += plan_slot_share(p, t, slot);
    return sum;
}

double plan_spread(const struct plan_ref *p, size_t slot)
{
    double entropy = 0, total = plan_received(p, slot);
    if (!(total > 0))
        return 0;
    for (size_t t = 0; t < p->window->tokens; t++) {
        double share = plan_slot_share(p, t, slot) / total;
        entropy -= share > 0 ? share * log(share) : 0;
    }
    return exp(entropy);
}

const char *plan_off_text(double off, char out[16])
{
    snprintf(out, 16, "%.0e", off);
    /* 1e-02 would look as if it were not over the limit. */
    if (off > PLAN_OFF_MOST && strcmp(out, "1e-02") == 0)
        snprintf(out, 16, "%.1e", off);
    return out;
}

/* ---- slots of the whole document -------------------------------------------- */

/* Home spans that hold a token when only n of the W positions do: the last n (tail)
 * or the first n (head). The first W mod K spans are one position longer. */
static size_t spans_with_tokens(const struct snapshot_settings *set, size_t n)
{
    size_t W = set->window, K = set->slots_per_window;
    if (W == 0 || K == 0 || n >= W)
        return K;
    size_t from = set->align_head ? 0 : W - n, to = from + n, count = 0;
    for (size_t j = 0, start = 0; j < K; j++) {
        size_t end = start + W / K + (j < W % K);
        count += start < to && from < end && start < end;
        start = end;
    }
    return count;
}

size_t window_slot_count(const struct snapshot *s, size_t window)
{
    if (s->window[window] && s->window[window]->has_plan)
        return s->window[window]->slots;
    size_t n = s->window_first[window + 1] - s->window_first[window];
    return spans_with_tokens(&s->settings, n);
}

size_t window_slot_first(const struct snapshot *s, size_t window)
{
    size_t first = 0;
    for (size_t w = 0; w < window; w++)
        first += window_slot_count(s, w);
    return first;
}

/* ---- attention -------------------------------------------------------------- */

static double attention_at(const struct snapshot_answer *a, size_t answer_token,
                           size_t source)
{
    if (!a || !a->attention || answer_token >= a->tokens || source < a->source_first ||
        source - a->source_first >= a->sources)
        return 0;
    return (double)a->attention[answer_token * a->sources + source - a->source_first];
}

double answer_slot_attention(const struct snapshot *s, size_t answer_token, size_t slot)
{
    return attention_at(s->answer[ANSWER_COMPRESSED], answer_token, slot);
}

/* ---- making a brush --------------------------------------------------------- */

static struct plan_ref plan_of(const struct brush *b, size_t window)
{
    if (window == b->shown_window)
        return b->shown;
    const struct snapshot_window *w = b->snapshot->window[window];
    return (struct plan_ref){w, w && w->has_plan ? w->plan : NULL};
}

static bool has_gate(const struct snapshot_window *w)
{
    return w && w->has_gate;
}

static void make_slot_offsets(struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    b->slot_first = xcalloc(s->windows + 1, sizeof *b->slot_first);
    for (size_t w = 0; w < s->windows; w++)
        b->slot_first[w + 1] = b->slot_first[w] + window_slot_count(s, w);
}

/* Where the unit sends what it has, all its tokens together. */
static void make_token_brush(struct brush *b, enum unit unit)
{
    const struct snapshot *s = b->snapshot;
    size_t first = s->window_first[b->window], end = s->window_first[b->window + 1];
    view_unit_range(s->document, unit, b->source.token, &b->from, &b->to);
    b->from = size_max(b->from, first);
    b->to = size_min(b->to, end);
    struct plan_ref p = plan_of(b, b->window);
    if (!p.plan)
        return;
    double total = 0;
    b->send = xcalloc(p.window->slots, sizeof *b->send);
    for (size_t t = b->from - first; t < b->to - first; t++)
        for (size_t j = 0; j < p.window->slots; j++)
            total += plan_at(&p, t, j);
    for (size_t t = b->from - first; total > 0 && t < b->to - first; t++)
        for (size_t j = 0; j < p.window->slots; j++)
            b->send[j] += plan_at(&p, t, j) / total;
}

/* G[., l] of every slot of the document: one pass over the plans. */
static void make_layer_brush(struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    b->slot = xcalloc(b->slot_first[s->windows], sizeof *b->slot);
    for (size_t w = 0; w < s->windows; w++) {
        struct plan_ref p = plan_of(b, w);
        if (!p.plan || !has_gate(p.window) || b->source.layer >= p.window->layers)
            continue;
        float *slot = b->slot + b->slot_first[w];
        for (size_t t = 0; t < p.window->tokens; t++) {
            float gate = p.window->gate[t * p.window->layers + b->source.layer];
            for (size_t j = 0; j < p.window->slots; j++)
                slot[j] += (float)plan_slot_share(&p, t, j) * gate;
        }
    }
}

/* A[i, .] over the slots and D[i, .] over the tokens of the document. */
static void make_compressed_brush(struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    b->slot = xcalloc(b->slot_first[s->windows], sizeof *b->slot);
    b->token = xcalloc(s->document->tokens, sizeof *b->token);
    for (size_t w = 0; w < s->windows; w++) {
        struct plan_ref p = plan_of(b, w);
        for (size_t j = 0; p.plan && j < p.window->slots; j++) {
            double a =
                answer_slot_attention(s, b->source.answer_token, b->slot_first[w] + j);
            b->slot[b->slot_first[w] + j] = (float)a;
            for (size_t t = 0; a > 0 && t < p.window->tokens; t++)
                b->token[s->window_first[w] + t] +=
                    (float)(a * plan_slot_share(&p, t, j));
        }
    }
}

static void make_full_brush(struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    const struct snapshot_answer *a = s->answer[ANSWER_FULL];
    b->token = xcalloc(s->document->tokens, sizeof *b->token);
    for (size_t t = 0; t < s->document->tokens; t++)
        b->token[t] = (float)attention_at(a, b->source.answer_token, t);
}

static void find_token_max(struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    size_t from = s->windows ? s->window_first[b->window] : 0;
    size_t to = s->windows ? s->window_first[b->window + 1] : 0;
    if (b->token) {
        from = 0;
        to = s->document->tokens;
    }
    for (size_t t = from; t < to; t++)
        b->token_max = fmax(b->token_max, brush_token(b, t));
}

/* A source that points outside of what there is now lights nothing. */
static bool is_inside(const struct brush *b)
{
    const struct snapshot *s = b->snapshot;
    if (!s->document || s->windows == 0)
        return false;
    switch (b->source.kind) {
    case SOURCE_TOKEN:
        return b->source.token < s->document->tokens;
    case SOURCE_SLOT:
        return b->source.window < s->windows &&
               b->source.slot < window_slot_count(s, b->source.window);
    case SOURCE_ANSWER:
        return s->answer[b->source.answer] &&
               b->source.answer_token < s->answer[b->source.answer]->tokens;
    case SOURCE_LAYER:
        return true;
    case SOURCE_NONE:
        break;
    }
    return false;
}

void brush_init(struct brush *b, const struct snapshot *s, const struct source *source,
                enum unit unit, size_t shown_window, struct plan_ref shown)
{
    *b = (struct brush){.snapshot = s,
                        .source = *source,
                        .window = shown_window,
                        .shown = shown,
                        .shown_window = shown_window};
    if (!is_inside(b)) {
        b->source.kind = SOURCE_NONE;
        return;
    }
    make_slot_offsets(b);
    if (source->kind == SOURCE_TOKEN)
        b->window = snapshot_window_of(s, source->token);
    else if (source->kind == SOURCE_SLOT)
        b->window = source->window;
    if (source->kind == SOURCE_TOKEN)
        make_token_brush(b, unit);
    else if (source->kind == SOURCE_LAYER)
        make_layer_brush(b);
    else if (source->kind == SOURCE_ANSWER && source->answer == ANSWER_COMPRESSED)
        make_compressed_brush(b);
    else if (source->kind == SOURCE_ANSWER && source->answer == ANSWER_FULL)
        make_full_brush(b);
    find_token_max(b);
}

void brush_free(struct brush *b)
{
    free(b->slot_first);
    free(b->send);
    free(b->token);
    free(b->slot);
    *b = (struct brush){0};
}

/* ---- weights ---------------------------------------------------------------- */

static double gate_at(const struct snapshot *s, size_t token, size_t layer)
{
    size_t window = snapshot_window_of(s, token);
    const struct snapshot_window *w = s->window[window];
    if (!has_gate(w) || layer >= w->layers)
        return 0;
    return (double)w->gate[(token - s->window_first[window]) * w->layers + layer];
}

double brush_token(const struct brush *b, size_t token)
{
    const struct snapshot *s = b->snapshot;
    double weight = 0;
    if (b->token)
        return (double)b->token[token];
    if (b->source.kind == SOURCE_LAYER)
        return gate_at(s, token, b->source.layer);
    if (b->source.kind != SOURCE_TOKEN && b->source.kind != SOURCE_SLOT)
        return 0;
    size_t first = s->window_first[b->window], end = s->window_first[b->window + 1];
    struct plan_ref p = plan_of(b, b->window);
    if (!p.plan || token < first || token >= end)
        return 0;
    if (b->source.kind == SOURCE_SLOT)
        return plan_slot_share(&p, token - first, b->source.slot);
    for (size_t j = 0; j < p.window->slots; j++)
        weight += b->send[j] * plan_slot_share(&p, token - first, j);
    return weight;
}

/* The gate of the tokens [from, to) of a window: their mean, by sender mass when
 * they are a unit. */
static double mean_gate(const struct snapshot_window *w, size_t from, size_t to,
                        size_t layer, bool by_mass)
{
    double sum = 0, total = 0;
    if (!has_gate(w) || layer >= w->layers)
        return 0;
    for (size_t t = from; t < to; t++) {
        double share = by_mass && w->has_plan ? fmax((double)w->mass[t], 1e-12) : 1;
        sum += share * (double)w->gate[t * w->layers + layer];
        total += share;
    }
    return total > 0 ? sum / total : 0;
}

static double answer_layer(const struct brush *b, size_t layer)
{
    const struct snapshot *s = b->snapshot;
    double sum = 0;
    if (b->source.answer != ANSWER_COMPRESSED)
        return 0;
    for (size_t w = 0; w < s->windows; w++) {
        const struct snapshot_window *window = s->window[w];
        if (!has_gate(window) || layer >= window->layers || brush_window(b, w) <= 0)
            continue;
        for (size_t t = 0; t < window->tokens; t++)
            sum += (double)b->token[s->window_first[w] + t] *
                   (double)window->gate[t * window->layers + layer];
    }
    return sum;
}

double brush_layer(const struct brush *b, size_t layer)
{
    const struct snapshot *s = b->snapshot;
    if (b->source.kind == SOURCE_NONE)
        return 0;
    struct plan_ref p = plan_of(b, b->window);
    size_t first = s->window_first[b->window];
    if (b->source.kind == SOURCE_TOKEN)
        return mean_gate(s->window[b->window], b->from - first, b->to - first, layer,
                         true);
    if (b->source.kind == SOURCE_SLOT)
        return plan_slot_layer(&p, b->source.slot, layer);
    if (b->source.kind == SOURCE_ANSWER)
        return answer_layer(b, layer);
    const struct snapshot_window *w = s->window[b->window];
    return w ? mean_gate(w, 0, w->tokens, layer, false) : 0;
}

double brush_slot(const struct brush *b, size_t window, size_t slot)
{
    if (b->source.kind == SOURCE_NONE)
        return 0;
    if (b->source.kind == SOURCE_TOKEN)
        return b->send && window == b->window ? b->send[slot] : 0;
    if (b->source.kind == SOURCE_SLOT)
        return window == b->window && slot == b->source.slot ? 1 : 0;
    return b->slot ? (double)b->slot[b->slot_first[window] + slot] : 0;
}

/* sum_j A[i,j] w[j] over all slots of the document with weights. */
static double attention_on_slots(const struct brush *b, size_t answer_token)
{
    double sum = 0;
    for (size_t j = 0; j < b->slot_first[b->snapshot->windows]; j++)
        sum += answer_slot_attention(b->snapshot, answer_token, j) * (double)b->slot[j];
    return sum;
}

/* D[i, t] summed over the unit. */
static double attention_on_unit(const struct brush *b, size_t answer_token)
{
    struct plan_ref p = plan_of(b, b->window);
    size_t first = b->snapshot->window_first[b->window];
    double sum = 0;
    for (size_t j = 0; p.plan && j < p.window->slots; j++) {
        double a = answer_slot_attention(b->snapshot, answer_token,
                                         b->slot_first[b->window] + j);
        for (size_t t = b->from - first; a > 0 && t < b->to - first; t++)
            sum += a * plan_slot_share(&p, t, j);
    }
    return sum;
}

double brush_answer(const struct brush *b, enum answer_mode mode, size_t answer_token)
{
    const struct snapshot *s = b->snapshot;
    double sum = 0;
    if (b->source.kind == SOURCE_NONE || mode == ANSWER_NONE)
        return 0;
    if (b->source.kind == SOURCE_ANSWER)
        return mode == b->source.answer && answer_token == b->source.answer_token ? 1 : 0;
    if (mode == ANSWER_FULL) {
        for (size_t t = b->from; b->source.kind == SOURCE_TOKEN && t < b->to; t++)
            sum += attention_at(s->answer[ANSWER_FULL], answer_token, t);
        return sum;
    }
    if (b->source.kind == SOURCE_TOKEN)
        return attention_on_unit(b, answer_token);
    if (b->source.kind == SOURCE_SLOT)
        return answer_slot_attention(s, answer_token,
                                     b->slot_first[b->window] + b->source.slot);
    return attention_on_slots(b, answer_token);
}

double brush_window(const struct brush *b, size_t window)
{
    const struct snapshot *s = b->snapshot;
    double sum = 0;
    if (b->source.kind != SOURCE_ANSWER)
        return window == b->window ? 1 : 0;
    for (size_t j = b->slot_first[window]; b->slot && j < b->slot_first[window + 1]; j++)
        sum += (double)b->slot[j];
    for (size_t t = s->window_first[window];
         !b->slot && b->token && t < s->window_first[window + 1]; t++)
        sum += (double)b->token[t];
    return sum;
}

void brush_looked_at(const struct snapshot *s, float *out)
{
    const struct snapshot_answer *a = s->answer[ANSWER_COMPRESSED];
    memset(out, 0, s->document->tokens * sizeof *out);
    for (size_t w = 0, first = 0; a && a->tokens > 0 && w < s->windows; w++) {
        const struct snapshot_window *window = s->window[w];
        struct plan_ref p = {window, window && window->has_plan ? window->plan : NULL};
        for (size_t j = 0; p.plan && j < window->slots; j++) {
            double share = 0;
            for (size_t i = 0; i < a->tokens; i++)
                share += attention_at(a, i, first + j) / (double)a->tokens;
            for (size_t t = 0; share > 0 && t < window->tokens; t++)
                out[s->window_first[w] + t] += (float)(share * plan_slot_share(&p, t, j));
        }
        first += window_slot_count(s, w);
    }
}

size_t rank_top(const double *weight, size_t n, double least, struct ranked *top,
                size_t count)
{
    size_t have = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weight[i] > least) || (have == count && weight[i] <= top[have - 1].weight))
            continue;
        size_t at = have < count ? have++ : have - 1;
        for (; at > 0 && top[at - 1].weight < weight[i]; at--)
            top[at] = top[at - 1];
        top[at] = (struct ranked){i, weight[i]};
    }
    return have;
}
