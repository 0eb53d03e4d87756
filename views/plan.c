#include "views/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/edits.h"

bool plan_value_adds_up(enum view_value value)
{
    return value == VALUE_PLAN_MASS || value == VALUE_SLOT_SHARE ||
           value == VALUE_TOKEN_SHARE;
}

/* Walks the units of the window: [*from, *to) in the window, beginning at *to. */
static bool next_unit(const struct scene *c, size_t *from, size_t *to)
{
    size_t first, end;
    if (*to >= c->tokens)
        return false;
    *from = *to;
    view_unit_range(c->document, c->v->unit, c->first + *from, &first, &end);
    *to = size_max(size_min(end - c->first, c->tokens), *from + 1);
    return true;
}

static double mass_of(const struct scene *c, size_t token)
{
    return fmax((double)c->window->mass[token], 1e-12);
}

/* One slot of the tokens [from, to): sum of mass, share, or mean of likeness. */
static double unit_value(const struct scene *c, size_t from, size_t to, size_t slot,
                         double sent)
{
    const struct snapshot_window *w = c->window;
    double sum = 0, weights = 0;
    for (size_t t = from; t < to; t++) {
        double cost = (double)w->cost[t * w->slots + slot];
        double mass = mass_of(c, t);
        weights += mass;
        switch (c->v->value[PANE_PLAN]) {
        case VALUE_LIKENESS:
            sum += mass * (1 - cost);
            break;
        case VALUE_COST:
            sum += mass * cost;
            break;
        default:
            sum += (double)c->plan.plan[t * w->slots + slot];
        }
    }
    switch (c->v->value[PANE_PLAN]) {
    case VALUE_SLOT_SHARE:
        return sum / (double)w->capacity;
    case VALUE_TOKEN_SHARE:
        return sent > 0 ? sum / sent : 0;
    case VALUE_LIKENESS:
    case VALUE_COST:
        return sum / weights;
    default:
        return sum;
    }
}

float *plan_values(const struct scene *c)
{
    const struct snapshot_window *w = c->window;
    float *value = xcalloc(w->tokens * w->slots, sizeof *value);
    for (size_t from, to = 0; next_unit(c, &from, &to);) {
        double sent = 0;
        for (size_t i = from * w->slots; i < to * w->slots; i++)
            sent += (double)c->plan.plan[i];
        for (size_t j = 0; j < w->slots; j++) {
            float x = (float)unit_value(c, from, to, j, sent);
            for (size_t t = from; t < to; t++)
                value[t * w->slots + j] = x;
        }
    }
    return value;
}

float *plan_mass(const struct scene *c)
{
    const struct snapshot_window *w = c->window;
    float *mass = xcalloc(w->tokens, sizeof *mass);
    bool by_layer = c->brush.source.kind == SOURCE_LAYER && w->has_gate;
    for (size_t from, to = 0; next_unit(c, &from, &to);) {
        float sum = 0;
        for (size_t t = from; t < to; t++)
            sum += w->mass[t] *
                   (by_layer ? (float)brush_token(&c->brush, c->first + t) : 1.0f);
        for (size_t t = from; t < to; t++)
            mass[t] = sum;
    }
    return mass;
}

double plan_senders_off(const struct scene *c)
{
    const struct snapshot_window *w = c->window;
    double off = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double sent = 0;
        for (size_t j = 0; j < w->slots; j++)
            sent += (double)c->plan.plan[t * w->slots + j];
        off += fabs(sent - (double)w->mass[t]);
    }
    return off;
}

bool plan_used(const struct scene *c, double *used)
{
    const struct snapshot_answer *a = c->s->answer[ANSWER_COMPRESSED];
    const struct source *light = &c->brush.source;
    bool answer_lit = light->kind == SOURCE_ANSWER;
    if (!a || !a->attention || a->tokens == 0 || !c->window ||
        (answer_lit && light->answer != ANSWER_COMPRESSED))
        return false;
    size_t first = window_slot_first(c->s, c->window_index);
    for (size_t j = 0; j < c->window->slots; j++) {
        double sum = 0;
        for (size_t i = 0; !answer_lit && i < a->tokens; i++)
            sum += answer_slot_attention(c->s, i, first + j) / (double)a->tokens;
        used[j] = answer_lit ? answer_slot_attention(c->s, light->answer_token, first + j)
                             : sum;
    }
    return true;
}

void slot_name(const struct scene *c, size_t window, size_t slot, char *out, size_t size)
{
    size_t n;
    while (window + 1 < c->s->windows && slot >= (n = window_slot_count(c->s, window))) {
        slot -= n;
        window++;
    }
    out[0] = '\0';
    if (window != c->window_index)
        text_add(out, size, "w%zu:", window + 1);
    text_add(out, size, "s%zu", slot);
}

bool plan_row_slots(const struct grid *g, size_t slots, int row, size_t *from, size_t *to)
{
    *from = g->row_first + (size_t)row * g->per_row;
    *to = size_min(*from + g->per_row, slots);
    return *from < slots;
}

