/* From roles and colours of a cell to what a terminal is told. At most five accents,
 * each with a contrast of 4.5 on the background it is used on (with an unknown
 * background: on black and on white), and each paired with an attribute or a glyph. */
#ifndef VIEWS_THEME_H
#define VIEWS_THEME_H

#include <stdint.h>

#include "views/canvas.h"
#include "views/display.h"

/* A colour for the terminal: its own default, an entry of its palette, or 24 bits.
 * DEPTH_TRUE yields the first and the last, DEPTH_256 the first two (16..255),
 * DEPTH_16 the first two (0..15), DEPTH_MONO only the default. */
#define THEME_DEFAULT_COLOR UINT32_MAX
#define THEME_PALETTE       UINT32_C(0x01000000)

static inline bool theme_is_palette(uint32_t color)
{
    return color != THEME_DEFAULT_COLOR && (color & THEME_PALETTE) != 0;
}

static inline int theme_palette_index(uint32_t color)
{
    return (int)(color & 0xff);
}

struct theme_style {
    uint32_t foreground, background;
    unsigned attr; /* enum canvas_attr */
};

struct theme_style theme_resolve(const struct display *display, const struct canvas_cell *cell);

/* The nearest of the 240 colours 16..255 that are the same everywhere, and the
 * 24-bit colour of such an entry. */
int theme_nearest_256(uint32_t rgb);
uint32_t theme_rgb_of_256(int index);

#endif
