/* The relation strip of the narrow screen: the gates and the slots of what is lit, and
 * the settings strip. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/plan.h"
#include "views/strip.h"

/* ---- relation --------------------------------------------------------------- */

static void relation_title(const struct scene *c, char *out, size_t size)
{
    const char *mark = c->v->locked.kind != SOURCE_NONE ? " *" : "";
    char name[64];
    out[0] = '\0';
    switch (c->light.kind) {
    case SOURCE_LAYER:
        text_add(out, size, "what the slots take from layer L%zu%s", c->light.layer,
                 mark);
        break;
    case SOURCE_SLOT:
        text_add(out, size, "what slot s%zu is made of%s", c->light.slot, mark);
        break;
    case SOURCE_ANSWER:
        text_add(out, size, "where the answer looked%s", mark);
        break;
    default:
        scene_token_name(c, size_min(c->light.token, c->document->tokens - 1), name,
                         sizeof name);
        text_add(out, size, "where \"%s\" is read and sent%s", name, mark);
    }
}

/* Bars of n weights in `columns` columns, several to a column when they are many. */
static void draw_bars(struct scene *c, int row, int column, int columns,
                      const double *weight, size_t n)
{
    size_t per = size_div_up(n, (size_t)columns);
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, weight[i]);
    for (size_t i = 0; i < n && top > 0; i += per) {
        double most = 0;
        for (size_t k = i; k < size_min(i + per, n); k++)
            most = fmax(most, weight[k]);
        double position = most / top;
        canvas_put(c->canvas, row, column + (int)(i / per),
                   heat_bar(c->v->display.glyphs, position < 0.04 ? 0 : position),
                   ROLE_VALUE, 0);
    }
}

void draw_relation(struct scene *c)
{
    struct rect area = c->layout.area[AREA_RELATION];
    char title[128];
    relation_title(c, title, sizeof title);
    draw_heading(c, c->layout.area[AREA_RELATION_HEADING], 0, title, false, "");
    if (!scene_has_gates(c)) {
        char hint[128];
        scene_waiting_text(c, "this window is not read yet", hint, sizeof hint);
        canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_DIM, 0,
                    hint, strlen(hint));
        return;
    }
    size_t layers = c->window->layers, slots = scene_has_plan(c) ? c->window->slots : 0;
    double *weight = xcalloc(size_max(layers, slots), sizeof *weight);
    int room = (area.columns - 17) / 2, column = area.column;
    int used = (int)size_div_up(layers, size_div_up(layers, (size_t)room));
    for (size_t l = 0; l < layers; l++)
        weight[l] = brush_layer(&c->brush, l);
    canvas_printf(c->canvas, area.row, column, 3, ROLE_LABEL, 0, "L0 ");
    draw_bars(c, area.row, column + 3, room, weight, layers);
    column += 3 + used;
    column +=
        canvas_printf(c->canvas, area.row, column, 8, ROLE_LABEL, 0, " L%zu", layers - 1);
    if (slots > 0) {
        for (size_t j = 0; j < slots; j++)
            weight[j] = brush_slot(&c->brush, c->window_index, j);
        int left = area.column + area.columns - column - 4 - 5;
        used = (int)size_div_up(slots, size_div_up(slots, (size_t)left));
        canvas_printf(c->canvas, area.row, column + 1, 4, ROLE_LABEL, 0, " s0 ");
        draw_bars(c, area.row, column + 5, left, weight, slots);
        canvas_printf(c->canvas, area.row, column + 5 + used, 6, ROLE_LABEL, 0, " s%zu",
                      slots - 1);
    }
    free(weight);
}

/* ---- settings --------------------------------------------------------------- */

static void field_text(const struct scene *c, enum strip_field field, bool brief,
                       char *out, size_t size)
{
    const struct snapshot_settings *set = &c->s->settings;
    bool chosen = c->v->strip_field == field;
    const char *open = chosen ? "[" : "", *close = chosen ? "]" : "";
    out[0] = '\0';
    switch (field) {
    case STRIP_ITERS:
        text_add(out, size, "%s %s%u%s", brief ? "iter" : "iterations", open,
                 scene_has_plan(c) ? c->iteration : set->iters, close);
        break;
    case STRIP_EPS:
        text_add(out, size, set->eps < 0.095 ? "eps %s%.3f%s" : "eps %s%.2f%s", open,
                 set->eps, close);
        break;
    case STRIP_WINDOW:
        text_add(out, size, "window %s%u%s", open, set->window, close);
        break;
    case STRIP_RATIO:
        text_add(out, size, brief ? "ratio %s%g%s" : "ratio %s%g%s (K %u)", open,
                 set->ratio, close, set->slots_per_window);
        break;
    default:
        text_add(out, size, "align %s%s%s", open, set->align_head ? "head" : "tail",
                 close);
    }
}

/* Columns of all fields with their gaps, without the bar. */
static int fields_columns(const struct scene *c, bool brief, int gap)
{
    int columns = 1;
    for (int f = 0; f < STRIP_FIELDS; f++) {
        char text[64];
        field_text(c, (enum strip_field)f, brief, text, sizeof text);
        columns += text_columns(text) + gap;
    }
    return columns;
}

