/* Differences, centred at 0: a diverging map where there are colours, glyphs
 * "= - space + #" where there are none. Positions are -1..1, NaN = nothing. */
#ifndef VIEWS_DIFFERENCE_H
#define VIEWS_DIFFERENCE_H

#include "views/scene.h"

/* A cell of two half rows. */
void paint_difference(struct scene *scene, int row, int column, double upper, double lower);

/* The text that is there: its background; else more is underlined, bold, reverse in
 * three steps, and less is dim. */
void tint_difference(struct scene *scene, int row, int column, double position);

#endif
