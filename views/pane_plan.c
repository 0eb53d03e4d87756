/* The transmission plan: the mass row above, a row of cells for two slots (or one),
 * the mark of a full slot and the bars of "used" on the right, the token axis below. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/plan.h"
#include "views/token_axis.h"

enum {
    FULL_MARK = 0x258f,
    TEE_RIGHT = 0x251c,
    CROSS = 0x253c,
    LINE = 0x2500
};

/* ---- cells ------------------------------------------------------------------ */

/* What the cells show: a row of the grid for each half row on screen. Tokens of a cell
 * add up, or for units, likeness and cost are averaged. */
static void make_grid(const struct scene *c, const struct grid *g, const float *values,
                      struct heat_grid *heat)
{
    size_t slots = c->window->slots, half = g->per_row / (size_t)g->halves;
    bool sum = plan_value_adds_up(c->v->value[PANE_PLAN]) && c->v->unit == UNIT_TOKEN;
    struct heat_source source = {values + g->first * slots, c->tokens - g->first, slots,
                                 slots, 1};
    heat_grid_pool(heat, &source, g->per_cell, half, sum);
    heat_normalise(heat, c->v->normalise);
}

/* Of the slots of a half row. */
static double half_strength(const struct scene *c, size_t from, size_t to)
{
    double strength = 0;
    for (size_t j = from; j < size_min(to, c->window->slots); j++)
        strength = fmax(strength, plan_slot_strength(c, j));
    return strength;
}

static void draw_heat(struct scene *c, const struct grid *g)
{
    struct heat_grid heat;
    float *values = plan_values(c);
    make_grid(c, g, values, &heat);
    struct heat_scale scale = scene_heat_scale(c, PANE_PLAN, &heat);
    size_t half = g->per_row / (size_t)g->halves, from, to;
    for (int r = 0;
         r < g->area.rows && plan_row_slots(g, c->window->slots, r, &from, &to); r++) {
        size_t upper = from / half, lower = upper + (size_t)g->halves - 1;
        struct heat_pair pair = {.upper_strength = half_strength(c, from, from + half),
                                 .lower_strength = half_strength(c, to - half, to)};
        for (int x = 0; x < g->used && (size_t)x < heat.columns; x++) {
            pair.both = pair.upper =
                heat_position(&scale, heat_at(&heat, upper, (size_t)x));
            pair.lower = (double)NAN;
            if (lower < heat.rows)
                pair.lower = heat_position(&scale, heat_at(&heat, lower, (size_t)x));
            paint_heat(c, g->area.row + r, g->columns.cells + x, &pair);
        }
    }
    heat_grid_free(&heat);
    free(values);
}

/* ---- labels, marks and bars ------------------------------------------------- */

/* Every second row has a label; a lit slot, the chosen and a muted one always. */
static void draw_label(struct scene *c, const struct grid *g, int r, size_t from,
                       size_t to)
{
    size_t named = from, lit_count = 0;
    double best = 0;
    bool muted = false;
    for (size_t j = from; j < to; j++) {
        double weight = brush_slot(&c->brush, c->window_index, j);
        if (plan_slot_lit(c, j) && weight > best) {
            best = weight;
            named = j;
            lit_count++;
        }
        if (scene_slot_muted(c, c->window_index, j)) {
            muted = true;
            named = lit_count ? named : j;
        }
    }
    bool chosen = c->v->focus == PANE_PLAN && c->v->slot >= from && c->v->slot < to;
    if (chosen)
        named = c->v->slot;
    bool thinned = (from / g->per_row) % 2 != 0 && g->per_row < 4 && !c->v->zoomed;
    if (!lit_count && !chosen && !muted && thinned)
        return;
    char label[24];
    snprintf(label, sizeof label, "%ss%zu", muted ? "~" : "", named);
    canvas_printf(c->canvas, g->area.row + r, g->columns.label, GRID_LABEL,
                  chosen      ? ROLE_CURSOR
                  : lit_count ? ROLE_KEY
                  : muted     ? ROLE_WARN
                              : ROLE_LABEL,
                  0, "%*s", GRID_LABEL, label);
}

static bool is_full(const struct scene *c, size_t from, size_t to)
{
    bool full = true;
    for (size_t j = from; j < to; j++)
        full = full && plan_received(&c->plan, j) > 0.99;
    return full;
}

