/* The transmission plan: the mass row above, a row of cells for two slots (or one),
 * the mark of a full slot and the bars of "used" on the right, the token axis below. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/edits.h"
#include "views/plan.h"

enum {
    FRAME_BAR = 0x2502,
    FULL_MARK = 0x258f,
    TEE_RIGHT = 0x251c,
    CROSS = 0x253c,
    LINE = 0x2500
};

static bool has_frame(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE && !c->v->zoomed;
}

static void draw_frame(struct scene *c, int row, const struct grid *g, bool right)
{
    if (has_frame(c))
        canvas_put(c->canvas, row, g->area.column, FRAME_BAR, ROLE_FRAME, 0);
    canvas_put(c->canvas, row, g->columns.cells - 1, FRAME_BAR, ROLE_FRAME, 0);
    if (right)
        canvas_put(c->canvas, row, g->columns.mark, FRAME_BAR, ROLE_FRAME, 0);
}

/* ---- mass ------------------------------------------------------------------- */

static void draw_mass(struct scene *c, const struct grid *g)
{
    int row = c->layout.area[AREA_MASS].row,
        cursor = grid_cell_of(g, c->token - c->first);
    draw_frame(c, row, g, true);
    canvas_printf(c->canvas, row, g->columns.label, GRID_LABEL, ROLE_LABEL, 0, "mass");
    canvas_printf(c->canvas, row, g->columns.bars, GRID_BARS, ROLE_LABEL, 0, "used");
    if (!scene_has_plan(c))
        return;
    float *mass = plan_mass(c);
    struct heat_grid heat;
    struct heat_source source = {mass + g->first, c->tokens - g->first, 1, 1, 1};
    heat_grid_pool(&heat, &source, g->per_cell, 1, c->v->unit == UNIT_TOKEN);
    double top = heat_max(&heat);
    for (int x = 0; x < g->used; x++) {
        double position = top > 0 ? heat_at(&heat, 0, (size_t)x) / top : 0;
        canvas_put(c->canvas, row, g->columns.cells + x,
                   heat_bar(c->v->display.glyphs, fmax(position, 1e-6)),
                   x == cursor ? ROLE_MARK : ROLE_VALUE, x == cursor ? ATTR_BOLD : 0);
    }
    heat_grid_free(&heat);
    free(mass);
}

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
    struct heat_scale scale =
        heat_auto_scale(&heat, c->v->scale, c->v->limit_low, c->v->limit_high);
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

/* "coal 39%  dust 27%": the tokens that the slots of a row carry most of. */
static void draw_carried(struct scene *c, struct rect row, size_t from, size_t to)
{
    enum { NAMED = 12 };
    struct ranked top[NAMED];
    size_t n = c->tokens;
    double *share = xcalloc(n, sizeof *share);
    for (size_t t = 0; t < n; t++)
        for (size_t j = from; j < to; j++)
            share[t] += plan_slot_share(&c->plan, t, j) / (double)(to - from);
    size_t count = rank_top(share, n, 0.02, top, NAMED);
    struct parts parts = {.limit = row.columns};
    for (size_t i = 0; i < count; i++) {
        char name[64];
        token_label(c->document, c->first + top[i].index, TOKEN_TRIMMED, name, sizeof name);
        parts_add(&parts, "%s %.0f%%", name, 100 * top[i].weight);
    }
    canvas_text(c->canvas, row.row, row.column, row.columns, ROLE_TEXT, 0, parts.text,
                strlen(parts.text));
    free(share);
}

static void draw_made_of(struct scene *c, const struct grid *g)
{
    struct rect side = scene_plan_side(c, g);
    size_t from, to;
    if (side.columns <= 0)
        return;
    canvas_printf(c->canvas, c->layout.area[AREA_MASS].row, side.column, side.columns, ROLE_LABEL,
                  0, "made of");
    for (int r = 0; r < side.rows && plan_row_slots(g, c->window->slots, r, &from, &to); r++)
        draw_carried(c, (struct rect){side.row + r, side.column, 1, side.columns}, from, to);
}

/* ---- axis ------------------------------------------------------------------- */

enum { TICK_CELLS = 16 };

static void put_tick(struct scene *c, int row, int column, int end, const char *text,
                     enum canvas_role role)
{
    int columns = text_columns(text);
    if (column + columns > end)
        column = end - columns;
    canvas_text(c->canvas, row, column, columns, role, 0, text, strlen(text));
}

/* Is there room, with a blank on both sides? */
static bool is_free(const struct scene *c, int row, int from, int to)
{
    for (int x = from - 1; x <= to; x++) {
        const struct canvas_cell *cell = canvas_at(c->canvas, row, x);
        if (cell && cell->codepoint != ' ' && cell->codepoint != FRAME_BAR)
            return false;
    }
    return true;
}

static void draw_ticks(struct scene *c, const struct grid *g, int row)
{
    int end = g->columns.cells + g->columns.n_cells + GRID_BARS + 1;
    for (int x = 0; x < g->used; x += TICK_CELLS) {
        char text[24];
        size_t token = c->first + g->first + (size_t)x * g->per_cell;
        snprintf(text, sizeof text, "%zu", token);
        int column = g->columns.cells + x, columns = (int)strlen(text);
        if (column + columns <= end && is_free(c, row, column, column + columns))
            put_tick(c, row, column, end, text, ROLE_LABEL);
    }
}

