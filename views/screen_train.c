/* The Train screen: curve, numbers, probe, samples, log. Wide: all at once; narrow: the
 * curve over the numbers, the others by Tab; tiny: one pane. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/chart.h"
#include "views/screens.h"

#define NAME(id, word, title, member) [TRAIN_##id] = word,
const char *const train_value_name[TRAIN_VALUE_COUNT] = {TRAIN_VALUES(NAME)};
#undef NAME
#define TITLE(id, word, title, member) [TRAIN_##id] = title,
static const char *const value_title[TRAIN_VALUE_COUNT] = {TRAIN_VALUES(TITLE)};
#undef TITLE
const char *const train_pane_name[TRAIN_PANES] = {"Curve", "Numbers", "Probe", "Samples", "Log"};

enum { NUMBERS_ROWS = 8, LOG_ROWS = 4, LEFT_COLUMNS = 66, SAMPLES_ROWS = 9, LEGEND_ROWS = 10, SIDE = 0x2502,
       TEE_LEFT = 0x2524, TEE_DOWN = 0x252c, TEE_UP = 0x2534, TEE_RIGHT = 0x251c };

static const char *const state_word[] = {
    [TRAINING_ESTIMATING] = "dry run", [TRAINING_STARTING] = "starting",
    [TRAINING_RUNNING] = "training",   [TRAINING_PAUSED] = "paused",
    [TRAINING_STOPPING] = "stopping",  [TRAINING_ENDED] = "ended",
    [TRAINING_FAILED] = "failed",      [TRAINING_WATCHED] = "watching"};

static const struct training *run_of(const struct scene *c)
{
    return c->v->train.run;
}

static size_t last_step(const struct training *t)
{
    size_t n = t->log.n_steps, checks = t->log.n_checks;
    size_t step = n ? t->log.steps[n - 1].step : 0;
    return checks ? size_max(step, t->log.checks[checks - 1].step) : step;
}

static void format_seconds(double seconds, char *out, size_t size)
{
    if (seconds < 0 || isnan(seconds))
        snprintf(out, size, "-");
    else if (seconds < 60)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.1f h", seconds / 3600);
}

/* ---- where things stand ------------------------------------------------------ */

struct train_layout {
    struct rect heading[TRAIN_PANES], area[TRAIN_PANES];
    struct rect tabs;
};

static void cut(struct rect *from, struct rect *to, int rows)
{
    *to = *from;
    to->rows = rows < 0 ? 0 : rows < from->rows ? rows : from->rows;
    from->row += to->rows;
    from->rows -= to->rows;
}

static void headed(struct train_layout *l, enum train_pane pane, struct rect *from, int rows)
{
    cut(from, &l->heading[pane], 1);
    cut(from, &l->area[pane], rows - 1);
}

static void lay_wide(struct train_layout *l, struct rect body)
{
    int extra = body.rows - (1 + NUMBERS_ROWS) - (1 + LOG_ROWS) - 19;
    int log = 1 + LOG_ROWS + (extra > 0 ? extra / 4 : 0);
    struct rect upper, below = body;
    cut(&below, &upper, body.rows - log);
    headed(l, TRAIN_LOG, &below, log);
    struct rect left = upper, right = upper;
    left.columns = LEFT_COLUMNS + (body.columns - 120) / 2;
    if (left.columns < 60)
        left.columns = 60;
    right.column += left.columns;
    right.columns -= left.columns;
    headed(l, TRAIN_CURVE, &left, left.rows - NUMBERS_ROWS - 1);
    headed(l, TRAIN_NUMBERS, &left, left.rows);
    int samples = upper.rows / 3 > SAMPLES_ROWS ? upper.rows / 3 : SAMPLES_ROWS;
    headed(l, TRAIN_PROBE, &right, right.rows - samples);
    headed(l, TRAIN_SAMPLES, &right, right.rows);
}

static void lay_narrow(struct train_layout *l, struct rect body, enum train_pane front)
{
    cut(&body, &l->tabs, 1);
    if (front != TRAIN_CURVE && front != TRAIN_NUMBERS) {
        l->area[front] = body;
        return;
    }
    int numbers = body.rows > NUMBERS_ROWS + 8 ? NUMBERS_ROWS : body.rows - 8;
    cut(&body, &l->area[TRAIN_CURVE], body.rows - numbers - 1);
    headed(l, TRAIN_NUMBERS, &body, body.rows);
}

