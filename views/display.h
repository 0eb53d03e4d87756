/* What the terminal can show; app/terminal.c finds out, :set and options override. */
#ifndef VIEWS_DISPLAY_H
#define VIEWS_DISPLAY_H

#include <stdbool.h>

enum color_depth { DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_TRUE };
enum glyph_set { GLYPHS_HALF, GLYPHS_SHADE, GLYPHS_ASCII };
enum theme_kind { THEME_DEFAULT, THEME_LIGHT, THEME_DARK }; /* default: background unknown */

struct display {
    enum color_depth depth;
    enum glyph_set glyphs;
    enum theme_kind theme;
    bool ambiguous_wide;
};

/* Heat as coloured cells, or as glyphs in the default colour? */
static inline bool display_has_heat_colors(const struct display *display)
{
    return display->depth >= DEPTH_256;
}

#endif
