/* Plan health as a box over the gates: a figure a line, and below it why it matters; where
 * there is no room for that, only for the chosen one. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/size.h"
#include "views/health.h"
#include "views/overlay.h"

enum { HEALTH_NAME = 25, HEALTH_VALUE = 21, HEALTH_NORMAL = 21, HEALTH_COLUMNS = 77 };

static void draw_health_line(struct scene *c, struct rect area, int row,
                             const struct health_line *line, bool chosen)
{
    int column = area.column, end = area.column + area.columns;
    bool wide = area.columns >= 2 + HEALTH_NAME + HEALTH_VALUE + HEALTH_NORMAL + 4;
    int name = wide ? HEALTH_NAME : (area.columns - 7) / 2;
    int value = wide ? HEALTH_VALUE : area.columns - 7 - name;
    if (chosen) {
        canvas_put(c->canvas, row, column, '>', ROLE_MARK, ATTR_BOLD);
        c->canvas->cursor_row = row;
        c->canvas->cursor_column = column;
    }
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

/* Over the gates where they are; else in the middle. */
static struct rect health_rect(const struct scene *c, int rows)
{
    struct rect gates = c->layout.area[AREA_GATES_HEADING];
    struct rect box = overlay_centred(c, rows, HEALTH_COLUMNS + 1);
    bool beside = c->layout.kind == LAYOUT_WIDE && gates.columns + 1 >= HEALTH_COLUMNS;
    if (beside && gates.row + box.rows <= c->layout.area[AREA_STATUS].row)
        box = (struct rect){gates.row, gates.column - 1, box.rows, HEALTH_COLUMNS};
    return box;
}

/* Rows that the sentence takes; draws it unless row < 0. */
static int why_rows(struct scene *c, int row, struct rect area, const char *text)
{
    struct overlay_lines why = {0};
    overlay_add_line(&why, "", text, false, 0);
    int rows = overlay_draw_line(c, row, area.row + area.rows, area.column + 2, area.columns - 2,
                                 &why, &why.line[0], false);
    free(why.line);
    return rows;
}

/* All lines, each with its sentence. */
static void draw_whole(struct scene *c, struct rect area, const struct health_line *lines, size_t n,
                       size_t at)
{
    int row = area.row;
    for (size_t i = 0; i < n; i++) {
        draw_health_line(c, area, row++, &lines[i], i == at);
        row += why_rows(c, row, area, lines[i].why);
    }
}

/* Lines around the chosen one, whose normal range and sentence stand below. */
static void draw_part(struct scene *c, struct rect area, const struct health_line *lines, size_t n,
                      size_t at)
{
    char text[192];
    snprintf(text, sizeof text, "normal: %s. %s", lines[at].normal, lines[at].why);
    int below = why_rows(c, -1, area, text), rows = area.rows - below;
    rows = rows < 1 ? 1 : rows;
    size_t shown = size_min(n, (size_t)rows), top = at >= shown ? at + 1 - shown : 0;
    for (size_t i = 0; i < shown; i++)
        draw_health_line(c, area, area.row + (int)i, &lines[top + i], top + i == at);
    why_rows(c, area.row + (int)shown, area, text);
}

void overlay_draw_health(struct scene *c)
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
    struct rect widest = overlay_inner(health_rect(c, 1));
    int wanted = n ? 0 : 1;
    for (size_t i = 0; i < n; i++)
        wanted += 1 + why_rows(c, -1, widest, lines[i].why);
    struct rect box = health_rect(c, wanted + 2), area = overlay_inner(box);
    overlay_draw_box(c, box, title, "normal range beside the value",
                     "Enter goes there \u00b7 Esc closes");
    if (n == 0)
        draw_hint(c, area, "nothing is read yet");
    else if (wanted <= area.rows)
        draw_whole(c, area, lines, n, at);
    else
        draw_part(c, area, lines, n, at);
}
