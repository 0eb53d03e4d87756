#include "views/raster.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

/* What is being painted on: always RGB. */
struct surface {
    long width, height;
    uint8_t *pixels;
    double scale; /* pixels a point */
};

static void blend(struct surface *s, long x, long y, uint32_t color, unsigned coverage)
{
    if (x < 0 || y < 0 || x >= s->width || y >= s->height || coverage == 0)
        return;
    uint8_t *pixel = s->pixels + 3 * (y * s->width + x);
    for (int i = 0; i < 3; i++) {
        unsigned over = color >> (16 - 8 * i) & 0xff;
        pixel[i] = (uint8_t)((over * coverage + pixel[i] * (255 - coverage) + 127) / 255);
    }
}

/* Fills pixels [left, right) x [top, bottom). */
static void fill(struct surface *s, long left, long top, long right, long bottom, uint32_t color)
{
    for (long y = top < 0 ? 0 : top; y < bottom && y < s->height; y++)
        for (long x = left < 0 ? 0 : left; x < right && x < s->width; x++)
            blend(s, x, y, color, 255);
}

/* A rectangle that is not empty covers a pixel at least. */
static void paint_rect(struct surface *s, const struct drawing_rect *r)
{
    if (r->width <= 0 || r->height <= 0)
        return;
    long left = lround(r->x * s->scale), right = lround((r->x + r->width) * s->scale);
    long top = lround(r->y * s->scale), bottom = lround((r->y + r->height) * s->scale);
    fill(s, left, top, right > left ? right : left + 1, bottom > top ? bottom : top + 1, r->color);
}

static void paint_cells(struct surface *s, const struct drawing_cells *cells)
{
    long width = lround(cells->cell_width * s->scale);
    long height = lround(cells->cell_height * s->scale);
    long left = lround(cells->x * s->scale), top = lround(cells->y * s->scale);
    for (size_t i = 0; i < cells->rows; i++)
        for (size_t j = 0; j < cells->columns; j++) {
            long x = left + (long)j * width, y = top + (long)i * height;
            uint32_t color = cells->color[i * cells->columns + j];
            if (color != DRAWING_NO_COLOR)
                fill(s, x, y, x + width, y + height, color);
        }
}

/* One dash of an upright or level line: sharp, at least a pixel wide. */
static void paint_straight(struct surface *s, const struct drawing_line *line, double from,
                           double to)
{
    long thick = lround(line->width * s->scale);
    thick = thick < 1 ? 1 : thick;
    bool level = line->y1 == line->y2;
    double across = (level ? line->y1 : line->x1) * s->scale - (double)thick / 2;
    double start = level ? fmin(line->x1, line->x2) : fmin(line->y1, line->y2);
    long edge = lround(across), first = lround((start + from) * s->scale);
    long last = lround((start + to) * s->scale);
    if (level)
        fill(s, first, edge, last, edge + thick, line->color);
    else
        fill(s, edge, first, edge + thick, last, line->color);
}

/* A slanted line, smoothed by the distance of pixels from it. */
static void paint_slanted(struct surface *s, const struct drawing_line *line)
{
    double x1 = line->x1 * s->scale, y1 = line->y1 * s->scale;
    double vx = line->x2 * s->scale - x1, vy = line->y2 * s->scale - y1;
    double half = fmax(1, line->width * s->scale) / 2, length2 = vx * vx + vy * vy;
    long left = (long)floor(fmin(x1, x1 + vx) - half), right = (long)ceil(fmax(x1, x1 + vx) + half);
    long top = (long)floor(fmin(y1, y1 + vy) - half), bottom = (long)ceil(fmax(y1, y1 + vy) + half);
    for (long y = top; y <= bottom; y++)
        for (long x = left; x <= right; x++) {
            double px = (double)x + 0.5 - x1, py = (double)y + 0.5 - y1;
            double t = fmin(1, fmax(0, (px * vx + py * vy) / length2));
            double covered = half + 0.5 - hypot(px - t * vx, py - t * vy);
            blend(s, x, y, line->color, (unsigned)lround(255 * fmin(1, fmax(0, covered))));
        }
}

static void paint_line(struct surface *s, const struct drawing_line *line)
{
    if (line->x1 != line->x2 && line->y1 != line->y2) {
        paint_slanted(s, line);
        return;
    }
    double length = fabs(line->x2 - line->x1) + fabs(line->y2 - line->y1);
    if (line->dash <= 0) {
        paint_straight(s, line, 0, length);
        return;
    }
    for (double at = 0; at < length; at += 2 * line->dash)
        paint_straight(s, line, at, fmin(length, at + line->dash));
}

/* The state of setting one text: where it begins, in pixels. */
struct setting {
    struct surface *surface;
    const struct drawing_text *text;
    const struct font *font;
    double size, x, y;
};

/* Turned text: its x runs upwards and its y to the right. */
static void paint_glyph(const struct setting *set, const struct glyph *glyph, double x, double y)
{
    long left = (long)floor(x), top = (long)floor(y);
    for (int row = 0; row < glyph->height; row++)
        for (int column = 0; column < glyph->width; column++) {
            unsigned coverage = glyph->coverage[row * glyph->width + column];
            long dx = glyph->left + column, dy = glyph->top + row;
            if (set->text->upright)
                blend(set->surface, left + dy, top - dx - 1, set->text->color, coverage);
            else
                blend(set->surface, left + dx, top + dy, set->text->color, coverage);
        }
}

