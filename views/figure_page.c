#include "views/figure_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "views/figure_parts.h"

/* Lengths in points. */
#define EDGE 2.5          /* around the page */
#define NAME_HEIGHT 9.5   /* line of an axis' name */
#define MASS_BARS 22.0    /* bars of sender mass, at right angles to the tokens */
#define ROW_BARS 13.0     /* bars of slots or layers */
#define BAR_DISTANCE 8.0  /* from the picture to the colour bar */
#define BAR_WIDTH 6.5
#define BAR_LENGTH_MAX 150.0
#define CELL_MAX 10.0     /* of a row, when the height is free */
#define PICTURE_MIN 40.0  /* height of the picture, when it is free */
#define PLOT_HEIGHT 72.0  /* of bars that are the picture */
#define LINE_SPACING 1.15 /* of labels that must not touch */

/* Bars beside a picture end below their box, so that the line of an even share shows. */
#define HEADROOM 1.05

/* Height of the picture by its width, when it is free. */
#define ASPECT_ACROSS 0.5
#define ASPECT_DOWN 1.5

/* Room around the picture, in pixels. */
struct margins {
    long left, right, top, bottom;
};

long page_pixels(const struct page *page, double points)
{
    return lround(points * page->scale);
}

long page_cell_start(const struct page_axis *axis, size_t cell)
{
    return (long)(axis->from_end ? axis->cells - 1 - cell : cell) * axis->cell;
}

double page_mass_top(const struct figure_data *data)
{
    double top = 0;
    for (size_t t = 0; t < data->tokens; t++)
        top = fmax(top, (double)fmaxf(data->mass[t], data->even[t]));
    if (data->kind == FIGURE_MASS && data->scale.high > 0)
        return data->scale.high;
    return top * HEADROOM;
}

char *page_cut_text(const struct font *font, const char *text, double size, double points)
{
    size_t length = strlen(text);
    char *out = xmalloc(length + 4);
    memcpy(out, text, length + 1);
    while (length > 0 && font_text_width(font, out, size) > points) {
        do
            length--;
        while (length > 0 && (text[length] & 0xc0) == 0x80);
        memcpy(out + length, "\xe2\x80\xa6", 4);
    }
    return out;
}

static bool is_heat(const struct figure_data *data)
{
    return !figure_is_plot(data->kind);
}

static bool has_row_bars(const struct figure_data *data, const struct figure_options *options)
{
    return options->marginals && is_heat(data) && data->rows > 1;
}

static bool has_mass_bars(const struct figure_data *data, const struct figure_options *options)
{
    return options->marginals && is_heat(data) && !options->other_mass;
}

static bool has_color_bar(const struct figure_data *data, const struct figure_options *options)
{
    return options->colorbar && is_heat(data);
}

/* ---- texts at the axes --------------------------------------------------------- */

static void number_texts(struct page_numbers *numbers, int decimals)
{
    for (size_t i = 0; i < numbers->count; i++)
        axis_format_number(numbers->text[i], sizeof numbers->text[i], numbers->value[i], decimals);
}

/* A logarithmic bar has five numbers at equal distances. */
static void scale_numbers(struct page_numbers *numbers, const struct heat_scale *scale)
{
    *numbers = (struct page_numbers){0};
    if (!(scale->high > scale->low))
        return;
    int decimals = 0;
    if (scale->scale != SCALE_LOG) {
        numbers->count = axis_round_numbers(scale->low, scale->high, numbers->value, &decimals);
        number_texts(numbers, decimals);
        return;
    }
    for (size_t i = 0; i < 5; i++) {
        numbers->value[i] = heat_value_at(scale, (double)i / 4);
        snprintf(numbers->text[i], sizeof numbers->text[i], "%.2g", numbers->value[i]);
    }
    numbers->count = 5;
}

