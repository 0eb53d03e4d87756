/* The plan with numbers in its cells, and the plan with tokens down. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/plan.h"

enum {
    FRAME_BAR = 0x2502,
    LABEL = 5, /* "[s12]" */
    CELL = PLAN_TABLE_CELL,
    SIDE = 14, /* received and spread */
    HEAD_ROWS = PLAN_TABLE_HEAD,
    FOOT_ROWS = 2 /* what the slot is made of */
};

const char *plan_numbers_title(enum view_value value)
{
    switch (value) {
    case VALUE_SLOT_SHARE:
        return "share of the slot in %";
    case VALUE_TOKEN_SHARE:
        return "share of the token in %";
    case VALUE_LIKENESS:
        return "likeness x 100";
    case VALUE_COST:
        return "cost x 100";
    default:
        return "mass in % of the window";
    }
}

struct plan_table plan_table(const struct scene *c, struct rect area)
{
    struct plan_table t = {.area = area, .cells = area.column + LABEL + 1};
    int room = (area.columns - LABEL - 2 - SIDE) / CELL;
    t.tokens = size_min((size_t)(room > 1 ? room : 1), c->tokens);
    t.token = size_min(c->v->plan_left, c->tokens - t.tokens);
    int rows = area.rows - HEAD_ROWS - FOOT_ROWS;
    t.slots = (size_t)(rows > 1 ? rows : 1);
    if (c->window->slots > t.slots) {
        t.slots = size_max(t.slots - 1, 1);
        t.hidden = c->window->slots - t.slots;
    }
    t.slots = size_min(t.slots, c->window->slots);
    t.slot = size_min(c->v->plan_top, c->window->slots - t.slots);
    t.side = t.cells + (int)t.tokens * CELL;
    return t;
}

static void draw_head(struct scene *c, const struct plan_table *t)
{
    int row = t->area.row;
    canvas_printf(c->canvas, row + 2, t->area.column, LABEL, ROLE_LABEL, 0, "mass");
    canvas_printf(c->canvas, row + 1, t->side, SIDE + 2, ROLE_LABEL, 0,
                  "  recv.  spread");
    canvas_printf(c->canvas, row + 2, t->side, SIDE + 2, ROLE_LABEL, 0,
                  "  of cap. tokens");
    for (size_t i = 0; i < t->tokens; i++) {
        size_t token = c->first + t->token + i;
        int column = t->cells + (int)i * CELL;
        bool here = token == c->token;
        char index[32], text[64];
        snprintf(index, sizeof index, here ? "[%zu]" : "%zu", token);
        canvas_printf(c->canvas, row, column, CELL, here ? ROLE_KEY : ROLE_LABEL, 0,
                      "%*s", CELL, index);
        token_label(c->document, token, TOKEN_MARKED, text, sizeof text);
        int columns = text_columns(text),
            indent = columns < CELL - 1 ? CELL - columns : 1;
        canvas_text(c->canvas, row + 1, column + indent, CELL - indent,
                    here ? ROLE_KEY : ROLE_TEXT, 0, text, strlen(text));
        canvas_printf(c->canvas, row + 2, column, CELL, ROLE_VALUE, 0, "%*.2fx", CELL - 1,
                      (double)c->window->mass[t->token + i] * (double)c->tokens);
    }
}

static void draw_number(struct scene *c, int row, int column, double value,
                        double position, bool here)
{
    enum canvas_role role = here ? ROLE_CURSOR : value < 0.0005 ? ROLE_DIM : ROLE_VALUE;
    if (fabs(value) < 0.0005)
        canvas_printf(c->canvas, row, column, CELL - 1, role, 0, "%*s", CELL - 1, ".");
    else
        canvas_printf(c->canvas, row, column, CELL - 1, role, 0, "%*.1f", CELL - 1,
                      100 * value);
    if (fabs(value) >= 0.0005)
        paint_heat_one(c, row, column + CELL - 1, position, 1);
}