/* The bar, or from this width of the screen the curve in its place; room for the note. */
enum { BAR_COLUMNS = 12, CURVE_SCREEN = 150, CURVE_COLUMNS = 41, NOTE_COLUMNS = 38 };

struct strip_geometry strip_geometry(const struct scene *c)
{
    struct strip_geometry g = {.area = c->layout.area[AREA_STRIP], .gap = 3};
    int bar_least = 6;
    g.brief = fields_columns(c, false, 3) + bar_least > g.area.columns;
    if (g.brief)
        g.gap = fields_columns(c, true, 2) + bar_least > g.area.columns ? 1 : 2;
    char text[64];
    field_text(c, STRIP_ITERS, g.brief, text, sizeof text);
    int room = g.area.columns - fields_columns(c, g.brief, g.gap) - 3;
    g.bar = g.area.column + 1 + text_columns(text) + 2;
    g.bar_columns = room > BAR_COLUMNS ? BAR_COLUMNS : room > 0 ? room : 0;
    g.curve = c->v->columns >= CURVE_SCREEN && scene_has_plan(c) && c->window->f &&
              c->window->iters > 1;
    if (g.curve && room > BAR_COLUMNS + NOTE_COLUMNS)
        g.bar_columns = room - NOTE_COLUMNS < CURVE_COLUMNS ? room - NOTE_COLUMNS : CURVE_COLUMNS;
    return g;
}

int strip_iteration_at(const struct scene *c, const struct strip_geometry *g, int column)
{
    unsigned iters = c->window ? c->window->iters : c->s->settings.iters;
    int last = g->bar_columns > 1 ? g->bar_columns - 1 : 1;
    return (int)((unsigned)(column - g->bar) * iters / (unsigned)last);
}

/* Senders off after each iteration, in place of the bar: five decades from full to empty.
 * The iteration that is shown is reversed, those behind it are dim. */
static void draw_error_curve(struct scene *c, const struct strip_geometry *g)
{
    const struct snapshot_window *w = c->window;
    const double decades = 5;
    int now = -1;
    for (int i = 0; i < g->bar_columns; i++)
        if ((unsigned)strip_iteration_at(c, g, g->bar + i) <= c->iteration)
            now = i;
    for (int i = 0; i < g->bar_columns; i++) {
        int iteration = strip_iteration_at(c, g, g->bar + i);
        double off = fmax((double)w->row_error[iteration], 1e-12);
        double height = fmin(1, fmax(0.01, 1 + log10(off) / decades));
        canvas_put(c->canvas, g->area.row, g->bar + i, heat_bar(c->v->display.glyphs, height),
                   i <= now ? ROLE_VALUE : ROLE_DIM, i == now ? ATTR_REVERSE : 0);
    }
}

static void draw_balance_note(struct scene *c, const struct strip_geometry *g, int column)
{
    char note[96] = "";
    if (!scene_has_plan(c))
        return;
    double received = 0;
    for (size_t j = 0; j < c->window->slots; j++)
        if (!c->v->rebalanced || !scene_slot_muted(c, c->window_index, j))
            received += fabs(plan_received(&c->plan, j) - 1) * (double)c->window->capacity;
    text_add(note, sizeof note, "senders off %.0e   ", plan_senders_off(c));
    if (received < 1e-4)
        text_add(note, sizeof note, "slots exact");
    else
        text_add(note, sizeof note, "slots off %.0e", received);
    int columns = text_columns(note), end = g->area.column + g->area.columns;
    if (column + columns + 1 <= end)
        canvas_text(c->canvas, g->area.row, end - columns - 1, columns, ROLE_VALUE, 0,
                    note, strlen(note));
}

void draw_strip(struct scene *c)
{
    enum { LEFT_EDGE = 0x2595, RIGHT_EDGE = 0x258f };
    struct strip_geometry g = strip_geometry(c);
    int column = g.area.column + 1, row = g.area.row,
        end = g.area.column + g.area.columns;
    if (c->layout.kind == LAYOUT_WIDE && !c->v->zoomed)
        canvas_put(c->canvas, row, g.area.column, 0x2502, ROLE_FRAME, 0);
    for (int f = 0; f < STRIP_FIELDS; f++) {
        char text[64];
        bool chosen = (int)c->v->strip_field == f;
        field_text(c, (enum strip_field)f, g.brief, text, sizeof text);
        if (chosen && c->v->strip_open && column < end) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column;
        }
        column += canvas_text(c->canvas, row, column, end - column,
                              chosen ? ROLE_KEY : ROLE_VALUE, 0, text, strlen(text));
        if (f == STRIP_ITERS && g.bar_columns > 0) {
            unsigned iters = c->window ? c->window->iters : 0;
            double done = iters > 0 ? (double)c->iteration / iters : 1;
            canvas_put(c->canvas, row, g.bar - 1, LEFT_EDGE, ROLE_FRAME, 0);
            if (g.curve)
                draw_error_curve(c, &g);
            else
                paint_bar(c, row, g.bar, g.bar_columns, done, ROLE_VALUE);
            canvas_put(c->canvas, row, g.bar + g.bar_columns, RIGHT_EDGE, ROLE_FRAME, 0);
            column = g.bar + g.bar_columns + 1;
        }
        column += g.gap;
    }
    draw_balance_note(c, &g, column);
}
