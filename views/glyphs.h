/* The glyphs that views draw with, and what stands for them where only ASCII can be
 * shown (no UTF-8, or block glyphs that are two columns wide). */
#ifndef VIEWS_GLYPHS_H
#define VIEWS_GLYPHS_H

#include "views/canvas.h"

/* Replaces frames, bars, marks and signs on the whole canvas. */
void glyphs_to_ascii(struct canvas *canvas);

#endif
