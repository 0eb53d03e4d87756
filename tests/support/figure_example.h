/* A figure of the sample snapshot with everything that it was made from, and what holds on every
 * page. Measured with the built-in face, so that no font is needed. */
#ifndef TESTS_SUPPORT_FIGURE_EXAMPLE_H
#define TESTS_SUPPORT_FIGURE_EXAMPLE_H

#include "tests/support/sample_snapshot.h"
#include "views/figure.h"

struct example {
    struct snapshot *snapshot;
    struct figure_options options;
    struct figure_data data;
    struct snapshot *against; /* A of a difference */
    struct drawing drawing;
    struct figure_fonts fonts;
    struct err err;
    bool ok;
};

void example_begin(struct example *e);
void example_make(struct example *e); /* again, after its options changed */
void example_end(struct example *e);

/* The grid of the picture: the first and largest one. */
const struct drawing_cells *example_picture(const struct drawing *drawing);
bool example_is_whole(double pixels);

/* Cells of whole pixels, none too small; no text touches another, a bar or the picture's cells, or
 * leaves the page. */
void example_check_cells(const struct example *e);
void example_check_texts(const struct example *e, const char *what);

#endif
