#include "views/difference.h"

#include <math.h>

enum { UPPER_HALF = 0x2580, LOWER_HALF = 0x2584 };

static const double little = 0.1, much = 0.5;

static char glyph_of(double x)
{
    if (isnan(x) || fabs(x) < little)
        return ' ';
    if (x < 0)
        return x < -much ? '=' : '-';
    return x > much ? '#' : '+';
}

static uint32_t color_of(double x)
{
    if (isnan(x))
        return COLOR_NONE;
    return colormap_rgb(MAP_VIK, 128 + (int)lround(fmax(fmin(x, 1), -1) * 127));
}

static double stronger(double a, double b)
{
    return isnan(a) || (!isnan(b) && fabs(b) > fabs(a)) ? b : a;
}

void paint_difference(struct scene *c, int row, int column, double upper, double lower)
{
    const struct display *display = &c->v->display;
    double both = stronger(upper, lower);
    bool halves = display_has_heat_colors(display) && display->glyphs == GLYPHS_HALF;
    if (!halves)
        canvas_put(c->canvas, row, column, (uint32_t)glyph_of(both), ROLE_HEAT, 0);
    else
        canvas_put(c->canvas, row, column, isnan(upper) ? LOWER_HALF : UPPER_HALF, ROLE_HEAT, 0);
    struct canvas_cell *cell = canvas_at(c->canvas, row, column);
    if (!cell || !display_has_heat_colors(display))
        return;
    if (!halves) {
        cell->background = color_of(both);
        cell->foreground = cell->background == COLOR_NONE ? COLOR_NONE
                                                          : color_ink(cell->background);
    } else {
        cell->foreground = color_of(isnan(upper) ? lower : upper);
        cell->background = isnan(upper) ? COLOR_NONE : color_of(lower);
        if (cell->foreground == COLOR_NONE)
            cell->codepoint = ' ';
    }
}

void tint_difference(struct scene *c, int row, int column, double position)
{
    struct canvas_cell *cell = canvas_at(c->canvas, row, column);
    if (!cell || isnan(position) || fabs(position) < little)
        return;
    if (display_has_heat_colors(&c->v->display)) {
        cell->background = color_of(position);
        cell->foreground = color_ink(cell->background);
    } else if (position < 0) {
        cell->role = ROLE_DIM;
    } else if (position > 2.0 / 3) {
        cell->attr |= ATTR_REVERSE;
    } else {
        cell->attr |= position > 1.0 / 3 ? ATTR_BOLD : ATTR_UNDERLINE;
    }
}
