#include "views/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

bool compare_same_document(const struct snapshot *a, const struct snapshot *b)
{
    const struct snapshot_document *x = a->document, *y = b->document;
    if (!x || !y)
        return false;
    return x == y || (x->tokens == y->tokens && x->ids && y->ids &&
                      memcmp(x->ids, y->ids, x->tokens * sizeof *x->ids) == 0);
}

/* ---- grid ------------------------------------------------------------------- */

void compare_grid_init(struct compare_grid *g, size_t first, size_t tokens, size_t per_cell,
                       size_t rows)
{
    *g = (struct compare_grid){.first = first, .tokens = tokens, .per_cell = per_cell,
                               .columns = size_div_up(tokens, per_cell), .rows = rows};
    g->edge = xcalloc(rows + 1, sizeof *g->edge);
    g->value = xcalloc(g->rows * g->columns, sizeof *g->value);
    for (size_t r = 0; r <= rows; r++)
        g->edge[r] = first + (rows ? r * tokens / rows : 0);
}

void compare_grid_free(struct compare_grid *g)
{
    free(g->edge);
    free(g->value);
    *g = (struct compare_grid){0};
}

/* Adds `mass` of a column to the rows in which [from, to) is at home. */
static void share_out(struct compare_grid *g, size_t column, size_t from, size_t to, double mass)
{
    for (size_t r = 0; r < g->rows && g->edge[r] < to; r++) {
        size_t low = size_max(from, g->edge[r]), high = size_min(to, g->edge[r + 1]);
        if (high > low)
            g->value[r * g->columns + column] +=
                (float)(mass * (double)(high - low) / (double)(to - from));
    }
}

static void add_window(struct compare_grid *g, const struct snapshot_window *w)
{
    double unit = (double)w->tokens / (double)g->tokens;
    for (size_t t = 0; t < w->tokens; t++) {
        size_t token = w->first + t;
        if (token < g->first || token >= g->first + g->tokens)
            continue;
        size_t column = (token - g->first) / g->per_cell;
        for (size_t j = 0; j < w->slots; j++) {
            double mass = (double)w->plan[t * w->slots + j] * unit;
            if (mass > 1e-9)
                share_out(g, column, w->first + w->span[j], w->first + w->span[j + 1], mass);
        }
    }
}

static const struct snapshot_window *planned(const struct snapshot *s, size_t window)
{
    const struct snapshot_window *w = window < s->windows ? s->window[window] : NULL;
    return w && w->has_plan ? w : NULL;
}

void compare_grid_fill(struct compare_grid *g, const struct snapshot *s)
{
    for (size_t i = 0; i < s->windows; i++) {
        const struct snapshot_window *w = planned(s, i);
        if (w && w->first < g->first + g->tokens && w->first + w->tokens > g->first)
            add_window(g, w);
    }
}

/* ---- numbers ---------------------------------------------------------------- */

static bool same_shape(const struct snapshot_window *a, const struct snapshot_window *b)
{
    return a && b && a->first == b->first && a->tokens == b->tokens && a->slots == b->slots &&
           memcmp(a->span, b->span, (a->slots + 1) * sizeof *a->span) == 0;
}

static double mean_spread(const struct snapshot_window *w)
{
    struct plan_ref p = {w, w->plan};
    double sum = 0;
    for (size_t j = 0; j < w->slots; j++)
        sum += plan_spread(&p, j);
    return w->slots ? sum / (double)w->slots : 0;
}

static double senders_off(const struct snapshot_window *w)
{
    double off = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double sent = 0;
        for (size_t j = 0; j < w->slots; j++)
            sent += (double)w->plan[t * w->slots + j];
        off += fabs(sent - (double)w->mass[t]);
    }
    return off;
}

/* Half the sum of |a - b|. */
static double distance(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum / 2;
}

