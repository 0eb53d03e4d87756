/* The caption below the screen (UX.md section 8). */
#ifndef VIEWS_CAPTION_H
#define VIEWS_CAPTION_H

#include "views/scene.h"

/* Rows that it takes from the screen; 0 without a caption, or where there is no room. */
int caption_rows(const struct view_state *state);

void draw_caption(struct scene *scene);

#endif
