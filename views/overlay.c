/* Boxes over the screen: help, commands, words, formulas, captions, health, log,
 * dialogs and problems; and the lists that fill a screen of their own. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/overlay.h"
#include "views/screens.h"
#include "views/words.h"

/* ---- list boxes -------------------------------------------------------------- */

/* A choice stands at its line; in a problem that is read line by line, so does the reader. */
static bool stands_at(const struct scene *c, const struct overlay_line *l)
{
    return l->index == c->v->overlay_at && (!l->heading || c->v->overlay == OVERLAY_PROBLEM);
}

/* The lines from overlay_top on, in one column, the chosen one marked. Returns the first row that
 * is left. */
static int draw_lines(struct scene *c, struct rect area, const struct overlay_lines *lines,
                       bool choice)
{
    int row = area.row, end = area.row + area.rows;
    size_t first = size_min(c->v->overlay_top, lines->n ? lines->n - 1 : 0);
    for (size_t i = first; i < lines->n && row < end; i++) {
        const struct overlay_line *l = &lines->line[i];
        bool chosen = choice && stands_at(c, l);
        if (chosen) {
            canvas_put(c->canvas, row, area.column, l->heading ? ' ' : '>', ROLE_MARK, ATTR_BOLD);
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = area.column;
        }
        row += overlay_draw_line(c, row, end, area.column + 2, area.columns - 2, lines, l,
                                 chosen);
    }
    if (lines->n == 0)
        canvas_printf(c->canvas, area.row, area.column + 2, area.columns - 2, ROLE_DIM, 0,
                      c->v->filter[0] ? "nothing matches \"%s\"" : "nothing yet%s", c->v->filter);
    return row;
}

static int count_rows(struct scene *c, const struct overlay_lines *lines, int columns)
{
    int rows = 0;
    for (size_t i = 0; i < lines->n; i++)
        rows += overlay_draw_line(c, -1, -1, 0, columns - 2, lines, &lines->line[i], false);
    return rows;
}

static struct rect list_rect(struct scene *c, const struct overlay_lines *lines,
                             const struct list_box *look)
{
    int wanted = lines->columns + 6;
    int title = text_columns(look->title) + text_columns(look->right) + 10;
    int below = text_columns(look->below) + 8;
    wanted = wanted > title ? wanted : title;
    wanted = wanted > below ? wanted : below;
    int margin = c->layout.kind == LAYOUT_TINY ? 0 : 4, most = c->v->columns - margin;
    int width = wanted < most ? wanted : most;
    int rows = count_rows(c, lines, width - 4);
    enum pane over = c->v->overlay == OVERLAY_PROBLEM ? c->v->overlay_over : PANE_COUNT;
    return overlay_over_pane(c, over, (rows ? rows : 1) + 2, width);
}

static void draw_list_box(struct scene *c, const struct overlay_lines *lines,
                          const struct list_box *look)
{
    struct rect box = list_rect(c, lines, look);
    overlay_draw_box(c, box, look->title, look->right, look->below);
    draw_lines(c, overlay_inner(box), lines, look->choice);
}

/* Parts of the line below the box as far as they fit. */
static void below_text(const struct scene *c, const char *const *parts, struct parts *out)
{
    out->limit = c->v->columns - 12;
    for (; *parts; parts++)
        parts_add(out, "%s", key_text(c->v, *parts).text);
}

/* The list of the overlay that is open (or of the screen that is a list), its title and
 * keys. Texts live in `look`; the lines are to be freed. */
struct overlay_list {
    struct overlay_lines lines;
    struct list_box box;
    char title[96], right[96];
    struct parts below;
};

