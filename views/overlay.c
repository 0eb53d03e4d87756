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

enum { DETAIL_LEAST = 16 }; /* columns that a detail needs beside its label */
enum {
    BOX_H = 0x2500,
    BOX_V = 0x2502,
    BOX_TL = 0x250c,
    BOX_TR = 0x2510,
    BOX_BL = 0x2514,
    BOX_BR = 0x2518
};

/* ---- box -------------------------------------------------------------------- */

/* Clears the box and draws its frame with a title and texts on the right and below. */
static void draw_box(struct scene *c, struct rect box, const char *title,
                     const char *right, const char *below)
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
    int used = canvas_printf(canvas, box.row, box.column + 2, box.columns - 4,
                             ROLE_HEADING_FOCUS, 0, " %s ", title);
    int columns = text_columns(right) + 2;
    if (right[0] && used + columns + 6 <= box.columns)
        canvas_printf(canvas, box.row, last - 1 - columns, columns, ROLE_HEADING, 0,
                      " %s ", right);
    if (below[0])
        canvas_printf(canvas, last_row, box.column + 2, box.columns - 4, ROLE_HEADING, 0,
                      " %s ", below);
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

static void add_line(struct lines *lines, const char *label, const char *detail,
                     bool disabled, size_t index)
{
    MEM_GROW(lines->line, lines->capacity, lines->n + 1);
    struct line *l = &lines->line[lines->n++];
    *l = (struct line){label ? label : "", detail ? detail : "", disabled,
                       !label || !*label, index};
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
        int columns =
            text_columns(l->detail) + (l->heading ? 0 : lines->label_columns + 2);
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
        if (view_text_matches(screen_words[i].word, screen_words[i].meaning,
                              c->v->filter))
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

/* Draws (or only counts, row < 0) text in as many rows as it needs. */
static int wrap_text(struct scene *c, int row, int end_row, int column, int columns,
                     enum canvas_role role, const char *text)
{
    int rows = 0;
    do {
        size_t length = strlen(text), take = break_at(text, length, columns);
        if (take == 0)
            take = length;
        if (row >= 0 && row + rows < end_row)
            canvas_text(c->canvas, row + rows, column, columns, role, 0, text, take);
        text += take;
        text += strspn(text, " ");
        rows++;
    } while (*text);
    return rows;
}

/* Draws or counts the rows that a line takes; details wrap. */
static int draw_line_text(struct scene *c, int row, int end_row, int column, int columns,
                          const struct lines *lines, const struct line *l, bool chosen)
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
    if (room < DETAIL_LEAST) /* the label alone, or the text over the whole width */
        return l->heading ? wrap_text(c, row, end_row, column, columns, role, text) : 1;
    return wrap_text(c, row, end_row, column + indent, room, role, text);
}
/* The lines from overlay_top on, in one column, the chosen one marked. */
static void draw_lines(struct scene *c, struct rect area, const struct lines *lines,
                       bool choice)
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
        row += draw_line_text(c, row, end, area.column + 2, area.columns - 2, lines, l,
                              chosen);
    }
    if (lines->n == 0)
        canvas_printf(c->canvas, area.row, area.column + 2, area.columns - 2, ROLE_DIM, 0,
                      c->v->filter[0] ? "nothing matches \"%s\"" : "nothing yet%s", c->v->filter);
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

static struct rect list_rect(struct scene *c, const struct lines *lines,
                             const struct list_box *look)
{
    int wanted = lines->columns + 6;
    int title = text_columns(look->title) + text_columns(look->right) + 10;
    int below = text_columns(look->below) + 8;
    wanted = wanted > title ? wanted : title;
    wanted = wanted > below ? wanted : below;
    int width = wanted < c->v->columns - 4 ? wanted : c->v->columns - 4;
    int rows = count_rows(c, lines, width - 4);
    return centred(c, (rows ? rows : 1) + 2, width);
}

static struct rect inner(struct rect box)
{
    return (struct rect){box.row + 1, box.column + 2, box.rows - 2, box.columns - 4};
}

static void draw_list_box(struct scene *c, const struct lines *lines,
                          const struct list_box *look)
{
    struct rect box = list_rect(c, lines, look);
    draw_box(c, box, look->title, look->right, look->below);
    draw_lines(c, inner(box), lines, look->choice);
}

/* Parts of the line below the box as far as they fit. */
static void below_text(const struct scene *c, const char *const *parts, struct parts *out)
{
    out->limit = c->v->columns - 12;
    for (; *parts; parts++)
        parts_add(out, "%s", *parts);
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
    struct rect area = inner(box);
    area.columns = half;
    draw_lines(c, area, &left, false);
    area.column += half;
    draw_lines(c, area, &right, false);
    return true;
}

/* The list of the overlay that is open (or of the screen that is a list), its title and
 * keys. Texts live in `look`; the lines are to be freed. */
