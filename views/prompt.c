/* The prompt: what is being typed, with the terminal's cursor, or the question that
 * was asked. Grows to five rows; a line longer than the screen scrolls sideways. */
#include <stdio.h>
#include <string.h>

#include "views/scene.h"

/* One typed character as shown, and its columns. */
static size_t typed_character(const char *text, size_t length, char *out, size_t size,
                              int *columns)
{
    uint32_t codepoint;
    size_t bytes = text_decode(text, length, &codepoint);
    text_sanitize(out, size, text, bytes);
    *columns = text_columns(out);
    return bytes;
}

static int columns_between(const char *text, size_t from, size_t to)
{
    char shown[TEXT_ESCAPE_MAX + 1];
    int sum = 0, columns;
    for (size_t i = from; i < to;) {
        i += typed_character(text + i, to - i, shown, sizeof shown, &columns);
        sum += columns;
    }
    return sum;
}

/* Draws the line text[from..to) and sets the cursor when `point` is in it. */
static void draw_typed_line(struct scene *c, int row, int column, int end,
                            const char *text, size_t from, size_t to, size_t point)
{
    int room = end - column, skip = 0, at = 0, columns;
    bool here = point >= from && point <= to;
    int cursor = here ? columns_between(text, from, point) : 0;
    if (here && cursor >= room)
        skip = cursor - room + 1;
    char shown[TEXT_ESCAPE_MAX + 1];
    for (size_t i = from; i < to;) {
        i += typed_character(text + i, to - i, shown, sizeof shown, &columns);
        if (columns == 0 && at > skip) {
            uint32_t codepoint;
            text_decode(shown, strlen(shown), &codepoint);
            canvas_combine(c->canvas, row, column + at - skip - 1, codepoint);
        } else if (at >= skip && at - skip < room) {
            canvas_text(c->canvas, row, column + at - skip, room - (at - skip), ROLE_TEXT,
                        0, shown, strlen(shown));
        }
        at += columns;
    }
    if (here) {
        c->canvas->cursor_row = row;
        c->canvas->cursor_column = column + cursor - skip;
    }
}

static void draw_open_prompt(struct scene *c, struct rect area)
{
    const char *text = c->v->prompt_text ? c->v->prompt_text : "";
    const char *label = c->v->prompt_label ? c->v->prompt_label : "";
    size_t length = strlen(text), point = c->v->prompt_point, line = 0, point_line = 0;
    point = point < length ? point : length;
    for (size_t i = 0; i < point; i++)
        point_line += text[i] == '\n';
    size_t first =
        point_line >= (size_t)area.rows ? point_line - (size_t)area.rows + 1 : 0;
    int column = area.column + text_columns(label);
    canvas_text(c->canvas, area.row, area.column, area.columns, ROLE_PROMPT, 0, label,
                strlen(label));
    for (size_t from = 0; from <= length; line++) {
        size_t to = from;
        while (to < length && text[to] != '\n')
            to++;
        if (line >= first && line - first < (size_t)area.rows)
            draw_typed_line(c, area.row + (int)(line - first), column,
                            area.column + area.columns, text, from, to, point);
        from = to + 1;
    }
}

void draw_prompt(struct scene *c)
{
    struct rect area = c->layout.area[AREA_PROMPT];
    if (c->v->prompt_open) {
        draw_open_prompt(c, area);
        return;
    }
    if (!c->document)
        return;
    const char *question = c->v->question ? c->v->question : c->s->question;
    char clean[1024] = "";
    if (question)
        text_sanitize(clean, sizeof clean, question, strlen(question));
    int used = canvas_printf(c->canvas, area.row, area.column, area.columns, ROLE_LABEL,
                             0, "ask> ");
    canvas_text(c->canvas, area.row, area.column + used, area.columns - used, ROLE_DIM, 0,
                clean, strlen(clean));
}
