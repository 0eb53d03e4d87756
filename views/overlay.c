/* Boxes over the screen: help, commands, words, formulas, captions, health, log,
 * dialogs and problems; and the lists that fill a screen of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/health.h"
#include "views/scene.h"
#include "views/words.h"

enum { BOX_H = 0x2500, BOX_V = 0x2502, BOX_TL = 0x250c, BOX_TR = 0x2510, BOX_BL = 0x2514,
       BOX_BR = 0x2518 };

/* ---- box -------------------------------------------------------------------- */

/* Clears the box and draws its frame with a title and texts on the right and below. */
static void draw_box(struct scene *c, struct rect box, const char *title, const char *right,
                     const char *below)
{
    struct canvas *canvas = c->canvas;
    int last_row = box.row + box.rows - 1, last = box.column + box.columns - 1;
    canvas_fill(canvas, box, ' ', ROLE_TEXT);
    for (int x = box.column; x <= last; x++) {
        canvas_put(canvas, box.row, x, BOX_H, ROLE_FRAME, 0);
        canvas_put(canvas, last_row, x, BOX_H, ROLE_FRAME, 0);
    }
    for (int y = box.row; y <= last_row; y++) {
        canvas_put(canvas, y, box.column, BOX_V, ROLE_FRAME, 0);
        canvas_put(canvas, y, last, BOX_V, ROLE_FRAME, 0);
    }
    canvas_put(canvas, box.row, box.column, BOX_TL, ROLE_FRAME, 0);
    canvas_put(canvas, box.row, last, BOX_TR, ROLE_FRAME, 0);
    canvas_put(canvas, last_row, box.column, BOX_BL, ROLE_FRAME, 0);
    canvas_put(canvas, last_row, last, BOX_BR, ROLE_FRAME, 0);
    int used = canvas_printf(canvas, box.row, box.column + 2, box.columns - 4, ROLE_HEADING_FOCUS,
                             0, " %s ", title);
    int columns = text_columns(right) + 2;
    if (right[0] && used + columns + 6 <= box.columns)
        canvas_printf(canvas, box.row, last - 1 - columns, columns, ROLE_HEADING, 0, " %s ", right);
    if (below[0])
        canvas_printf(canvas, last_row, box.column + 2, box.columns - 4, ROLE_HEADING, 0, " %s ",
                      below);
    canvas->cursor_row = -1;
}

/* A box in the middle, above status and prompt, no larger than the screen. */
static struct rect centred(const struct scene *c, int rows, int columns)
{
    int room = c->layout.area[AREA_STATUS].row, width = c->v->columns;
    rows = rows < room ? rows : room;
    columns = columns < width ? columns : width;
    return (struct rect){(room - rows) / 2, (width - columns) / 2, rows, columns};
}

/* ---- lines of a list -------------------------------------------------------- */

struct line {
    const char *label, *detail;
    bool disabled, heading;
    size_t index; /* of the entry */
};

struct lines {
    struct line *line;
    size_t n, capacity;
    int label_columns, columns; /* widest label, widest line */
};

static void add_line(struct lines *lines, const char *label, const char *detail, bool disabled,
                     size_t index)
{
    MEM_GROW(lines->line, lines->capacity, lines->n + 1);
    struct line *l = &lines->line[lines->n++];
    *l = (struct line){label ? label : "", detail ? detail : "", disabled, !label || !*label, index};
    int columns = text_columns(l->label);
    if (!l->heading && columns > lines->label_columns)
        lines->label_columns = columns;
}

static void measure(struct lines *lines, int most_label)
{
    if (lines->label_columns > most_label)
        lines->label_columns = most_label;
    for (size_t i = 0; i < lines->n; i++) {
        const struct line *l = &lines->line[i];
        int columns = text_columns(l->detail) + (l->heading ? 0 : lines->label_columns + 2);
        lines->columns = columns > lines->columns ? columns : lines->columns;
    }
}

static struct lines entry_lines(const struct scene *c)
{
    struct lines lines = {0};
    for (size_t i = 0; i < c->v->n_entries; i++) {
        const struct list_entry *e = &c->v->entries[i];
        if (view_entry_matches(e, c->v->filter))
            add_line(&lines, e->label, e->detail, e->disabled, i);
    }
    measure(&lines, 34);
    return lines;
}

static struct lines word_lines(const struct scene *c)
{
    struct lines lines = {0};
    for (size_t i = 0; i < n_screen_words; i++)
        if (view_text_matches(screen_words[i].word, screen_words[i].meaning, c->v->filter))
            add_line(&lines, screen_words[i].word, screen_words[i].meaning, false, i);
    measure(&lines, 20);
    return lines;
}