static struct train_layout train_layout(const struct scene *c)
{
    struct train_layout l = {0};
    struct rect body = screen_body(c);
    enum train_pane front = c->v->train.focus;
    if (c->layout.kind == LAYOUT_TINY) {
        cut(&body, &l.tabs, 1);
        l.area[front] = body;
    } else if (c->v->train.zoomed) {
        headed(&l, front, &body, body.rows);
    } else if (c->layout.kind == LAYOUT_NARROW) {
        lay_narrow(&l, body, front);
    } else {
        lay_wide(&l, body);
    }
    return l;
}

/* ---- curve ------------------------------------------------------------------- */

static double value_of(const struct training_step *s, enum train_value value)
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
        widen(chart, value_of(&t->log.steps[i], value));
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
        y[i] = value_of(&t->log.steps[i], c->v->train.value);
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

static void draw_curve(struct scene *c, const struct training *t, struct rect area)
{
    enum train_value value = c->v->train.value;
    struct chart chart = {.area = area, .log_scale = c->v->train.log_scale,
                          .x_high = (double)size_max(size_max(t->total_steps, last_step(t)), 1)};
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

/* A loss, or "-" where there is none: a soft prompt has no compressed context. */
static const char *loss_text(double loss, char out[16])
{
    snprintf(out, 16, isnan(loss) ? "-" : "%.3f", loss);
    return out;
}

/* ---- numbers ----------------------------------------------------------------- */

struct writer {
    struct scene *c;
    struct rect area;
    int row;
};

static void line(struct writer *w, const char *name, const char *first, const char *rest)
{
    if (w->row >= w->area.rows)
        return;
    int row = w->area.row + w->row++, column = w->area.column + 1;
    int room = w->area.columns - 2;
    canvas_text(w->c->canvas, row, column, room, ROLE_LABEL, 0, name, strlen(name));
    canvas_text(w->c->canvas, row, column + 7, room - 7, ROLE_VALUE, 0, first, strlen(first));
    if (room > 44)
        canvas_text(w->c->canvas, row, column + 27, room - 27, ROLE_TEXT, 0, rest, strlen(rest));
}

/* One character a column, the mean of the steps in it, the newest at the right. */
static void spark(struct writer *w, const char *name, const struct training *t,
                  enum train_value value)
{
    enum { NAME_COLUMNS = 7 };
    size_t n = t->log.n_steps, room = (size_t)(w->area.columns > 24 ? w->area.columns - 12 : 12);
    if (w->row >= w->area.rows || n == 0)
        return;
    int row = w->area.row + w->row++, column = w->area.column + 1;
    canvas_text(w->c->canvas, row, column, NAME_COLUMNS, ROLE_LABEL, 0, name, strlen(name));
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, value_of(&t->log.steps[i], value));
    size_t cells = size_min(n, size_min(room, 48));
    for (size_t k = 0; k < cells && top > 0; k++) {
        size_t from = k * n / cells, to = size_max((k + 1) * n / cells, from + 1);
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += fmax(value_of(&t->log.steps[i], value), 0) / (double)(to - from);
        canvas_put(w->c->canvas, row, column + NAME_COLUMNS + (int)k,
                   heat_bar(w->c->v->display.glyphs, fmax(sum / top, 0.01)), ROLE_VALUE, 0);
    }
}

static size_t count_skipped(const struct training *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->log.n_steps; i++)
        n += t->log.steps[i].skipped;
    return n;
}

static void seen_text(const struct training *t, char *first, size_t size, char *rest, size_t more)
{
    double seen = 0;
    char eta[32];
    for (size_t i = 0; i < t->log.n_steps; i++)
        seen += t->log.steps[i].tokens > 0 ? t->log.steps[i].tokens : 0;
    double all = t->log.n_steps ? seen / (double)t->log.n_steps * (double)t->total_steps : 0;
    snprintf(first, size, "%.2f M", seen / 1e6);
    format_seconds(t->eta_s, eta, sizeof eta);
    snprintf(rest, more, "of %.2f M tokens    ETA %s", all / 1e6, t->eta_s < 0 ? "-" : eta);
}

static void saved_text(const struct training *t, char *out, size_t size)
{
    char ago[32];
    format_seconds(t->saved_ago_s, ago, sizeof ago);
    if (t->saved_step == 0)
        snprintf(out, size, "nothing saved yet");
    else if (t->saved_ago_s < 0)
        snprintf(out, size, "saved step %zu", t->saved_step);
    else
        snprintf(out, size, "saved step %zu (%s ago)", t->saved_step, ago);
}

