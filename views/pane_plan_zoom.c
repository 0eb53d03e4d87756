/* The plan with numbers in its cells, and the plan with tokens down. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/plan.h"

enum { FRAME_BAR = 0x2502, SIDE = 14 /* received and spread */ };

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

struct token_table plan_table(const struct scene *c, struct rect area)
{
    return token_table(c, area, SIDE, c->v->plan_top, c->window->slots);
}

static void draw_row(struct scene *c, const struct token_table *t, int row, size_t slot,
                     const struct heat_grid *heat, const struct heat_scale *scale)
{
    char label[32];
    bool chosen = slot == c->v->slot;
    snprintf(label, sizeof label, chosen ? "[s%zu]" : "s%zu", slot);
    draw_table_label(c, t, row, label,
                     chosen                   ? ROLE_CURSOR
                     : plan_slot_lit(c, slot) ? ROLE_KEY
                                              : ROLE_LABEL);
    for (size_t i = 0; i < t->tokens; i++) {
        double value = heat_at(heat, slot, t->token + i);
        bool here = chosen && c->first + t->token + i == c->token;
        int column = t->cells + (int)i * TABLE_CELL;
        draw_table_number(c, row, column, value, heat_position(scale, value), here);
        if (here && c->v->focus == PANE_PLAN) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column + TABLE_CELL - 2;
        }
    }
    canvas_printf(c->canvas, row, t->side + 1, SIDE, ROLE_VALUE, 0, "%4.0f%% %6.1f",
                  100 * plan_received(&c->plan, slot), plan_spread(&c->plan, slot));
}

/* The tokens of the slot at the cursor, below the table. */
static void draw_made_of(struct scene *c, struct rect table)
{
    size_t n = c->tokens, slot = size_min(c->v->slot, c->window->slots - 1);
    double *share = xcalloc(n, sizeof *share);
    char title[48];
    for (size_t i = 0; i < n; i++)
        share[i] = plan_slot_share(&c->plan, i, slot);
    snprintf(title, sizeof title, "s%zu is made of", slot);
    draw_table_foot(c, table, title, share, true);
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
    struct token_table t = plan_table(c, area);
    struct heat_grid heat;
    struct heat_scale scale;
    pool_cells(c, &heat, &scale);
    draw_table_head(c, &t);
    canvas_printf(c->canvas, area.row + 1, t.side, SIDE + 2, ROLE_LABEL, 0, "  recv.  spread");
    canvas_printf(c->canvas, area.row + 2, t.side, SIDE + 2, ROLE_LABEL, 0, "  of cap. tokens");
    for (size_t r = 0; r < t.rows; r++)
        draw_row(c, &t, area.row + TABLE_HEAD + (int)r, t.row + r, &heat, &scale);
    draw_table_hidden(c, &t, "slot row");
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
    t.width = numbers ? TABLE_CELL : 2 * (int)slots <= room ? 2 : 1;
    t.slots = size_min(slots, (size_t)(room > t.width ? room / t.width : 1));
    t.slot = size_min(c->v->plan_top, slots - t.slots);
    int rows = area.rows - 1 - (numbers ? TABLE_FOOT : 0);
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
        if (t->width == TABLE_CELL)
            draw_table_number(c, row, column, value, position, cursor);
        for (int k = 0; k < t->width && t->width < TABLE_CELL; k++)
            paint_heat_one(c, row, column + k, position,
                           plan_slot_strength(c, t->slot + j));
        if (cursor && c->v->focus == PANE_PLAN) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column + (t->width == TABLE_CELL ? TABLE_CELL - 2 : 0);
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
    snprintf(label, sizeof label, here && t->width == TABLE_CELL ? "[s%zu]" : "s%zu", slot);
    if (t->width == TABLE_CELL)
        canvas_printf(c->canvas, t->area.row, column, TABLE_CELL, here ? ROLE_KEY : ROLE_LABEL, 0,
                      "%*s", TABLE_CELL - 1, label);
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
    if (t.width == TABLE_CELL)
        draw_made_of(c, area);
    heat_grid_free(&heat);
}
