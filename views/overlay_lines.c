#include "views/overlay.h"

#include <string.h>

#include "engine/base/mem.h"
#include "views/words.h"

enum { DETAIL_LEAST = 16 }; /* columns that a detail needs beside its label */

void overlay_add_line(struct overlay_lines *lines, const char *label, const char *detail,
                      bool disabled, size_t index)
{
    MEM_GROW(lines->line, lines->capacity, lines->n + 1);
    struct overlay_line *l = &lines->line[lines->n++];
    *l = (struct overlay_line){label ? label : "", detail ? detail : "", disabled,
                                !label || !*label, index};
    int columns = text_columns(l->label);
    if (!l->heading && columns > lines->label_columns)
        lines->label_columns = columns;
}

void overlay_measure(struct overlay_lines *lines, int most_label)
{
    if (lines->label_columns > most_label)
        lines->label_columns = most_label;
    for (size_t i = 0; i < lines->n; i++) {
        const struct overlay_line *l = &lines->line[i];
        int columns =
            text_columns(l->detail) + (l->heading ? 0 : lines->label_columns + 2);
        lines->columns = columns > lines->columns ? columns : lines->columns;
    }
}

struct overlay_lines overlay_entry_lines(const struct scene *c)
{
    struct overlay_lines lines = {0};
    for (size_t i = 0; i < c->v->n_entries; i++) {
        const struct list_entry *e = &c->v->entries[i];
        if (view_entry_matches(e, c->v->filter))
            overlay_add_line(&lines, e->label, e->detail, e->disabled, i);
    }
    overlay_measure(&lines, 34);
    return lines;
}

struct overlay_lines overlay_word_lines(const struct scene *c)
{
    struct overlay_lines lines = {0};
    for (size_t i = 0; i < n_screen_words; i++)
        if (view_text_matches(screen_words[i].word, screen_words[i].meaning,
                              c->v->filter))
            overlay_add_line(&lines, screen_words[i].word, screen_words[i].meaning, false, i);
    overlay_measure(&lines, 20);
    return lines;
}

struct overlay_lines overlay_formula_lines(void)
{
    struct overlay_lines lines = {0};
    for (size_t i = 0; i < n_captions; i++) {
        overlay_add_line(&lines, captions[i].pane, captions[i].text, false, i);
        overlay_add_line(&lines, " ", captions[i].formula, true, i);
    }
    overlay_measure(&lines, 12);
    return lines;
}

/* Where a text of `length` bytes is best broken to fit into `columns`. */
static size_t break_at(const char *text, size_t length, int columns)
{
    size_t fits = 0, blank = 0;
    int used = 0;
    while (fits < length) {
        uint32_t codepoint;
        size_t bytes = text_decode(text + fits, length - fits, &codepoint);
        int width = codepoint == TEXT_INVALID ? 1 : text_width(codepoint);
        if (used + (width > 0 ? width : 0) > columns)
            break;
        used += width > 0 ? width : 0;
        fits += bytes;
        if (fits < length && text[fits] == ' ')
            blank = fits;
    }
    return fits == length || blank == 0 ? fits : blank;
}

/* Further rows of "  expected   a text" begin below the text; of a sentence at its edge. */
static int hanging_columns(const char *text, int columns)
{
    enum { FACT_COLUMNS = 16 };
    int at = 0, length = (int)strnlen(text, FACT_COLUMNS);
    for (int i = 2; i < length && i < columns / 2; i++)
        if (text[i - 2] == ' ' && text[i - 1] == ' ' && text[i] != ' ')
            at = i;
    return text[0] == ' ' ? at : 0;
}

/* Draws (or only counts, row < 0) text in as many rows as it needs. */
static int wrap_text(struct scene *c, int row, int end_row, int column, int columns,
                     enum canvas_role role, const char *text)
{
    int rows = 0, hanging = hanging_columns(text, columns);
    do {
        size_t length = strlen(text), take = break_at(text, length, columns);
        if (take == 0)
            take = length;
        if (row >= 0 && row + rows < end_row)
            canvas_text(c->canvas, row + rows, column, columns, role, 0, text, take);
        text += take;
        text += strspn(text, " ");
        if (rows++ == 0) {
            column += hanging;
            columns -= hanging;
        }
    } while (*text);
    return rows;
}

/* Where labels leave no room beside them: a text behind its label where that fits, else below. */
static int draw_explained(struct scene *c, int row, int end_row, int column, int columns,
                          const struct overlay_line *l, enum canvas_role role)
{
    enum { INDENT = 2 };
    int behind = text_columns(l->label) + INDENT;
    if (behind + text_columns(l->detail) <= columns)
        return wrap_text(c, row, end_row, column + behind, columns - behind, role, l->detail);
    int below = row < 0 ? row : row + 1;
    return 1 + wrap_text(c, below, end_row, column + INDENT, columns - INDENT, role, l->detail);
}

int overlay_draw_line(struct scene *c, int row, int end_row, int column, int columns,
                      const struct overlay_lines *lines, const struct overlay_line *l, bool chosen)
{
    int indent = l->heading ? 0 : lines->label_columns + 2;
    const char *text = l->detail;
    enum canvas_role role = l->heading    ? ROLE_HEADING
                            : l->disabled ? ROLE_DIM
                                          : ROLE_TEXT;
    if (row >= 0 && !l->heading)
        canvas_text(c->canvas, row, column,
                    columns - indent < DETAIL_LEAST ? columns : lines->label_columns,
                    l->disabled ? ROLE_DIM
                    : chosen    ? ROLE_CURSOR
                                : ROLE_KEY,
                    0, l->label, strlen(l->label));
    int room = columns - indent;
    if (room >= DETAIL_LEAST)
        return wrap_text(c, row, end_row, column + indent, room, role, text);
    if (l->heading)
        return wrap_text(c, row, end_row, column, columns, role, text);
    return lines->explains ? draw_explained(c, row, end_row, column, columns, l, role) : 1;
}
