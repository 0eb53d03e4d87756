#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BRAILLE = 0x2800 };
enum { TICK = 0x2524, SIDE = 0x2502, CORNER = 0x2514, LINE = 0x2500, DASH = 0x2504 };
enum { ROWS_PER_NUMBER = 3, DOTS_ACROSS = 2, DOTS_DOWN = 4 };

struct rect chart_plot(const struct chart *chart)
{
    struct rect r = chart->area;
    r.column += CHART_GUTTER;
    r.columns -= CHART_GUTTER;
    r.rows -= CHART_AXIS_ROWS;
    if (r.columns < 0)
        r.columns = 0;
    if (r.rows < 0)
        r.rows = 0;
    return r;
}

static double scaled(const struct chart *chart, double value)
{
    return chart->log_scale ? log(value) : value;
}

/* Where a value lies from the top (0) to the bottom (1) of the plot. */
static double down(const struct chart *chart, double value)
{
    double low = scaled(chart, chart->low), high = scaled(chart, chart->high);
    return high > low ? (high - scaled(chart, value)) / (high - low) : 0.5;
}

static double across(const struct chart *chart, double x)
{
    double width = chart->x_high - chart->x_low;
    return width > 0 ? (x - chart->x_low) / width : 0;
}

static double value_at_row(const struct chart *chart, double row, int rows)
{
    double low = scaled(chart, chart->low), high = scaled(chart, chart->high);
    double value = rows > 1 ? high - (high - low) * row / (rows - 1) : high;
    return chart->log_scale ? exp(value) : value;
}

/* ---- axes ------------------------------------------------------------------- */

