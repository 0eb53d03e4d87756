/* The faces that figures are set in: DejaVu Sans of this machine, else the
 * built-in strokes. */
#ifndef APP_FACES_H
#define APP_FACES_H

#include "engine/base/file.h"
#include "views/figure.h"

struct faces {
    struct mapped_file regular_file, bold_file;
    struct font *regular, *bold; /* bold NULL: none found */
};

/* Never fails. builtin: do not look for fonts. */
void faces_open(struct faces *faces, bool builtin);
void faces_close(struct faces *faces);

struct figure_fonts faces_fonts(const struct faces *faces);

#endif