struct overlay_list {
    struct lines lines;
    struct list_box box;
    char title[96], right[96];
    struct parts below;
};

static void help_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const of_keys[] = {"more: F2 commands", "F3 words on the screen",
                                          "F4 formulas", "man comprexit", NULL};
    static const char *const of_commands[] = {"F1 keys", "F3 words on the screen",
                                              "F4 formulas", NULL};
    bool keys = c->v->overlay == OVERLAY_HELP;
    list->lines = entry_lines(c);
    if (c->v->dialog_title)
        text_add(list->title, sizeof list->title, "%s", c->v->dialog_title);
    else if (keys)
        text_add(list->title, sizeof list->title, "Keys here: Explore, %s pane",
                 pane_name[c->v->focus]);
    else
        text_add(list->title, sizeof list->title, "Commands");
    if (c->v->filter[0])
        text_add(list->right, sizeof list->right, "/%s", c->v->filter);
    else
        text_add(list->right, sizeof list->right, "type to filter \u00b7 Esc closes");
    below_text(c, keys ? of_keys : of_commands, &list->below);
}

static void table_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const of_words[] = {"F1 keys", "F2 commands", "F4 formulas", NULL};
    static const char *const of_formulas[] = {"F1 keys", "F2 commands", "F3 words", NULL};
    bool words = c->v->overlay == OVERLAY_WORDS;
    list->lines = words ? word_lines(c) : formula_lines();
    text_add(list->title, sizeof list->title, words ? "Words on the screen" : "Formulas");
    text_add(list->right, sizeof list->right, "Esc closes");
    below_text(c, words ? of_words : of_formulas, &list->below);
}

static void caption_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const keys[] = {"formulas: F4", "Esc closes", NULL};
    enum { MASS = PANE_COUNT, SLOTS, LOOKED_AT };
    const struct caption *caption = &captions[c->v->focus];
    add_line(&list->lines, "", caption->text, false, 0);
    if (c->v->focus == PANE_PLAN) {
        add_line(&list->lines, "", captions[MASS].text, false, 1);
        add_line(&list->lines, "", captions[SLOTS].text, false, 2);
    }
    if (c->v->focus == PANE_ANSWERS)
        add_line(&list->lines, "", captions[LOOKED_AT].text, false, 1);
    measure(&list->lines, 12);
    text_add(list->title, sizeof list->title, "%s", caption->pane);
    below_text(c, keys, &list->below);
}

static void entries_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const choose[] = {"arrows and Enter choose", "/ filters",
                                         "Esc closes", NULL};
    static const char *const scroll[] = {"arrows scroll", "/ filters", "Esc closes",
                                         NULL};
    bool log = c->v->overlay == OVERLAY_LOG;
    list->lines = entry_lines(c);
    list->box.choice = !log;
    text_add(list->title, sizeof list->title, "%s",
             c->v->dialog_title ? c->v->dialog_title
             : log              ? "Log"
                                : "");
    if (c->v->filter[0])
        text_add(list->right, sizeof list->right, "/%s", c->v->filter);
    if (c->v->dialog_keys)
        parts_add(&list->below, "%s", c->v->dialog_keys);
    else
        below_text(c, log ? scroll : choose, &list->below);
}

static void make_list(const struct scene *c, struct overlay_list *list)
{
    *list = (struct overlay_list){0};
    switch (c->v->overlay) {
    case OVERLAY_HELP:
    case OVERLAY_COMMANDS:
        help_list(c, list);
        break;
    case OVERLAY_WORDS:
    case OVERLAY_FORMULAS:
        table_list(c, list);
        break;
    case OVERLAY_EXPLAIN:
        caption_list(c, list);
        break;
    default:
        entries_list(c, list);
    }
    list->box.title = list->title;
    list->box.right = list->right;
    list->box.below = list->below.text;
}

/* ---- health ----------------------------------------------------------------- */

enum { HEALTH_NAME = 25, HEALTH_VALUE = 21, HEALTH_NORMAL = 22 };

static void draw_health_line(struct scene *c, struct rect area, int row,
                             const struct health_line *line, bool chosen)
{
    int column = area.column, end = area.column + area.columns;
    bool wide = area.columns >= 2 + HEALTH_NAME + HEALTH_VALUE + HEALTH_NORMAL + 4;
    int name = wide ? HEALTH_NAME : (area.columns - 7) / 2;
    int value = wide ? HEALTH_VALUE : area.columns - 7 - name;
    if (chosen)
        canvas_put(c->canvas, row, column, '>', ROLE_MARK, ATTR_BOLD);
    column += 2;
    canvas_printf(c->canvas, row, column, name - 1, ROLE_LABEL, 0, "%s", line->name);
    column += name;
    canvas_printf(c->canvas, row, column, value - 1, ROLE_VALUE, 0, "%s", line->value);
    column += value;
    if (wide)
        canvas_printf(c->canvas, row, column, HEALTH_NORMAL - 1, ROLE_DIM, 0, "%s",
                      line->normal);
    canvas_printf(c->canvas, row, end - 4, 4, line->ok ? ROLE_GOOD : ROLE_WARN, 0, "%s",
                  line->ok ? "ok" : "look");
}

