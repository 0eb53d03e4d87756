/* Beside and below the lines of the Train form: what a run from it would do, setting by setting,
 * and what the chosen line is. Wide screens have both, narrow ones the second where there are rows
 * for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/overlay.h"
#include "views/run_plan.h"
#include "views/screens.h"
#include "views/token_text.h"

enum { SIDE = 0x2502, TEE_DOWN = 0x252c, TEE_LEFT = 0x2524, KEY_COLUMNS = 19, LIST_COLUMNS = 46 };

static const char from_mark[] = {[SETTING_BUILT_IN] = ' ', [SETTING_PRESET] = '=',
                                 [SETTING_OWN] = '+'};

static const struct run_plan *plan_of(const struct scene *c)
{
    bool form = c->v->screen == SCREEN_TRAIN && !screen_is_open(c->v) && overlay_fills_screen(c);
    return form ? c->v->train.plan : NULL;
}

int form_list_columns(const struct scene *c)
{
    int columns = c->v->columns;
    bool beside = plan_of(c) && c->layout.kind == LAYOUT_WIDE;
    return beside ? LIST_COLUMNS + (columns > 120 ? (columns - 120) / 3 : 0) : columns;
}

/* ---- what the run would do ------------------------------------------------------- */

/* Rows of those that are shown, with a heading for each group. */
static size_t rows_of(const struct run_plan *plan, const bool *shown)
{
    size_t rows = 0;
    const char *group = NULL;
    for (size_t i = 0; i < plan->n_settings; i++) {
        if (!shown[i])
            continue;
        rows += plan->settings[i].group != group ? 2 : 1;
        group = plan->settings[i].group;
    }
    return rows;
}

/* Which settings are shown: all where there is room, else the last of those that stay as they are
 * built in give way, and then the last of the others, and a row says so. Returns how many did. */
static size_t choose_settings(const struct run_plan *plan, size_t rows, bool *shown)
{
    size_t dropped = 0;
    for (size_t i = 0; i < plan->n_settings; i++)
        shown[i] = true;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = plan->n_settings; i > 0; i--) {
            if (rows_of(plan, shown) + (dropped > 0) <= rows)
                return dropped;
            bool first = plan->settings[i - 1].from == SETTING_BUILT_IN;
            bool goes = shown[i - 1] && (first || pass);
            shown[i - 1] &= !goes;
            dropped += goes;
        }
    return dropped;
}

static void draw_setting(struct scene *c, struct rect line, const struct run_setting *s)
{
    int usual = line.columns >= 90 ? 26 : 12, used = text_columns(s->value);
    int help = 2 + KEY_COLUMNS + (used < usual ? usual : used) + 1;
    canvas_put(c->canvas, line.row, line.column, (uint32_t)from_mark[s->from], ROLE_MARK, 0);
    canvas_text(c->canvas, line.row, line.column + 2, KEY_COLUMNS, ROLE_LABEL, 0, s->key,
                strlen(s->key));
    canvas_text(c->canvas, line.row, line.column + 2 + KEY_COLUMNS,
                line.columns - 2 - KEY_COLUMNS, ROLE_VALUE, 0, s->value, strlen(s->value));
    if (help < line.columns)
        canvas_text(c->canvas, line.row, line.column + help, line.columns - help, ROLE_DIM, 0,
                    s->help, strlen(s->help));
}

static void draw_settings(struct scene *c, struct rect area, const struct run_plan *plan)
{
    bool *shown = xcalloc(plan->n_settings, sizeof *shown);
    size_t dropped = choose_settings(plan, (size_t)area.rows, shown);
    int row = area.row, end = area.row + area.rows;
    const char *group = NULL;
    for (size_t i = 0; i < plan->n_settings && row < end; i++) {
        const struct run_setting *s = &plan->settings[i];
        if (!shown[i])
            continue;
        if (s->group != group)
            canvas_text(c->canvas, row++, area.column, area.columns, ROLE_HEADING, 0, s->group,
                        strlen(s->group));
        group = s->group;
        if (row < end)
            draw_setting(c, (struct rect){row++, area.column, 1, area.columns}, s);
    }
    if (dropped && row < end)
        canvas_printf(c->canvas, row, area.column + 2, area.columns - 2, ROLE_DIM, 0,
                      "%zu more: comprexit train %s --preset %s --print-config", dropped,
                      plan->phase, plan->preset);
    free(shown);
}

static void draw_side(struct scene *c, struct rect body, const struct run_plan *plan)
{
    enum { TEXT_ROWS = 4 };
    char name[96] = "";
    text_add(name, sizeof name, "What it will do: %s", plan->preset);
    draw_heading(c, (struct rect){body.row, body.column, 1, body.columns}, TEE_DOWN, name, false,
                 plan->n_settings ? "= of the preset \u00b7 + yours" : "");
    for (int r = 1; r < body.rows; r++)
        canvas_put(c->canvas, body.row + r, body.column, SIDE, ROLE_FRAME, 0);
    struct rect area = {body.row + 1, body.column + 2, body.rows - 1, body.columns - 3};
    struct rect text = area;
    text.rows = TEXT_ROWS;
    int used = screen_wrapped(c, text, plan->n_settings ? ROLE_TEXT : ROLE_ERROR, 0, plan->text);
    used += canvas_text(c->canvas, area.row + used, area.column, area.columns, ROLE_TEXT, 0,
                        plan->sums, strlen(plan->sums)) > 0;
    area.row += used + 1;
    area.rows -= used + 1;
    if (plan->n_settings && area.rows > 0)
        draw_settings(c, area, plan);
}

/* ---- what the line is ------------------------------------------------------------ */

/* At the lower end; draws into the frame behind it, where there is one. */
static void draw_about(struct scene *c, struct rect body, int below, const struct run_plan *plan)
{
    size_t at = c->v->overlay_at;
    int rows = body.columns < 60 ? 7 : 5, top = body.row + body.rows - rows - 1;
    if (plan->n_about == 0 || at >= c->v->n_entries || top <= below)
        return;
    struct key_text about = key_text(c->v, plan->about[size_min(at, plan->n_about - 1)]);
    const char *text = about.text;
    draw_heading(c, (struct rect){top, body.column, 1, body.columns}, 0, c->v->entries[at].label,
                 false, "");
    canvas_put(c->canvas, top, body.column + body.columns, TEE_LEFT, ROLE_FRAME, 0);
    screen_wrapped(c, (struct rect){top + 1, body.column + 1, rows, body.columns - 2},
                   ROLE_TEXT, 0, text);
}

void form_draw(struct scene *c, struct rect body, int below)
{
    const struct run_plan *plan = plan_of(c);
    int columns = form_list_columns(c);
    if (!plan)
        return;
    struct rect left = body, right = body;
    left.columns = columns;
    right.column += columns;
    right.columns -= columns;
    if (right.columns > 0)
        draw_side(c, right, plan);
    draw_about(c, left, below, plan);
}
