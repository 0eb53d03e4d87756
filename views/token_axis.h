/* What goes with cells whose columns are tokens: sender mass above them, the axis below, and beside
 * them the tokens that a row is about. */
#ifndef VIEWS_TOKEN_AXIS_H
#define VIEWS_TOKEN_AXIS_H

#include "views/scene.h"

/* The frame left of the cells of a row, and right of them. */
void token_axis_frame(struct scene *scene, int row, const struct grid *grid, bool right);

/* In AREA_MASS and AREA_AXIS, over the columns of the grid. */
void draw_token_mass(struct scene *scene, const struct grid *grid);
void draw_token_axis(struct scene *scene, const struct grid *grid);

/* "coal 39% \u00b7 dust 27%": the largest of share [tokens of the window], as many as fit. */
void draw_top_tokens(struct scene *scene, struct rect row, const double *share);

#endif
