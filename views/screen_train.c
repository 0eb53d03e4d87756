/* The Train screen: curve, numbers, probe, samples, log. Wide: all at once; narrow: the
 * curve over the numbers, the others by Tab; tiny: one pane. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/screen_train.h"
#include "views/screens.h"

#define NAME(id, word, title, member) [TRAIN_##id] = word,
const char *const train_value_name[TRAIN_VALUE_COUNT] = {TRAIN_VALUES(NAME)};
#undef NAME
#define TITLE(id, word, title, member) [TRAIN_##id] = title,
static const char *const value_title[TRAIN_VALUE_COUNT] = {TRAIN_VALUES(TITLE)};
#undef TITLE
const char *const train_pane_name[TRAIN_PANES] = {"Curve", "Numbers", "Probe", "Samples", "Log"};

enum { NUMBERS_ROWS = 8, LOG_ROWS = 4, LEFT_COLUMNS = 66, SAMPLES_ROWS = 9, SIDE = 0x2502,
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

static const char *state_text(const struct training *t)
{
    return training_is_finished(t) ? "finished" : state_word[t->state];
}

size_t train_last_step(const struct training *t)
{
    size_t n = t->log.n_steps, checks = t->log.n_checks;
    size_t step = n ? t->log.steps[n - 1].step : 0;
    return checks ? size_max(step, t->log.checks[checks - 1].step) : step;
}

void train_format_seconds(double seconds, char *out, size_t size)
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

/* Without looks at a probe, nor the wish to see that there are none, the curve has all columns. */
static bool has_right_side(const struct scene *c)
{
    enum train_pane front = c->v->train.focus;
    return train_probe(c) || front == TRAIN_PROBE || front == TRAIN_SAMPLES;
}

static void lay_wide(struct train_layout *l, struct rect body, bool sides)
{
    int extra = body.rows - (1 + NUMBERS_ROWS) - (1 + LOG_ROWS) - 19;
    int log = 1 + LOG_ROWS + (extra > 0 ? extra / 4 : 0);
    struct rect upper, below = body;
    cut(&below, &upper, body.rows - log);
    headed(l, TRAIN_LOG, &below, log);
    struct rect left = upper, right = upper;
    if (sides)
        left.columns = LEFT_COLUMNS + (body.columns - 120) / 2;
    if (left.columns < 60)
        left.columns = 60;
    right.column += left.columns;
    right.columns -= left.columns;
    headed(l, TRAIN_CURVE, &left, left.rows - NUMBERS_ROWS - 1);
    headed(l, TRAIN_NUMBERS, &left, left.rows);
    if (!sides)
        return;
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
        lay_wide(&l, body, has_right_side(c));
    }
    return l;
}

/* ---- log --------------------------------------------------------------------- */

static bool has_elapsed_times(const struct training *t)
{
    for (size_t i = 0; i < t->n_lines; i++)
        if (t->lines[i].when[0] == '+')
            return true;
    return false;
}

