#include "views/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"

/* A length with at most four decimals and no needless zeros. */
static void put_number(struct buffer *out, double number)
{
    char digits[40];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.4f", number);
    while (digits[length - 1] == '0')
        length--;
    if (digits[length - 1] == '.')
        length--;
    if (length == 2 && memcmp(digits, "-0", 2) == 0)
        buffer_add(out, "0", 1);
    else
        buffer_add(out, digits, length);
}

static void put_attribute(struct buffer *out, const char *name, double number)
{
    buffer_text(out, " ");
    buffer_text(out, name);
    buffer_text(out, "=\"");
    put_number(out, number);
    buffer_text(out, "\"");
}

static void put_color(struct buffer *out, const char *name, uint32_t color)
{
    char text[40];
    snprintf(text, sizeof text, " %s=\"#%06x\"", name, color & 0xffffff);
    buffer_text(out, text);
}

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            buffer_text(out, "&amp;");
            break;
        case '<':
            buffer_text(out, "&lt;");
            break;
        case '>':
            buffer_text(out, "&gt;");
            break;
        case '"':
            buffer_text(out, "&quot;");
            break;
        default:
            buffer_add(out, text, 1);
        }
}

static void put_rect(struct buffer *out, const struct drawing_rect *r)
{
    buffer_text(out, "<rect");
    put_attribute(out, "x", r->x);
    put_attribute(out, "y", r->y);
    put_attribute(out, "width", r->width);
    put_attribute(out, "height", r->height);
    put_color(out, "fill", r->color);
    buffer_text(out, "/>\n");
}

static void put_line(struct buffer *out, const struct drawing_line *line)
{
    buffer_text(out, "<line");
    put_attribute(out, "x1", line->x1);
    put_attribute(out, "y1", line->y1);
    put_attribute(out, "x2", line->x2);
    put_attribute(out, "y2", line->y2);
    put_attribute(out, "stroke-width", line->width);
    put_color(out, "stroke", line->color);
    if (line->dash > 0)
        put_attribute(out, "stroke-dasharray", line->dash);
    if (line->x1 != line->x2 && line->y1 != line->y2)
        buffer_text(out, " stroke-linecap=\"round\" shape-rendering=\"auto\"");
    buffer_text(out, "/>\n");
}

static void put_text(struct buffer *out, const struct drawing_text *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    buffer_text(out, "<text");
    if (text->upright) {
        buffer_text(out, " transform=\"translate(");
        put_number(out, text->x);
        buffer_text(out, " ");
        put_number(out, text->y);
        buffer_text(out, ") rotate(-90)\"");
    } else {
        put_attribute(out, "x", text->x);
        put_attribute(out, "y", text->y);
    }
    put_attribute(out, "font-size", text->size);
    if (text->bold)
        buffer_text(out, " font-weight=\"bold\"");
    if (text->anchor != ANCHOR_START) {
        buffer_text(out, " text-anchor=\"");
        buffer_text(out, anchors[text->anchor]);
        buffer_text(out, "\"");
    }
    put_color(out, "fill", text->color);
    buffer_text(out, ">");
    put_escaped(out, text->text);
    buffer_text(out, "</text>\n");
}

static void put_image(struct buffer *out, const struct drawing_cells *cells, const char *address)
{
    buffer_text(out, "<image");
    put_attribute(out, "x", cells->x);
    put_attribute(out, "y", cells->y);
    put_attribute(out, "width", cells->cell_width * (double)cells->columns);
    put_attribute(out, "height", cells->cell_height * (double)cells->rows);
    buffer_text(out, " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\""
                   " xlink:href=\"");
    buffer_text(out, address);
    buffer_text(out, "\"/>\n");
}

/* Of a cell; 16 show no seam that more would hide. */
static size_t pixels(double points, double dpi)
{
    return (size_t)fmin(16, fmax(1, round(points * dpi / 72)));
}

static void put_cells(struct buffer *out, const struct drawing_cells *cells, double dpi,
                      const struct svg_options *options)
{
    if (options->image && cells->rows * cells->columns > options->rect_limit) {
        char *address = options->image(cells, pixels(cells->cell_width, dpi),
                                       pixels(cells->cell_height, dpi));
        put_image(out, cells, address);
        free(address);
        return;
    }
    buffer_text(out, "<g>\n");
    for (size_t i = 0; i < cells->rows; i++)
        for (size_t j = 0; j < cells->columns; j++) {
            uint32_t color = cells->color[i * cells->columns + j];
            if (color != DRAWING_NO_COLOR)
                put_rect(out, &(struct drawing_rect){cells->x + (double)j * cells->cell_width,
                                                     cells->y + (double)i * cells->cell_height,
                                                     cells->cell_width, cells->cell_height, color});
        }
    buffer_text(out, "</g>\n");
}

static void put_item(struct buffer *out, const struct drawing_item *item, double dpi,
                     const struct svg_options *options)
{
    switch (item->kind) {
    case DRAWING_RECT:
        put_rect(out, &item->rect);
        break;
    case DRAWING_LINE:
        put_line(out, &item->line);
        break;
    case DRAWING_TEXT:
        put_text(out, &item->text);
        break;
    case DRAWING_CELLS:
        put_cells(out, &item->cells, dpi, options);
        break;
    }
}

/* The page in millimetres; inside of it, a unit is a point. */
static void put_head(struct buffer *out, const struct drawing *drawing,
                     const struct svg_options *options)
{
    buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\""
                   " xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"");
    put_number(out, drawing->width * 25.4 / 72);
    buffer_text(out, "mm\" height=\"");
    put_number(out, drawing->height * 25.4 / 72);
    buffer_text(out, "mm\" viewBox=\"0 0 ");
    put_number(out, drawing->width);
    buffer_text(out, " ");
    put_number(out, drawing->height);
    buffer_text(out, "\" font-family=\"Arial, Helvetica, DejaVu Sans, sans-serif\""
                   " shape-rendering=\"crispEdges\">\n");
    if (drawing->title) {
        buffer_text(out, "<title>");
        put_escaped(out, drawing->title);
        buffer_text(out, "</title>\n");
    }
    if (options->metadata) {
        buffer_text(out, "<metadata id=\"comprexit\">");
        put_escaped(out, options->metadata);
        buffer_text(out, "</metadata>\n");
    }
}

char *svg_write(const struct drawing *drawing, const struct svg_options *options, size_t *length)
{
    struct buffer out = {0};
    put_head(&out, drawing, options);
    if (!drawing->transparent)
        put_rect(&out, &(struct drawing_rect){0, 0, drawing->width, drawing->height,
                                              drawing->background});
    for (size_t i = 0; i < drawing->n_items; i++)
        put_item(&out, &drawing->items[i], drawing->dpi, options);
    buffer_text(&out, "</svg>\n");
    return buffer_take(&out, length);
}
