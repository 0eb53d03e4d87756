/* Plan health as a box: a line a figure, and why the chosen one matters. */
#include <stdlib.h>

#include "engine/base/size.h"
#include "views/health.h"
#include "views/overlay.h"

enum { HEALTH_NAME = 25, HEALTH_VALUE = 21, HEALTH_NORMAL = 22 };

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
    int width = c->v->columns < 82 ? c->v->columns - 2 : 80;
    struct rect box = overlay_centred(c, (int)n + 6, width);
    overlay_draw_box(c, box, title, "normal range beside the value",
             "Enter goes there \u00b7 Esc closes");
    struct rect area = overlay_inner(box);
    if (n == 0) {
        draw_hint(c, area, "nothing is read yet");
        return;
    }
    for (size_t i = 0; i < n && (int)i < area.rows; i++)
        draw_health_line(c, area, area.row + (int)i, &lines[i], i == at);
    struct overlay_lines why = {0};
    overlay_add_line(&why, "", lines[at].why, false, 0);
    int below = area.row + (int)n + 1;
    overlay_draw_line(c, below, area.row + area.rows, area.column + 2, area.columns - 2,
                   &why, &why.line[0], false);
    free(why.line);
}