double chart_round_up(double x)
{
    double power = x > 0 ? pow(10, floor(log10(x))) : 1;
    static const double step[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (step[i] * power >= x * (1 - 1e-9))
            return step[i] * power;
    return 10 * power;
}

static void format_value(const struct chart *chart, double value, char *out, size_t size)
{
    double range = chart->high - chart->low, top = fmax(fabs(chart->low), fabs(chart->high));
    if (top < 0.01 || top >= 100000)
        snprintf(out, size, "%.0e", value);
    else if (range >= 20 || top >= 1000)
        snprintf(out, size, "%.0f", value);
    else
        snprintf(out, size, range < 1 ? "%.2f" : "%.1f", value);
}

static void draw_values(struct scene *c, const struct chart *chart, struct rect plot)
{
    int side = plot.column - 1;
    for (int r = 0; r < plot.rows; r++) {
        bool number = r % ROWS_PER_NUMBER == 0;
        char text[24];
        canvas_put(c->canvas, plot.row + r, side, number ? TICK : SIDE, ROLE_FRAME, 0);
        if (!number)
            continue;
        format_value(chart, value_at_row(chart, r, plot.rows), text, sizeof text);
        canvas_printf(c->canvas, plot.row + r, chart->area.column, CHART_GUTTER - 1, ROLE_LABEL,
                      0, "%*s", CHART_GUTTER - 1, text);
    }
}

static void draw_steps(struct scene *c, const struct chart *chart, struct rect plot)
{
    enum { NUMBER_COLUMNS = 10 };
    int row = plot.row + plot.rows, end = plot.column + plot.columns;
    canvas_put(c->canvas, row, plot.column - 1, CORNER, ROLE_FRAME, 0);
    for (int x = plot.column; x < end; x++)
        canvas_put(c->canvas, row, x, LINE, ROLE_FRAME, 0);
    double width = chart->x_high - chart->x_low;
    int room = plot.columns / NUMBER_COLUMNS;
    double step = chart_round_up(width / (room > 1 ? room : 1));
    int free_from = chart->area.column;
    for (double x = ceil(chart->x_low / step) * step; width > 0 && x <= chart->x_high; x += step) {
        char text[24];
        snprintf(text, sizeof text, "%.0f", x);
        int columns = (int)strlen(text);
        int at = plot.column + (int)lround(across(chart, x) * (plot.columns - 1)) - columns / 2;
        if (at + columns > end)
            at = end - columns;
        if (at < free_from)
            continue;
        canvas_text(c->canvas, row + 1, at, columns, ROLE_LABEL, 0, text, (size_t)columns);
        free_from = at + columns + 1;
    }
}

void chart_frame(struct scene *c, const struct chart *chart)
{
    struct rect plot = chart_plot(chart);
    if (plot.rows < 1 || plot.columns < 1)
        return;
    draw_values(c, chart, plot);
    draw_steps(c, chart, plot);
}

/* ---- levels and marks ------------------------------------------------------- */

static int row_of(const struct chart *chart, struct rect plot, double value)
{
    double y = down(chart, value) * (plot.rows - 1);
    return isnan(y) || y < -0.5 || y > plot.rows - 0.5 ? -1 : plot.row + (int)lround(y);
}

void chart_level(struct scene *c, const struct chart *chart, double value)
{
    struct rect plot = chart_plot(chart);
    int row = isnan(value) ? -1 : row_of(chart, plot, value);
    for (int x = plot.column; row >= 0 && x < plot.column + plot.columns; x++)
        canvas_put(c->canvas, row, x, DASH, ROLE_DIM, 0);
}

void chart_mark(struct scene *c, const struct chart *chart, double x, double y, uint32_t mark,
                enum canvas_role role)
{
    struct rect plot = chart_plot(chart);
    int row = isnan(y) ? -1 : row_of(chart, plot, y);
    double at = across(chart, x);
    if (row < 0 || plot.columns < 1 || at < 0 || at > 1)
        return;
    canvas_put(c->canvas, row, plot.column + (int)lround(at * (plot.columns - 1)), mark, role,
               ATTR_BOLD);
}

/* ---- lines ------------------------------------------------------------------ */

static void put_dot(struct scene *c, struct rect plot, int x, int y, enum canvas_role role)
{
    static const uint8_t bit[DOTS_DOWN][DOTS_ACROSS] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    int row = plot.row + y / DOTS_DOWN, column = plot.column + x / DOTS_ACROSS;
    struct canvas_cell *cell = canvas_at(c->canvas, row, column);
    if (!cell)
        return;
    uint32_t dots = cell->codepoint >= BRAILLE && cell->codepoint <= BRAILLE + 0xff
                        ? cell->codepoint
                        : BRAILLE;
    canvas_put(c->canvas, row, column, dots | bit[y % DOTS_DOWN][x % DOTS_ACROSS], role, 0);
}

/* From (x0, y0) to (x1, y1), x0 < x1: one dot a column, and the rise between two. */
static void draw_segment(struct scene *c, struct rect plot, int x0, int y0, int x1, int y1,
                         enum canvas_role role)
{
    int before = y0;
    for (int x = x0 + 1; x <= x1; x++) {
        int y = y0 + (int)lround((double)(y1 - y0) * (x - x0) / (x1 - x0));
        int from = before < y ? before + (y - before > 1) : y;
        int to = before < y ? y : before - (before - y > 1);
        for (int dot = from; dot <= to; dot++)
            put_dot(c, plot, dot == before && dot != y ? x - 1 : x, dot, role);
        before = y;
    }
}

void chart_line(struct scene *c, const struct chart *chart, const double *x, const double *y,
                size_t n, enum canvas_role role)
{
    struct rect plot = chart_plot(chart);
    int width = plot.columns * DOTS_ACROSS, height = plot.rows * DOTS_DOWN;
    int last_x = -1, last_y = 0;
    if (width < 1 || height < 1)
        return;
    for (size_t i = 0; i < n;) {
        int column = (int)lround(across(chart, x[i]) * (width - 1));
        double sum = 0;
        size_t count = 0;
        for (; i < n && (int)lround(across(chart, x[i]) * (width - 1)) == column; i++)
            if (!isnan(y[i])) {
                sum += y[i];
                count++;
            }
        if (count == 0 || column < 0 || column >= width) {
            last_x = -1;
            continue;
        }
        double at = down(chart, sum / (double)count) * (height - 1);
        int dot = (int)lround(fmin(fmax(at, 0), height - 1));
        if (last_x >= 0 && last_x < column)
            draw_segment(c, plot, last_x, last_y, column, dot, role);
        else
            put_dot(c, plot, column, dot, role);
        last_x = column;
        last_y = dot;
    }
}

uint32_t chart_ascii(uint32_t braille)
{
    uint32_t dots = braille & 0xff;
    bool upper = dots & (1 | 8), middle = dots & (2 | 16 | 4 | 32), lower = dots & (64 | 128);
    if (!dots)
        return ' ';
    if (upper && lower)
        return '|';
    return upper ? (middle ? '"' : '\'') : lower ? (middle ? ',' : '.') : '-';
}
