#include "app/terminal_curses.h"

#include <curses.h>
#include <string.h>
#include <wchar.h>

#include "app/painter.h"
#include "views/theme.h"

static int curses_color(uint32_t color)
{
    if (color == THEME_DEFAULT_COLOR)
        return -1;
    if (theme_is_palette(color))
        return theme_palette_index(color);
    return color < 8 ? 8 : (int)color; /* 0..7 mean the user's palette */
}

static attr_t curses_attributes(unsigned attr)
{
    attr_t out = A_NORMAL;
    if (attr & ATTR_BOLD)
        out |= A_BOLD;
    if (attr & ATTR_UNDERLINE)
        out |= A_UNDERLINE;
    if (attr & ATTR_REVERSE)
        out |= A_REVERSE;
    if (attr & ATTR_STRIKE)
        out |= A_DIM; /* curses cannot strike */
    return out;
}

static void put_cell(int row, int column, const struct canvas_cell *cell,
                     const struct display *display, bool utf8, bool colors)
{
    wchar_t text[2 + CANVAS_COMBINING] = {(wchar_t)painter_printable(cell->codepoint, utf8)};
    size_t n = 1;
    for (int i = 0; i < CANVAS_COMBINING && cell->combining[i] && utf8; i++)
        if (wcwidth((wchar_t)cell->combining[i]) == 0)
            text[n++] = (wchar_t)cell->combining[i];
    struct theme_style style = theme_resolve(display, cell);
    int pair = 0, fore = curses_color(style.foreground), back = curses_color(style.background);
    if (colors && (fore >= 0 || back >= 0))
        pair = alloc_pair(fore, back);
    if (pair < 0)
        pair = 0;
    cchar_t out;
    if (setcchar(&out, text, curses_attributes(style.attr), 0, &pair) == OK)
        mvadd_wch(row, column, &out);
}

static bool same_cell(const struct canvas_cell *a, const struct canvas_cell *b)
{
    return a->codepoint == b->codepoint && a->role == b->role && a->attr == b->attr &&
           a->foreground == b->foreground && a->background == b->background &&
           memcmp(a->combining, b->combining, sizeof a->combining) == 0;
}

void terminal_curses_put(const struct canvas *canvas, struct canvas *shown, bool all,
                         const struct display *display, bool utf8, bool colors)
{
    int rows = canvas->rows < shown->rows ? canvas->rows : shown->rows;
    int columns = canvas->columns < shown->columns ? canvas->columns : shown->columns;
    if (all)
        erase();
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            const struct canvas_cell *cell = &canvas->cells[row * canvas->columns + column];
            struct canvas_cell *old = &shown->cells[row * shown->columns + column];
            bool changed = all || !same_cell(cell, old);
            *old = *cell;
            if (changed && cell->codepoint)
                put_cell(row, column, cell, display, utf8, colors);
        }
}
