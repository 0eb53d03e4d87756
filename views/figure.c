#include "views/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "views/figure_parts.h"
#include "views/figure_sheet.h"

/* Width of bold text, by that of the regular face that it is measured with. */
#define BOLDER 1.15

static const struct inks light = {0xffffff, 0x000000, 0x4d4d4d, 0x737373, 0x9a4b00};
static const struct inks dark = {0x16181c, 0xe8e8e8, 0xa6a6a6, 0x969696, 0xffb86b};

struct inks sheet_inks(bool on_dark)
{
    return on_dark ? dark : light;
}

double sheet_points(const struct sheet *s, long pixels)
{
    return (double)pixels / s->page->scale;
}

void sheet_box(const struct sheet *s, long x, long y, long width, long height, uint32_t color)
{
    if (width > 0 && height > 0)
        drawing_rect(s->drawing, sheet_points(s, x), sheet_points(s, y), sheet_points(s, width),
                     sheet_points(s, height), color);
}

void sheet_text(const struct sheet *s, long x, long y, struct text_style style, bool centred,
                const char *words)
{
    double left = sheet_points(s, x), base = sheet_points(s, y);
    double down = centred ? 0.36 * style.size : 0;
    drawing_text(s->drawing, left + (style.upright ? down : 0), base + (style.upright ? 0 : down),
                 style, words);
}

/* A frame around a box, outside of it. */
static void frame(const struct sheet *s, const struct page_box *b)
{
    long t = s->page->line;
    sheet_box(s, b->x - t, b->y - t, b->width + 2 * t, t, s->ink.line);
    sheet_box(s, b->x - t, b->y + b->height, b->width + 2 * t, t, s->ink.line);
    sheet_box(s, b->x - t, b->y, t, b->height, s->ink.line);
    sheet_box(s, b->x + b->width, b->y, t, b->height, s->ink.line);
}

/* ---- the picture ---------------------------------------------------------------- */

static void paint_cells(const struct sheet *s)
{
    const struct page *l = s->page;
    const struct heat_grid *grid = &s->data->grid;
    uint32_t *color = drawing_cells(s->drawing, sheet_points(s, l->grid.x),
                                    sheet_points(s, l->grid.y),
                                    sheet_points(s, l->across.cell), sheet_points(s, l->down.cell),
                                    l->across.cells, l->down.cells);
    for (size_t i = 0; i < l->down.cells; i++)
        for (size_t j = 0; j < l->across.cells; j++) {
            double value = l->down.tokens ? heat_at(grid, j, i) : heat_at(grid, i, j);
            int level = heat_level(&s->data->scale, value);
            size_t line = l->down.from_end ? l->down.cells - 1 - i : i;
            if (level >= 0)
                color[line * l->across.cells + j] = colormap_rgb(figure_map(s->options), level);
        }
}

/* Hairlines between windows. */
static void paint_borders(const struct sheet *s)
{
    const struct page *l = s->page;
    uint32_t color = figure_is_plot(s->data->kind)
                         ? s->ink.line
                         : color_ink(colormap_rgb(figure_map(s->options), 0));
    for (size_t t = 1; t < s->data->tokens; t++) {
        if (s->data->token[t].window == s->data->token[t - 1].window)
            continue;
        if (l->down.tokens)
            sheet_box(s, l->grid.x, l->grid.y + (long)t * l->down.cell, l->grid.width, 1, color);
        else
            sheet_box(s, l->grid.x + (long)t * l->across.cell, l->grid.y, 1, l->grid.height, color);
    }
}

/* A column or row that is locked stands between two lines. */
static void paint_locked(const struct sheet *s, bool across, size_t cell)
{
    const struct page *l = s->page;
    const struct page_axis *axis = across ? &l->across : &l->down;
    uint32_t color = color_ink(colormap_rgb(figure_map(s->options), 0));
    for (long i = 0; i <= 1; i++) {
        long at = page_cell_start(axis, cell) + i * (axis->cell - 1);
        if (across)
            sheet_box(s, l->grid.x + at, l->grid.y, 1, l->grid.height, color);
        else
            sheet_box(s, l->grid.x, l->grid.y + at, l->grid.width, 1, color);
    }
}

/* Is column t the one of this token of the document? */
static bool holds(const struct sheet *s, size_t t, size_t token)
{
    bool last = t + 1 == s->data->tokens;
    size_t end = last ? s->options->to : s->data->token[t + 1].number;
    return token >= s->data->token[t].number && token < end;
}

static void paint_lock(const struct sheet *s)
{
    const struct figure_data *data = s->data;
    const struct source *locked = &s->options->locked;
    if (figure_is_plot(data->kind))
        return;
    for (size_t t = 0; t < data->tokens && locked->kind == SOURCE_TOKEN; t++)
        if (holds(s, t, locked->token))
            paint_locked(s, s->page->across.tokens, t);
    if (data->locked_row)
        paint_locked(s, !s->page->across.tokens, data->row);
}

