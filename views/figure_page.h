/* Where everything on a figure's page stands: whole pixels from the top left
 * corner. Computed from sizes alone, so that it can be tested without painting. */
#ifndef VIEWS_FIGURE_PAGE_H
#define VIEWS_FIGURE_PAGE_H

#include "views/figure.h"
#include "views/figure_axis.h"

/* Sizes of text and gaps in points; no text is smaller than 5. */
#define FIGURE_TITLE_SIZE 7.0
#define FIGURE_LETTER_SIZE 8.0
#define FIGURE_TICK_SIZE 6.0
#define FIGURE_LEAST_SIZE 5.0
#define FIGURE_MARK 2.0 /* length of a tick */
#define FIGURE_GAP 2.0  /* between things that belong together */

/* One direction of the grid: across or down. */
struct page_axis {
    bool tokens;   /* shows tokens, else rows */
    bool from_end; /* the first cell stands last: L0 at the bottom, as on the screen */
    size_t cells;
    long cell;     /* extent of a cell */
    struct axis_label *labels; /* owned */
    size_t n_labels;
};

struct page_box {
    long x, y, width, height;
};

/* The numbers of an axis of values, as texts. */
struct page_numbers {
    size_t count;
    double value[AXIS_NUMBERS_MAX];
    char text[AXIS_NUMBERS_MAX][24];
};

struct page {
    double scale; /* pixels a point */
    double tick_size;
    long width, height;
    long left, right; /* margins, before what is left over is shared out */
    struct page_axis across, down;
    struct page_box grid;
    struct page_box above, beside; /* bars of columns and of rows; width 0: none */
    struct page_box bar;           /* colour bar; width 0: none */
    struct page_numbers bar_numbers, mass_numbers;
    long title_base;  /* base lines: of the title, */
    long across_base; /* of the names below the grid, */
    long down_base;   /* and (an x) of the upright names at the left, */
    long bar_base;    /* and of the name of the colour bar */
    long line;        /* a hairline */
};

/* Where a cell begins, in pixels from the corner of the grid. */
long page_cell_start(const struct page_axis *axis, size_t cell);

/* Pixels of a length in points, rounded. */
long page_pixels(const struct page *page, double points);

/* ERR_USAGE with a width, height or resolution that would do. */
bool page_compute(struct page *page, const struct figure_data *data,
                    const struct figure_options *options, const struct figure_fonts *fonts,
                    struct err *err);
void page_free(struct page *page);

/* The value at the end of bars of sender mass. */
double page_mass_top(const struct figure_data *data);

/* Labels of tokens are cut at this length, in points. */
#define PAGE_LABEL_POINTS 46.0

/* text, cut with an ellipsis so that it is no wider than `points` at `size`; to be
 * freed. */
char *page_cut_text(const struct font *font, const char *text, double size, double points);

#endif