static void compare_cells(const struct snapshot_window *a, const struct snapshot_window *b,
                          struct comparison *out)
{
    double most = -1;
    out->moved = distance(a->plan, b->plan, a->tokens * a->slots);
    out->mass = distance(a->mass, b->mass, a->tokens);
    for (size_t j = 0; j < a->slots; j++) {
        double sum = 0;
        for (size_t t = 0; t < a->tokens; t++)
            sum += fabs((double)a->plan[t * a->slots + j] - (double)b->plan[t * a->slots + j]);
        if (sum > most) {
            most = sum;
            out->most = j;
        }
    }
    if (a->has_gate && b->has_gate && a->layers == b->layers && a->tokens)
        out->gates = distance(a->gate, b->gate, a->tokens * a->layers) / (double)a->tokens;
}

/* Other windows or slots: as far as a grid of a row a token can tell. */
static void compare_grids(const struct snapshot *a, const struct snapshot *b,
                          const struct snapshot_window *w, struct comparison *out)
{
    struct compare_grid x, y;
    compare_grid_init(&x, w->first, w->tokens, 1, w->slots);
    compare_grid_init(&y, w->first, w->tokens, 1, w->slots);
    compare_grid_fill(&x, a);
    compare_grid_fill(&y, b);
    out->moved = distance(x.value, y.value, x.rows * x.columns);
    compare_grid_free(&x);
    compare_grid_free(&y);
}

void compare_window(const struct snapshot *a, const struct snapshot *b, size_t window,
                    struct comparison *out)
{
    const struct snapshot_window *y = planned(b, window), *x = NULL;
    *out = (struct comparison){.gates = (double)NAN, .mass = (double)NAN};
    if (!y || !compare_same_document(a, b) || !a->windows)
        return;
    x = planned(a, snapshot_window_of(a, y->first));
    out->spread[1] = mean_spread(y);
    out->off[1] = senders_off(y);
    if (!x)
        return;
    out->spread[0] = mean_spread(x);
    out->off[0] = senders_off(x);
    out->same_shape = same_shape(x, y);
    if (out->same_shape)
        compare_cells(x, y, out);
    else
        compare_grids(a, b, y, out);
}

bool compare_slot(const struct snapshot *a, const struct snapshot *b, size_t window, size_t slot,
                  double spread[2], double *overlap)
{
    const struct snapshot_window *x = planned(a, window), *y = planned(b, window);
    if (!compare_same_document(a, b) || !same_shape(x, y) || slot >= y->slots)
        return false;
    struct plan_ref p[2] = {{x, x->plan}, {y, y->plan}};
    *overlap = 0;
    for (int i = 0; i < 2; i++)
        spread[i] = plan_spread(&p[i], slot);
    for (size_t t = 0; t < y->tokens; t++)
        *overlap += fmin(plan_slot_share(&p[0], t, slot), plan_slot_share(&p[1], t, slot));
    return true;
}

void compare_name(const struct snapshot *of, const struct snapshot *other, char *out, size_t size)
{
    const struct snapshot_settings *s = &of->settings, *o = &other->settings;
    out[0] = '\0';
    text_add(out, size, "%s", of->facts.compressor[0] ? of->facts.compressor : "no compressor");
    if (fabs(s->eps - o->eps) > 1e-12)
        text_add(out, size, " \u00b7 eps %.3g", s->eps);
    if (s->iters != o->iters)
        text_add(out, size, " \u00b7 iter %u", s->iters);
    if (s->window != o->window)
        text_add(out, size, " \u00b7 window %u", s->window);
    if (fabs(s->ratio - o->ratio) > 1e-12)
        text_add(out, size, " \u00b7 x%.4g", s->ratio);
    if (s->align_head != o->align_head)
        text_add(out, size, " \u00b7 align %s", s->align_head ? "head" : "tail");
    if (!compare_same_document(of, other) && of->document)
        text_add(out, size, " \u00b7 %s", of->document->name);
}
