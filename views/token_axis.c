#include "views/token_axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/edits.h"
#include "views/plan.h"

enum { FRAME_BAR = 0x2502 };

static bool has_frame(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE && !c->v->zoomed;
}

void token_axis_frame(struct scene *c, int row, const struct grid *g, bool right)
{
    if (has_frame(c))
        canvas_put(c->canvas, row, g->area.column, FRAME_BAR, ROLE_FRAME, 0);
    canvas_put(c->canvas, row, g->columns.cells - 1, FRAME_BAR, ROLE_FRAME, 0);
    if (right)
        canvas_put(c->canvas, row, g->columns.mark, FRAME_BAR, ROLE_FRAME, 0);
}

/* ---- mass ------------------------------------------------------------------- */

void draw_token_mass(struct scene *c, const struct grid *g)
{
    int row = c->layout.area[AREA_MASS].row,
        cursor = grid_cell_of(g, c->token - c->first);
    token_axis_frame(c, row, g, true);
    canvas_printf(c->canvas, row, g->columns.label, GRID_LABEL, ROLE_LABEL, 0, "mass");
    if (scene_shows(c, AREA_PLAN))
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

void draw_token_axis(struct scene *c, const struct grid *g)
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

/* ---- beside the cells ------------------------------------------------------- */

void draw_top_tokens(struct scene *c, struct rect row, const double *share)
{
    enum { NAMED = 12 };
    struct ranked top[NAMED];
    size_t count = rank_top(share, c->tokens, 0.02, top, NAMED);
    struct parts parts = {.limit = row.columns};
    for (size_t i = 0; i < count; i++) {
        char name[64];
        token_label(c->document, c->first + top[i].index, TOKEN_TRIMMED, name, sizeof name);
        parts_add(&parts, "%s %.0f%%", name, 100 * top[i].weight);
    }
    canvas_text(c->canvas, row.row, row.column, row.columns, ROLE_TEXT, 0, parts.text,
                strlen(parts.text));
}