/* ---- axes ----------------------------------------------------------------------- */

static void paint_across_labels(const struct sheet *s)
{
    if (s->page->across.tokens && s->options->other_axis)
        return;
    const struct page *l = s->page;
    const struct page_axis *axis = &l->across;
    long mark = page_pixels(l, FIGURE_MARK), gap = page_pixels(l, FIGURE_GAP);
    long edge = l->grid.y + l->grid.height;
    for (size_t i = 0; i < axis->n_labels; i++) {
        const struct axis_label *label = &axis->labels[i];
        long x = l->grid.x + (long)label->at * axis->cell + axis->cell / 2;
        struct text_style style = {l->tick_size, label->strong ? s->ink.strong : s->ink.text,
                                   axis->tokens ? ANCHOR_END : ANCHOR_MIDDLE, label->strong,
                                   axis->tokens};
        char *words = page_cut_text(s->font, label->text, style.size, PAGE_LABEL_POINTS);
        sheet_box(s, x - l->line / 2, edge + l->line, l->line, mark, s->ink.line);
        long y = edge + l->line + mark + gap;
        if (axis->tokens)
            sheet_text(s, x, y, style, true, words);
        else
            sheet_text(s, x, y + page_pixels(l, 0.76 * style.size), style, false, words);
        free(words);
    }
}

static void paint_down_labels(const struct sheet *s)
{
    const struct page *l = s->page;
    const struct page_axis *axis = &l->down;
    long mark = page_pixels(l, FIGURE_MARK), gap = page_pixels(l, FIGURE_GAP);
    long edge = l->grid.x - l->line;
    for (size_t i = 0; i < axis->n_labels; i++) {
        const struct axis_label *label = &axis->labels[i];
        long y = l->grid.y + page_cell_start(axis, label->at) + axis->cell / 2;
        struct text_style style = {axis->tokens ? l->tick_size : FIGURE_TICK_SIZE,
                                   label->strong ? s->ink.strong : s->ink.text, ANCHOR_END,
                                   label->strong, false};
        char *words = page_cut_text(s->font, label->text, style.size, PAGE_LABEL_POINTS);
        sheet_box(s, edge - mark, y - l->line / 2, mark, l->line, s->ink.line);
        sheet_text(s, edge - mark - gap, y, style, true, words);
        free(words);
    }
}

/* "token" (or the unit) and "slot" or "layer", or the quantity where bars are the picture. */
static void paint_names(const struct sheet *s)
{
    const struct page *l = s->page;
    const char *rows = figure_is_plot(s->data->kind) ? s->data->quantity : s->data->row_title;
    const char *tokens = unit_name[s->options->unit];
    struct text_style style = {FIGURE_TITLE_SIZE, s->ink.text, ANCHOR_MIDDLE, false, false};
    if (!l->across.tokens || !s->options->other_axis)
        sheet_text(s, l->grid.x + l->grid.width / 2, l->across_base, style, false,
                   l->across.tokens ? tokens : rows);
    style.upright = true;
    sheet_text(s, l->down_base, l->grid.y + l->grid.height / 2, style, false,
               l->down.tokens ? tokens : rows);
}

char *sheet_cut_title(const struct font *font, const char *title, double points)
{
    return page_cut_text(font, title, FIGURE_TITLE_SIZE, points / BOLDER);
}

static void paint_title(const struct sheet *s)
{
    const struct page *l = s->page;
    struct text_style style = {FIGURE_TITLE_SIZE, s->ink.text, ANCHOR_START, true, false};
    double room = sheet_points(s, l->width - l->grid.x) - FIGURE_GAP;
    char *words = sheet_cut_title(s->font, s->options->title, room);
    if (words[0])
        sheet_text(s, l->grid.x, l->title_base, style, false, words);
    free(words);
}

void sheet_letter(struct drawing *drawing, const struct figure_options *options)
{
    struct text_style style = {FIGURE_LETTER_SIZE, sheet_inks(options->dark).text, ANCHOR_START,
                               true, false};
    const char letter[2] = {options->letter, '\0'};
    if (options->letter)
        drawing_text(drawing, FIGURE_GAP, FIGURE_GAP + font_ascent(style.size), style, letter);
}

/* ---- colour bar ------------------------------------------------------------------ */

/* Levels from the top of the bar to its foot, as many as there are pixels. */
static void paint_bar_levels(const struct sheet *s)
{
    const struct page_box *b = &s->page->bar;
    long step = (b->height + COLORMAP_LEVELS - 1) / COLORMAP_LEVELS, n = b->height / step;
    long rest = b->height - n * step;
    uint32_t *color =
        drawing_cells(s->drawing, sheet_points(s, b->x), sheet_points(s, b->y + rest),
                      sheet_points(s, b->width), sheet_points(s, step), 1, (size_t)n);
    for (long i = 0; i < n; i++) {
        double position = 1 - ((double)i + 0.5) / (double)n;
        color[i] = colormap_rgb(figure_map(s->options),
                                (int)lround(position * (COLORMAP_LEVELS - 1)));
    }
    sheet_box(s, b->x, b->y, b->width, rest,
              colormap_rgb(figure_map(s->options), COLORMAP_LEVELS - 1));
}

