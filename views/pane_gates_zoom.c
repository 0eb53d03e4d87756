/* The gates with numbers in their cells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/edits.h"
#include "views/gates.h"

enum { MEAN = 8, SIDE = MEAN + GRID_BARS /* mean of the window, profile of what is lit */ };

bool gates_show_numbers(const struct scene *c)
{
    return c->v->zoomed && c->v->zoom_level >= 2 && c->v->focus == PANE_GATES &&
           c->v->value[PANE_GATES] != VALUE_ENTROPY && scene_has_gates(c);
}

struct token_table gates_table(const struct scene *c, struct rect area)
{
    return token_table(c, area, SIDE, c->v->gate_top, c->window->layers);
}

/* What is drawn: the gates themselves as numbers, and what colours them. */
struct cells {
    const float *gate;
    struct heat_grid heat; /* [layers from the top, tokens] */
    struct heat_scale scale;
};

static double gate_at(const struct scene *c, const struct cells *cells, size_t token, size_t layer)
{
    return (double)cells->gate[token * c->window->layers + layer];
}

static void colour(const struct scene *c, struct cells *cells)
{
    size_t layers = c->window->layers;
    heat_grid_init(&cells->heat, layers, c->tokens);
    for (size_t l = 0; l < layers; l++)
        for (size_t t = 0; t < c->tokens; t++)
            cells->heat.value[(layers - 1 - l) * c->tokens + t] =
                (float)gate_at(c, cells, t, l);
    if (c->v->normalise == NORM_TOKEN)
        heat_normalise(&cells->heat, NORM_TOKEN);
    cells->scale = scene_heat_scale(c, PANE_GATES, &cells->heat);
}

static double mean_gate(const struct scene *c, size_t layer)
{
    double sum = 0;
    for (size_t t = 0; t < c->tokens; t++)
        sum += (double)c->window->gate[t * c->window->layers + layer];
    return sum / (double)c->tokens;
}

static void draw_label(struct scene *c, const struct token_table *t, int row, size_t layer)
{
    bool chosen = layer == c->v->layer, off = scene_layer_off(c, layer);
    char label[32];
    snprintf(label, sizeof label, chosen ? "[L%zu]" : off ? "~L%zu" : "L%zu", layer);
    draw_table_label(c, t, row, label, chosen ? ROLE_CURSOR : off ? ROLE_WARN : ROLE_LABEL);
}

static void draw_row(struct scene *c, const struct token_table *t, const struct cells *cells,
                     size_t down, double top)
{
    size_t layer = c->window->layers - 1 - down;
    int row = t->area.row + TABLE_HEAD + (int)(down - t->row);
    draw_label(c, t, row, layer);
    for (size_t i = 0; i < t->tokens; i++) {
        size_t token = t->token + i;
        int column = t->cells + (int)i * TABLE_CELL;
        bool here = layer == c->v->layer && c->first + token == c->token;
        double position = heat_position(&cells->scale, heat_at(&cells->heat, down, token));
        draw_table_number(c, row, column, gate_at(c, cells, token, layer), position, here);
        if (here) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = column + TABLE_CELL - 2;
        }
    }
    canvas_printf(c->canvas, row, t->side + 1, MEAN - 1, ROLE_VALUE, 0, "%5.1f%%",
                  100 * mean_gate(c, layer));
    if (top > 0)
        paint_bar(c, row, t->side + MEAN, GRID_BARS, brush_layer(&c->brush, layer) / top,
                  ROLE_VALUE);
}

/* The tokens that take most from the layer at the cursor, below the table. */
static void draw_takers(struct scene *c, struct rect table)
{
    size_t n = c->tokens, layers = c->window->layers, layer = size_min(c->v->layer, layers - 1);
    double *share = xcalloc(n, sizeof *share);
    char title[48];
    for (size_t t = 0; t < n; t++)
        share[t] = (double)c->window->gate[t * layers + layer];
    snprintf(title, sizeof title, "L%zu is taken most by", layer);
    draw_table_foot(c, table, title, share, false);
    free(share);
}

void draw_gates_table(struct scene *c, struct rect area)
{
    struct token_table t = gates_table(c, area);
    float *units = gates_of_units(c);
    struct cells cells = {.gate = units ? units : c->window->gate};
    double top = 0;
    colour(c, &cells);
    draw_table_head(c, &t);
    canvas_printf(c->canvas, area.row + 1, t.side, SIDE + 2, ROLE_LABEL, 0, "   mean   lit");
    for (size_t l = 0; l < c->window->layers; l++)
        top = fmax(top, brush_layer(&c->brush, l));
    for (size_t r = 0; r < t.rows; r++)
        draw_row(c, &t, &cells, t.row + r, top);
    draw_table_hidden(c, &t, "layer");
    draw_takers(c, area);
    heat_grid_free(&cells.heat);
    free(units);
}