static void draw_health(struct scene *c)
{
    struct health_line lines[HEALTH_LINES];
    size_t n = health_compute(c->s, c->v, lines),
           at = size_min(c->v->overlay_at, n ? n - 1 : 0);
    char title[80] = "Plan health";
    if (c->v->has_range)
        text_add(title, sizeof title, ": tokens %zu to %zu", c->v->range_from,
                 c->v->range_to);
    else if (c->s->windows > 0)
        text_add(title, sizeof title, ": window %zu of %zu", c->window_index + 1,
                 c->s->windows);
    int width = c->v->columns < 82 ? c->v->columns - 2 : 80;
    struct rect box = centred(c, (int)n + 6, width);
    draw_box(c, box, title, "normal range beside the value",
             "Enter goes there \u00b7 Esc closes");
    struct rect area = inner(box);
    if (n == 0) {
        draw_hint(c, area, "nothing is read yet");
        return;
    }
    for (size_t i = 0; i < n && (int)i < area.rows; i++)
        draw_health_line(c, area, area.row + (int)i, &lines[i], i == at);
    struct lines why = {0};
    add_line(&why, "", lines[at].why, false, 0);
    int below = area.row + (int)n + 1;
    draw_line_text(c, below, area.row + area.rows, area.column + 2, area.columns - 2,
                   &why, &why.line[0], false);
    free(why.line);
}

/* ---- entry points ----------------------------------------------------------- */

void draw_overlay(struct scene *c)
{
    struct overlay_list list;
    if (c->v->overlay == OVERLAY_NONE)
        return;
    if (c->v->overlay == OVERLAY_HEALTH) {
        draw_health(c);
        return;
    }
    make_list(c, &list);
    bool columns = c->v->overlay == OVERLAY_HELP && c->v->overlay_top == 0;
    if (!columns || !draw_two_columns(c, &list.lines, &list.box))
        draw_list_box(c, &list.lines, &list.box);
    free(list.lines.line);
}

/* Where the entries stand when they fill the screen. */
static struct rect screen_rect(const struct scene *c)
{
    int top = c->layout.area[AREA_TITLE].rows + (c->v->dialog_title ? 1 : 0);
    return (struct rect){top + 1, 1, c->layout.area[AREA_STATUS].row - top - 1,
                         c->v->columns - 2};
}

/* The start screen, and screens that are lists: entries between title and status. */
void draw_start(struct scene *c)
{
    struct rect area = screen_rect(c);
    struct lines lines = entry_lines(c);
    if (c->v->dialog_title)
        draw_heading(c, (struct rect){area.row - 2, 0, 1, c->v->columns}, 0,
                     c->v->dialog_title, true, "");
    if (c->v->n_entries == 0)
        draw_hint(c, area, "O opens a document");
    else
        draw_lines(c, area, &lines, true);
    free(lines.line);
}

/* ---- scrolling -------------------------------------------------------------- */

static int rows_of(struct scene *c, const struct lines *lines, size_t i, int columns)
{
    return draw_line_text(c, -1, -1, 0, columns - 2, lines, &lines->line[i], false);
}

/* The last line with which `at` and all that follow it up to `at` still fit. */
static size_t top_for(struct scene *c, const struct lines *lines, struct rect area,
                      size_t at)
{
    int rows = rows_of(c, lines, at, area.columns);
    size_t top = at;
    while (top > 0 && rows + rows_of(c, lines, top - 1, area.columns) <= area.rows)
        rows += rows_of(c, lines, --top, area.columns);
    return top;
}

size_t overlay_follow(struct scene *c)
{
    struct overlay_list list;
    if (c->v->overlay == OVERLAY_HEALTH)
        return 0;
    make_list(c, &list);
    struct rect area = c->v->overlay == OVERLAY_NONE
                           ? screen_rect(c)
                           : inner(list_rect(c, &list.lines, &list.box));
    const struct lines *lines = &list.lines;
    size_t top = size_min(c->v->overlay_top, lines->n ? lines->n - 1 : 0), at = 0;
    while (at < lines->n &&
           (lines->line[at].heading || lines->line[at].index != c->v->overlay_at))
        at++;
    bool chosen = at < lines->n && (list.box.choice || c->v->overlay == OVERLAY_NONE);
    if (chosen && at < top)
        top = at;
    if (chosen)
        top = size_max(top, top_for(c, lines, area, at));
    if (lines->n > 0)
        top = size_min(top, top_for(c, lines, area, lines->n - 1));
    free(list.lines.line);
    return top;
}
