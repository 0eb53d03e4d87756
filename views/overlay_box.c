#include "views/overlay.h"

enum {
    BOX_H = 0x2500,
    BOX_V = 0x2502,
    BOX_TL = 0x250c,
    BOX_TR = 0x2510,
    BOX_BL = 0x2514,
    BOX_BR = 0x2518
};

void overlay_draw_box(struct scene *c, struct rect box, const char *title,
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
    canvas->cursor_row = box.row + (box.rows > 2);
    canvas->cursor_column = box.column + (box.columns > 4 ? 2 : 0);
}

struct rect overlay_centred(const struct scene *c, int rows, int columns)
{
    int room = c->layout.area[AREA_STATUS].row, width = c->v->columns;
    rows = rows < room ? rows : room;
    columns = columns < width ? columns : width;
    return (struct rect){(room - rows) / 2, (width - columns) / 2, rows, columns};
}

static int between(int at, int last)
{
    return at < 0 ? 0 : at > last ? last : at;
}

struct rect overlay_over_pane(const struct scene *c, enum pane pane, int rows, int columns)
{
    static const enum area place[PANE_COUNT] = {AREA_DOCUMENT, AREA_GATES, AREA_PLAN, AREA_ANSWERS};
    struct rect box = overlay_centred(c, rows, columns);
    if (pane >= PANE_COUNT || c->layout.kind != LAYOUT_WIDE || c->v->zoomed)
        return box;
    struct rect over = c->layout.area[place[pane]];
    int room = c->layout.area[AREA_STATUS].row;
    box.row = between(over.row + (over.rows - box.rows) / 2, room - box.rows);
    box.column = between(over.column + (over.columns - box.columns) / 2,
                         c->v->columns - box.columns);
    return box;
}

struct rect overlay_inner(struct rect box)
{
    return (struct rect){box.row + 1, box.column + 2, box.rows - 2, box.columns - 4};
}
