/* Changes by hand, as the panes mark and name them (UX.md section 4). */
#ifndef VIEWS_EDITS_H
#define VIEWS_EDITS_H

#include "views/plan.h"

/* "3 edits: s12 off, "coal" x0, only L12", "" without. */
void edits_text(const struct scene *scene, char *out, size_t size);

bool scene_layer_off(const struct scene *scene, size_t layer);
bool scene_token_edited(const struct scene *scene, size_t token);

#endif