static void draw_sides(struct scene *c, const struct grid *g)
{
    size_t slots = c->window->slots, from, to;
    double *used = xcalloc(slots, sizeof *used), top = 0;
    bool has_used = plan_used(c, used);
    for (int r = 0; r < g->area.rows && plan_row_slots(g, slots, r, &from, &to); r++) {
        double sum = 0;
        for (size_t j = from; j < to; j++)
            sum += used[j];
        top = fmax(top, sum);
    }
    for (int r = 0; r < g->area.rows && plan_row_slots(g, slots, r, &from, &to); r++) {
        double sum = 0;
        for (size_t j = from; j < to; j++)
            sum += used[j];
        draw_label(c, g, r, from, to);
        if (is_full(c, from, to))
            canvas_put(c->canvas, g->area.row + r, g->columns.mark, FULL_MARK, ROLE_FRAME,
                       0);
        if (has_used && top > 0 && sum / top >= 0.05)
            paint_bar(c, g->area.row + r, g->columns.bars, GRID_BARS, sum / top,
                      ROLE_VALUE);
    }
    free(used);
}

static void draw_made_of(struct scene *c, const struct grid *g)
{
    struct rect side = scene_grid_side(c, g);
    size_t from, to, n = c->tokens;
    if (side.columns <= 0)
        return;
    double *share = xcalloc(n, sizeof *share);
    canvas_printf(c->canvas, c->layout.area[AREA_MASS].row, side.column, side.columns, ROLE_LABEL,
                  0, "made of");
    for (int r = 0; r < side.rows && plan_row_slots(g, c->window->slots, r, &from, &to); r++) {
        for (size_t t = 0; t < n; t++) {
            share[t] = 0;
            for (size_t j = from; j < to; j++)
                share[t] += plan_slot_share(&c->plan, t, j) / (double)(to - from);
        }
        draw_top_tokens(c, (struct rect){side.row + r, side.column, 1, side.columns}, share);
    }
    free(share);
}

/* ---- the pane --------------------------------------------------------------- */

static void draw_plan_heading(struct scene *c, const struct grid *g)
{
    struct rect area = c->layout.area[AREA_PLAN_HEADING];
    char name[48];
    snprintf(name, sizeof name, "Plan%s%s", zoom_words(c),
             scene_is_locked(c, PANE_PLAN) ? " *" : "");
    struct parts right = {0};
    plan_heading_text(c, area.columns - text_columns(name) - 11, &right);
    draw_heading(c, area, c->v->zoomed ? 0 : TEE_RIGHT, name, c->v->focus == PANE_PLAN,
                 right.text);
    int cell = grid_cell_of(g, c->token - c->first);
    struct canvas_cell *at = canvas_at(c->canvas, area.row, g->columns.cells + cell);
    if (!c->v->zoomed && cell >= 0 && at && at->codepoint == LINE)
        canvas_put(c->canvas, area.row, g->columns.cells + cell, CROSS, ROLE_MARK, 0);
}

static void place_cursor(struct scene *c, const struct grid *g)
{
    int cell = grid_cell_of(g, c->token - c->first);
    size_t from, to;
    for (int r = 0; cell >= 0 && c->v->focus == PANE_PLAN && r < g->area.rows; r++)
        if (plan_row_slots(g, c->window->slots, r, &from, &to) && c->v->slot >= from &&
            c->v->slot < to) {
            c->canvas->cursor_row = g->area.row + r;
            c->canvas->cursor_column = g->columns.cells + cell;
        }
}

static void draw_cells(struct scene *c, const struct grid *g)
{
    for (int r = 0; r < g->area.rows; r++)
        token_axis_frame(c, g->area.row + r, g, false);
    if (!scene_has_plan(c)) {
        char hint[128];
        scene_waiting_text(c, scene_has_gates(c) ? "the plan comes next" : "no plan yet",
                           hint, sizeof hint);
        draw_hint(c,
                  (struct rect){g->area.row, g->columns.cells, g->area.rows,
                                g->columns.n_cells},
                  hint);
        return;
    }
    if (plan_shows_difference(c))
        draw_plan_difference(c, g);
    else
        draw_heat(c, g);
    draw_sides(c, g);
    draw_made_of(c, g);
    place_cursor(c, g);
}

void draw_plan(struct scene *c)
{
    struct grid g = scene_plan_grid(c);
    if (scene_shows(c, AREA_PLAN_HEADING))
        draw_plan_heading(c, &g);
    if (scene_shows(c, AREA_STRIP))
        draw_strip(c);
    if (!scene_shows(c, AREA_PLAN))
        return;
    bool zoomed = c->v->zoomed && c->v->focus == PANE_PLAN && scene_has_plan(c);
    if (scene_plan_is_turned(c)) {
        draw_plan_turned(c, c->layout.area[AREA_PLAN]);
        return;
    }
    if (zoomed && c->v->zoom_level >= 2) {
        draw_plan_table(c, c->layout.area[AREA_PLAN]);
        return;
    }
    if (scene_shows(c, AREA_MASS))
        draw_token_mass(c, &g);
    draw_cells(c, &g);
    if (scene_shows(c, AREA_AXIS))
        draw_token_axis(c, &g);
}
