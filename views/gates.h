/* What the gates pane and others know about gates. */
#ifndef VIEWS_GATES_H
#define VIEWS_GATES_H

#include "views/scene.h"

/* Entropy of the gates of a token of the window, and their mean, in bits. */
double gate_entropy_bits(const struct snapshot_window *window, size_t token);
double gate_mean_entropy_bits(const struct snapshot_window *window);

/* The layers [*from, *to) of a row of the pane, 0 = top; false: the row is empty. */
bool gates_row_layers(const struct grid *grid, size_t layers, int row, size_t *from, size_t *to);

#endif