static void draw_row(struct scene *c, const struct plan_table *t, int row, size_t slot,
                     const struct heat_grid *heat, const struct heat_scale *scale)
{
    char label[32];
    bool chosen = slot == c->v->slot;
    snprintf(label, sizeof label, chosen ? "[s%zu]" : "s%zu", slot);
    canvas_printf(c->canvas, row, t->area.column, LABEL,
                  chosen                   ? ROLE_CURSOR
                  : plan_slot_lit(c, slot) ? ROLE_KEY
                                           : ROLE_LABEL,
                  0, "%*s", LABEL, label);
    canvas_put(c->canvas, row, t->cells - 1, FRAME_BAR, ROLE_FRAME, 0);
    canvas_put(c->canvas, row, t->side, FRAME_BAR, ROLE_FRAME, 0);
    for (size_t i = 0; i < t->tokens; i++) {
        double value = heat_at(heat, slot, t->token + i);
        bool here = chosen && c->first + t->token + i == c->token;
        int column = t->cells + (int)i * CELL;
        draw_number(c, row, column, value, heat_position(scale, value), here);
        if (here && c->v->focus == PANE_PLAN) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column + CELL - 2;
        }
    }
    canvas_printf(c->canvas, row, t->side + 1, SIDE, ROLE_VALUE, 0, "%4.0f%% %6.1f",
                  100 * plan_received(&c->plan, slot), plan_spread(&c->plan, slot));
}

/* The tokens of the slot at the cursor, below the table. */
static void draw_made_of(struct scene *c, struct rect table)
{
    struct ranked top[10];
    struct rect area = {table.row + table.rows - FOOT_ROWS, table.column, 1, table.columns};
    size_t n = c->tokens, slot = size_min(c->v->slot, c->window->slots - 1);
    double *share = xcalloc(n, sizeof *share), rest = 1;
    for (size_t i = 0; i < n; i++)
        share[i] = plan_slot_share(&c->plan, i, slot);
    size_t count = rank_top(share, n, 0.005, top, 10);
    char title[48], line[512] = "";
    snprintf(title, sizeof title, "s%zu is made of", slot);
    draw_heading(c, area, 0, title, false, "");
    for (size_t i = 0; i < count; i++) {
        char name[64];
        token_label(c->document, c->first + top[i].index, TOKEN_TRIMMED, name,
                    sizeof name);
        rest -= top[i].weight;
        text_add(line, sizeof line, " %s %.0f%% ", name, 100 * top[i].weight);
    }
    text_add(line, sizeof line, " \u00b7 the other %zu tokens %.0f%%", n - count,
             100 * fmax(rest, 0));
    canvas_text(c->canvas, area.row + 1, area.column, area.columns, ROLE_TEXT, 0, line,
                strlen(line));
    free(share);
}

/* One value a cell, normalised, with the scale that colours them; free the grid. */
static void pool_cells(const struct scene *c, struct heat_grid *heat, struct heat_scale *scale)
{
    float *values = plan_values(c);
    size_t slots = c->window->slots;
    struct heat_source source = {values, c->tokens, slots, slots, 1};
    heat_grid_pool(heat, &source, 1, 1, true);
    free(values);
    heat_normalise(heat, c->v->normalise);
    *scale = scene_heat_scale(c, PANE_PLAN, heat);
}

void draw_plan_table(struct scene *c, struct rect area)
{
    struct plan_table t = plan_table(c, area);
    struct heat_grid heat;
    struct heat_scale scale;
    pool_cells(c, &heat, &scale);
    draw_head(c, &t);
    for (size_t r = 0; r < t.slots; r++)
        draw_row(c, &t, area.row + HEAD_ROWS + (int)r, t.slot + r, &heat, &scale);
    if (t.hidden > 0) {
        int row = area.row + HEAD_ROWS + (int)t.slots;
        canvas_printf(c->canvas, row, area.column, t.side, ROLE_DIM, 0,
                      "  ...  %zu more slot row%s", t.hidden, text_plural(t.hidden));
        canvas_put(c->canvas, row, t.side, FRAME_BAR, ROLE_FRAME, 0);
    }
    draw_made_of(c, area);
    heat_grid_free(&heat);
}

/* ---- tokens down ------------------------------------------------------------ */

enum { TOKEN_COLUMNS = 26 };

