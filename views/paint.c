/* The strokes that panes share: headings, hints, heat cells, tints and bars. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "views/scene.h"
#include "views/theme.h"

enum { LINE = 0x2500, FULL_BLOCK = 0x2588, UPPER_HALF = 0x2580, LOWER_HALF = 0x2584 };

/* ---- text ------------------------------------------------------------------- */

void parts_add(struct parts *parts, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t used = strlen(parts->text), length = strlen(text);
    const char *glue = used ? " \u00b7 " : "";
    int columns = text_columns(text) + (used ? 3 : 0);
    if (length == 0 || used + strlen(glue) + length >= sizeof parts->text ||
        (used > 0 && parts->limit > 0 && parts->columns + columns > parts->limit))
        return;
    snprintf(parts->text + used, sizeof parts->text - used, "%s%s", glue, text);
    parts->columns += columns;
}

void scene_offer_hit(struct scene *c, struct rect area, struct view_hit hit)
{
    if (c->hit && c->hit_row >= area.row && c->hit_row < area.row + area.rows &&
        c->hit_column >= area.column && c->hit_column < area.column + area.columns)
        *c->hit = hit;
}

size_t parts_that_fit(const char *text, int columns)
{
    static const char glue[] = " \u00b7 ";
    size_t length = strlen(text);
    char kept[512];
    snprintf(kept, sizeof kept, "%s", text);
    while (text_columns(kept) > columns) {
        char *last = NULL;
        for (char *at = kept; (at = strstr(at, glue)) != NULL; at++)
            last = at;
        if (!last)
            break;
        *last = '\0';
        length = (size_t)(last - kept);
    }
    return length;
}

void draw_heading(struct scene *c, struct rect area, uint32_t lead, const char *name,
                  bool focus, const char *right)
{
    struct canvas *canvas = c->canvas;
    int end = area.column + area.columns, column = area.column;
    canvas_fill(canvas, area, LINE, ROLE_FRAME);
    if (lead)
        canvas_put(canvas, area.row, column++, lead, ROLE_FRAME, 0);
    column += 2;
    enum canvas_role role = focus ? ROLE_HEADING_FOCUS : ROLE_HEADING;
    bool cut = text_columns(name) + 2 > end - column && end - column > 8;
    int room = cut ? end - column - 4 : end - column;
    int used = canvas_printf(canvas, area.row, column, room, role, 0, " %s ", name);
    if (cut)
        used += canvas_printf(canvas, area.row, column + used, 4, role, 0, "... ");
    if (!right[0])
        return;
    int first = column + used - 1;
    int length = (int)parts_that_fit(right, end - first - 2);
    char shown[512];
    snprintf(shown, sizeof shown, " %.*s ", length, right);
    int at = end - text_columns(shown) - 2;
    if (at <= first)
        at = first;
    canvas_text(canvas, area.row, at, end - at, ROLE_HEADING, 0, shown, strlen(shown));
}

void draw_hint(struct scene *c, struct rect area, const char *text)
{
    int columns = text_columns(text);
    int indent = columns < area.columns ? (area.columns - columns) / 2 : 0;
    canvas_text(c->canvas, area.row + area.rows / 2, area.column + indent,
                area.columns - indent, ROLE_DIM, 0, text, strlen(text));
}

/* ---- heat ------------------------------------------------------------------- */

static uint32_t backdrop(const struct display *display)
{
    return display->theme == THEME_LIGHT  ? 0xffffff
           : display->theme == THEME_DARK ? 0x000000
                                          : 0x808080;
}

static uint32_t map_color(const struct scene *c, double position, double strength)
{
    if (isnan(position))
        return COLOR_NONE;
    uint32_t rgb = colormap_rgb(c->v->map, (int)lround(position * (COLORMAP_LEVELS - 1)));
    return strength < 1 ? color_mix(rgb, backdrop(&c->v->display), strength) : rgb;
}

static void put_colors(struct scene *c, int row, int column, uint32_t glyph,
                       uint32_t foreground, uint32_t background)
{
    canvas_put(c->canvas, row, column, glyph, ROLE_HEAT, 0);
    struct canvas_cell *cell = canvas_at(c->canvas, row, column);
    if (!cell)
        return;
    cell->foreground = foreground;
    cell->background = background;
}

/* Black or white on what the terminal makes of the background. */
static uint32_t ink_on(const struct scene *c, uint32_t background)
{
    if (c->v->display.depth == DEPTH_256)
        background = theme_rgb_of_256(theme_nearest_256(background));
    return color_ink(background);
}

void paint_heat(struct scene *c, int row, int column, const struct heat_pair *pair)
{
    const struct display *display = &c->v->display;
    uint32_t glyph = heat_shade(display->glyphs, pair->both);
    if (!display_has_heat_colors(display)) {
        canvas_put(c->canvas, row, column, glyph, ROLE_HEAT, 0);
        return;
    }
    if (display->glyphs != GLYPHS_HALF) {
        uint32_t background = map_color(c, pair->both, pair->upper_strength);
        bool nothing = background == COLOR_NONE || display->glyphs == GLYPHS_SHADE;
        put_colors(c, row, column, nothing ? ' ' : glyph,
                   nothing ? COLOR_NONE : ink_on(c, background), background);
        return;
    }
    uint32_t upper = map_color(c, pair->upper, pair->upper_strength);
    uint32_t lower = map_color(c, pair->lower, pair->lower_strength);
    if (upper == COLOR_NONE)
        put_colors(c, row, column, lower == COLOR_NONE ? ' ' : LOWER_HALF, lower,
                   COLOR_NONE);
    else
        put_colors(c, row, column, UPPER_HALF, upper, lower);
}

void paint_heat_one(struct scene *c, int row, int column, double position,
                    double strength)
{
    paint_heat(c, row, column,
               &(struct heat_pair){position, position, position, strength, strength});
}

void paint_tint(struct scene *c, int row, int column, double position)
{
    struct canvas_cell *cell = canvas_at(c->canvas, row, column);
    if (!cell || isnan(position))
        return;
    if (display_has_heat_colors(&c->v->display)) {
        cell->background = map_color(c, position, 1);
        cell->foreground = ink_on(c, cell->background);
    } else if (position > 2.0 / 3) {
        cell->attr |= ATTR_REVERSE;
    } else if (position > 1.0 / 3) {
        cell->attr |= ATTR_BOLD;
    } else if (position > 0.1) {
        cell->attr |= ATTR_UNDERLINE;
    }
}

void paint_bar(struct scene *c, int row, int column, int columns, double position,
               enum canvas_role role)
{
    int eighths =
        isnan(position) || position <= 0 ? 0 : (int)ceil(fmin(position, 1) * columns * 8);
    for (int i = 0; i < columns && eighths > 0; i++, eighths -= 8) {
        uint32_t glyph = eighths >= 8 ? FULL_BLOCK : 0x2590u - (uint32_t)eighths;
        canvas_put(c->canvas, row, column + i, glyph, role, 0);
    }
}