static void draw_numbers(struct scene *c, const struct training *t, struct rect area)
{
    struct writer w = {.c = c, .area = area};
    const struct training_step *s = t->log.n_steps ? &t->log.steps[t->log.n_steps - 1] : NULL;
    const struct training_check *last = training_last_check(&t->log, 0);
    char a[64], b[128], number[TEXT_NUMBER_MAX], held[16];
    if (!s && !last) {
        draw_hint(c, area, t->stage[0] ? t->stage : "no step is done yet");
        return;
    }
    snprintf(a, sizeof a, "%.3f  (z %+.1f)", s ? s->loss : (double)NAN,
             training_z(&t->log, offsetof(struct training_step, loss)));
    snprintf(b, sizeof b, "held-out %s    lr %.2e",
             loss_text(last ? last->compressed : (double)NAN, held), s ? s->lr : 0);
    line(&w, "loss", a, b);
    snprintf(a, sizeof a, "%.2f  (z %+.1f)", s ? s->norm : (double)NAN,
             training_z(&t->log, offsetof(struct training_step, norm)));
    snprintf(b, sizeof b, "clip %g  ratio %g  non-finite steps %zu", t->clip, s ? s->ratio : 0,
             count_skipped(t));
    line(&w, "grad", a, b);
    snprintf(a, sizeof a, "%s tok/s",
             text_grouped(s && s->ms > 0 ? (uint64_t)(1e3 * s->tokens / s->ms) : 0, number));
    snprintf(b, sizeof b, "%.1f s a step  (%zu blocks of %s)", s ? s->ms / 1e3 : 0, t->batch,
             t->shape);
    line(&w, "speed", a, b);
    seen_text(t, a, sizeof a, b, sizeof b);
    line(&w, "seen", a, b);
    snprintf(a, sizeof a, t->memory_bytes > 0 ? "%.2f GiB" : "-", t->memory_bytes / 1073741824);
    saved_text(t, b, sizeof b);
    line(&w, "memory", a, b);
    if (w.row < area.rows) {
        canvas_printf(c->canvas, area.row + w.row, area.column + 1, 7, ROLE_LABEL, 0, "file");
        canvas_printf(c->canvas, area.row + w.row, area.column + 8, area.columns - 9, ROLE_VALUE,
                      0, t->saved_step ? "%s/step-%06zu.safetensors" : "%s", t->directory,
                      t->saved_step);
        w.row++;
    }
    if (last && isnan(last->gap_closed)) {
        snprintf(b, sizeof b, "full %.3f  none %.3f", last->full, last->none);
        line(&w, "gap", "-", b);
    } else if (last) {
        snprintf(a, sizeof a, "%.0f %% closed", 100 * last->gap_closed);
        snprintf(b, sizeof b, "full %.2f  none %.2f  about text %.2f", last->full,
                 last->none, last->about_text);
        line(&w, "gap", a, b);
    }
    spark(&w, "grad", t, TRAIN_NORM);
}

/* ---- log --------------------------------------------------------------------- */

static void draw_log(struct scene *c, const struct training *t, struct rect area)
{
    size_t back = size_min(c->v->train.log_back, t->n_lines ? t->n_lines - 1 : 0);
    size_t end = t->n_lines - back, rows = (size_t)(area.rows > 0 ? area.rows : 0);
    size_t from = end > rows ? end - rows : 0;
    if (t->n_lines == 0)
        draw_hint(c, area, "nothing yet");
    for (size_t i = from; i < end; i++) {
        const struct training_line *l = &t->lines[i];
        int row = area.row + (int)(i - from), used = 0;
        if (l->when[0] && area.columns > 60)
            used = canvas_printf(c->canvas, row, area.column + 1, 10, ROLE_LABEL, 0, "%s  ",
                                 l->when);
        canvas_text(c->canvas, row, area.column + 1 + used, area.columns - used - 2, ROLE_TEXT, 0,
                    l->text, strlen(l->text));
    }
}

/* ---- all --------------------------------------------------------------------- */

static void heading_text(const struct scene *c, enum train_pane pane, char *name, size_t size,
                         struct parts *right)
{
    const struct training *t = run_of(c);
    const struct training_probe *probe = train_probe(c);
    snprintf(name, size, "%s", train_pane_name[pane]);
    if (pane == TRAIN_CURVE)
        snprintf(name, size, "%s%s", value_title[c->v->train.value],
                 c->v->train.log_scale ? ", log scale" : "");
    if (pane == TRAIN_NUMBERS)
        snprintf(name, size, "Step %zu of %zu", last_step(t), t->total_steps);
    if (pane == TRAIN_PROBE)
        snprintf(name, size, "Probe: gates and plan");
    right->limit -= text_columns(name);
    switch (pane) {
    case TRAIN_CURVE:
        if (c->v->train.value == TRAIN_LOSS && t->log.n_kinds)
            parts_add(right, "o held-out %s", t->log.kind[0]);
        break;
    case TRAIN_NUMBERS:
        if (t->phase[0])
            parts_add(right, "phase %s", t->phase);
        if (t->preset[0])
            parts_add(right, "preset %s", t->preset);
        if (t->data[0])
            parts_add(right, "%s", t->data);
        break;
    case TRAIN_PROBE:
        if (probe)
            parts_add(right, "step %zu, snapshot %zu/%zu", probe->step,
                      (size_t)(probe - t->probes) + 1, t->n_probes);
        break;
    case TRAIN_SAMPLES:
        parts_add(right, "fixed probe, greedy");
        break;
    default:
        break;
    }
}

