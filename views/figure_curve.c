#include "views/figure_curve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/chart.h"
#include "views/colormap.h"
#include "views/figure_page.h"
#include "views/figure_sheet.h"

/* Lengths in points. */
#define LEFT 30.0
#define RIGHT 8.0
#define BELOW 24.0
#define ABOVE 6.0
#define MARK 3.0
#define LEGEND_ROW 8.0
#define THIN 0.5
#define THICK 0.9

struct plot {
    struct drawing *drawing;
    const struct figure_fonts *fonts;
    struct inks ink;
    double x, y, width, height; /* of the plot, points */
    double steps, low, high;
    bool log_scale;
    uint32_t page;
};

static double across(const struct plot *p, double step)
{
    return p->x + step / p->steps * p->width;
}

static double down(const struct plot *p, double loss)
{
    double low = p->log_scale ? log(p->low) : p->low, high = p->log_scale ? log(p->high) : p->high;
    double at = p->log_scale ? log(loss) : loss;
    return p->y + fmin(fmax((high - at) / (high - low), 0), 1) * p->height;
}

static void stroke(const struct plot *p, double x1, double y1, double x2, double y2, double width,
                   double dash, uint32_t color)
{
    drawing_line(p->drawing, (struct drawing_line){.x1 = x1, .y1 = y1, .x2 = x2, .y2 = y2,
                                                   .width = width, .dash = dash, .color = color});
}

/* The colour of run i: from the part of viridis with a contrast of 3 on the page, which is
 * its darker 0.58, or on a dark page the lighter 0.6. */
static uint32_t color_of(const struct plot *p, size_t i, size_t n)
{
    double part = n > 1 ? (double)i / (double)(n - 1) : 0.4;
    double at = color_luminance(p->page) > 0.5 ? 0.05 + 0.53 * part : 0.95 - 0.55 * part;
    return colormap_rgb(MAP_VIRIDIS, (int)lround(at * (COLORMAP_LEVELS - 1)));
}

/* The mark of run i around (x, y), so that runs differ also without colour: a full square, a
 * cross, an upright cross, an empty square. */
static void draw_mark(const struct plot *p, size_t i, double x, double y, uint32_t color)
{
    double r = MARK / 2;
    switch (i % 4) {
    case 0:
        drawing_rect(p->drawing, x - r, y - r, MARK, MARK, color);
        break;
    case 1:
        stroke(p, x - r, y - r, x + r, y + r, THICK, 0, color);
        stroke(p, x - r, y + r, x + r, y - r, THICK, 0, color);
        break;
    case 2:
        stroke(p, x - r, y, x + r, y, THICK, 0, color);
        stroke(p, x, y - r, x, y + r, THICK, 0, color);
        break;
    default:
        stroke(p, x - r, y - r, x + r, y - r, THICK, 0, color);
        stroke(p, x + r, y - r, x + r, y + r, THICK, 0, color);
        stroke(p, x + r, y + r, x - r, y + r, THICK, 0, color);
        stroke(p, x - r, y + r, x - r, y - r, THICK, 0, color);
    }
}

/* ---- range -------------------------------------------------------------------- */

static void widen(struct plot *p, double loss)
{
    if (isnan(loss) || (p->log_scale && loss <= 0))
        return;
    p->low = fmin(p->low, loss);
    p->high = fmax(p->high, loss);
}

static bool find_range(struct plot *p, const struct figure_curve *curves, size_t n,
                       const struct figure_options *o, struct err *err)
{
    p->low = HUGE_VAL;
    p->high = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        const struct training_log *log = curves[i].log;
        for (size_t k = 0; k < log->n_steps; k++)
            widen(p, log->steps[k].loss);
        for (size_t k = 0; k < log->n_checks; k++) {
            widen(p, log->checks[k].compressed);
            widen(p, n == 1 ? log->checks[k].full : (double)NAN);
            widen(p, n == 1 ? log->checks[k].none : (double)NAN);
        }
        if (log->n_steps)
            p->steps = fmax(p->steps, (double)log->steps[log->n_steps - 1].step);
        if (log->n_checks)
            p->steps = fmax(p->steps, (double)log->checks[log->n_checks - 1].step);
    }
    if (p->low > p->high || p->steps < 1)
        return err_set(err, ERR_INPUT, "export: the log has no steps yet");
    if (p->high - p->low > 1e100)
        return err_set(err, ERR_INPUT, "export: losses up to %g are no losses", p->high);
    double air = fmax(0.03 * (p->high - p->low), 1e-9);
    p->low = isnan(o->limit_low) ? (p->log_scale ? p->low * 0.98 : p->low - air) : o->limit_low;
    p->high = isnan(o->limit_high) ? p->high + air : o->limit_high;
    return p->low < p->high || err_set(err, ERR_USAGE, "limits: the low one is not below the high");
}

