/* The curve of the Train screen: a value of each step in braille dots, held-out checks,
 * the losses with the full context and with none, and the legend. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/chart.h"
#include "views/screen_train.h"

enum { LEGEND_ROWS = 10 };

double train_value_of(const struct training_step *s, enum train_value value)
{
    switch (value) {
    case TRAIN_RATE: return s->lr;
    case TRAIN_NORM: return s->norm;
    case TRAIN_SPEED: return s->ms > 0 ? 1e3 * s->tokens / s->ms : (double)NAN;
    default: return s->loss;
    }
}

static void widen(struct chart *chart, double value)
{
    if (isnan(value) || fabs(value) > 1e100 || (chart->log_scale && value <= 0))
        return;
    chart->low = fmin(chart->low, value);
    chart->high = fmax(chart->high, value);
}

/* Range of everything that is drawn, with a little air. */
static void range_of(const struct training *t, enum train_value value, struct chart *chart)
{
    chart->low = HUGE_VAL;
    chart->high = -HUGE_VAL;
    for (size_t i = 0; i < t->log.n_steps; i++)
        widen(chart, train_value_of(&t->log.steps[i], value));
    for (size_t i = 0; value == TRAIN_LOSS && i < t->log.n_checks; i++) {
        const struct training_check *check = &t->log.checks[i];
        if (check->kind != 0)
            continue;
        widen(chart, check->compressed);
        widen(chart, check->full);
        widen(chart, check->none);
    }
    if (chart->low > chart->high)
        chart->low = 0, chart->high = 1;
    double least = chart->low, air = 0.04 * (chart->high - chart->low);
    if (chart->high - chart->low <= 0)
        air = fabs(chart->high) * 0.1 + 1e-12;
    chart->high += air;
    chart->low = chart->log_scale ? chart->low * 0.96 : chart->low - air;
    if (least >= 0 && chart->low < 0)
        chart->low = 0;
}

static void draw_curve_lines(struct scene *c, const struct training *t, const struct chart *chart)
{
    size_t n = t->log.n_steps;
    double *x = xcalloc(n + 1, sizeof *x), *y = xcalloc(n + 1, sizeof *y);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)t->log.steps[i].step;
        y[i] = train_value_of(&t->log.steps[i], c->v->train.value);
        if (chart->log_scale && y[i] <= 0)
            y[i] = (double)NAN;
    }
    chart_line(c, chart, x, y, n, ROLE_VALUE);
    free(x);
    free(y);
}

static void draw_checks(struct scene *c, const struct training *t, const struct chart *chart)
{
    const struct training_check *best = training_best_check(&t->log, 0);
    for (size_t i = 0; i < t->log.n_checks; i++) {
        const struct training_check *check = &t->log.checks[i];
        if (check->kind == 0)
            chart_mark(c, chart, (double)check->step, check->compressed,
                       check == best ? 'O' : 'o', ROLE_MARK);
    }
}

/* A line of the legend, at the right end of the plot. */
static void legend(struct scene *c, struct rect plot, int row, const char *name,
                   const char *value)
{
    enum { COLUMNS = 34 };
    char text[96];
    if (row >= plot.rows || plot.columns < COLUMNS + 12)
        return;
    snprintf(text, sizeof text, "%-17s%16s", name, value);
    canvas_text(c->canvas, plot.row + row, plot.column + plot.columns - COLUMNS, COLUMNS,
                ROLE_TEXT, 0, text, strlen(text));
}

static void draw_legend(struct scene *c, const struct training *t, struct rect plot)
{
    const struct training_check *last = training_last_check(&t->log, 0);
    const struct training_check *best = training_best_check(&t->log, 0);
    char value[48];
    int row = 1;
    if (!last || plot.rows < LEGEND_ROWS)
        return;
    if (best) {
        snprintf(value, sizeof value, "%.3f at %zu", best->compressed, best->step);
        legend(c, plot, row++, "best held-out  O", value);
    }
    snprintf(value, sizeof value, "%.3f", last->full);
    legend(c, plot, row++, "full context   --", value);
    snprintf(value, sizeof value, "%.3f", last->none);
    legend(c, plot, row++, "no context     --", value);
    if (best && !isnan(best->gap_closed)) {
        snprintf(value, sizeof value, "%.0f %%", 100 * best->gap_closed);
        legend(c, plot, row++, "gap closed", value);
    }
    if (best && !isnan(best->about_text)) {
        snprintf(value, sizeof value, "%.3f nats", best->about_text);
        legend(c, plot, row, "about this text", value);
    }
}

void train_draw_curve(struct scene *c, const struct training *t, struct rect area)
{
    enum train_value value = c->v->train.value;
    size_t steps = size_max(size_max(t->total_steps, train_last_step(t)), 1);
    struct chart chart = {
        .area = area, .log_scale = c->v->train.log_scale, .x_high = (double)steps};
    if (area.rows < CHART_LEAST_ROWS || area.columns < 2 * CHART_GUTTER)
        return;
    if (t->log.n_steps + t->log.n_checks == 0) {
        draw_hint(c, area, "no step is done yet");
        return;
    }
    range_of(t, value, &chart);
    chart_frame(c, &chart);
    const struct training_check *last = training_last_check(&t->log, 0);
    if (value == TRAIN_LOSS && last) {
        chart_level(c, &chart, last->full);
        chart_level(c, &chart, last->none);
    }
    draw_curve_lines(c, t, &chart);
    if (value == TRAIN_LOSS) {
        draw_checks(c, t, &chart);
        draw_legend(c, t, chart_plot(&chart));
    }
}
