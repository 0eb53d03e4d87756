/* What the terminal tells when it is asked: its background, and how wide it draws a half
 * block. No curses. */
#ifndef APP_TERMINAL_ASK_H
#define APP_TERMINAL_ASK_H

#include <stdbool.h>

#include "app/input.h"
#include "views/display.h"

enum { TERMINAL_PROBE_MS = 150 };

/* How to reach it. */
struct terminal_line {
    int in, out;
    bool ansi; /* takes private-mode sequences */
    bool utf8;
};

/* Writes all of text, past curses. */
void terminal_write(const struct terminal_line *line, const char *text);

/* Background from COLORFGBG ("15;0"), the second choice. */
enum theme_kind terminal_theme_of_environment(void);

/* Asks a terminal of this type and waits TERMINAL_PROBE_MS at most. Sets the theme, if it
 * answers, the width of ambiguous characters and the glyphs that follow from it; depth is
 * to be known. Keys that were typed meanwhile go to input. */
void terminal_ask(const struct terminal_line *line, const char *type, struct display *display,
                  struct input *input);

#endif
