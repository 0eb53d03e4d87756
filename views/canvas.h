/* The screen as data: a grid of cells that views fill and app/terminal.c paints.
 * Knows nothing of curses. */
#ifndef VIEWS_CANVAS_H
#define VIEWS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Semantic roles of text; views/theme.c gives each colours and attributes. */
#define CANVAS_ROLES(X)                                                        \
    X(TEXT, "text")                                                            \
    X(DIM, "dim")                                                              \
    X(TITLE, "title")                                                          \
    X(TITLE_ACTIVE, "title-active")                                            \
    X(HEADING, "heading")                                                      \
    X(HEADING_FOCUS, "heading-focus")                                          \
    X(FRAME, "frame")                                                          \
    X(LABEL, "label")                                                          \
    X(VALUE, "value")                                                          \
    X(STATUS, "status")                                                        \
    X(PROMPT, "prompt")                                                        \
    X(CURSOR, "cursor")                                                        \
    X(LOCK, "lock")                                                            \
    X(MARK, "mark")                                                            \
    X(GOOD, "good")                                                            \
    X(WARN, "warn")                                                            \
    X(ERROR, "error")                                                          \
    X(ADDED, "added")                                                          \
    X(REMOVED, "removed")                                                      \
    X(KEY, "key")                                                              \
    X(HEAT, "heat")

#define CANVAS_ROLE_ENUM(id, name) ROLE_##id,
enum canvas_role { CANVAS_ROLES(CANVAS_ROLE_ENUM) ROLE_COUNT };
#undef CANVAS_ROLE_ENUM

enum canvas_attr { ATTR_BOLD = 1, ATTR_UNDERLINE = 2, ATTR_REVERSE = 4, ATTR_STRIKE = 8 };

/* Colours of heat cells: 24-bit 0xRRGGBB, or none. The terminal layer maps them
 * to what it has; the theme decides before whether colours are used at all. */
#define COLOR_NONE UINT32_MAX

enum { CANVAS_COMBINING = 4 };

struct canvas_cell {
    uint32_t codepoint; /* 0: second half of a wide character */
    uint32_t combining[CANVAS_COMBINING]; /* 0 = none; filled from the front */
    uint32_t foreground, background; /* COLOR_NONE: by role */
    uint8_t role, attr;
};

struct canvas {
    int rows, columns;
    struct canvas_cell *cells;     /* [rows * columns] */
    int cursor_row, cursor_column; /* where the terminal's own cursor sits; -1 = hidden */
};

struct rect {
    int row, column, rows, columns;
};

void canvas_init(struct canvas *canvas, int rows, int columns);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);

/* Writes one sanitised line of UTF-8, clipped to `width` columns and the canvas. What is cut says
 * so: '>' in the last column, and in place of a wide character of which half fits. Returns the
 * columns used. */
int canvas_text(struct canvas *canvas, int row, int column, int width, enum canvas_role role,
                unsigned attr, const char *text, size_t length);
int canvas_printf(struct canvas *canvas, int row, int column, int width, enum canvas_role role,
                  unsigned attr, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void canvas_put(struct canvas *canvas, int row, int column, uint32_t codepoint,
                enum canvas_role role, unsigned attr);
/* Adds a combining mark to the character that ends at this cell, up to four. */
void canvas_combine(struct canvas *canvas, int row, int column, uint32_t codepoint);
void canvas_fill(struct canvas *canvas, struct rect rect, uint32_t codepoint,
                 enum canvas_role role);
struct canvas_cell *canvas_at(struct canvas *canvas, int row, int column); /* NULL outside */

/* The canvas as UTF-8 lines with trailing blanks cut, for golden screens; with
 * `attributes`, a second block names role and attributes run by run. To be freed. */
char *canvas_dump(const struct canvas *canvas, bool attributes);

#endif
