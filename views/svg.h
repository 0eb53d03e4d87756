/* A drawing as SVG 1.1: lengths in points, text as <text>, cells as <rect>. */
#ifndef VIEWS_SVG_H
#define VIEWS_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "views/drawing.h"

/* image: how a grid of more than `rect_limit` cells is put in: called with the grid and
 * the pixels of a cell at the drawing's dpi, it returns the bytes of a PNG of that size as
 * a "data:" address, to be freed; NULL: always rectangles. Cells of several pixels stay
 * sharp also where a viewer smooths images. metadata: text for <metadata>, or NULL. */
struct svg_options {
    const char *metadata;
    size_t rect_limit;
    char *(*image)(const struct drawing_cells *cells, size_t across, size_t down);
};

/* The whole file as text, to be freed; *length without its NUL. */
char *svg_write(const struct drawing *drawing, const struct svg_options *options, size_t *length);

#endif
