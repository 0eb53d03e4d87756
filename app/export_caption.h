/* The caption of a figure in LaTeX: what is drawn and how it was made, nothing that
 * has to be believed. */
#ifndef APP_EXPORT_CAPTION_H
#define APP_EXPORT_CAPTION_H

#include "engine/snapshot.h"
#include "views/figure.h"

/* A figure environment that includes `picture`, to be freed. */
char *export_caption(const struct snapshot *snapshot, const struct figure_panel *panels, size_t n,
                     const char *picture);

#endif