static void help_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const of_keys[] = {"more: ⁅F2⁆ commands", "⁅F3⁆ words on the screen",
                                          "⁅F4⁆ formulas", "man comprexit", NULL};
    static const char *const of_commands[] = {"⁅F1⁆ keys", "⁅F3⁆ words on the screen",
                                              "⁅F4⁆ formulas", NULL};
    bool keys = c->v->overlay == OVERLAY_HELP;
    list->box.choice = true;
    list->lines = overlay_entry_lines(c);
    list->lines.explains = true;
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
    static const char *const of_words[] = {"⁅F1⁆ keys", "⁅F2⁆ commands", "⁅F4⁆ formulas", NULL};
    static const char *const of_formulas[] = {"⁅F1⁆ keys", "⁅F2⁆ commands", "⁅F3⁆ words", NULL};
    bool words = c->v->overlay == OVERLAY_WORDS;
    list->lines = words ? overlay_word_lines(c) : overlay_formula_lines();
    list->lines.explains = true;
    text_add(list->title, sizeof list->title, words ? "Words on the screen" : "Formulas");
    text_add(list->right, sizeof list->right, "Esc closes");
    below_text(c, words ? of_words : of_formulas, &list->below);
}

static void caption_list(const struct scene *c, struct overlay_list *list)
{
    static const char *const keys[] = {"formulas: ⁅F4⁆", "Esc closes", NULL};
    enum { MASS = PANE_COUNT, SLOTS, LOOKED_AT, LOSS_MAP, TRAIN };
    bool train = c->v->screen == SCREEN_TRAIN;
    bool loss = c->v->focus == PANE_DOCUMENT && c->v->value[PANE_DOCUMENT] == VALUE_LOSS;
    const struct caption *caption = &captions[train ? TRAIN : loss ? LOSS_MAP : (int)c->v->focus];
    overlay_add_line(&list->lines, "", caption->text, false, 0);
    if (!train && c->v->focus == PANE_PLAN) {
        overlay_add_line(&list->lines, "", captions[MASS].text, false, 1);
        overlay_add_line(&list->lines, "", captions[SLOTS].text, false, 2);
    }
    if (!train && c->v->focus == PANE_ANSWERS)
        overlay_add_line(&list->lines, "", captions[LOOKED_AT].text, false, 1);
    overlay_measure(&list->lines, 12);
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
    list->lines = overlay_entry_lines(c);
    list->box.choice = true;
    text_add(list->title, sizeof list->title, "%s",
             c->v->dialog_title ? c->v->dialog_title
             : log              ? "Log"
                                : "");
    if (c->v->filter[0])
        text_add(list->right, sizeof list->right, "/%s", c->v->filter);
    struct key_text keys = key_text(c->v, c->v->dialog_keys ? c->v->dialog_keys : "");
    if (c->v->dialog_keys)
        parts_add(&list->below, "%.*s", (int)parts_that_fit(keys.text, c->v->columns - 12),
                  keys.text);
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

/* ---- entry points ------------------------------------------------------------ */

bool overlay_fills_screen(const struct scene *c)
{
    enum overlay overlay = c->v->overlay;
    if (c->v->screen != SCREEN_EXPLORE)
        return overlay == OVERLAY_NONE;
    return !c->document && (overlay == OVERLAY_NONE || overlay == OVERLAY_START ||
                            overlay == OVERLAY_DIALOG);
}

static bool has_columns(const struct scene *c)
{
    return c->v->overlay == OVERLAY_HELP && !c->v->filter[0];
}

void draw_overlay(struct scene *c)
{
    struct overlay_list list;
    if (c->v->overlay == OVERLAY_NONE || overlay_fills_screen(c))
        return;
    if (c->v->overlay == OVERLAY_HEALTH) {
        overlay_draw_health(c);
        return;
    }
    make_list(c, &list);
    if (!has_columns(c) || !overlay_draw_columns(c, &list.lines, &list.box))
        draw_list_box(c, &list.lines, &list.box);
    free(list.lines.line);
}

/* The title of a list that fills the screen; the start screen has the program's line. */
static const char *screen_heading(const struct scene *c)
{
    return c->v->overlay == OVERLAY_START ? NULL : c->v->dialog_title;
}

/* Where the entries stand when they fill the screen. */
static struct rect screen_rect(const struct scene *c)
{
    int top = c->layout.area[AREA_TITLE].rows + (screen_heading(c) ? 1 : 0);
    return (struct rect){top + 1, 1, c->layout.area[AREA_STATUS].row - top - 1,
                         form_list_columns(c) - 2};
}

/* The start screen, and screens that are lists: entries between title and status. */
void draw_start(struct scene *c)
{
    if (!overlay_fills_screen(c))
        return; /* a box over it has the entries */
    struct rect area = screen_rect(c);
    struct overlay_lines lines = overlay_entry_lines(c);
    if (screen_heading(c))
        draw_heading(c, (struct rect){area.row - 2, 0, 1, c->v->columns}, 0,
                     screen_heading(c), true, c->v->filter);
    if (c->v->n_entries == 0)
        draw_hint(c, area, key_text(c->v, "⁅O⁆ opens a document").text);
    else
        form_draw(c, screen_body(c), draw_lines(c, area, &lines, true));
    free(lines.line);
}

/* ---- scrolling --------------------------------------------------------------- */

static int rows_of(struct scene *c, const struct overlay_lines *lines, size_t i, int columns)
{
    return overlay_draw_line(c, -1, -1, 0, columns - 2, lines, &lines->line[i], false);
}

/* The last line with which `at` and all that follow it up to `at` still fit. */
static size_t top_for(struct scene *c, const struct overlay_lines *lines, struct rect area,
                      size_t at)
{
    int rows = rows_of(c, lines, at, area.columns);
    size_t top = at;
    while (top > 0 && rows + rows_of(c, lines, top - 1, area.columns) <= area.rows)
        rows += rows_of(c, lines, --top, area.columns);
    return top;
}

/* What is to be seen together with a line: plain text at the end belongs to the last choice. */
static size_t last_with(const struct overlay_lines *lines, size_t at)
{
    for (size_t i = at + 1; i < lines->n; i++)
        if (!lines->line[i].heading)
            return at;
    return lines->n - 1;
}

/* Where the lines of the list stand. */
static struct rect lines_rect(struct scene *c, const struct overlay_list *list)
{
    return overlay_fills_screen(c) ? screen_rect(c)
                                   : overlay_inner(list_rect(c, &list->lines, &list->box));
}

size_t overlay_choice_at(struct scene *c, int row, int column)
{
    struct overlay_list list;
    bool fills = overlay_fills_screen(c);
    if ((!fills && c->v->overlay == OVERLAY_NONE) || c->v->overlay == OVERLAY_HEALTH ||
        has_columns(c))
        return SIZE_MAX;
    make_list(c, &list);
    struct rect area = lines_rect(c, &list);
    size_t found = SIZE_MAX;
    bool inside = column >= area.column && column < area.column + area.columns &&
                  row >= area.row && row < area.row + area.rows;
    int at = area.row;
    for (size_t i = c->v->overlay_top; inside && i < list.lines.n && at <= row; i++) {
        const struct overlay_line *l = &list.lines.line[i];
        at += rows_of(c, &list.lines, i, area.columns);
        if (row < at && !l->heading && !l->disabled && (list.box.choice || fills))
            found = l->index;
    }
    free(list.lines.line);
    return found;
}

size_t overlay_follow(struct scene *c, size_t *at_most)
{
    *at_most = SIZE_MAX;
    struct overlay_list list;
    if (c->v->overlay == OVERLAY_HEALTH)
        return 0;
    make_list(c, &list);
    bool fills = overlay_fills_screen(c);
    struct rect area = lines_rect(c, &list);
    const struct overlay_lines *lines = &list.lines;
    size_t top = size_min(c->v->overlay_top, lines->n ? lines->n - 1 : 0), at = 0;
    while (at < lines->n && !stands_at(c, &lines->line[at]))
        at++;
    bool chosen = at < lines->n && (list.box.choice || fills);
    bool text = !list.box.choice && !fills; /* its first line is where one is */
    for (top = text ? 0 : top; text && top < lines->n; top++)
        if (lines->line[top].index >= c->v->overlay_at)
            break;
    if (chosen && at < top)
        top = at;
    if (chosen)
        top = size_max(top, top_for(c, lines, area, last_with(lines, at)));
    if (lines->n > 0)
        top = size_min(top, top_for(c, lines, area, lines->n - 1));
    if (has_columns(c) && overlay_columns_fit(c, lines))
        top = 0;
    if (text && lines->n > 0)
        *at_most = lines->line[top].index;
    free(list.lines.line);
    return top;
}
