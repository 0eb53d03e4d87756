/* Canvases onto the screen of curses, for terminals that painter.h has no bytes for. */
#ifndef APP_TERMINAL_CURSES_H
#define APP_TERMINAL_CURSES_H

#include <stdbool.h>

#include "views/canvas.h"
#include "views/display.h"

/* Puts what differs from shown, which becomes equal, onto curses' screen, to be refreshed;
 * all: whatever differs. */
void terminal_curses_put(const struct canvas *canvas, struct canvas *shown, bool all,
                         const struct display *display, bool utf8, bool colors);

#endif
