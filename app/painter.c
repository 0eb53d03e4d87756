#include "app/painter.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "engine/base/text.h"

/* So many blanks at the end of a line are erased rather than written; so many characters
 * that stand there already are written again rather than jumped over. */
enum { ERASE_LEAST = 4, GAP_MOST = 4, SGR_MOST = 64 };

static const unsigned line_attributes = ATTR_UNDERLINE | ATTR_REVERSE | ATTR_STRIKE;

uint32_t painter_printable(uint32_t codepoint, bool utf8)
{
    if (codepoint < ' ' || codepoint == 0x7f || (!utf8 && codepoint > 0x7e))
        return codepoint ? '?' : ' ';
    return wcwidth((wchar_t)codepoint) > 0 ? codepoint : '?';
}

/* ---- where -------------------------------------------------------------------- */

static void move_to(struct painter *p, struct buffer *out, int row, int column)
{
    if (p->placed && p->row == row && p->column == column)
        return;
    if (p->placed && p->row == row && column == 0)
        buffer_text(out, "\r");
    else if (p->placed && p->row == row && column == p->column + 1)
        buffer_text(out, "\033[C");
    else if (p->placed && p->row == row && column > p->column)
        buffer_printf(out, "\033[%dC", column - p->column);
    else if (p->placed && p->row == row)
        buffer_printf(out, "\033[%dG", column + 1);
    else if (p->placed && p->row + 1 == row && p->column == column)
        buffer_text(out, "\n"); /* the line's modes do not add a return */
    else if (column == 0)
        buffer_printf(out, "\033[%dH", row + 1);
    else
        buffer_printf(out, "\033[%d;%dH", row + 1, column + 1);
    p->placed = true;
    p->row = row;
    p->column = column;
}

/* ---- how ----------------------------------------------------------------------- */

static size_t put_color(char *sgr, size_t used, int kind, uint32_t color)
{
    char *at = sgr + used;
    size_t room = SGR_MOST - used;
    int n;
    if (color == THEME_DEFAULT_COLOR)
        n = snprintf(at, room, "%d;", kind + 1);
    else if (theme_is_palette(color))
        n = snprintf(at, room, "%d;5;%d;", kind, theme_palette_index(color));
    else
        n = snprintf(at, room, "%d;2;%u;%u;%u;", kind, color >> 16 & 255, color >> 8 & 255,
                     color & 255);
    return used + (size_t)n;
}

/* The attributes and colours in which `to` differs from `from`, each with a ';' behind it. */
static size_t put_changes(char *sgr, size_t used, const struct theme_style *from,
                          const struct theme_style *to)
{
    static const struct {
        unsigned attr;
        char code;
    } attributes[] = {{ATTR_BOLD, '1'}, {ATTR_STRIKE, '2'}, {ATTR_UNDERLINE, '4'},
                      {ATTR_REVERSE, '7'}};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (to->attr & ~from->attr & attributes[i].attr) {
            sgr[used++] = attributes[i].code;
            sgr[used++] = ';';
        }
    if (to->foreground != from->foreground)
        used = put_color(sgr, used, 38, to->foreground);
    if (to->background != from->background)
        used = put_color(sgr, used, 48, to->background);
    return used;
}

/* The shorter of changing what differs and of beginning anew; attributes only end together. */
static void restyle(struct painter *p, struct buffer *out, const struct theme_style *to)
{
    static const struct theme_style plain = {THEME_DEFAULT_COLOR, THEME_DEFAULT_COLOR, 0};
    char sgr[SGR_MOST], changed[SGR_MOST];
    size_t n = put_changes(sgr, 0, &plain, to);
    if (n) { /* after a reset; alone, the reset needs no number */
        memmove(sgr + 1, sgr, n);
        sgr[0] = ';';
        n++;
    }
    if (p->styled && !(p->style.attr & ~to->attr)) {
        size_t m = put_changes(changed, 0, &p->style, to);
        if (m == 0)
            return;
        if (m <= n) {
            memcpy(sgr, changed, m);
            n = m;
        }
    }
    buffer_printf(out, "\033[%.*sm", n ? (int)n - 1 : 0, sgr);
    p->styled = true;
    p->style = *to;
}

/* ---- what ---------------------------------------------------------------------- */

static bool is_blank(uint32_t codepoint, const struct theme_style *style)
{
    bool one_color = codepoint == 0x2580 && style->foreground == style->background &&
                     style->foreground != THEME_DEFAULT_COLOR;
    return (codepoint == ' ' || one_color) && !(style->attr & line_attributes);
}

/* A cell without a mark: what colour it had does not matter. */
static bool is_plain_blank(const struct canvas_cell *cell, const struct display *display)
{
    struct theme_style style = theme_resolve(display, cell);
    return cell->codepoint == ' ' && !cell->combining[0] && !(style.attr & line_attributes) &&
           style.background == THEME_DEFAULT_COLOR;
}

static bool looks_same(const struct canvas_cell *a, const struct canvas_cell *b,
                       const struct display *display)
{
    if (a->codepoint != b->codepoint ||
        memcmp(a->combining, b->combining, sizeof a->combining) != 0)
        return false;
    if (a->role == b->role && a->attr == b->attr && a->foreground == b->foreground &&
        a->background == b->background)
        return true;
    struct theme_style x = theme_resolve(display, a), y = theme_resolve(display, b);
    return x.background == y.background && x.attr == y.attr && x.foreground == y.foreground;
}