bool plan_slot_lit(const struct scene *c, size_t slot)
{
    double weight = brush_slot(&c->brush, c->window_index, slot);
    switch (c->brush.source.kind) {
    case SOURCE_LAYER: /* twice the even share of a layer */
        return weight * (double)(c->s->facts.layers + 1) >= 2;
    case SOURCE_ANSWER:
        return weight >= 0.02;
    default:
        return weight >= c->v->brush_min;
    }
}

double plan_slot_strength(const struct scene *c, size_t slot)
{
    const double faded = 0.6;
    bool nobody_asked =
        c->v->moved.kind == SOURCE_NONE && c->v->locked.kind == SOURCE_NONE;
    if (c->stale)
        return faded;
    bool elsewhere = (c->light.kind == SOURCE_TOKEN || c->light.kind == SOURCE_SLOT) &&
                     c->brush.window != c->window_index;
    if (nobody_asked || elsewhere || c->light.kind == SOURCE_LAYER ||
        (c->light.kind == SOURCE_ANSWER && c->light.answer != ANSWER_COMPRESSED))
        return 1;
    return plan_slot_lit(c, slot) ? 1 : faded;
}

/* ---- heading ---------------------------------------------------------------- */

/* Parts in the order of display, with a rank: the least important go first when
 * there is no room. */
struct candidates {
    char text[10][160];
    int rank[10];
    int n;
};

static void candidate(struct candidates *list, int rank, const char *text)
{
    if (list->n < 10 && text[0]) {
        snprintf(list->text[list->n], sizeof list->text[0], "%s", text);
        list->rank[list->n++] = rank;
    }
}

static int candidate_columns(const struct candidates *list, int least)
{
    int columns = -3;
    for (int i = 0; i < list->n; i++)
        if (list->rank[i] >= least)
            columns += text_columns(list->text[i]) + 3;
    return columns;
}

static void join(const struct candidates *list, int limit, struct parts *parts)
{
    int least = 0;
    while (least < 10 && candidate_columns(list, least) > limit)
        least++;
    for (int i = 0; i < list->n; i++)
        if (list->rank[i] >= least)
            parts_add(parts, "%s", list->text[i]);
}

/* Where a lit answer token looked outside of this window: "w1 12%  w3 4%". */
static void elsewhere_text(const struct scene *c, char *out, size_t size)
{
    size_t count = 0;
    out[0] = '\0';
    for (size_t w = 0; c->brush.source.kind == SOURCE_ANSWER && w < c->s->windows; w++) {
        double share = brush_window(&c->brush, w);
        if (w != c->window_index && share >= 0.01 && ++count <= 4)
            text_add(out, size, "%sw%zu %.0f%%", out[0] ? "  " : "", w + 1, 100 * share);
    }
}

bool plan_wants_iterations(const struct scene *c)
{
    return plan_senders_off(c) > PLAN_OFF_MOST && c->iteration == c->window->iters;
}

static void balance_candidates(const struct scene *c, struct candidates *list)
{
    char text[80];
    snprintf(text, sizeof text, "iter %u/%u", c->iteration, c->window->iters);
    candidate(list, 4, text);
    snprintf(text, sizeof text, c->window->eps < 0.095 ? "eps %.3f" : "eps %.2f",
             c->window->eps);
    candidate(list, 3, text);
    double off = plan_senders_off(c);
    char number[16];
    snprintf(text, sizeof text, "senders off %s", plan_off_text(off, number));
    candidate(list, 6, text);
    if (c->iteration == 0)
        candidate(list, 9, "before balancing");
    else if (off > PLAN_OFF_MOST)
        candidate(list, 9, "not converged");
    if (plan_wants_iterations(c))
        candidate(list, 1, PLAN_MORE_ITERATIONS);
}

void plan_heading_text(const struct scene *c, int limit, struct parts *parts)
{
    struct candidates list = {0};
    char text[160];
    if (c->light.kind == SOURCE_ANSWER && c->light.answer == ANSWER_FULL)
        candidate(&list, 9, "full context has no slots");
    if (c->v->zoomed && c->v->zoom_level >= 2)
        candidate(&list, 8, plan_numbers_title(c->v->value[PANE_PLAN]));
    else if (c->v->value[PANE_PLAN] != VALUE_PLAN_MASS)
        candidate(&list, 5, view_value_words(c->v->value[PANE_PLAN], text));
    if (plan_shows_difference(c))
        candidate(&list, 9, "B - A: + more  - less");
    if (c->v->normalise != NORM_WINDOW) {
        snprintf(text, sizeof text, "by %s", normalise_name[c->v->normalise]);
        candidate(&list, 6, text); /* without it the colours would be misread */
    }
    if (c->stale)
        candidate(&list, 9, "stale");
    else if (scene_has_plan(c) && !c->v->mean_pooling)
        balance_candidates(c, &list);
    if (c->s->windows > 0) {
        snprintf(text, sizeof text, "window %zu of %zu", c->window_index + 1,
                 c->s->windows);
        candidate(&list, 7, text);
    }
    edits_text(c, text, sizeof text);
    candidate(&list, 8, text);
    elsewhere_text(c, text, sizeof text);
    candidate(&list, 8, text);
    join(&list, limit, parts);
}
