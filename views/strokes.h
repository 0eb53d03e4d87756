/* The built-in face: characters as strokes on a grid, drawn for this project. It
 * keeps figures readable on a machine without fonts. */
#ifndef VIEWS_STROKES_H
#define VIEWS_STROKES_H

#include <stdbool.h>
#include <stdint.h>

/* One unit of the grid in ems: capitals are 6 units high. */
#define STROKES_UNIT 0.1215
#define STROKES_WIDTH 0.72 /* of the pen, in units */

enum { STROKES_BASE = 2 }; /* y of the base line; y grows upwards, 0 is the descender */

/* The strokes of a character: pairs of digits x y, strokes parted by blanks; NULL
 * when the face lacks it. *advance: units to the next origin. */
const char *strokes_of(uint32_t codepoint, double *advance);

#endif
