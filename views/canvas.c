#include "views/canvas.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buffer.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { NO_BREAK_SPACE = 0xa0 };

static const char *const role_name[ROLE_COUNT] = {
#define CANVAS_ROLE_NAME(id, name) name,
    CANVAS_ROLES(CANVAS_ROLE_NAME)
#undef CANVAS_ROLE_NAME
};

static const struct canvas_cell blank = {.codepoint = ' ',
                                         .foreground = COLOR_NONE,
                                         .background = COLOR_NONE,
                                         .role = ROLE_TEXT};

void canvas_init(struct canvas *canvas, int rows, int columns)
{
    canvas->rows = rows > 0 ? rows : 0;
    canvas->columns = columns > 0 ? columns : 0;
    canvas->cells = xcalloc((size_t)canvas->rows * (size_t)canvas->columns, sizeof blank);
    canvas_clear(canvas);
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct canvas){0};
}

void canvas_clear(struct canvas *canvas)
{
    for (int i = 0; i < canvas->rows * canvas->columns; i++)
        canvas->cells[i] = blank;
    canvas->cursor_row = canvas->cursor_column = -1;
}

struct canvas_cell *canvas_at(struct canvas *canvas, int row, int column)
{
    if (row < 0 || row >= canvas->rows || column < 0 || column >= canvas->columns)
        return NULL;
    return canvas->cells + row * canvas->columns + column;
}

/* What was a wide character must not lose one of its halves. */
static void break_wide(struct canvas *canvas, int row, int column)
{
    struct canvas_cell *cell = canvas_at(canvas, row, column);
    struct canvas_cell *left = canvas_at(canvas, row, column - 1);
    struct canvas_cell *right = canvas_at(canvas, row, column + 1);
    if (cell && cell->codepoint == 0 && left)
        left->codepoint = ' ';
    if (right && right->codepoint == 0)
        right->codepoint = ' ';
}

static void set_cell(struct canvas *canvas, int row, int column, uint32_t codepoint,
                     enum canvas_role role, unsigned attr)
{
    struct canvas_cell *cell = canvas_at(canvas, row, column);
    if (!cell)
        return;
    break_wide(canvas, row, column);
    *cell = blank;
    cell->codepoint = codepoint;
    cell->role = (uint8_t)role;
    cell->attr = (uint8_t)attr;
}

/* A wide character at the edge of the canvas is cut as well. */
static int put_character(struct canvas *canvas, int row, int column, int room,
                         uint32_t codepoint, enum canvas_role role, unsigned attr)
{
    int width = text_width(codepoint);
    if (codepoint == NO_BREAK_SPACE)
        codepoint = ' ';
    if (width < 1)
        codepoint = width < 0 ? '?' : ' ';
    if (width < 2) {
        set_cell(canvas, row, column, codepoint, role, attr);
        return 1;
    }
    if (room < 2 || column + 1 >= canvas->columns) {
        set_cell(canvas, row, column, '>', role, attr);
        return 1;
    }
    if (column < 0) {
        set_cell(canvas, row, column + 1, '>', role, attr);
        return 2;
    }
    set_cell(canvas, row, column, codepoint, role, attr);
    set_cell(canvas, row, column + 1, ' ', role, attr);
    struct canvas_cell *second = canvas_at(canvas, row, column + 1);
    if (second)
        second->codepoint = 0;
    return 2;
}

void canvas_put(struct canvas *canvas, int row, int column, uint32_t codepoint,
                enum canvas_role role, unsigned attr)
{
    put_character(canvas, row, column, 2, codepoint, role, attr);
}

void canvas_combine(struct canvas *canvas, int row, int column, uint32_t codepoint)
{
    struct canvas_cell *cell = canvas_at(canvas, row, column);
    if (cell && cell->codepoint == 0)
        cell = canvas_at(canvas, row, column - 1);
    for (int i = 0; cell && i < CANVAS_COMBINING; i++) {
        if (cell->combining[i] == 0) {
            cell->combining[i] = codepoint;
            return;
        }
    }
}

/* Is there more than blanks in text[0..length)? */
static bool is_seen(const char *text, size_t length)
{
    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    return length > 0;
}

