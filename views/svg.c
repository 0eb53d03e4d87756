#include "views/svg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

/* A growing text. */
struct svg_text {
    char *text;
    size_t length, capacity;
};

static void put(struct svg_text *out, const char *text, size_t length)
{
    MEM_GROW(out->text, out->capacity, out->length + length + 1);
    memcpy(out->text + out->length, text, length);
    out->length += length;
    out->text[out->length] = '\0';
}

static void puts_text(struct svg_text *out, const char *text)
{
    put(out, text, strlen(text));
}

/* A length with at most four decimals and no needless zeros. */
static void put_number(struct svg_text *out, double number)
{
    char digits[40];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.4f", number);
    while (digits[length - 1] == '0')
        length--;
    if (digits[length - 1] == '.')
        length--;
    if (length == 2 && memcmp(digits, "-0", 2) == 0)
        put(out, "0", 1);
    else
        put(out, digits, length);
}

static void put_attribute(struct svg_text *out, const char *name, double number)
{
    puts_text(out, " ");
    puts_text(out, name);
    puts_text(out, "=\"");
    put_number(out, number);
    puts_text(out, "\"");
}

static void put_color(struct svg_text *out, const char *name, uint32_t color)
{
    char text[40];
    snprintf(text, sizeof text, " %s=\"#%06x\"", name, color & 0xffffff);
    puts_text(out, text);
}

static void put_escaped(struct svg_text *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            puts_text(out, "&amp;");
            break;
        case '<':
            puts_text(out, "&lt;");
            break;
        case '>':
            puts_text(out, "&gt;");
            break;
        case '"':
            puts_text(out, "&quot;");
            break;
        default:
            put(out, text, 1);
        }
}

static void put_rect(struct svg_text *out, const struct drawing_rect *r)
{
    puts_text(out, "<rect");
    put_attribute(out, "x", r->x);
    put_attribute(out, "y", r->y);
    put_attribute(out, "width", r->width);
    put_attribute(out, "height", r->height);
    put_color(out, "fill", r->color);
    puts_text(out, "/>\n");
}

static void put_line(struct svg_text *out, const struct drawing_line *line)
{
    puts_text(out, "<line");
    put_attribute(out, "x1", line->x1);
    put_attribute(out, "y1", line->y1);
    put_attribute(out, "x2", line->x2);
    put_attribute(out, "y2", line->y2);
    put_attribute(out, "stroke-width", line->width);
    put_color(out, "stroke", line->color);
    if (line->dash > 0)
        put_attribute(out, "stroke-dasharray", line->dash);
    puts_text(out, "/>\n");
}

static void put_text(struct svg_text *out, const struct drawing_text *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    puts_text(out, "<text");
    if (text->upright) {
        puts_text(out, " transform=\"translate(");
        put_number(out, text->x);
        puts_text(out, " ");
        put_number(out, text->y);
        puts_text(out, ") rotate(-90)\"");
    } else {
        put_attribute(out, "x", text->x);
        put_attribute(out, "y", text->y);
    }
    put_attribute(out, "font-size", text->size);
    if (text->bold)
        puts_text(out, " font-weight=\"bold\"");
    if (text->anchor != ANCHOR_START) {
        puts_text(out, " text-anchor=\"");
        puts_text(out, anchors[text->anchor]);
        puts_text(out, "\"");
    }
    put_color(out, "fill", text->color);
    puts_text(out, ">");
    put_escaped(out, text->text);
    puts_text(out, "</text>\n");
}

static void put_image(struct svg_text *out, const struct drawing_cells *cells, const char *address)
{
    puts_text(out, "<image");
    put_attribute(out, "x", cells->x);
    put_attribute(out, "y", cells->y);
    put_attribute(out, "width", cells->cell_width * (double)cells->columns);
    put_attribute(out, "height", cells->cell_height * (double)cells->rows);
    puts_text(out, " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\""
                   " xlink:href=\"");
    puts_text(out, address);
    puts_text(out, "\"/>\n");
}

static void put_cells(struct svg_text *out, const struct drawing_cells *cells,
                      const struct svg_options *options)
{
    if (options->image && cells->rows * cells->columns > options->rect_limit) {
        char *address = options->image(cells);
        put_image(out, cells, address);
        free(address);
        return;
    }
    puts_text(out, "<g>\n");
    for (size_t i = 0; i < cells->rows; i++)
        for (size_t j = 0; j < cells->columns; j++) {
            uint32_t color = cells->color[i * cells->columns + j];
            if (color != DRAWING_NO_COLOR)
                put_rect(out, &(struct drawing_rect){cells->x + (double)j * cells->cell_width,
                                                     cells->y + (double)i * cells->cell_height,
                                                     cells->cell_width, cells->cell_height, color});
        }
    puts_text(out, "</g>\n");
}

static void put_item(struct svg_text *out, const struct drawing_item *item,
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
        put_cells(out, &item->cells, options);
        break;
    }
}

/* The page in millimetres; inside of it, a unit is a point. */
static void put_head(struct svg_text *out, const struct drawing *drawing,
                     const struct svg_options *options)
{
    puts_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\""
                   " xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"");
    put_number(out, drawing->width * 25.4 / 72);
    puts_text(out, "mm\" height=\"");
    put_number(out, drawing->height * 25.4 / 72);
    puts_text(out, "mm\" viewBox=\"0 0 ");
    put_number(out, drawing->width);
    puts_text(out, " ");
    put_number(out, drawing->height);
    puts_text(out, "\" font-family=\"Arial, Helvetica, DejaVu Sans, sans-serif\""
                   " shape-rendering=\"crispEdges\">\n");
    if (drawing->title) {
        puts_text(out, "<title>");
        put_escaped(out, drawing->title);
        puts_text(out, "</title>\n");
    }
    if (options->metadata) {
        puts_text(out, "<metadata id=\"comprexit\">");
        put_escaped(out, options->metadata);
        puts_text(out, "</metadata>\n");
    }
}

char *svg_write(const struct drawing *drawing, const struct svg_options *options, size_t *length)
{
    struct svg_text out = {0};
    put_head(&out, drawing, options);
    if (!drawing->transparent)
        put_rect(&out, &(struct drawing_rect){0, 0, drawing->width, drawing->height,
                                              drawing->background});
    for (size_t i = 0; i < drawing->n_items; i++)
        put_item(&out, &drawing->items[i], options);
    puts_text(&out, "</svg>\n");
    *length = out.length;
    return out.text;
}
