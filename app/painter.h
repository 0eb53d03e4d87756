/* From two canvases to the bytes that turn one into the other on a terminal that speaks
 * ECMA-48 with 256 colours or more: only what differs is written, of a colour pair only the
 * half that changes, and ends of lines are erased. Curses, which repeats both colours
 * whenever one changes, paints everywhere else (terminal.c). */
#ifndef APP_PAINTER_H
#define APP_PAINTER_H

#include <stdbool.h>

#include "engine/base/buffer.h"
#include "views/canvas.h"
#include "views/display.h"
#include "views/theme.h"

/* What is known of the terminal; all zero: nothing. */
struct painter {
    bool placed;             /* row and column are where it writes next */
    int row, column;
    bool styled;             /* style is what it writes in */
    struct theme_style style;
    bool utf8;
};

/* Appends what makes the screen show `now`, where it shows `shown` (of the same size), which
 * becomes equal to it. all: what is there is not known. The cursor ends where the canvas
 * wants it, if anywhere. */
void painter_frame(struct painter *painter, struct buffer *out, const struct canvas *now,
                   struct canvas *shown, bool all, const struct display *display);

/* Appends what sets everything back to plain text. */
void painter_end(struct painter *painter, struct buffer *out);

/* What a terminal can show of a code point: itself, or '?' (or a blank for none). */
uint32_t painter_printable(uint32_t codepoint, bool utf8);

#endif