int canvas_text(struct canvas *canvas, int row, int column, int width,
                enum canvas_role role, unsigned attr, const char *text, size_t length)
{
    int used = 0;
    if (width > canvas->columns - column)
        width = canvas->columns - column;
    for (size_t i = 0; i < length;) {
        size_t at = i;
        uint32_t codepoint;
        i += text_decode(text + i, length - i, &codepoint);
        if (codepoint != TEXT_INVALID && text_width(codepoint) == 0) {
            if (used > 0)
                canvas_combine(canvas, row, column + used - 1, codepoint);
            continue;
        }
        if (used >= width) {
            if (used > 1 && is_seen(text + at, length - at))
                set_cell(canvas, row, column + width - 1, '>', role, attr);
            break;
        }
        used += put_character(canvas, row, column + used, width - used, codepoint, role,
                              attr);
    }
    return used;
}

int canvas_printf(struct canvas *canvas, int row, int column, int width,
                  enum canvas_role role, unsigned attr, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (length < 0)
        return 0;
    size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    size -= text_incomplete(text, size);
    return canvas_text(canvas, row, column, width, role, attr, text, size);
}

void canvas_fill(struct canvas *canvas, struct rect rect, uint32_t codepoint,
                 enum canvas_role role)
{
    for (int r = 0; r < rect.rows; r++)
        for (int c = 0; c < rect.columns; c++)
            set_cell(canvas, rect.row + r, rect.column + c, codepoint, role, 0);
}

/* ---- dump ------------------------------------------------------------------- */

static void append_codepoint(struct buffer *b, uint32_t codepoint)
{
    char bytes[4];
    buffer_add(b, bytes, text_encode(codepoint, bytes));
}

static void dump_row(struct buffer *b, const struct canvas *canvas, int row)
{
    size_t start = b->size;
    for (int c = 0; c < canvas->columns; c++) {
        const struct canvas_cell *cell = &canvas->cells[row * canvas->columns + c];
        if (cell->codepoint == 0)
            continue;
        append_codepoint(b, cell->codepoint);
        for (int i = 0; i < CANVAS_COMBINING && cell->combining[i]; i++)
            append_codepoint(b, cell->combining[i]);
    }
    while (b->size > start && b->data[b->size - 1] == ' ')
        b->size--;
    buffer_add(b, "\n", 1);
}

static bool same_look(const struct canvas_cell *a, const struct canvas_cell *b)
{
    return a->role == b->role && a->attr == b->attr;
}

static void dump_run(struct buffer *b, int row, int from, int to,
                     const struct canvas_cell *cell)
{
    static const char *const attr_name[] = {" bold", " underline", " reverse", " strike"};
    buffer_printf(b, "%d %d-%d %s", row, from, to, role_name[cell->role]);
    for (unsigned i = 0; i < 4; i++)
        if (cell->attr & 1u << i)
            buffer_text(b, attr_name[i]);
    buffer_add(b, "\n", 1);
}

/* Runs of equal role and attributes; plain text is left out. */
static void dump_looks(struct buffer *b, const struct canvas *canvas)
{
    for (int r = 0; r < canvas->rows; r++) {
        const struct canvas_cell *cells = canvas->cells + r * canvas->columns;
        for (int c = 0, from = 0; c < canvas->columns; c++) {
            if (c + 1 < canvas->columns && same_look(&cells[c], &cells[c + 1]))
                continue;
            if (cells[c].role != ROLE_TEXT || cells[c].attr)
                dump_run(b, r, from, c, &cells[c]);
            from = c + 1;
        }
    }
}

/* Colours are many: a count and a checksum (FNV-1a) notice when one changes. */
static void dump_colors(struct buffer *b, const struct canvas *canvas)
{
    uint32_t hash = 2166136261u;
    size_t colored = 0;
    for (int i = 0; i < canvas->rows * canvas->columns; i++) {
        const struct canvas_cell *cell = &canvas->cells[i];
        const uint32_t words[2] = {cell->foreground, cell->background};
        colored += cell->foreground != COLOR_NONE || cell->background != COLOR_NONE;
        for (int w = 0; w < 2; w++)
            for (int shift = 0; shift < 32; shift += 8)
                hash = (hash ^ (words[w] >> shift & 0xff)) * 16777619u;
    }
    buffer_printf(b, "colors %zu %08" PRIx32 "\n", colored, hash);
}

char *canvas_dump(const struct canvas *canvas, bool attributes)
{
    struct buffer b = {0};
    for (int r = 0; r < canvas->rows; r++)
        dump_row(&b, canvas, r);
    if (attributes) {
        buffer_printf(&b, "--- looks, cursor %d %d\n", canvas->cursor_row,
                      canvas->cursor_column);
        dump_looks(&b, canvas);
        dump_colors(&b, canvas);
    }
    return buffer_take(&b, NULL);
}
