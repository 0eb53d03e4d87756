/* What the terminal's description says, without curses: tells before the screen is
 * opened whether it can be, and makes the description that curses shall use. */
#ifndef APP_CAPABILITIES_H
#define APP_CAPABILITIES_H

#include <stdbool.h>

#include "engine/base/err.h"

enum { CAPABILITIES_RGB = 1 << 24 }; /* colours of a direct-colour description */

/* Loads the description of `type` for the functions below; ERR_TERMINAL when there
 * is none. Balanced by capabilities_drop; after newterm the functions below tell of
 * the screen's description, whose drop is curses' matter. */
bool capabilities_load(const char *type, struct err *err);
void capabilities_drop(void);

/* NULL, -1, false when absent. */
const char *capabilities_string(const char *name);
int capabilities_number(const char *name);
bool capabilities_flag(const char *name);

/* Does the terminal take SGR 38;5 and 48;5, erase to the end of a line with the background of
 * the moment, and wait at the end of a line for the next character? So do those that
 * painter.h writes for. */
bool capabilities_take_sgr(void);

/* The loaded description with 24-bit colour, as a value for TERMINFO (terminfo.h);
 * to be freed. */
char *capabilities_with_direct_color(const char *type);

#endif
