#include "views/drawing.h"

#include <stdlib.h>

#include "engine/base/mem.h"

void drawing_init(struct drawing *drawing, double width, double height, double dpi,
                  uint32_t background)
{
    *drawing = (struct drawing){
        .width = width, .height = height, .dpi = dpi, .background = background};
}

void drawing_free(struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->n_items; i++) {
        struct drawing_item *item = &drawing->items[i];
        if (item->kind == DRAWING_TEXT)
            free(item->text.text);
        else if (item->kind == DRAWING_CELLS)
            free(item->cells.color);
    }
    free(drawing->items);
    free(drawing->title);
    *drawing = (struct drawing){0};
}

static struct drawing_item *append(struct drawing *drawing, enum drawing_kind kind)
{
    MEM_GROW(drawing->items, drawing->capacity, drawing->n_items + 1);
    struct drawing_item *item = &drawing->items[drawing->n_items++];
    *item = (struct drawing_item){.kind = kind};
    return item;
}

void drawing_rect(struct drawing *drawing, double x, double y, double width, double height,
                  uint32_t color)
{
    append(drawing, DRAWING_RECT)->rect = (struct drawing_rect){x, y, width, height, color};
}

void drawing_line(struct drawing *drawing, struct drawing_line line)
{
    append(drawing, DRAWING_LINE)->line = line;
}

void drawing_text(struct drawing *drawing, double x, double y, struct text_style style,
                  const char *text)
{
    append(drawing, DRAWING_TEXT)->text = (struct drawing_text){
        .x = x,
        .y = y,
        .size = style.size,
        .anchor = style.anchor,
        .bold = style.bold,
        .upright = style.upright,
        .color = style.color,
        .text = xstrdup(text),
    };
}

uint32_t *drawing_cells(struct drawing *drawing, double x, double y, double cell_width,
                        double cell_height, size_t columns, size_t rows)
{
    uint32_t *color = xcalloc(columns * rows, sizeof *color);
    for (size_t i = 0; i < columns * rows; i++)
        color[i] = DRAWING_NO_COLOR;
    append(drawing, DRAWING_CELLS)->cells =
        (struct drawing_cells){x, y, cell_width, cell_height, columns, rows, color};
    return color;
}

static void shift(struct drawing_item *item, double x, double y)
{
    switch (item->kind) {
    case DRAWING_RECT:
        item->rect.x += x, item->rect.y += y;
        break;
    case DRAWING_LINE:
        item->line.x1 += x, item->line.y1 += y;
        item->line.x2 += x, item->line.y2 += y;
        break;
    case DRAWING_TEXT:
        item->text.x += x, item->text.y += y;
        break;
    case DRAWING_CELLS:
        item->cells.x += x, item->cells.y += y;
        break;
    }
}

void drawing_append(struct drawing *to, struct drawing *from, double x, double y)
{
    MEM_GROW(to->items, to->capacity, to->n_items + from->n_items);
    for (size_t i = 0; i < from->n_items; i++) {
        to->items[to->n_items] = from->items[i];
        shift(&to->items[to->n_items++], x, y);
    }
    from->n_items = 0;
    drawing_free(from);
}