/* ---- axes --------------------------------------------------------------------- */

static void label(const struct plot *p, double x, double y, enum drawing_anchor anchor,
                  bool upright, double size, const char *text)
{
    drawing_text(p->drawing, x, y, (struct text_style){.size = size, .color = p->ink.text,
                                                       .anchor = anchor, .upright = upright},
                 text);
}

static void draw_axes(const struct plot *p)
{
    double bottom = p->y + p->height, value[AXIS_NUMBERS_MAX];
    int decimals;
    char text[32];
    stroke(p, p->x, p->y, p->x, bottom, THIN, 0, p->ink.line);
    stroke(p, p->x, bottom, p->x + p->width, bottom, THIN, 0, p->ink.line);
    size_t n = axis_round_numbers(p->low, p->high, value, &decimals);
    for (size_t i = 0; i < n; i++) {
        double y = down(p, value[i]);
        stroke(p, p->x - FIGURE_MARK, y, p->x, y, THIN, 0, p->ink.line);
        axis_format_number(text, sizeof text, value[i], decimals);
        label(p, p->x - FIGURE_MARK - 1, y + FIGURE_TICK_SIZE * 0.35, ANCHOR_END, false,
              FIGURE_TICK_SIZE, text);
    }
    double step = fmax(chart_round_up(p->steps / 6), 1);
    for (double x = 0; x <= p->steps * (1 + 1e-9); x += step) {
        stroke(p, across(p, x), bottom, across(p, x), bottom + FIGURE_MARK, THIN, 0, p->ink.line);
        snprintf(text, sizeof text, "%.0f", x);
        label(p, across(p, x), bottom + FIGURE_MARK + FIGURE_TICK_SIZE, ANCHOR_MIDDLE, false,
              FIGURE_TICK_SIZE, text);
    }
    label(p, p->x + p->width / 2, bottom + BELOW - 5, ANCHOR_MIDDLE, false, FIGURE_TITLE_SIZE,
          "step");
    label(p, FIGURE_GAP + FIGURE_TITLE_SIZE, p->y + p->height / 2, ANCHOR_MIDDLE, true,
          FIGURE_TITLE_SIZE, "loss (nats per token), marks: held-out");
}

/* ---- curves ------------------------------------------------------------------- */

static void draw_curve(const struct plot *p, const struct training_log *log, uint32_t color)
{
    double x = 0, y = 0;
    bool pen = false;
    for (size_t i = 0; i < log->n_steps; i++) {
        const struct training_step *s = &log->steps[i];
        if (isnan(s->loss) || (p->log_scale && s->loss <= 0)) {
            pen = false;
            continue;
        }
        double nx = across(p, (double)s->step), ny = down(p, s->loss);
        if (pen)
            stroke(p, x, y, nx, ny, THIN, 0, color_mix(color, p->page, 0.5));
        x = nx, y = ny, pen = true;
    }
}

/* Held-out losses of the first kind of run i: marks on a line. */
static void draw_checks(const struct plot *p, const struct training_log *log, size_t run,
                        uint32_t color)
{
    double x = 0, y = 0;
    bool pen = false;
    for (size_t i = 0; i < log->n_checks; i++) {
        const struct training_check *c = &log->checks[i];
        double loss = isnan(c->compressed) ? c->full : c->compressed;
        if (c->kind != 0 || isnan(loss))
            continue;
        double nx = across(p, (double)c->step), ny = down(p, loss);
        if (pen)
            stroke(p, x, y, nx, ny, THICK, 0, color);
        draw_mark(p, run, nx, ny, color);
        x = nx, y = ny, pen = true;
    }
}

