/* What the gates pane and others know about gates. */
#ifndef VIEWS_GATES_H
#define VIEWS_GATES_H

#include "views/scene.h"
#include "views/token_table.h"

/* Entropy of the gates of a token of the window, and their mean, in bits. */
double gate_entropy_bits(const struct snapshot_window *window, size_t token);
double gate_mean_entropy_bits(const struct snapshot_window *window);

/* The layers [*from, *to) of a row of the pane, 0 = top; false: the row is empty. */
bool gates_row_layers(const struct grid *grid, size_t layers, int row, size_t *from, size_t *to);

/* Gates as shown: those of a unit are their mean by sender mass. Free it; NULL: tokens alone, as
 * they are in the window. */
float *gates_of_units(const struct scene *scene);

/* The zoom with numbers: is it what is shown, and where do tokens and layers stand? */
bool gates_show_numbers(const struct scene *scene);
struct token_table gates_table(const struct scene *scene, struct rect area);
void draw_gates_table(struct scene *scene, struct rect area);

#endif