/* Bars beside a picture have one number. */
static void mass_numbers(struct page_numbers *numbers, const struct figure_data *data)
{
    double top = page_mass_top(data);
    if (data->kind == FIGURE_LOSS)
        scale_numbers(numbers, &data->scale);
    else
        scale_numbers(numbers, &(struct heat_scale){SCALE_LINEAR, 0, top});
    if (!is_heat(data) || numbers->count == 0)
        return;
    numbers->count = 1;
    numbers->value[0] = axis_round_number(top, numbers->text[0], sizeof numbers->text[0]);
}

static double widest_number(const struct page_numbers *numbers, const struct font *font,
                            double size)
{
    double widest = 0;
    for (size_t i = 0; i < numbers->count; i++)
        widest = fmax(widest, font_text_width(font, numbers->text[i], size));
    return widest;
}

/* Widest label of any token or row, in points: the margin does not depend on which
 * of them are chosen. */
static double widest_label(const struct figure_data *data, const struct figure_options *options,
                           bool tokens, const struct font *font)
{
    double widest = 0, size = FIGURE_TICK_SIZE;
    if (tokens && (options->ticks == TICKS_NONE || options->other_axis))
        return 0;
    for (size_t i = 0; i < (tokens ? data->tokens : data->rows); i++)
        widest = fmax(widest, font_text_width(
                                  font, tokens ? data->token[i].label : data->row_label[i], size));
    return fmin(widest, PAGE_LABEL_POINTS);
}

static double widest_chosen(const struct page_axis *axis, const struct font *font, double size)
{
    double widest = 0;
    for (size_t i = 0; i < axis->n_labels; i++)
        widest = fmax(widest, font_text_width(font, axis->labels[i].text, size));
    return fmin(widest, PAGE_LABEL_POINTS);
}

/* ---- margins ------------------------------------------------------------------- */

static double even_width(const struct font *font)
{
    return font_text_width(font, "even", FIGURE_TICK_SIZE);
}

static long left_margin(const struct page *page, const struct figure_data *data,
                        const struct figure_options *options, const struct font *font)
{
    bool turned = page->down.tokens;
    double numbers = widest_number(&page->mass_numbers, font, FIGURE_TICK_SIZE), widest = 0;
    if (is_heat(data) || turned)
        widest = widest_label(data, options, turned, font);
    if (!turned && (has_mass_bars(data, options) || !is_heat(data)))
        widest = fmax(widest, numbers);
    if (turned && has_row_bars(data, options))
        widest = fmax(widest, font_text_width(font, "full", FIGURE_TICK_SIZE));
    return page_pixels(page, EDGE + NAME_HEIGHT + widest + FIGURE_GAP + FIGURE_MARK);
}

static long right_margin(const struct page *page, const struct figure_data *data,
                         const struct figure_options *options, const struct font *font)
{
    double room = 1, even = FIGURE_GAP + even_width(font);
    bool turned = page->down.tokens;
    if (turned ? has_mass_bars(data, options) : has_row_bars(data, options))
        room += FIGURE_GAP + (turned ? MASS_BARS : ROW_BARS);
    if (has_color_bar(data, options))
        room += BAR_DISTANCE + BAR_WIDTH + FIGURE_MARK + FIGURE_GAP + NAME_HEIGHT +
                widest_number(&page->bar_numbers, font, FIGURE_TICK_SIZE);
    if (!turned && (has_mass_bars(data, options) || data->kind == FIGURE_MASS))
        room = fmax(room, even);
    return page_pixels(page, EDGE + room);
}

static long top_margin(const struct page *page, const struct figure_data *data,
                       const struct figure_options *options, const struct font *font)
{
    double room = 1;
    bool turned = page->down.tokens;
    if (turned ? has_row_bars(data, options) : has_mass_bars(data, options))
        room += FIGURE_GAP + (turned ? ROW_BARS : MASS_BARS);
    if (turned && (has_mass_bars(data, options) || data->kind == FIGURE_MASS))
        room = fmax(room, FIGURE_GAP + even_width(font));
    if (options->title[0] || options->letter)
        room += FIGURE_TITLE_SIZE + 3 * FIGURE_GAP;
    return page_pixels(page, EDGE + room);
}

