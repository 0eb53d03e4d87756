/* A chart of lines in braille dots: two columns and four rows of dots in a cell. Where
 * only ASCII can be shown, a cell becomes the character that has ink in its place.
 *
 *     struct chart chart = {.area = area, .x_high = steps, .low = 2, .high = 5};
 *     chart_frame(scene, &chart);
 *     chart_line(scene, &chart, x, y, n, ROLE_VALUE);
 */
#ifndef VIEWS_CHART_H
#define VIEWS_CHART_H

#include "views/scene.h"

struct chart {
    struct rect area; /* with the axes: GUTTER columns at the left, two rows below */
    double x_low, x_high;
    double low, high; /* of the values; with log_scale both above 0 */
    bool log_scale;
};

enum { CHART_GUTTER = 6, CHART_AXIS_ROWS = 2, CHART_LEAST_ROWS = 4 };

/* The cells of the lines alone. */
struct rect chart_plot(const struct chart *chart);

/* Axes with round numbers. */
void chart_frame(struct scene *scene, const struct chart *chart);

/* A dashed level, and a mark (a character) at a point. Levels outside are left out. */
void chart_level(struct scene *scene, const struct chart *chart, double value);
void chart_mark(struct scene *scene, const struct chart *chart, double x, double y,
                uint32_t mark, enum canvas_role role);

/* n points, ascending by x; NaN leaves a gap. Several points in a column of dots are
 * one: their mean. */
void chart_line(struct scene *scene, const struct chart *chart, const double *x, const double *y,
                size_t n, enum canvas_role role);

/* The character for a braille cell (0x2800..0x28ff) where there is no braille. */
uint32_t chart_ascii(uint32_t braille);

/* 1, 2 or 5 times a power of ten, at least x. */
double chart_round_up(double x);

#endif
