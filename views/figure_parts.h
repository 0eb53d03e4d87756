/* What the files that read a figure's values share; private to views/figure*.c. */
#ifndef VIEWS_FIGURE_PARTS_H
#define VIEWS_FIGURE_PARTS_H

#include "views/figure.h"

/* One window of the figure, with the plan at the iteration that is shown. */
struct figure_part {
    const struct snapshot_window *window;
    size_t number;     /* of the window, from 0 */
    size_t from, to;   /* its tokens, in the window */
    size_t column, row; /* where its values begin in the grid */
    float *plan;       /* [n, k], owned; NULL without one */
};

/* Values on both sides of 0; bars in place of cells. */
bool figure_is_signed(enum figure_kind kind);
bool figure_is_plot(enum figure_kind kind);

/* Is there something to subtract? True for the other figures. */
bool figure_check_difference(const struct snapshot *snapshot, const struct figure_options *options,
                             struct err *err);

/* The values of an allocated figure, a column a token: nats(compressed) - nats(full); and
 * the plan of `snapshot` less that of options->against, or the other way round, a row a home
 * span of the former. */
void figure_fill_loss(struct figure_data *data, const struct snapshot *snapshot);
void figure_fill_difference(struct figure_data *data, const struct snapshot *snapshot,
                            const struct figure_options *options, const struct figure_part *parts,
                            size_t n);

/* From the least to the largest value, 0 among them; as far on both sides for cells. */
struct heat_scale figure_signed_scale(const struct figure_data *data,
                                      const struct figure_options *options);

#endif