/* Labels below are upright for tokens and level for rows; numbers of the bars at
 * the right are upright. */
static long bottom_margin(const struct page *page, const struct figure_data *data,
                          const struct figure_options *options, const struct font *font)
{
    bool turned = page->down.tokens;
    double numbers = widest_number(&page->mass_numbers, font, FIGURE_TICK_SIZE), extent = 0;
    if (options->other_axis && !turned && !has_row_bars(data, options))
        return page_pixels(page, EDGE);
    if (!turned && !options->other_axis)
        extent = widest_chosen(&page->across, font, page->tick_size);
    else if (turned)
        extent = is_heat(data) ? FIGURE_TICK_SIZE : numbers;
    if (turned && has_mass_bars(data, options))
        extent = fmax(extent, numbers);
    if (!turned && has_row_bars(data, options))
        extent = fmax(extent, font_text_width(font, "0.05", FIGURE_TICK_SIZE));
    return page_pixels(page, FIGURE_MARK + FIGURE_GAP + extent + NAME_HEIGHT + EDGE);
}

/* ---- cells --------------------------------------------------------------------- */

/* What went wrong, and what would do: `fixed` pixels beside the cells are needed. */
static bool too_small(const struct page *page, const struct page_axis *axis,
                      const struct figure_data *data, const struct figure_options *options,
                      long fixed, struct err *err)
{
    bool across = axis == &page->across;
    double given = across ? options->width_mm : options->height_mm, dpi = options->dpi;
    const char *name = across ? "width" : "height";
    const char *unit = axis->tokens ? "token" : data->row_title;
    double have = (given / 25.4 * dpi - (double)fixed) / (double)axis->cells;
    double need = (double)(axis->cells * FIGURE_CELL_PIXELS + 4);
    double wanted = ceil(((double)fixed + need) * 25.4 / dpi);
    double fixed_mm = (double)fixed * 25.4 / dpi, free_mm = given - fixed_mm;
    double finer = free_mm > 0 ? ceil(need * 25.4 / free_mm / 10) * 10 : HUGE_VAL;
    char advice[96] = "a shorter range";
    if (wanted / 25.4 * dpi <= FIGURE_SIDE_PIXELS)
        snprintf(advice, sizeof advice, "%s=%.0fmm", name, wanted);
    if (given / 25.4 * finer <= FIGURE_SIDE_PIXELS && wanted / 25.4 * dpi <= FIGURE_SIDE_PIXELS)
        snprintf(advice, sizeof advice, "%s=%.0fmm or dpi=%.0f", name, wanted, finer);
    else if (given / 25.4 * finer <= FIGURE_SIDE_PIXELS)
        snprintf(advice, sizeof advice, "dpi=%.0f", finer);
    return err_set(err, ERR_USAGE,
                   "%s: %zu %ss on %g mm at %g dpi leave %.1f pixels each, %d are needed: "
                   "%s would do",
                   figure_kind_name[data->kind], axis->cells, unit, given, dpi,
                   floor(10 * fmax(0, have)) / 10,
                   FIGURE_CELL_PIXELS, advice);
}

static bool too_tight(const struct page *page, const struct page_axis *axis,
                      const struct figure_options *options, long fixed, double room,
                      struct err *err)
{
    double points = (double)fixed / page->scale + (room + 1 / page->scale) * (double)axis->cells;
    return err_set(err, ERR_USAGE,
                   "ticks=all: %zu labels touch on %g mm: %s=%.0fmm or ticks=auto would do",
                   axis->cells, axis == &page->across ? options->width_mm : options->height_mm,
                   axis == &page->across ? "width" : "height", ceil(points * 25.4 / 72));
}