/* Is it known how wide it is? Latin letters, lines and blocks. */
static bool is_sure(uint32_t codepoint, const struct display *display)
{
    bool narrow = codepoint < 0x300 || (codepoint >= 0x2500 && codepoint < 0x25a0);
    return codepoint < 0x80 || (narrow && !display->ambiguous_wide);
}

static void write_cell(struct painter *p, struct buffer *out, const struct canvas_cell *cell,
                       const struct display *display)
{
    char bytes[4];
    struct theme_style style = theme_resolve(display, cell);
    uint32_t codepoint = painter_printable(cell->codepoint, p->utf8);
    if (is_blank(codepoint, &style) && !cell->combining[0]) {
        codepoint = ' '; /* nobody sees what else there is to it */
        bool ends = style.background == THEME_DEFAULT_COLOR &&
                    p->style.background != style.background;
        style.foreground = ends ? THEME_DEFAULT_COLOR : p->style.foreground;
        style.attr = ends ? 0 : p->style.attr & ~line_attributes;
    }
    restyle(p, out, &style);
    buffer_add(out, bytes, text_encode(codepoint, bytes));
    p->placed = is_sure(codepoint, display) && !cell->combining[0];
    for (int i = 0; i < CANVAS_COMBINING && cell->combining[i] && p->utf8; i++)
        if (wcwidth((wchar_t)cell->combining[i]) == 0)
            buffer_add(out, bytes, text_encode(cell->combining[i], bytes));
    p->column++;
}

/* Can it be written as it is, in a byte and in the style of the moment? */
static bool fits_in(const struct painter *p, const struct canvas_cell *cell,
                    const struct display *display)
{
    struct theme_style style = theme_resolve(display, cell);
    bool blank = is_blank(cell->codepoint, &style) && !(p->style.attr & line_attributes);
    bool same = style.foreground == p->style.foreground && style.attr == p->style.attr;
    return cell->codepoint >= ' ' && cell->codepoint < 0x7f && !cell->combining[0] &&
           style.background == p->style.background && (same || blank);
}

static void go_to(struct painter *p, struct buffer *out, const struct canvas *now, int row,
                  int column, const struct display *display)
{
    const struct canvas_cell *cells = now->cells + row * now->columns;
    bool near = p->placed && p->styled && p->row == row && p->column < column &&
                column - p->column <= GAP_MOST;
    for (int i = p->column; near && i < column; i++)
        near = fits_in(p, &cells[i], display);
    while (near && p->column < column) {
        char byte = (char)cells[p->column++].codepoint;
        buffer_add(out, &byte, 1);
    }
    move_to(p, out, row, column);
}

/* From where on a line is empty; the number of its columns when it is not at its end. */
static int blank_from(const struct canvas *canvas, int row, const struct display *display)
{
    const struct canvas_cell *cells = canvas->cells + row * canvas->columns;
    int column = canvas->columns;
    while (column > 0 && is_plain_blank(&cells[column - 1], display))
        column--;
    return column;
}

static void erase_rest(struct painter *p, struct buffer *out, int row, int column)
{
    struct theme_style style = {THEME_DEFAULT_COLOR, THEME_DEFAULT_COLOR, 0};
    move_to(p, out, row, column);
    restyle(p, out, &style);
    buffer_text(out, "\033[K");
}

static void paint_row(struct painter *p, struct buffer *out, const struct canvas *now,
                      struct canvas *shown, int row, const struct display *display)
{
    const struct canvas_cell *cells = now->cells + row * now->columns;
    struct canvas_cell *old = shown->cells + row * now->columns;
    int end = blank_from(now, row, display), changed = 0;
    for (int column = end; column < now->columns; column++)
        changed += !looks_same(&cells[column], &old[column], display);
    if (changed < ERASE_LEAST)
        end = now->columns;
    for (int column = 0; column < end; column++)
        if (cells[column].codepoint && !looks_same(&cells[column], &old[column], display)) {
            go_to(p, out, now, row, column, display);
            write_cell(p, out, &cells[column], display);
            if (column + 1 == now->columns)
                p->placed = false; /* terminals wait there, each in its way */
        }
    if (end < now->columns)
        erase_rest(p, out, row, end);
    memcpy(old, cells, (size_t)now->columns * sizeof *old);
}

void painter_frame(struct painter *p, struct buffer *out, const struct canvas *now,
                   struct canvas *shown, bool all, const struct display *display)
{
    if (all) {
        buffer_text(out, "\033[m\033[H\033[2J");
        canvas_clear(shown);
        *p = (struct painter){.placed = true, .styled = true, .utf8 = p->utf8};
        p->style.foreground = p->style.background = THEME_DEFAULT_COLOR;
    }
    for (int row = 0; row < now->rows; row++)
        paint_row(p, out, now, shown, row, display);
    if (now->cursor_row >= 0 && now->cursor_row < now->rows && now->cursor_column >= 0 &&
        now->cursor_column < now->columns)
        move_to(p, out, now->cursor_row, now->cursor_column);
}

void painter_end(struct painter *p, struct buffer *out)
{
    buffer_text(out, "\033[m");
    *p = (struct painter){.utf8 = p->utf8};
}
