/* Bars of figures: sender mass of tokens, what compression costs them, what slots received,
 * mean gates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "views/figure_parts.h"
#include "views/figure_sheet.h"

/* One bar for each cell of an axis, from the near edge of the box (the one at the
 * picture) outwards: upwards across, to the right down. */
struct bars {
    const struct page_box *box;
    const struct page_axis *axis;
    bool upwards;
    const float *value;
    double top; /* value at the far edge */
    double low; /* value at the near edge */
};

/* Where a value stands, in pixels from the near edge. */
static long reach(const struct bars *bars, double value)
{
    long extent = bars->upwards ? bars->box->height : bars->box->width;
    double range = bars->top - bars->low;
    double share = range > 0 ? (value - bars->low) / range : 0;
    return lround(fmin(1, fmax(0, share)) * (double)extent);
}

static bool is_strong(const struct page_axis *axis, size_t cell)
{
    for (size_t i = 0; i < axis->n_labels; i++)
        if (axis->labels[i].at == cell)
            return axis->labels[i].strong;
    return false;
}

static void paint_bars(const struct sheet *s, const struct bars *bars)
{
    const struct page_box *b = bars->box;
    long cell = bars->axis->cell, gap = cell >= 5 ? 1 + cell / 12 : 0;
    for (size_t i = 0; i < bars->axis->cells; i++) {
        uint32_t color = is_strong(bars->axis, i) ? s->ink.strong : s->ink.bars;
        long length = reach(bars, (double)bars->value[i]), at = page_cell_start(bars->axis, i);
        if (bars->upwards)
            sheet_box(s, b->x + at, b->y + b->height - length, cell - gap, length, color);
        else
            sheet_box(s, b->x, b->y + at, length, cell - gap, color);
    }
}

/* A line across the bars of cells [from, to) at a value. */
static void paint_level(const struct sheet *s, const struct bars *bars, double value, size_t from,
                        size_t to, double dash)
{
    const struct page_box *b = bars->box;
    double width = sheet_points(s, s->page->line), cell = (double)bars->axis->cell;
    double begin = (double)from * cell / s->page->scale;
    double end = (double)to * cell / s->page->scale;
    double x = sheet_points(s, b->x), y = sheet_points(s, b->y);
    double at = sheet_points(s, reach(bars, value));
    struct drawing_line line = {.width = width, .dash = dash, .color = s->ink.text};
    if (bars->upwards) {
        line.x1 = x + begin, line.x2 = x + end;
        line.y1 = line.y2 = y + sheet_points(s, b->height) - at;
    } else {
        line.y1 = y + begin, line.y2 = y + end;
        line.x1 = line.x2 = x + at;
    }
    drawing_line(s->drawing, line);
}

/* What an even share is: a dashed line, with a step where windows differ, or words
 * in their numbers of tokens. */
static void paint_even(const struct sheet *s, const struct bars *bars)
{
    const struct figure_data *data = s->data;
    size_t from = 0;
    for (size_t t = 1; t <= data->tokens; t++)
        if (t == data->tokens || data->even[t] != data->even[from]) {
            paint_level(s, bars, (double)data->even[from], from, t, 1.5);
            from = t;
        }
}

/* A number at the axis of the bars: left of them, or upright below. */
static void paint_bar_number(const struct sheet *s, const struct bars *bars, double value,
                             const char *words)
{
    const struct page *l = s->page;
    long mark = page_pixels(l, FIGURE_MARK), gap = page_pixels(l, FIGURE_GAP);
    struct text_style style = {FIGURE_TICK_SIZE, s->ink.text, ANCHOR_END, false, !bars->upwards};
    if (bars->upwards) {
        long y = bars->box->y + bars->box->height - reach(bars, value);
        sheet_box(s, bars->box->x - mark, y - l->line / 2, mark, l->line, s->ink.line);
        sheet_text(s, bars->box->x - mark - gap, y, style, true, words);
    } else {
        long x = bars->box->x + reach(bars, value), y = bars->box->y + bars->box->height;
        sheet_box(s, x - l->line / 2, y, l->line, mark, s->ink.line);
        sheet_text(s, x, y + mark + gap, style, true, words);
    }
}

/* The line that the bars stand on. */
static void paint_foot(const struct sheet *s, const struct bars *bars)
{
    const struct page_box *b = bars->box;
    long t = s->page->line;
    if (bars->upwards)
        sheet_box(s, b->x, b->y + b->height, b->width, t, s->ink.line);
    else
        sheet_box(s, b->x - t, b->y, t, b->height, s->ink.line);
}

/* Kept on the page where the name is longer than the box is high. */
static void paint_bars_name(const struct sheet *s, const struct bars *bars, const char *name)
{
    const struct page *l = s->page;
    const struct page_box *b = bars->box;
    struct text_style style = {FIGURE_TITLE_SIZE, s->ink.text, ANCHOR_MIDDLE, false, bars->upwards};
    long half = page_pixels(l, font_text_width(s->font, name, style.size) / 2 + FIGURE_GAP);
    long middle = b->y + b->height / 2;
    if (bars->upwards)
        sheet_text(s, l->down_base, middle > half ? middle : half, style, false, name);
    else
        sheet_text(s, b->x + b->width / 2, l->across_base, style, false, name);
}