/* Caption and formula of each pane, broken to fit. */
static struct lines formula_lines(void)
{
    struct lines lines = {0};
    for (size_t i = 0; i < n_captions; i++) {
        add_line(&lines, captions[i].pane, captions[i].text, false, i);
        add_line(&lines, " ", captions[i].formula, true, i);
    }
    measure(&lines, 12);
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

/* Draws (or only counts, row < 0) the rows that a line takes; details wrap. */
static int draw_line_text(struct scene *c, int row, int end_row, int column, int columns,
                          const struct lines *lines, const struct line *l, bool chosen)
{
    int indent = l->heading ? 0 : lines->label_columns + 2, rows = 0;
    const char *text = l->detail;
    enum canvas_role role = l->heading ? ROLE_HEADING : l->disabled ? ROLE_DIM : ROLE_TEXT;
    if (row >= 0 && !l->heading)
        canvas_text(c->canvas, row, column, lines->label_columns,
                    l->disabled ? ROLE_DIM
                    : chosen    ? ROLE_CURSOR
                                : ROLE_KEY,
                    0, l->label, strlen(l->label));
    int room = columns - indent > 8 ? columns - indent : columns;
    do {
        size_t length = strlen(text), take = break_at(text, length, room);
        if (take == 0)
            take = length;
        if (row >= 0 && row + rows < end_row)
            canvas_text(c->canvas, row + rows, column + indent, room, role, 0, text, take);
        text += take;
        text += strspn(text, " ");
        rows++;
    } while (*text);
    return rows;
}

/* The lines from overlay_top on, in one column, the chosen one marked. */
static void draw_lines(struct scene *c, struct rect area, const struct lines *lines, bool choice)
{
    int row = area.row, end = area.row + area.rows;
    size_t first = size_min(c->v->overlay_top, lines->n ? lines->n - 1 : 0);
    for (size_t i = first; i < lines->n && row < end; i++) {
        const struct line *l = &lines->line[i];
        bool chosen = choice && !l->heading && l->index == c->v->overlay_at;
        if (chosen) {
            canvas_put(c->canvas, row, area.column, '>', ROLE_MARK, ATTR_BOLD);
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = area.column;
        }
        row += draw_line_text(c, row, end, area.column + 2, area.columns - 2, lines, l, chosen);
    }
    if (lines->n == 0)
        canvas_printf(c->canvas, area.row, area.column + 2, area.columns - 2, ROLE_DIM, 0,
                      "nothing matches \"%s\"", c->v->filter);
}

static int count_rows(struct scene *c, const struct lines *lines, int columns)
{
    int rows = 0;
    for (size_t i = 0; i < lines->n; i++)
        rows += draw_line_text(c, -1, -1, 0, columns - 2, lines, &lines->line[i], false);
    return rows;
}

/* ---- list boxes ------------------------------------------------------------- */

struct list_box {
    const char *title, *right, *below;
    bool choice;
};

static void draw_list_box(struct scene *c, struct lines *lines, const struct list_box *look)
{
    int wanted = lines->columns + 6, least = text_columns(look->title) + text_columns(look->right) + 10;
    int below = text_columns(look->below) + 8;
    wanted = wanted > least ? wanted : least;
    wanted = wanted > below ? wanted : below;
    int width = wanted < c->v->columns - 4 ? wanted : c->v->columns - 4;
    int rows = count_rows(c, lines, width - 4);
    struct rect box = centred(c, (rows ? rows : 1) + 2, width);
    draw_box(c, box, look->title, look->right, look->below);
    draw_lines(c, (struct rect){box.row + 1, box.column + 2, box.rows - 2, box.columns - 4}, lines,
               look->choice);
}

/* Help in two columns when there is room: sections stay together as they come. */
static bool draw_two_columns(struct scene *c, const struct lines *lines,
                             const struct list_box *look)
{
    int half = lines->columns + 4, width = 2 * half + 4;
    if (width > c->v->columns - 2 || lines->n < 12)
        return false;
    size_t split = (lines->n + 1) / 2, best = split;
    for (size_t i = split > 4 ? split - 4 : 0; i < lines->n && i < split + 5; i++)
        if (lines->line[i].heading) {
            best = i;
            break;
        }
    size_t most = size_max(best, lines->n - best);
    struct rect box = centred(c, (int)most + 2, width);
    if ((int)most + 2 > box.rows)
        return false;
    struct lines left = *lines, right = *lines;
    left.n = best;
    right.line += best;
    right.n -= best;
    draw_box(c, box, look->title, look->right, look->below);
    draw_lines(c, (struct rect){box.row + 1, box.column + 2, box.rows - 2, half}, &left, false);
    draw_lines(c, (struct rect){box.row + 1, box.column + 2 + half, box.rows - 2, half}, &right,
               false);
    return true;
}

static void draw_help(struct scene *c)
{
    struct lines lines = entry_lines(c);
    char title[96] = "";
    bool keys = c->v->overlay == OVERLAY_HELP;
    if (c->v->dialog_title)
        text_add(title, sizeof title, "%s", c->v->dialog_title);
    else if (keys)
        text_add(title, sizeof title, "Keys here: Explore, %s pane", pane_name[c->v->focus]);
    else
        text_add(title, sizeof title, "Commands");
    char right[96] = "type to filter \u00b7 Esc closes";
    if (c->v->filter[0])
        snprintf(right, sizeof right, "/%s", c->v->filter);
    struct list_box look = {title, right,
                            keys ? "more: F2 commands \u00b7 F3 words on the screen \u00b7 F4 formulas "
                                   "\u00b7 man comprexit"
                                 : "F1 keys \u00b7 F3 words on the screen \u00b7 F4 formulas",
                            false};
    if (!keys || c->v->overlay_top > 0 || !draw_two_columns(c, &lines, &look))
        draw_list_box(c, &lines, &look);
    free(lines.line);
}

static void draw_table(struct scene *c)
{
    bool words = c->v->overlay == OVERLAY_WORDS;
    struct lines lines = words ? word_lines(c) : formula_lines();
    struct list_box look = {words ? "Words on the screen" : "Formulas", "Esc closes",
                            words ? "F1 keys \u00b7 F2 commands \u00b7 F4 formulas"
                                  : "F1 keys \u00b7 F2 commands \u00b7 F3 words",
                            false};
    draw_list_box(c, &lines, &look);
    free(lines.line);
}

static void draw_explain(struct scene *c)
{
    const struct caption *caption = &captions[c->v->focus];
    struct lines lines = {0};
    add_line(&lines, "", caption->text, false, 0);
    if (c->v->focus == PANE_PLAN) {
        add_line(&lines, "", captions[4].text, false, 1);
        add_line(&lines, "", captions[5].text, false, 2);
    }
    if (c->v->focus == PANE_ANSWERS)
        add_line(&lines, "", captions[6].text, false, 1);
    measure(&lines, 12);
    draw_list_box(c, &lines, &(struct list_box){caption->pane, "", "formulas: F4 \u00b7 Esc closes",
                                                false});
    free(lines.line);
}

static void draw_entries_box(struct scene *c)
{
    struct lines lines = entry_lines(c);
    bool log = c->v->overlay == OVERLAY_LOG;
    const char *keys = c->v->dialog_keys;
    if (!keys)
        keys = log ? "arrows scroll \u00b7 / filters \u00b7 Esc closes"
                   : "arrows and Enter choose \u00b7 / filters \u00b7 Esc closes";
    char filter[80] = "";
    if (c->v->filter[0])
        snprintf(filter, sizeof filter, "/%s", c->v->filter);
    struct list_box look = {c->v->dialog_title ? c->v->dialog_title : log ? "Log" : "", filter, keys,
                            !log};
    draw_list_box(c, &lines, &look);
    free(lines.line);
}

/* ---- health ----------------------------------------------------------------- */

enum { HEALTH_NAME = 25, HEALTH_VALUE = 21, HEALTH_NORMAL = 22 };

static void draw_health_line(struct scene *c, struct rect area, int row,
                             const struct health_line *line, bool chosen)
{
    int column = area.column, end = area.column + area.columns;
    bool wide = area.columns >= 2 + HEALTH_NAME + HEALTH_VALUE + HEALTH_NORMAL + 4;
    if (chosen)
        canvas_put(c->canvas, row, column, '>', ROLE_MARK, ATTR_BOLD);
    column += 2;
    canvas_printf(c->canvas, row, column, HEALTH_NAME, ROLE_LABEL, 0, "%s", line->name);
    column += wide ? HEALTH_NAME : area.columns / 2 - 3;
    canvas_printf(c->canvas, row, column, HEALTH_VALUE - 1, ROLE_VALUE, 0, "%s", line->value);
    column += HEALTH_VALUE;
    if (wide)
        canvas_printf(c->canvas, row, column, HEALTH_NORMAL - 1, ROLE_DIM, 0, "%s", line->normal);
    canvas_printf(c->canvas, row, end - 4, 4, line->ok ? ROLE_GOOD : ROLE_WARN, 0, "%s",
                  line->ok ? "ok" : "look");
}

static void draw_health(struct scene *c)
{
    struct health_line lines[HEALTH_LINES];
    size_t n = health_compute(c->s, c->v, lines), at = size_min(c->v->overlay_at, n ? n - 1 : 0);
    char title[80] = "Plan health";
    if (c->v->has_range)
        text_add(title, sizeof title, ": tokens %zu to %zu", c->v->range_from, c->v->range_to);
    else if (c->s->windows > 0)
        text_add(title, sizeof title, ": window %zu of %zu", c->window_index + 1, c->s->windows);
    int width = c->v->columns < 82 ? c->v->columns - 2 : 80;
    struct rect box = centred(c, (int)n + 6, width);
    draw_box(c, box, title, "normal range beside the value", "Enter goes there \u00b7 Esc closes");
    struct rect area = {box.row + 1, box.column + 2, box.rows - 2, box.columns - 4};
    if (n == 0) {
        draw_hint(c, area, "nothing is read yet");
        return;
    }
    for (size_t i = 0; i < n && (int)i < area.rows; i++)
        draw_health_line(c, area, area.row + (int)i, &lines[i], i == at);
    struct lines why = {0};
    add_line(&why, "", lines[at].why, false, 0);
    int below = area.row + (int)n + 1;
    draw_line_text(c, below, area.row + area.rows, area.column + 2, area.columns - 2, &why,
                   &why.line[0], false);
    free(why.line);
}

/* ---- entry points ----------------------------------------------------------- */

void draw_overlay(struct scene *c)
{
    switch (c->v->overlay) {
    case OVERLAY_HELP:
    case OVERLAY_COMMANDS:
        draw_help(c);
        break;
    case OVERLAY_WORDS:
    case OVERLAY_FORMULAS:
        draw_table(c);
        break;
    case OVERLAY_EXPLAIN:
        draw_explain(c);
        break;
    case OVERLAY_HEALTH:
        draw_health(c);
        break;
    case OVERLAY_LOG:
    case OVERLAY_DIALOG:
    case OVERLAY_PROBLEM:
        draw_entries_box(c);
        break;
    case OVERLAY_NONE:
        break;
    }
}

/* The start screen, and screens that are lists: entries between title and status. */
void draw_start(struct scene *c)
{
    struct rect title = c->layout.area[AREA_TITLE];
    int top = title.rows, room = c->layout.area[AREA_STATUS].row - top;
    struct rect area = {top, 0, room, c->v->columns};
    struct lines lines = entry_lines(c);
    if (c->v->dialog_title && room > 2) {
        draw_heading(c, (struct rect){top, 0, 1, area.columns}, 0, c->v->dialog_title, true, "");
        area.row++;
        area.rows--;
    }
    area.row++;
    area.rows--;
    if (lines.n == 0 && c->v->n_entries == 0)
        draw_hint(c, area, "O opens a document");
    else
        draw_lines(c, (struct rect){area.row, 1, area.rows, area.columns - 2}, &lines, true);
    if (c->v->overlay != OVERLAY_NONE)
        c->canvas->cursor_row = -1;
    free(lines.line);
}

/* ---- scrolling -------------------------------------------------------------- */

/* The list that the arrows walk now, and how many rows it has on screen. */
static struct lines walked_lines(const struct scene *c, int *rows)
{
    int room = c->layout.area[AREA_STATUS].row;
    bool box = c->v->overlay == OVERLAY_DIALOG || c->v->overlay == OVERLAY_PROBLEM ||
               c->v->overlay == OVERLAY_LOG;
    *rows = room - 2;
    if (c->v->overlay == OVERLAY_WORDS)
        return word_lines(c);
    if (c->v->overlay == OVERLAY_FORMULAS)
        return formula_lines();
    if (!box && c->v->overlay == OVERLAY_NONE)
        *rows = room - 3;
    return entry_lines(c);
}

size_t overlay_follow(const struct scene *c)
{
    int rows;
    struct lines lines = walked_lines(c, &rows);
    size_t top = c->v->overlay_top, at = 0, visible = rows > 1 ? (size_t)rows : 1;
    while (at < lines.n && (lines.line[at].heading || lines.line[at].index != c->v->overlay_at))
        at++;
    if (at == lines.n) /* nothing chosen: only stay inside */
        at = top;
    if (at < top)
        top = at;
    if (at >= top + visible)
        top = at - visible + 1;
    if (lines.n > visible)
        top = size_min(top, lines.n - visible);
    else
        top = 0;
    free(lines.line);
    return top;
}
