#include "views/token_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/base/text.h"

enum { FRAME_BAR = 0x2502 };

struct token_table token_table(const struct scene *c, struct rect area, int side, size_t top,
                               size_t count)
{
    struct token_table t = {.area = area, .cells = area.column + TABLE_LABEL + 1};
    int room = (area.columns - TABLE_LABEL - 2 - side) / TABLE_CELL;
    t.tokens = size_min((size_t)(room > 1 ? room : 1), c->tokens);
    t.token = size_min(c->v->plan_left, c->tokens - t.tokens);
    int rows = area.rows - TABLE_HEAD - TABLE_FOOT;
    t.rows = (size_t)(rows > 1 ? rows : 1);
    if (count > t.rows) {
        t.rows = size_max(t.rows - 1, 1);
        t.hidden = count - t.rows;
    }
    t.rows = size_min(t.rows, count);
    t.row = size_min(top, count - t.rows);
    t.side = t.cells + (int)t.tokens * TABLE_CELL;
    return t;
}

bool token_table_at(const struct token_table *t, int row, int column, size_t *token, size_t *at)
{
    int r = row - t->area.row - TABLE_HEAD;
    if (column < t->cells || column >= t->side || r < 0 || (size_t)r >= t->rows)
        return false;
    *token = t->token + (size_t)((column - t->cells) / TABLE_CELL);
    *at = t->row + (size_t)r;
    return true;
}

void draw_table_head(struct scene *c, const struct token_table *t)
{
    int row = t->area.row;
    bool mass = c->window->has_plan;
    if (mass)
        canvas_printf(c->canvas, row + 2, t->area.column, TABLE_LABEL, ROLE_LABEL, 0, "mass");
    for (size_t i = 0; i < t->tokens; i++) {
        size_t token = c->first + t->token + i;
        int column = t->cells + (int)i * TABLE_CELL;
        bool here = token == c->token;
        char index[32], text[64];
        snprintf(index, sizeof index, here ? "[%zu]" : "%zu", token);
        canvas_printf(c->canvas, row, column, TABLE_CELL, here ? ROLE_KEY : ROLE_LABEL, 0, "%*s",
                      TABLE_CELL, index);
        token_label(c->document, token, TOKEN_MARKED, text, sizeof text);
        int columns = text_columns(text);
        int indent = columns < TABLE_CELL - 1 ? TABLE_CELL - columns : 1;
        canvas_text(c->canvas, row + 1, column + indent, TABLE_CELL - indent,
                    here ? ROLE_KEY : ROLE_TEXT, 0, text, strlen(text));
        if (mass)
            canvas_printf(c->canvas, row + 2, column, TABLE_CELL, ROLE_VALUE, 0, "%*.2fx",
                          TABLE_CELL - 1,
                          (double)c->window->mass[t->token + i] * (double)c->tokens);
    }
}

void draw_table_label(struct scene *c, const struct token_table *t, int row, const char *label,
                      enum canvas_role role)
{
    canvas_printf(c->canvas, row, t->area.column, TABLE_LABEL, role, 0, "%*s", TABLE_LABEL, label);
    canvas_put(c->canvas, row, t->cells - 1, FRAME_BAR, ROLE_FRAME, 0);
    canvas_put(c->canvas, row, t->side, FRAME_BAR, ROLE_FRAME, 0);
}

void draw_table_number(struct scene *c, int row, int column, double value, double position,
                       bool here)
{
    enum canvas_role role = here ? ROLE_CURSOR : value < 0.0005 ? ROLE_DIM : ROLE_VALUE;
    if (fabs(value) < 0.0005)
        canvas_printf(c->canvas, row, column, TABLE_CELL - 1, role, 0, "%*s", TABLE_CELL - 1, ".");
    else
        canvas_printf(c->canvas, row, column, TABLE_CELL - 1, role, 0, "%*.1f", TABLE_CELL - 1,
                      100 * value);
    if (fabs(value) >= 0.0005)
        paint_heat_one(c, row, column + TABLE_CELL - 1, position, 1);
}

void draw_table_hidden(struct scene *c, const struct token_table *t, const char *of_what)
{
    if (t->hidden == 0)
        return;
    int row = t->area.row + TABLE_HEAD + (int)t->rows;
    canvas_printf(c->canvas, row, t->area.column, t->side, ROLE_DIM, 0, "  ...  %zu more %s%s",
                  t->hidden, of_what, text_plural(t->hidden));
    canvas_put(c->canvas, row, t->side, FRAME_BAR, ROLE_FRAME, 0);
}

void draw_table_foot(struct scene *c, struct rect table, const char *title, const double *share,
                     bool parts)
{
    struct ranked top[10];
    struct rect area = {table.row + table.rows - TABLE_FOOT, table.column, 1, table.columns};
    size_t n = c->tokens, count = rank_top(share, n, 0.005, top, 10);
    double rest = 1;
    char line[512] = "";
    draw_heading(c, area, 0, title, false, "");
    for (size_t i = 0; i < count; i++) {
        char name[64];
        token_label(c->document, c->first + top[i].index, TOKEN_TRIMMED, name, sizeof name);
        rest -= top[i].weight;
        text_add(line, sizeof line, " %s %.0f%% ", name, 100 * top[i].weight);
    }
    if (parts)
        text_add(line, sizeof line, " \u00b7 the other %zu tokens %.0f%%", n - count,
                 100 * fmax(rest, 0));
    canvas_text(c->canvas, area.row + 1, area.column, area.columns, ROLE_TEXT, 0, line,
                strlen(line));
}