/* "even" at the far end of the dashed line, clear of what is below the bars. */
static void paint_even_name(const struct sheet *s, const struct bars *bars)
{
    const struct figure_data *data = s->data;
    const struct page_box *b = bars->box;
    long gap = page_pixels(s->page, FIGURE_GAP), least = page_pixels(s->page, FIGURE_TICK_SIZE / 2);
    long at = reach(bars, (double)data->even[bars->upwards ? data->tokens - 1 : 0]);
    at = at > least ? at : least;
    struct text_style style = {FIGURE_TICK_SIZE, s->ink.text, ANCHOR_START, false, !bars->upwards};
    if (bars->upwards)
        sheet_text(s, b->x + b->width + gap, b->y + b->height - at, style, true, "even");
    else
        sheet_text(s, b->x + at, b->y - gap, style, true, "even");
}

void sheet_mass_bars(const struct sheet *s)
{
    const struct page *l = s->page;
    bool turned = l->down.tokens;
    struct bars bars = {turned ? &l->beside : &l->above, turned ? &l->down : &l->across, !turned,
                        s->data->mass, page_mass_top(s->data), 0};
    paint_bars(s, &bars);
    paint_foot(s, &bars);
    paint_even(s, &bars);
    paint_even_name(s, &bars);
    for (size_t i = 0; i < l->mass_numbers.count; i++)
        paint_bar_number(s, &bars, l->mass_numbers.value[i], l->mass_numbers.text[i]);
    paint_bars_name(s, &bars, "mass");
}

/* The number at the bars of rows: where a slot is full, or a round one. */
static double row_number(const struct figure_data *data, double top, char *words, size_t size)
{
    if (!(data->beside_full > 0))
        return axis_round_number(top, words, size);
    snprintf(words, size, "full");
    return data->beside_full;
}

void sheet_row_bars(const struct sheet *s)
{
    const struct page *l = s->page;
    const struct figure_data *data = s->data;
    bool turned = l->down.tokens;
    double top = data->beside_full;
    char words[24];
    for (size_t r = 0; r < data->rows; r++)
        top = fmax(top, (double)data->beside[r]);
    if (!(top > 0))
        return;
    struct bars bars = {turned ? &l->above : &l->beside, turned ? &l->across : &l->down, turned,
                        data->beside, top, 0};
    paint_bars(s, &bars);
    paint_foot(s, &bars);
    if (data->beside_full > 0)
        paint_level(s, &bars, data->beside_full, 0, data->rows, 0);
    double number = row_number(data, top, words, sizeof words);
    paint_bar_number(s, &bars, number, words);
    paint_bars_name(s, &bars, data->beside_title);
}

/* From 0 to the value, to either side in the colours of differences. What is not known is
 * a pale ground: the first window has nothing before it that is compressed. */
static void paint_signed_bars(const struct sheet *s, const struct bars *bars)
{
    const struct page_box *b = bars->box;
    long cell = bars->axis->cell, gap = cell >= 5 ? 1 + cell / 12 : 0, zero = reach(bars, 0);
    int side = s->options->dark ? 64 : 48; /* a contrast of 3 on the page */
    enum color_map map = figure_map(s->options);
    for (size_t i = 0; i < bars->axis->cells; i++) {
        double value = (double)bars->value[i];
        long end = reach(bars, value), at = (long)i * cell;
        long from = end < zero ? end : zero, length = labs(end - zero), width = cell - gap;
        uint32_t color = colormap_rgb(map, value > 0 ? COLORMAP_LEVELS - side : side);
        if (isnan(value)) {
            from = 0, length = bars->upwards ? b->height : b->width, width = cell;
            color = color_mix(s->ink.line, s->ink.page, 0.15);
        }
        if (bars->upwards)
            sheet_box(s, b->x + at, b->y + b->height - from - length, width, length, color);
        else
            sheet_box(s, b->x + from, b->y + at, length, width, color);
    }
}

static void loss_plot(const struct sheet *s)
{
    const struct page *l = s->page;
    const struct heat_scale *scale = &s->data->scale;
    bool turned = l->down.tokens;
    struct bars bars = {&l->grid, turned ? &l->down : &l->across, !turned, s->data->grid.value,
                        scale->high, scale->low};
    paint_signed_bars(s, &bars);
    paint_level(s, &bars, 0, 0, s->data->tokens, 0);
    for (size_t i = 0; i < l->mass_numbers.count; i++)
        paint_bar_number(s, &bars, l->mass_numbers.value[i], l->mass_numbers.text[i]);
}

void sheet_plot(const struct sheet *s)
{
    const struct page *l = s->page;
    bool turned = l->down.tokens;
    if (s->data->kind == FIGURE_LOSS) {
        loss_plot(s);
        return;
    }
    struct bars bars = {&l->grid, turned ? &l->down : &l->across, !turned, s->data->mass,
                        page_mass_top(s->data), 0};
    paint_bars(s, &bars);
    paint_even(s, &bars);
    paint_even_name(s, &bars);
    for (size_t i = 0; i < l->mass_numbers.count; i++)
        paint_bar_number(s, &bars, l->mass_numbers.value[i], l->mass_numbers.text[i]);
}