/* Labels for every token: in smaller type if need be. */
static bool fit_all_labels(struct page *page, const struct page_axis *axis,
                           const struct figure_options *options, long fixed, struct err *err)
{
    if (!axis->tokens || options->ticks != TICKS_ALL)
        return true;
    double points = (double)axis->cell / page->scale;
    if (points < LINE_SPACING * FIGURE_LEAST_SIZE)
        return too_tight(page, axis, options, fixed, LINE_SPACING * FIGURE_LEAST_SIZE, err);
    page->tick_size = fmin(FIGURE_TICK_SIZE, points / LINE_SPACING);
    return true;
}

static void choose_labels(const struct page *page, struct page_axis *axis,
                          const struct figure_data *data, const struct figure_options *options,
                          const struct font *font)
{
    double room = LINE_SPACING * page->tick_size;
    if (!axis->tokens && axis == &page->across)
        room = widest_label(data, options, false, font) + 2 * FIGURE_GAP;
    room *= page->scale;
    free(axis->labels);
    axis->labels = axis->tokens ? axis_token_labels(data, options, (double)axis->cell, room - 1e-6,
                                                    &axis->n_labels)
                                : axis_row_labels(data, (double)axis->cell, room, &axis->n_labels);
}

static bool size_across(struct page *page, const struct figure_data *data,
                        const struct figure_options *options, struct margins *margins,
                        struct err *err)
{
    struct page_axis *axis = &page->across;
    long fixed = margins->left + margins->right, cells = (long)axis->cells;
    axis->cell = (page->width - fixed) / cells;
    if (axis->cell < FIGURE_CELL_PIXELS)
        return too_small(page, axis, data, options, fixed, err);
    margins->left += (page->width - fixed - cells * axis->cell) / 2;
    return fit_all_labels(page, axis, options, fixed, err);
}

/* The height of a cell when that of the page is free. */
static long free_cell(const struct page *page, const struct figure_data *data,
                      const struct figure_options *options)
{
    double cells = (double)page->down.cells;
    double width = (double)page->across.cell * (double)page->across.cells;
    if (!is_heat(data) && !page->down.tokens)
        return page_pixels(page, PLOT_HEIGHT);
    double cell = (page->down.tokens ? ASPECT_DOWN : ASPECT_ACROSS) * width / cells;
    cell = fmin(cell, CELL_MAX * page->scale);
    cell = fmax(cell, PICTURE_MIN * page->scale / cells);
    if (page->down.tokens && options->ticks == TICKS_ALL)
        cell = fmax(cell, LINE_SPACING * FIGURE_TICK_SIZE * page->scale);
    cell = ceil(cell);
    return cell > FIGURE_CELL_PIXELS ? (long)cell : FIGURE_CELL_PIXELS;
}

static bool size_down(struct page *page, const struct figure_data *data,
                      const struct figure_options *options, struct margins *margins,
                      struct err *err)
{
    struct page_axis *axis = &page->down;
    long fixed = margins->top + margins->bottom, cells = (long)axis->cells;
    if (options->height_mm <= 0) {
        axis->cell = free_cell(page, data, options);
        page->height = fixed + cells * axis->cell;
    } else {
        page->height = lround(options->height_mm / 25.4 * options->dpi);
        axis->cell = (page->height - fixed) / cells;
        if (axis->cell < FIGURE_CELL_PIXELS)
            return too_small(page, axis, data, options, fixed, err);
        margins->top += (page->height - fixed - cells * axis->cell) / 2;
    }
    return fit_all_labels(page, axis, options, fixed, err);
}

static bool check_page(const struct page *page, const struct figure_options *options,
                       struct err *err)
{
    long side = page->width > page->height ? page->width : page->height;
    if (side <= FIGURE_SIDE_PIXELS)
        return true;
    double dpi = floor(options->dpi * FIGURE_SIDE_PIXELS / (double)side);
    return err_set(err, ERR_USAGE,
                   "a page of %ld x %ld pixels is over the limit of %d: dpi=%.0f would do",
                   page->width, page->height, FIGURE_SIDE_PIXELS, dpi);
}

/* ---- boxes --------------------------------------------------------------------- */