/* Tokens whose mass was changed by hand. */
static void draw_edit_marks(struct scene *c, const struct grid *g, int row)
{
    for (size_t i = 0; i < c->v->n_token_edits; i++) {
        size_t token = c->v->token_edits[i].token;
        if (token < c->first || token >= c->first + c->tokens)
            continue;
        int cell = grid_cell_of(g, token - c->first);
        const struct canvas_cell *at = canvas_at(c->canvas, row, g->columns.cells + cell);
        if (cell >= 0 && at && at->codepoint == ' ')
            canvas_put(c->canvas, row, g->columns.cells + cell, '~', ROLE_WARN, 0);
    }
}

/* A lit slot ticks its tokens, beside the cursor's label. */
static void draw_slot_ticks(struct scene *c, const struct grid *g, int row, struct rect label)
{
    for (int x = 0; x < g->used && c->brush.source.kind == SOURCE_SLOT; x++) {
        double share = 0;
        int behind = g->columns.cells + x - label.column;
        if (behind >= 0 && behind < label.columns)
            continue;
        for (size_t t = 0; t < g->per_cell; t++) {
            size_t token = g->first + (size_t)x * g->per_cell + t;
            if (token < c->tokens)
                share = fmax(share, brush_token(&c->brush, c->first + token));
        }
        const struct canvas_cell *cell = canvas_at(c->canvas, row, g->columns.cells + x);
        if (share >= c->v->brush_min && cell && cell->codepoint == ' ')
            canvas_put(c->canvas, row, g->columns.cells + x, '\'', ROLE_MARK, 0);
    }
}

/* The token that stands for a cell: the cursor's, else the one that sends most. */
static size_t token_of_cell(const struct scene *c, const struct grid *g, int x)
{
    size_t from = g->first + (size_t)x * g->per_cell, best = from;
    for (size_t t = from; t < size_min(from + g->per_cell, c->tokens); t++) {
        if (c->first + t == c->token)
            return c->token;
        if (scene_has_plan(c) && c->window->mass[t] > c->window->mass[best])
            best = t;
    }
    return c->first + best;
}

/* Token text turned upright under the axis, one token a column. */
static void draw_upright(struct scene *c, const struct grid *g, struct rect area)
{
    for (int r = 1; r < area.rows && has_frame(c); r++)
        canvas_put(c->canvas, area.row + r, g->area.column, FRAME_BAR, ROLE_FRAME, 0);
    for (int x = 0; x < g->used && area.rows > 1; x++) {
        size_t token = token_of_cell(c, g, x);
        char text[64];
        token_label(c->document, token, TOKEN_MARKED, text, sizeof text);
        size_t length = strlen(text);
        bool at_cursor = token == c->token;
        int r = 1;
        for (size_t i = 0; i < length && r < area.rows; r++) {
            uint32_t codepoint;
            i += text_decode(text + i, length - i, &codepoint);
            if (text_width(codepoint) != 1)
                codepoint = '?';
            canvas_put(c->canvas, area.row + r, g->columns.cells + x, codepoint,
                       at_cursor ? ROLE_CURSOR : ROLE_LABEL, 0);
        }
    }
}

/* ^162 coal, or where there is no room for it "162 coal ^": the caret stays below its column.
 * Returns the columns that it took. */
static struct rect draw_cursor_label(struct scene *c, const struct grid *g, int row)
{
    int cell = grid_cell_of(g, c->token - c->first);
    int end = g->columns.cells + g->columns.n_cells + GRID_BARS + 1;
    if (cell < 0)
        return (struct rect){0};
    char name[64], text[112];
    scene_token_name(c, c->token, name, sizeof name);
    snprintf(text, sizeof text, "^%zu %s", c->token, name);
    int column = g->columns.cells + cell, columns = text_columns(text);
    if (column + columns <= end) {
        put_tick(c, row, column, end, text, ROLE_KEY);
        return (struct rect){row, column, 1, columns};
    }
    snprintf(text, sizeof text, "%zu %s", c->token, name);
    columns = text_columns(text);
    bool named = column - 1 - columns > g->columns.cells;
    if (named)
        put_tick(c, row, column - 1 - columns, end, text, ROLE_KEY);
    canvas_put(c->canvas, row, column, '^', ROLE_KEY, 0);
    return (struct rect){row, named ? column - 1 - columns : column, 1, named ? columns + 2 : 1};
}

static void draw_axis(struct scene *c, const struct grid *g)
{
    struct rect area = c->layout.area[AREA_AXIS];
    if (has_frame(c))
        canvas_put(c->canvas, area.row, g->area.column, FRAME_BAR, ROLE_FRAME, 0);
    struct rect label = draw_cursor_label(c, g, area.row);
    draw_edit_marks(c, g, area.row);
    draw_slot_ticks(c, g, area.row, label);
    draw_ticks(c, g, area.row);
    draw_upright(c, g, area);
}

/* ---- the pane --------------------------------------------------------------- */

static void draw_plan_heading(struct scene *c, const struct grid *g)
{
    struct rect area = c->layout.area[AREA_PLAN_HEADING];
    static const char *const zoom[] = {" (zoom)", " (zoom: cells)", " (zoom: numbers)"};
    char name[48];
    int level = c->v->zoom_level < 0 ? 0 : c->v->zoom_level > 2 ? 2 : c->v->zoom_level;
    snprintf(name, sizeof name, "Plan%s%s", c->v->zoomed ? zoom[level] : "",
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
        draw_frame(c, g->area.row + r, g, false);
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
    if (zoomed && c->v->turned) {
        draw_plan_turned(c, c->layout.area[AREA_PLAN]);
        return;
    }
    if (zoomed && c->v->zoom_level >= 2) {
        draw_plan_table(c, c->layout.area[AREA_PLAN]);
        return;
    }
    if (scene_shows(c, AREA_MASS))
        draw_mass(c, &g);
    draw_cells(c, &g);
    if (scene_shows(c, AREA_AXIS))
        draw_axis(c, &g);
}
