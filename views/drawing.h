/* A picture as data: what a figure consists of, before it becomes pixels
 * (raster.h) or SVG (svg.h). Both read the same list, so both show the same.
 *
 * Lengths are in points (1/72 inch), x to the right and y downwards from the top
 * left corner of the page. Invariant: blocks of cells, and rectangles that touch
 * them, begin and end on whole pixels at the resolution of the drawing; nothing
 * is ever interpolated. Colours are 0xRRGGBB. */
#ifndef VIEWS_DRAWING_H
#define VIEWS_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum drawing_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

#define DRAWING_NO_COLOR UINT32_MAX /* of a cell: not painted */

struct drawing_rect {
    double x, y, width, height;
    uint32_t color;
};

struct drawing_line {
    double x1, y1, x2, y2, width;
    double dash; /* length of dashes and gaps; 0: solid */
    uint32_t color;
};

struct drawing_text {
    double x, y; /* of the anchor, on the base line */
    double size;
    enum drawing_anchor anchor;
    bool bold;
    bool upright; /* turned by a quarter: reads from bottom to top */
    uint32_t color;
    char *text; /* UTF-8, sanitised, owned */
};

/* A grid of equal rectangles without gaps, row by row. */
struct drawing_cells {
    double x, y, cell_width, cell_height;
    size_t columns, rows;
    uint32_t *color; /* [rows, columns], owned */
};

enum drawing_kind { DRAWING_RECT, DRAWING_LINE, DRAWING_TEXT, DRAWING_CELLS };

struct drawing_item {
    enum drawing_kind kind;
    union {
        struct drawing_rect rect;
        struct drawing_line line;
        struct drawing_text text;
        struct drawing_cells cells;
    };
};

struct drawing {
    double width, height; /* of the page */
    double dpi;
    uint32_t background;
    bool transparent; /* the background is left out */
    char *title;      /* one sentence for readers who cannot see it; owned */
    struct drawing_item *items; /* painted in this order */
    size_t n_items, capacity;
};

/* Style of text, so that calls stay short. */
struct text_style {
    double size;
    uint32_t color;
    enum drawing_anchor anchor;
    bool bold, upright;
};

void drawing_init(struct drawing *drawing, double width, double height, double dpi,
                  uint32_t background);
void drawing_free(struct drawing *drawing);

void drawing_rect(struct drawing *drawing, double x, double y, double width, double height,
                  uint32_t color);
void drawing_line(struct drawing *drawing, struct drawing_line line);

/* The text is copied. */
void drawing_text(struct drawing *drawing, double x, double y, struct text_style style,
                  const char *text);

/* Appends a grid and returns its colours [rows, columns], all unpainted, to be
 * filled in before the next item is added. */
uint32_t *drawing_cells(struct drawing *drawing, double x, double y, double cell_width,
                        double cell_height, size_t columns, size_t rows);

/* Moves all items of `from`, shifted, behind those of `to`; `from` is left empty. */
void drawing_append(struct drawing *to, struct drawing *from, double x, double y);

#endif