static void place_bars(struct page *page, const struct figure_data *data,
                       const struct figure_options *options)
{
    const struct page_box *grid = &page->grid;
    bool turned = page->down.tokens, mass = has_mass_bars(data, options);
    bool rows = has_row_bars(data, options);
    long gap = page_pixels(page, FIGURE_GAP);
    if (turned ? rows : mass) {
        long height = page_pixels(page, turned ? ROW_BARS : MASS_BARS);
        page->above = (struct page_box){grid->x, grid->y - gap - height, grid->width, height};
    }
    if (turned ? mass : rows)
        page->beside = (struct page_box){grid->x + grid->width + gap, grid->y,
                                             page_pixels(page, turned ? MASS_BARS : ROW_BARS),
                                             grid->height};
}

static void place_color_bar(struct page *page, const struct figure_data *data,
                            const struct figure_options *options, const struct font *font)
{
    const struct page_box *grid = &page->grid;
    if (!has_color_bar(data, options))
        return;
    long right = grid->x + grid->width, length = page_pixels(page, BAR_LENGTH_MAX);
    if (page->beside.width)
        right = page->beside.x + page->beside.width;
    page->bar = (struct page_box){right + page_pixels(page, BAR_DISTANCE), grid->y,
                                      page_pixels(page, BAR_WIDTH),
                                      grid->height < length ? grid->height : length};
    double numbers = widest_number(&page->bar_numbers, font, FIGURE_TICK_SIZE);
    page->bar_base = page->bar.x + page->bar.width +
                       page_pixels(page, FIGURE_MARK + FIGURE_GAP + numbers + NAME_HEIGHT);
}

static void place(struct page *page, const struct figure_data *data,
                  const struct figure_options *options, const struct margins *margins,
                  const struct font *font)
{
    page->grid = (struct page_box){margins->left, margins->top,
                                       page->across.cell * (long)page->across.cells,
                                       page->down.cell * (long)page->down.cells};
    place_bars(page, data, options);
    place_color_bar(page, data, options, font);
    page->title_base = page_pixels(page, EDGE + FIGURE_TITLE_SIZE);
    page->across_base = page->grid.y + page->grid.height + margins->bottom -
                          page_pixels(page, EDGE + 1);
    page->down_base = margins->left - page->left + page_pixels(page, EDGE + 6);
}

static long at_least(long value, long least)
{
    return value > least ? value : least;
}

bool page_compute(struct page *page, const struct figure_data *data,
                  const struct figure_options *options, const struct figure_fonts *fonts,
                  struct err *err)
{
    const struct font *font = fonts->regular;
    struct page_axis tokens = {.tokens = true, .cells = data->tokens};
    struct page_axis rows = {.cells = data->rows,
                             .from_end = data->kind == FIGURE_GATE && !options->turned};
    *page = (struct page){
        .scale = options->dpi / 72,
        .tick_size = FIGURE_TICK_SIZE,
        .width = lround(options->width_mm / 25.4 * options->dpi),
        .across = options->turned ? rows : tokens,
        .down = options->turned ? tokens : rows,
    };
    page->line = page_pixels(page, 0.4) > 0 ? page_pixels(page, 0.4) : 1;
    scale_numbers(&page->bar_numbers, &data->scale);
    mass_numbers(&page->mass_numbers, data);
    page->left = at_least(left_margin(page, data, options, font), page_pixels(page, options->left));
    page->right =
        at_least(right_margin(page, data, options, font), page_pixels(page, options->right));
    struct margins margins = {page->left, page->right, top_margin(page, data, options, font), 0};
    if (!size_across(page, data, options, &margins, err))
        return false;
    choose_labels(page, &page->across, data, options, font);
    margins.bottom = bottom_margin(page, data, options, font);
    if (!size_down(page, data, options, &margins, err) || !check_page(page, options, err))
        return false;
    choose_labels(page, &page->down, data, options, font);
    place(page, data, options, &margins, font);
    return true;
}

void page_free(struct page *page)
{
    free(page->across.labels);
    free(page->down.labels);
    *page = (struct page){0};
}
