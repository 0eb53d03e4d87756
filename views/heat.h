/* From values to colour levels and glyphs: the one code for screen and figures.
 *
 *     struct heat_grid grid;
 *     heat_grid_init(&grid, rows, columns);
 *     ... grid.value[r * columns + c] = ..., or heat_grid_pool();
 *     heat_normalise(&grid, NORM_SLOT);
 *     struct heat_scale scale = heat_auto_scale(&grid, SCALE_SQRT, NAN, NAN);
 *     int level = heat_level(&scale, heat_at(&grid, r, c));
 *     heat_grid_free(&grid);
 *
 * In a grid that shows a plan, columns are tokens and rows are slots, also when it
 * is drawn turned. NaN means "no value" and is drawn as nothing. */
#ifndef VIEWS_HEAT_H
#define VIEWS_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "views/colormap.h"
#include "views/display.h"

enum normalise { NORM_WINDOW, NORM_TOKEN, NORM_SLOT, NORM_COUNT };
enum scale { SCALE_LINEAR, SCALE_SQRT, SCALE_LOG, SCALE_COUNT };
extern const char *const normalise_name[NORM_COUNT]; /* "window", "token", "slot" */
extern const char *const scale_name[SCALE_COUNT];    /* "linear", "sqrt", "log" */

struct heat_scale {
    enum scale scale;
    double low, high; /* the values of level 0 and 255 */
};

/* Where value lies, in 0..1; NaN stays NaN. A logarithmic scale from 0 begins three
 * decades below its top. */
double heat_position(const struct heat_scale *scale, double value);

/* 0..255, or -1 for NaN. */
int heat_level(const struct heat_scale *scale, double value);

/* The value at a position: labels of a colour bar. */
double heat_value_at(const struct heat_scale *scale, double position);

struct heat_grid {
    size_t rows, columns;
    float *value; /* [rows, columns] */
};

/* All values NaN. */
void heat_grid_init(struct heat_grid *grid, size_t rows, size_t columns);
void heat_grid_free(struct heat_grid *grid);

static inline double heat_at(const struct heat_grid *grid, size_t row, size_t column)
{
    return (double)grid->value[row * grid->columns + column];
}

/* Values of n tokens x k rows, wherever they stand: value of (token, row) is
 * values[token * token_stride + row * row_stride]. */
struct heat_source {
    const float *values;
    size_t tokens, rows;
    size_t token_stride, row_stride;
};

/* Makes the grid of a source with several tokens and rows in a cell. `sum` adds up
 * (mass); else the mean is taken (gates, likeness). */
void heat_grid_pool(struct heat_grid *grid, const struct heat_source *source,
                    size_t tokens_per_cell, size_t rows_per_cell, bool sum);

/* Divides each column (token) or row (slot) by its largest value; a window is left
 * as it is. */
void heat_normalise(struct heat_grid *grid, enum normalise normalise);

/* Largest finite value, 0 when there is none. */
double heat_max(const struct heat_grid *grid);

/* 0 .. maximum of the grid, or what the limits say (NaN: automatic). */
struct heat_scale heat_auto_scale(const struct heat_grid *grid, enum scale scale, double low,
                                  double high);

/* The smallest power of two of tokens in a cell with which n tokens fit. */
size_t heat_tokens_per_cell(size_t tokens, size_t cells);

/* Glyphs for a position in 0..1: a shade (space ░▒▓█, ASCII space . : - = + * # % @)
 * and a bar that grows from the bottom (space ▁▂▃▄▅▆▇█, ASCII space . _ - = * #). */
uint32_t heat_shade(enum glyph_set glyphs, double position);
uint32_t heat_bar(enum glyph_set glyphs, double position);

#endif
