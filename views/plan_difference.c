/* The difference from A in the cells of the plan pane: the diverging map, rows as they are. */
#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/compare.h"
#include "views/difference.h"
#include "views/plan.h"

bool plan_shows_difference(const struct scene *c)
{
    return c->v->plan_difference && c->v->pinned && scene_has_plan(c) &&
           compare_same_document(c->v->pinned, c->s);
}

/* Mass between tokens and half rows of slots, a column a token. */
static void fill(const struct scene *c, const struct snapshot *s, size_t half, size_t rows,
                 struct compare_grid *grid)
{
    compare_grid_init(grid, c->first, c->tokens, 1, rows);
    for (size_t r = 0; r <= rows; r++)
        grid->edge[r] = c->first + c->window->span[size_min(r * half, c->window->slots)];
    compare_grid_fill(grid, s);
}

/* B - A of the tokens of cell x, NaN beyond the last slot. */
static double cell_of(const struct compare_grid *a, const struct compare_grid *b,
                      const struct grid *g, size_t row, int x)
{
    size_t from = g->first + (size_t)x * g->per_cell;
    double sum = 0;
    if (row >= a->rows)
        return (double)NAN;
    for (size_t t = from; t < size_min(from + g->per_cell, a->columns); t++)
        sum += (double)b->value[row * b->columns + t] - (double)a->value[row * a->columns + t];
    return sum;
}

void draw_plan_difference(struct scene *c, const struct grid *g)
{
    struct compare_grid a, b;
    size_t half = g->per_row / (size_t)g->halves, rows = size_div_up(c->window->slots, half);
    size_t from, to;
    double top = 0;
    fill(c, c->v->pinned, half, rows, &a);
    fill(c, c->s, half, rows, &b);
    for (size_t r = 0; r < rows; r++)
        for (int x = 0; x < g->used; x++)
            top = fmax(top, fabs(cell_of(&a, &b, g, r, x)));
    top = top > 0 ? top : 1;
    for (int r = 0; r < g->area.rows && plan_row_slots(g, c->window->slots, r, &from, &to); r++)
        for (int x = 0; x < g->used; x++) {
            size_t upper = from / half, lower = upper + (size_t)g->halves - 1;
            paint_difference(c, g->area.row + r, g->columns.cells + x,
                             cell_of(&a, &b, g, upper, x) / top,
                             cell_of(&a, &b, g, lower, x) / top);
        }
    compare_grid_free(&a);
    compare_grid_free(&b);
}