struct plan_turned plan_turned(const struct scene *c, struct rect area)
{
    struct plan_turned t = {.area = area, .cells = area.column + TOKEN_COLUMNS + 1};
    int room = area.columns - TOKEN_COLUMNS - 2;
    size_t slots = c->window->slots;
    bool numbers = c->v->zoomed && c->v->zoom_level >= 2;
    t.width = numbers ? CELL : 2 * (int)slots <= room ? 2 : 1;
    t.slots = size_min(slots, (size_t)(room > t.width ? room / t.width : 1));
    t.slot = size_min(c->v->plan_top, slots - t.slots);
    int rows = area.rows - 1 - (numbers ? FOOT_ROWS : 0);
    t.tokens = size_min(c->tokens, (size_t)(rows > 1 ? rows : 1));
    t.token = size_min(c->v->plan_left, c->tokens - t.tokens);
    return t;
}

static void draw_turned_row(struct scene *c, const struct plan_turned *t, int row,
                            size_t token, const struct heat_grid *heat,
                            const struct heat_scale *scale)
{
    char text[64];
    bool here = c->first + token == c->token;
    token_label(c->document, c->first + token, TOKEN_MARKED, text, sizeof text);
    canvas_printf(c->canvas, row, t->area.column, 7, ROLE_LABEL, 0, "%6zu",
                  c->first + token);
    canvas_text(c->canvas, row, t->area.column + 7, 12, here ? ROLE_CURSOR : ROLE_TEXT, 0,
                text, strlen(text));
    canvas_printf(c->canvas, row, t->area.column + 19, 7, ROLE_VALUE, 0, "%5.2fx",
                  (double)c->window->mass[token] * (double)c->tokens);
    canvas_put(c->canvas, row, t->cells - 1, FRAME_BAR, ROLE_FRAME, 0);
    for (size_t j = 0; j < t->slots; j++) {
        double value = heat_at(heat, t->slot + j, token), position = heat_position(scale, value);
        int column = t->cells + (int)j * t->width;
        bool cursor = here && t->slot + j == c->v->slot;
        if (t->width == CELL)
            draw_number(c, row, column, value, position, cursor);
        for (int k = 0; k < t->width && t->width < CELL; k++)
            paint_heat_one(c, row, column + k, position,
                           plan_slot_strength(c, t->slot + j));
        if (cursor && c->v->focus == PANE_PLAN) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column + (t->width == CELL ? CELL - 2 : 0);
        }
    }
    canvas_put(c->canvas, row, t->cells + (int)t->slots * t->width, FRAME_BAR, ROLE_FRAME,
               0);
}

/* Every slot has its name over numbers, every fourth over cells. */
static void draw_turned_label(struct scene *c, const struct plan_turned *t, size_t j)
{
    size_t slot = t->slot + j;
    bool here = slot == c->v->slot;
    int column = t->cells + (int)j * t->width;
    char label[32];
    snprintf(label, sizeof label, here && t->width == CELL ? "[s%zu]" : "s%zu", slot);
    if (t->width == CELL)
        canvas_printf(c->canvas, t->area.row, column, CELL, here ? ROLE_KEY : ROLE_LABEL, 0, "%*s",
                      CELL - 1, label);
    else if (slot % 4 == 0 || here)
        canvas_printf(c->canvas, t->area.row, column, 4, here ? ROLE_KEY : ROLE_LABEL, 0, "%s",
                      label);
}

void draw_plan_turned(struct scene *c, struct rect area)
{
    struct plan_turned t = plan_turned(c, area);
    struct heat_grid heat;
    struct heat_scale scale;
    pool_cells(c, &heat, &scale);
    canvas_printf(c->canvas, area.row, area.column, TOKEN_COLUMNS, ROLE_LABEL, 0,
                  " token             mass");
    for (size_t j = 0; j < t.slots; j++)
        draw_turned_label(c, &t, j);
    for (size_t i = 0; i < t.tokens; i++)
        draw_turned_row(c, &t, area.row + 1 + (int)i, t.token + i, &heat, &scale);
    if (t.width == CELL)
        draw_made_of(c, area);
    heat_grid_free(&heat);
}
