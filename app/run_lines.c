#include "app/run_lines.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { LINES_KEPT = 500, LINE_BYTES = 256 };

void run_lines_add(struct training *t, const char *when, const char *text)
{
    char clean[2 * LINE_BYTES];
    text_sanitize(clean, sizeof clean, text, strlen(text));
    if (t->n_lines == LINES_KEPT) {
        free(t->lines[0].text);
        memmove(t->lines, t->lines + 1, --t->n_lines * sizeof *t->lines);
    }
    MEM_GROW(t->lines, t->lines_capacity, t->n_lines + 1);
    struct training_line *line = &t->lines[t->n_lines++];
    *line = (struct training_line){.text = xstrdup(clean)};
    snprintf(line->when, sizeof line->when, "%s", when);
}

/* The time of day where it is known, else how far into its steps the run was. */
static void when_text(const char *clock, double seconds, char *out, size_t size)
{
    enum { HOURS_MOST = 9999 };
    out[0] = '\0';
    if (clock[0] || !(seconds >= 0 && seconds < 3600.0 * HOURS_MOST)) {
        snprintf(out, size, "%s", clock);
        return;
    }
    unsigned at = (unsigned)seconds;
    if (at < 3600)
        snprintf(out, size, "+%u:%02u", at / 60, at % 60);
    else
        snprintf(out, size, "+%u:%02u:%02u", at / 3600, at / 60 % 60, at % 60);
}

static void add_step(struct training *t, const char *clock, const struct training_step *s)
{
    char text[LINE_BYTES], speed[TEXT_NUMBER_MAX], when[TRAINING_WHEN_BYTES];
    when_text(clock, s->seconds, when, sizeof when);
    snprintf(text, sizeof text, "step %zu  loss %.3f  norm %.2f  %s tok/s%s", s->step, s->loss,
             s->norm, text_grouped(s->ms > 0 ? (uint64_t)(1e3 * s->tokens / s->ms) : 0, speed),
             s->skipped ? "  not finite: skipped" : "");
    run_lines_add(t, when, text);
}

/* step 400  held-out 2.612 (best); with the kind of samples where a run has several. */
static void add_check(struct training *t, const char *clock, const struct training_check *c)
{
    const struct training_log *log = &t->log;
    char text[LINE_BYTES], when[TRAINING_WHEN_BYTES];
    when_text(clock, c->seconds, when, sizeof when);
    bool several = log->n_kinds > 1, soft_prompt = isnan(c->compressed);
    snprintf(text, sizeof text, "step %zu  held-out %s%s%.3f%s%s", c->step,
             several ? log->kind[c->kind] : "", several ? " " : "",
             soft_prompt ? c->full : c->compressed, soft_prompt ? " full" : "",
             training_best_check(log, c->kind) == c ? " (best)" : "");
    run_lines_add(t, when, text);
}

void run_lines_add_logged(struct training *t, const char *clock, size_t first_step,
                          size_t first_check)
{
    const struct training_log *log = &t->log;
    for (size_t i = first_step, k = first_check; i < log->n_steps || k < log->n_checks;) {
        if (k == log->n_checks || (i < log->n_steps && log->steps[i].step <= log->checks[k].step))
            add_step(t, clock, &log->steps[i++]);
        else
            add_check(t, clock, &log->checks[k++]);
    }
}

void run_lines_add_saved(struct training *t, const char *when, size_t step, double parameter_bytes,
                         double moment_bytes)
{
    const double mib = 1048576;
    char saved[LINE_BYTES / 2], text[2 * LINE_BYTES], same[32];
    snprintf(saved, sizeof saved, "saved and read back, %.1f + %.1f MiB", parameter_bytes / mib,
             moment_bytes / mib);
    int length = snprintf(same, sizeof same, "step %zu  held-out ", step);
    if (!t->n_lines || strncmp(t->lines[t->n_lines - 1].text, same, (size_t)length) != 0) {
        snprintf(text, sizeof text, "step %zu  %s", step, saved);
        run_lines_add(t, when, text);
        return;
    }
    struct training_line *last = &t->lines[t->n_lines - 1];
    snprintf(text, sizeof text, "%s  %s", last->text, saved);
    free(last->text);
    last->text = xstrdup(text);
}