static void paint_bar_numbers(const struct sheet *s)
{
    const struct page *l = s->page;
    const struct page_numbers *numbers = &l->bar_numbers;
    long mark = page_pixels(l, FIGURE_MARK), right = l->bar.x + l->bar.width + l->line;
    long room = page_pixels(l, FIGURE_TICK_SIZE), last = -room;
    struct text_style style = {FIGURE_TICK_SIZE, s->ink.text, ANCHOR_START, false, false};
    for (size_t i = 0; i < numbers->count; i++) {
        double position = heat_position(&s->data->scale, numbers->value[i]);
        long at = lround(position * (double)l->bar.height);
        long y = l->bar.y + l->bar.height - at;
        if (at - last < room)
            continue;
        sheet_box(s, right, y - l->line / 2, mark, l->line, s->ink.line);
        sheet_text(s, right + mark + page_pixels(l, FIGURE_GAP), y, style, true, numbers->text[i]);
        last = at;
    }
}

static void paint_bar_name(const struct sheet *s)
{
    static const char *const scales[SCALE_COUNT] = {"", " (square-root scale)", " (log scale)"};
    const struct page *l = s->page;
    char name[80];
    snprintf(name, sizeof name, "%s%s", s->data->quantity, scales[s->data->scale.scale]);
    struct text_style style = {FIGURE_TITLE_SIZE, s->ink.text, ANCHOR_MIDDLE, false, true};
    double room = sheet_points(s, l->height) - 6;
    double width = font_text_width(s->font, name, style.size);
    if (width > room)
        style.size = fmax(FIGURE_LEAST_SIZE, style.size * room / width);
    char *words = page_cut_text(s->font, name, style.size, room);
    double half = font_text_width(s->font, words, style.size) / 2 + 3;
    double y = sheet_points(s, l->bar.y + l->bar.height / 2);
    y = fmax(half, fmin(y, sheet_points(s, l->height) - half));
    drawing_text(s->drawing, sheet_points(s, l->bar_base), y, style, words);
    free(words);
}

static void paint_color_bar(const struct sheet *s)
{
    if (s->page->bar.width == 0)
        return;
    paint_bar_levels(s);
    frame(s, &s->page->bar);
    paint_bar_numbers(s);
    paint_bar_name(s);
}

/* ---- the page --------------------------------------------------------------------- */

static char *describe(const struct figure_data *data)
{
    char sentence[160];
    if (figure_is_plot(data->kind))
        snprintf(sentence, sizeof sentence, "%s of tokens %zu to %zu",
                 data->kind == FIGURE_MASS ? "Sender mass" : "Cost of compression", data->first,
                 data->first + data->tokens - 1);
    else
        snprintf(sentence, sizeof sentence, "%s: %s of tokens %zu to %zu by %zu %s%s",
                 data->kind == FIGURE_PLAN   ? "Transmission plan"
                 : data->kind == FIGURE_DIFF ? "Difference of transmission plans"
                                             : "Layer gates",
                 data->quantity,
                 data->first, data->first + data->tokens - 1, data->rows, data->row_title,
                 text_plural(data->rows));
    return xstrdup(sentence);
}

static void paint_page(const struct sheet *s)
{
    const struct page *l = s->page;
    if (figure_is_plot(s->data->kind)) {
        sheet_plot(s);
    } else {
        paint_cells(s);
        paint_lock(s);
    }
    paint_borders(s);
    frame(s, &l->grid);
    if (l->above.width)
        (l->down.tokens ? sheet_row_bars : sheet_mass_bars)(s);
    if (l->beside.width)
        (l->down.tokens ? sheet_mass_bars : sheet_row_bars)(s);
    paint_across_labels(s);
    paint_down_labels(s);
    paint_names(s);
    paint_title(s);
    paint_color_bar(s);
}

bool figure_draw(struct drawing *drawing, const struct figure_data *data,
                 const struct figure_options *options, const struct figure_fonts *fonts,
                 struct err *err)
{
    struct page page;
    *drawing = (struct drawing){0};
    bool ok = page_compute(&page, data, options, fonts, err);
    if (ok) {
        struct sheet sheet = {drawing, &page, data, options, fonts->regular,
                              sheet_inks(options->dark)};
        double height = options->height_mm > 0 ? options->height_mm * 72 / 25.4
                                               : (double)page.height / page.scale;
        drawing_init(drawing, options->width_mm * 72 / 25.4, height, options->dpi, sheet.ink.page);
        drawing->transparent = options->transparent;
        drawing->title = describe(data);
        paint_page(&sheet);
        sheet_letter(drawing, options);
    }
    page_free(&page);
    return ok;
}