static void paint_frame(const struct setting *set, const struct font_mark *mark)
{
    double scale = set->surface->scale, thin = fmax(1, set->size / 16) / scale;
    double low = mark->x, high = mark->x + mark->frame_width;
    double above = font_ascent(set->size) + set->size * 0.12, below = set->size * 0.12;
    double corner[4]; /* left, top, right, bottom in pixels */
    if (set->text->upright) {
        corner[0] = set->x - above, corner[2] = set->x + below;
        corner[1] = set->y - high, corner[3] = set->y - low;
    } else {
        corner[0] = set->x + low, corner[2] = set->x + high;
        corner[1] = set->y - above, corner[3] = set->y + below;
    }
    for (int i = 0; i < 4; i++)
        corner[i] /= scale;
    const double ends[4][4] = {{0, 1, 2, 1}, {0, 3, 2, 3}, {0, 1, 0, 3}, {2, 1, 2, 3}};
    for (int i = 0; i < 4; i++)
        paint_straight(set->surface,
                       &(struct drawing_line){corner[(int)ends[i][0]], corner[(int)ends[i][1]],
                                              corner[(int)ends[i][2]], corner[(int)ends[i][3]],
                                              thin, 0, set->text->color},
                       0,
                       i < 2 ? corner[2] - corner[0] : corner[3] - corner[1]);
}

static void paint_mark(void *context, const struct font_mark *mark)
{
    const struct setting *set = context;
    if (mark->codepoint == 0) {
        paint_frame(set, mark);
        return;
    }
    double x = set->x, y = set->y, dx, dy = 0;
    struct glyph glyph;
    if (set->text->upright) {
        y -= mark->x;
        dx = ceil(y) - y;
        y = ceil(y);
        x = round(x);
    } else {
        x += mark->x;
        dx = x - floor(x);
        y = round(y);
    }
    font_render(set->font, mark->codepoint, set->size, dx, dy, &glyph);
    paint_glyph(set, &glyph, x, y);
    glyph_free(&glyph);
}

static void paint_text(struct surface *s, const struct drawing_text *text, const struct font *font)
{
    struct setting set = {s, text, font, text->size * s->scale, text->x * s->scale,
                          text->y * s->scale};
    double width = font_text_width(font, text->text, set.size);
    double back = text->anchor == ANCHOR_START ? 0 : text->anchor == ANCHOR_END ? width : width / 2;
    if (text->upright)
        set.y += back;
    else
        set.x -= back;
    font_walk(font, text->text, set.size, paint_mark, &set);
}

static void paint_on(const struct drawing *drawing, uint32_t background, const struct font *regular,
                     const struct font *bold, struct surface *s)
{
    fill(s, 0, 0, s->width, s->height, background);
    for (size_t i = 0; i < drawing->n_items; i++) {
        const struct drawing_item *item = &drawing->items[i];
        switch (item->kind) {
        case DRAWING_RECT:
            paint_rect(s, &item->rect);
            break;
        case DRAWING_LINE:
            paint_line(s, &item->line);
            break;
        case DRAWING_CELLS:
            paint_cells(s, &item->cells);
            break;
        case DRAWING_TEXT:
            paint_text(s, &item->text, item->text.bold && bold ? bold : regular);
            break;
        }
    }
}

/* Opacity from the same picture on white and on black: what the background adds is
 * 255 (1 - opacity) in every channel. */
static void recover_opacity(const uint8_t *white, const uint8_t *black, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++, white += 3, black += 3, out += 4) {
        unsigned opacity = 255u - (unsigned)(white[1] - black[1]);
        for (int c = 0; c < 3; c++) {
            unsigned full = opacity ? (black[c] * 255u + opacity / 2) / opacity : 0;
            out[c] = (uint8_t)(full > 255 ? 255 : full);
        }
        out[3] = (uint8_t)opacity;
    }
}

void raster_paint(const struct drawing *drawing, const struct font *regular,
                  const struct font *bold, struct raster *raster)
{
    size_t width = (size_t)lround(raster_pixels(drawing->width, drawing->dpi));
    size_t height = (size_t)lround(raster_pixels(drawing->height, drawing->dpi));
    size_t n = width * height;
    uint32_t background = drawing->transparent ? 0xffffff : drawing->background;
    struct surface s = {(long)width, (long)height, xmalloc(3 * n), drawing->dpi / 72};
    paint_on(drawing, background, regular, bold, &s);
    *raster = (struct raster){width, height, 3, s.pixels};
    if (!drawing->transparent)
        return;
    s.pixels = xmalloc(3 * n);
    paint_on(drawing, 0, regular, bold, &s);
    uint8_t *out = xmalloc(4 * n);
    recover_opacity(raster->pixels, s.pixels, n, out);
    free(s.pixels);
    free(raster->pixels);
    raster->pixels = out;
    raster->channels = 4;
}

void raster_free(struct raster *raster)
{
    free(raster->pixels);
    *raster = (struct raster){0};
}