static void draw_pane(struct scene *c, const struct train_layout *l, enum train_pane pane)
{
    const struct training *t = run_of(c);
    struct rect heading = l->heading[pane], area = l->area[pane];
    bool right = c->layout.kind == LAYOUT_WIDE && !c->v->train.zoomed &&
                 (pane == TRAIN_PROBE || pane == TRAIN_SAMPLES);
    char name[64];
    struct parts parts = {.limit = heading.columns - 8};
    heading_text(c, pane, name, sizeof name, &parts);
    if (heading.rows > 0)
        draw_heading(c, heading, !right ? 0 : pane == TRAIN_PROBE ? TEE_DOWN : TEE_RIGHT, name,
                     c->v->train.focus == pane, parts.text);
    for (int r = 0; right && r < area.rows; r++)
        canvas_put(c->canvas, area.row + r, area.column, SIDE, ROLE_FRAME, 0);
    area.column += right;
    area.columns -= right;
    switch (pane) {
    case TRAIN_CURVE: draw_curve(c, t, area); break;
    case TRAIN_NUMBERS: draw_numbers(c, t, area); break;
    case TRAIN_PROBE: train_draw_probe(c, area); break;
    case TRAIN_SAMPLES: train_draw_samples(c, area); break;
    default: draw_log(c, t, area); break;
    }
}

void train_draw(struct scene *c)
{
    struct train_layout l = train_layout(c);
    if (l.tabs.rows > 0) {
        char text[64];
        snprintf(text, sizeof text, "%s %zu/%zu", state_word[run_of(c)->state],
                 last_step(run_of(c)), run_of(c)->total_steps);
        screen_tabs(c, l.tabs, train_pane_name, TRAIN_PANES, (int)c->v->train.focus, text);
    }
    for (enum train_pane pane = 0; pane < TRAIN_PANES; pane++)
        if (l.area[pane].rows > 0)
            draw_pane(c, &l, pane);
    struct rect log = l.heading[TRAIN_LOG];
    if (c->layout.kind == LAYOUT_WIDE && !c->v->train.zoomed && log.rows > 0)
        canvas_put(c->canvas, log.row, l.heading[TRAIN_PROBE].column, TEE_UP, ROLE_FRAME, 0);
}

void train_title(const struct scene *c, struct parts *parts)
{
    const struct training *t = run_of(c);
    parts_add(parts, "run %s", t->name);
    if (t->model[0])
        parts_add(parts, "%s", t->model);
    if (t->log.n_steps)
        parts_add(parts, "x%g", t->log.steps[t->log.n_steps - 1].ratio);
}

void train_sentence(const struct scene *c, struct parts *parts)
{
    const struct training *t = run_of(c);
    char age[32];
    bool works = t->state == TRAINING_RUNNING || t->state == TRAINING_STARTING;
    parts_add(parts, "%s", state_word[t->state]);
    if (t->total_steps)
        parts_add(parts, "%zu/%zu", last_step(t), t->total_steps);
    if (t->stage[0] && t->total > 0 && t->state != TRAINING_ENDED)
        parts_add(parts, "%s %zu/%zu", t->stage, t->done, t->total);
    else if (t->stage[0] && t->state != TRAINING_ENDED)
        parts_add(parts, "%s", t->stage);
    format_seconds(t->log_age_s, age, sizeof age);
    if (t->state == TRAINING_WATCHED && t->log_age_s >= 0)
        parts_add(parts, "last step %s ago", age);
    if (works)
        parts_add(parts, "Explore stays usable, more slowly");
}

const char *train_keys(const struct scene *c)
{
    switch (run_of(c)->state) {
    case TRAINING_RUNNING:
    case TRAINING_STARTING: return "P pause  S save now  ^C stop  v value  ? help";
    case TRAINING_PAUSED: return "P go on  S save now  ^C stop  v value  ? help";
    case TRAINING_ESTIMATING: return "^C stop  ? help";
    case TRAINING_STOPPING: return "stops after this step  ? help";
    default: return "Esc form  [ ] run  v value  e figure  ? help";
    }
}