static void draw_levels(const struct plot *p, const struct training_log *log)
{
    const struct training_check *last = training_last_check(log, 0);
    const struct {
        double loss;
        const char *name;
    } levels[] = {{last ? last->full : (double)NAN, "full context"},
                  {last ? last->none : (double)NAN, "no context"}};
    for (size_t i = 0; i < 2; i++) {
        if (isnan(levels[i].loss) || levels[i].loss < p->low || levels[i].loss > p->high)
            continue;
        double y = down(p, levels[i].loss);
        stroke(p, p->x, y, p->x + p->width, y, THIN, 2, p->ink.line);
        label(p, p->x + p->width, y - 2, ANCHOR_END, false, FIGURE_LEAST_SIZE, levels[i].name);
    }
}

static void legend_text(const struct figure_curve *curve, char *out, size_t size)
{
    const struct training_check *best = training_best_check(curve->log, 0);
    out[0] = '\0';
    text_add(out, size, "%s", curve->name);
    if (best)
        text_add(out, size, ": best held-out %.3f", best->compressed);
}

/* Names of the curves above the plot, where no curve runs through them: as many side by side
 * as fit. Draws them from y on, or only counts the rows. */
static size_t lay_legend(const struct plot *p, const struct figure_curve *curves, size_t n,
                         double y, bool draw)
{
    const struct font *font = p->fonts->regular;
    double x = p->x, mark = MARK + 3;
    size_t rows = 1;
    for (size_t i = 0; i < n; i++) {
        char text[160];
        legend_text(&curves[i], text, sizeof text);
        char *name = page_cut_text(font, text, FIGURE_TICK_SIZE, p->width - mark);
        double width = mark + font_text_width(font, name, FIGURE_TICK_SIZE);
        if (x > p->x && x + width > p->x + p->width) {
            x = p->x;
            y += LEGEND_ROW;
            rows++;
        }
        if (draw) {
            draw_mark(p, i, x + MARK / 2, y - MARK / 2 - 0.5, color_of(p, i, n));
            label(p, x + mark, y, ANCHOR_START, false, FIGURE_TICK_SIZE, name);
        }
        free(name);
        x += width + 2 * MARK;
    }
    return rows;
}

static void name_page(const struct plot *p, const char *title)
{
    struct text_style style = {FIGURE_TITLE_SIZE, p->ink.text, ANCHOR_START, true, false};
    char *words = sheet_cut_title(p->fonts->regular, title, p->width + RIGHT - FIGURE_GAP);
    drawing_text(p->drawing, p->x, ABOVE + FIGURE_TITLE_SIZE - 2, style, words);
    free(words);
}

bool figure_draw_curves(struct drawing *drawing, const struct figure_curve *curves, size_t n,
                        const struct figure_options *o, const struct figure_fonts *fonts,
                        struct err *err)
{
    double points = 72 / 25.4, width = o->width_mm * points;
    double height = o->height_mm > 0 ? o->height_mm * points : width * 2 / 3;
    double top = ABOVE + (o->title[0] ? FIGURE_TITLE_SIZE + 4 : 0);
    struct plot p = {.drawing = drawing, .fonts = fonts, .ink = sheet_inks(o->dark),
                     .x = LEFT, .y = top, .width = width - LEFT - RIGHT,
                     .height = height - top - BELOW, .log_scale = o->scale == SCALE_LOG};
    p.page = p.ink.page;
    double legend = top + LEGEND_ROW - 2; /* of its first row */
    size_t rows = lay_legend(&p, curves, n, legend, false);
    p.y += (double)rows * LEGEND_ROW;
    p.height -= (double)rows * LEGEND_ROW;
    if (p.width < 40 || p.height < 30)
        return err_set(err, ERR_USAGE, "width: the curve needs 30 mm by 25 mm");
    if (width / 72 * o->dpi > FIGURE_SIDE_PIXELS || height / 72 * o->dpi > FIGURE_SIDE_PIXELS)
        return err_set(err, ERR_USAGE, "dpi: the page would have more than %d pixels on a side",
                       FIGURE_SIDE_PIXELS);
    if (!find_range(&p, curves, n, o, err))
        return false;
    drawing_init(drawing, width, height, o->dpi, p.page);
    drawing->transparent = o->transparent;
    drawing->title = xstrdup("Loss of training against steps");
    if (o->title[0])
        name_page(&p, o->title);
    draw_axes(&p);
    for (size_t i = 0; i < n; i++)
        draw_curve(&p, curves[i].log, color_of(&p, i, n));
    for (size_t i = 0; i < n; i++)
        draw_checks(&p, curves[i].log, i, color_of(&p, i, n));
    if (n == 1)
        draw_levels(&p, curves[0].log);
    lay_legend(&p, curves, n, legend, true);
    return true;
}