static void draw_log(struct scene *c, const struct training *t, struct rect area)
{
    size_t back = size_min(c->v->train.log_back, t->n_lines ? t->n_lines - 1 : 0);
    size_t end = t->n_lines - back, rows = (size_t)(area.rows > 0 ? area.rows : 0);
    size_t from = end > rows ? end - rows : 0;
    bool timed = false;
    for (size_t i = from; i < end; i++)
        timed |= t->lines[i].when[0] != '\0';
    if (t->n_lines == 0)
        draw_hint(c, area, "nothing yet");
    for (size_t i = from; i < end; i++) {
        const struct training_line *l = &t->lines[i];
        int row = area.row + (int)(i - from), used = 0;
        if (timed && area.columns > 60) /* a line without a time: below the others' */
            used = canvas_printf(c->canvas, row, area.column + 1, 11, ROLE_LABEL, 0, "%-9s ",
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
    char phase[SCREEN_PHASE_BYTES];
    snprintf(name, size, "%s", train_pane_name[pane]);
    if (pane == TRAIN_CURVE)
        snprintf(name, size, "%s%s", value_title[c->v->train.value],
                 c->v->train.log_scale ? ", log scale" : "");
    if (pane == TRAIN_NUMBERS)
        snprintf(name, size, t->total_steps ? "Step %zu of %zu" : "Step %zu", train_last_step(t),
                 t->total_steps);
    if (pane == TRAIN_PROBE)
        snprintf(name, size, "Probe: gates and plan");
    right->limit -= text_columns(name);
    switch (pane) {
    case TRAIN_CURVE:
        if (c->v->train.value == TRAIN_LOSS && t->log.n_kinds)
            parts_add(right, "train  o held-out %s", t->log.kind[0]);
        break;
    case TRAIN_NUMBERS:
        if (t->phase[0])
            parts_add(right, "phase %s", screen_phase(t->phase, phase));
        if (t->preset[0])
            parts_add(right, "preset %s", t->preset);
        if (t->log.n_steps && !isnan(t->log.steps[t->log.n_steps - 1].passes))
            parts_add(right, "data pass %.2f", t->log.steps[t->log.n_steps - 1].passes);
        if (t->data[0])
            parts_add(right, "%s", t->data);
        break;
    case TRAIN_PROBE:
        if (probe)
            parts_add(right, "step %zu, look %zu of %zu", probe->step,
                      (size_t)(probe - t->probes) + 1, t->n_probes);
        break;
    case TRAIN_SAMPLES:
        parts_add(right, "fixed probe, greedy");
        break;
    default:
        if (has_elapsed_times(t))
            parts_add(right, "+ time in steps");
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
    case TRAIN_CURVE: train_draw_curve(c, t, area); break;
    case TRAIN_NUMBERS: train_draw_numbers(c, t, area); break;
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
        snprintf(text, sizeof text, "%s %zu/%zu", state_text(run_of(c)),
                 train_last_step(run_of(c)), run_of(c)->total_steps);
        screen_tabs(c, l.tabs, train_pane_name, TRAIN_PANES, (int)c->v->train.focus, text);
    }
    for (enum train_pane pane = 0; pane < TRAIN_PANES; pane++)
        if (l.area[pane].rows > 0)
            draw_pane(c, &l, pane);
    struct rect log = l.heading[TRAIN_LOG];
    if (l.heading[TRAIN_PROBE].rows > 0 && !c->v->train.zoomed && log.rows > 0)
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

/* What the run has come to: best held-out 2.612 at 400 · gap 56 % closed. */
static void outcome_parts(const struct training *t, struct parts *parts)
{
    const struct training_check *best = training_best_check(&t->log, 0);
    const struct training_check *last = training_last_check(&t->log, 0);
    size_t n = t->log.n_steps;
    if (best)
        parts_add(parts, "best held-out %.3f at %zu", best->compressed, best->step);
    else if (last && !isnan(last->full)) /* a soft prompt */
        parts_add(parts, "held-out full %.3f", last->full);
    else if (n)
        parts_add(parts, "loss %.3f", t->log.steps[n - 1].loss);
    if (best && !isnan(best->gap_closed))
        parts_add(parts, "gap %.0f %% closed", 100 * best->gap_closed);
}

void train_sentence(const struct scene *c, struct parts *parts)
{
    const struct training *t = run_of(c);
    char age[32];
    bool works = t->state == TRAINING_RUNNING || t->state == TRAINING_STARTING;
    bool finished = training_is_finished(t);
    parts_add(parts, "%s", state_text(t));
    if (t->total_steps)
        parts_add(parts, "%zu/%zu", train_last_step(t), t->total_steps);
    if (t->stage[0] && t->total > 0 && t->state != TRAINING_ENDED)
        parts_add(parts, "%s %zu/%zu", t->stage, t->done, t->total);
    else if (t->stage[0] && t->state != TRAINING_ENDED)
        parts_add(parts, "%s", t->stage);
    if (finished)
        outcome_parts(t, parts);
    train_format_seconds(t->log_age_s, age, sizeof age);
    if (t->state == TRAINING_WATCHED && t->log_age_s >= 0)
        parts_add(parts, "last step %s ago", age);
    if (works)
        parts_add(parts, "Explore stays usable, more slowly");
}

const char *train_keys(const struct scene *c)
{
    switch (run_of(c)->state) {
    case TRAINING_RUNNING:
    case TRAINING_STARTING: return "⁅P⁆ pause  ⁅S⁆ save now  ⁅C-c|^C⁆ stop  ⁅v⁆ value  ⁅?⁆ help";
    case TRAINING_PAUSED: return "⁅P⁆ go on  ⁅S⁆ save now  ⁅C-c|^C⁆ stop  ⁅v⁆ value  ⁅?⁆ help";
    case TRAINING_ESTIMATING: return "⁅C-c|^C⁆ stop  ⁅?⁆ help";
    case TRAINING_STOPPING: return "stops after this step  ⁅?⁆ help";
    default: return "⁅Esc⁆ form  ⁅[⁆ ⁅]⁆ run  ⁅v⁆ value  ⁅e⁆ figure  ⁅?⁆ help";
    }
}
