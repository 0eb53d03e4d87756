/* The numbers of the Train screen: the last step, what was seen and saved, the gap. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/screen_train.h"

/* A loss, or "-" where there is none: a soft prompt has no compressed context. */
static const char *loss_text(double loss, char out[16])
{
    snprintf(out, 16, isnan(loss) ? "-" : "%.3f", loss);
    return out;
}

struct writer {
    struct scene *c;
    struct rect area;
    int row;
};

/* The rest stands below the others' unless one of the two texts is too long for that. */
static int rest_column(int room, const char *first, const char *rest)
{
    enum { USUAL = 27 };
    int fits = room - text_columns(rest), behind = 7 + text_columns(first) + 1;
    int column = fits < USUAL ? fits : USUAL;
    return column < behind ? behind : column;
}

static void line(struct writer *w, const char *name, const char *first, const char *rest)
{
    if (w->row >= w->area.rows)
        return;
    int row = w->area.row + w->row++, column = w->area.column + 1;
    int room = w->area.columns - 2;
    canvas_text(w->c->canvas, row, column, room, ROLE_LABEL, 0, name, strlen(name));
    canvas_text(w->c->canvas, row, column + 7, room - 7, ROLE_VALUE, 0, first, strlen(first));
    int at = rest_column(room, first, rest);
    if (room > 44)
        canvas_text(w->c->canvas, row, column + at, room - at, ROLE_TEXT, 0, rest, strlen(rest));
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
        top = fmax(top, train_value_of(&t->log.steps[i], value));
    size_t cells = size_min(n, size_min(room, 48));
    for (size_t k = 0; k < cells && top > 0; k++) {
        size_t from = k * n / cells, to = size_max((k + 1) * n / cells, from + 1);
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += fmax(train_value_of(&t->log.steps[i], value), 0) / (double)(to - from);
        canvas_put(w->c->canvas, row, column + NAME_COLUMNS + (int)k,
                   heat_bar(w->c->v->display.glyphs, fmax(sum / top, 0.01)), ROLE_VALUE, 0);
    }
}

/* Steps that were left out; or whose loss or gradient was not finite, left out or not. */
static size_t count_steps(const struct training *t, bool skipped)
{
    size_t n = 0;
    for (size_t i = 0; i < t->log.n_steps; i++) {
        const struct training_step *s = &t->log.steps[i];
        n += skipped ? s->skipped : !isfinite(s->loss) || !isfinite(s->norm);
    }
    return n;
}

static void seen_text(const struct training *t, char *first, size_t size, char *rest, size_t more)
{
    double seen = 0;
    char eta[32], done[TEXT_NUMBER_MAX], whole[TEXT_NUMBER_MAX];
    for (size_t i = 0; i < t->log.n_steps; i++)
        seen += t->log.steps[i].tokens > 0 ? t->log.steps[i].tokens : 0;
    double all = t->log.n_steps ? seen / (double)t->log.n_steps * (double)t->total_steps : 0;
    snprintf(first, size, "%s of %s tokens", text_rounded((uint64_t)seen, done),
             text_rounded((uint64_t)llround(all), whole));
    double took = t->log.n_steps ? t->log.steps[t->log.n_steps - 1].seconds : (double)NAN;
    bool over = training_is_finished(t) && took >= 0;
    train_format_seconds(over ? took : t->eta_s, eta, sizeof eta);
    snprintf(rest, more, "   %s %s", over ? "took" : "ETA", eta);
}

static void saved_text(const struct training *t, char *out, size_t size)
{
    char ago[32];
    train_format_seconds(t->saved_ago_s, ago, sizeof ago);
    bool checked = t->checked_step == t->saved_step;
    if (t->saved_step == 0)
        snprintf(out, size, "nothing saved yet");
    else if (t->saved_ago_s < 0)
        snprintf(out, size, "saved step %zu%s", t->saved_step, checked ? " (checked)" : "");
    else
        snprintf(out, size, "saved step %zu (%s ago%s)", t->saved_step, ago,
                 checked ? ", checked" : "");
}

/* 1.1 of 7.6 GiB */
static void memory_text(const struct training *t, char *out, size_t size)
{
    const double gib = 1073741824;
    if (t->memory_bytes > 0 && t->memory_all > 0)
        snprintf(out, size, "%.1f of %.1f GiB", t->memory_bytes / gib, t->memory_all / gib);
    else if (t->memory_bytes > 0)
        snprintf(out, size, "%.2f GiB", t->memory_bytes / gib);
    else
        snprintf(out, size, "-");
}

void train_draw_numbers(struct scene *c, const struct training *t, struct rect area)
{
    struct writer w = {.c = c, .area = area};
    const struct training_step *s = t->log.n_steps ? &t->log.steps[t->log.n_steps - 1] : NULL;
    const struct training_check *last = training_last_check(&t->log, 0);
    char a[64], b[128], number[TEXT_NUMBER_MAX], held[16];
    if (!s && !last) {
        if (t->stage[0] && t->total > 0)
            snprintf(b, sizeof b, "%s %zu/%zu", t->stage, t->done, t->total);
        else
            snprintf(b, sizeof b, "%s", t->stage[0] ? t->stage : "no step is done yet");
        draw_hint(c, area, b);
        return;
    }
    snprintf(a, sizeof a, "%.3f  (z %+.1f)", s ? s->loss : (double)NAN,
             training_z(&t->log, offsetof(struct training_step, loss)));
    snprintf(b, sizeof b, "held-out %s    lr %.2e",
             loss_text(last ? last->compressed : (double)NAN, held), s ? s->lr : 0);
    line(&w, "loss", a, b);
    snprintf(a, sizeof a, "%.2f  (z %+.1f)", s ? s->norm : (double)NAN,
             training_z(&t->log, offsetof(struct training_step, norm)));
    snprintf(b, sizeof b, "clip %g  skipped %zu  non-finite %zu", t->clip, count_steps(t, true),
             count_steps(t, false));
    line(&w, "grad", a, b);
    snprintf(a, sizeof a, "%s tok/s",
             text_grouped(s && s->ms > 0 ? (uint64_t)(1e3 * s->tokens / s->ms) : 0, number));
    snprintf(b, sizeof b, "%.1f s a step  (%zu block%s of %s)", s ? s->ms / 1e3 : 0, t->batch,
             text_plural(t->batch), t->shape);
    line(&w, "speed", a, b);
    seen_text(t, a, sizeof a, b, sizeof b);
    line(&w, "seen", a, b);
    memory_text(t, a, sizeof a);
    saved_text(t, b, sizeof b);
    line(&w, "memory", a, b);
    if (w.row < area.rows) {
        canvas_printf(c->canvas, area.row + w.row, area.column + 1, 7, ROLE_LABEL, 0, "file");
        canvas_printf(c->canvas, area.row + w.row, area.column + 8, area.columns - 9, ROLE_VALUE,
                      0, t->saved_step ? "%s/step-%06zu.safetensors   keep %zu + best" : "%s",
                      t->directory, t->saved_step, t->keep);
        w.row++;
    }
    spark(&w, "lr", t, TRAIN_RATE);
    spark(&w, "grad", t, TRAIN_NORM);
    if (last && isnan(last->gap_closed)) {
        snprintf(b, sizeof b, "full %.3f  none %.3f", last->full, last->none);
        line(&w, "gap", "-", b);
    } else if (last) {
        snprintf(a, sizeof a, "%.0f %% closed", 100 * last->gap_closed);
        snprintf(b, sizeof b, "full %.2f  none %.2f  about text %.2f", last->full,
                 last->none, last->about_text);
        line(&w, "gap", a, b);
    }
}
