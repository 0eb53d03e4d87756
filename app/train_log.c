/* What a training run tells while it goes on. */
#include "app/train_log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "app/interrupt.h"
#include "app/report.h"
#include "engine/base/text.h"

/* A line for people, or for who steers the run. */
__attribute__((format(printf, 2, 3))) static void tell(struct train_log *g,
                                                        const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    progress_line_end(&g->line);
    if (g->control.enabled)
        train_control_note(&g->control, text);
    else
        report_note(g->arguments, "%s", text);
}

/* How many standard deviations x lies above the mean of the last steps. */
static double history_z(struct train_history *h, double x)
{
    size_t n = h->count < TRAIN_HISTORY ? h->count : TRAIN_HISTORY;
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++)
        mean += h->value[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (h->value[i] - mean) * (h->value[i] - mean) / (double)n;
    if (isfinite(x))
        h->value[h->count++ % TRAIN_HISTORY] = x;
    return n > 1 && variance > 0 ? (x - mean) / sqrt(variance) : 0;
}

static void on_step(void *context, const struct trainer *t, const struct step_report *r)
{
    struct train_log *g = context;
    double loss_z = history_z(&g->loss, r->loss), norm_z = history_z(&g->norm, r->grad_norm);
    train_control_tell(&g->control, json_pack("{s:s}", "event", "step"));
    bool due = r->step % g->log_every == 0 || r->step == t->config.steps || r->skipped;
    if (g->control.enabled || !due)
        return;
    char eta[TEXT_NUMBER_MAX];
    text_duration(r->ms * (double)(t->config.steps - r->step), eta);
    tell(g,
         "step %zu/%zu | loss %.3f (%+.1fz) | norm %.2f (%+.1fz) | lr %.2e | %.0f ms | "
         "%.0f tok/s | ratio %g | eta %s%s",
         r->step, t->config.steps, r->loss, loss_z, r->grad_norm, norm_z, r->lr, r->ms,
         1e3 * (double)r->tokens / r->ms, r->ratio, eta,
         r->skipped ? " | NOT FINITE, skipped" : "");
}

static bool on_stop(void *context)
{
    struct train_log *g = context;
    train_control_poll(&g->control);
    return g->control.stop || interrupt_signal() != 0;
}

/* A look changes nothing, so it is left at once when the run is to stop. */
static bool probe_tick(void *context, const char *stage, size_t done, size_t total)
{
    struct train_log *g = context;
    return !on_stop(g) && train_control_tick(&g->control, stage, done, total);
}

/* The run goes on without a look that could not be written down. */
static void look_at_probe(struct train_log *g, const struct trainer *t)
{
    struct progress progress = {probe_tick, g};
    struct err err = {0};
    if (!train_probe_look(&g->probe, t, g->directory, &progress, &err) &&
        err.code != ERR_CANCELLED)
        tell(g, "no look at the probe text: %s", err.text);
}

static void tell_validation(struct train_log *g, const struct trainer *t,
                            const struct validation *v, size_t n, bool best)
{
    if (t->soft_prompt) {
        for (size_t i = 0; i < n; i++)
            tell(g, "step %zu | held-out %s | full %.3f none %.3f%s", t->state.step, v[i].kind,
                 v[i].loss[CONTEXT_FULL], v[i].loss[CONTEXT_NONE], best ? " | best" : "");
        return;
    }
    for (size_t i = 0; i < n; i++)
        tell(g,
             "step %zu | held-out %s | compressed %.3f wrong %.3f full %.3f none %.3f | "
             "gap closed %.0f %% | about this text %.3f nats | gate max %.2f, spread %.1f%s",
             t->state.step, v[i].kind, v[i].loss[CONTEXT_COMPRESSED], v[i].loss[CONTEXT_WRONG],
             v[i].loss[CONTEXT_FULL], v[i].loss[CONTEXT_NONE], 100 * v[i].gap_closed,
             v[i].about_text, v[i].health.gate_max, v[i].health.spread, best ? " | best" : "");
}

static void on_validated(void *context, const struct trainer *t, const struct validation *v,
                         size_t n, bool best)
{
    struct train_log *g = context;
    if (!g->control.enabled) /* who steers reads the log */
        tell_validation(g, t, v, n, best);
    look_at_probe(g, t);
    train_control_tell(&g->control, json_pack("{s:s}", "event", "looked"));
}

static void on_saved(void *context, const struct trainer *t, const char *path, double ms)
{
    struct train_log *g = context;
    json_int_t bytes = (json_int_t)(t->parameters.count * sizeof(float));
    train_control_tell(&g->control,
                       json_pack("{s:s, s:I, s:I, s:I}", "event", "saved", "step",
                                 (json_int_t)t->state.step, "parameter_bytes", bytes,
                                 "moment_bytes", 2 * bytes));
    if (!g->control.enabled)
        tell(g, "step %zu | saved and read back in %s (%.0f ms)", t->state.step, path, ms);
}

static void on_note(void *context, const char *text)
{
    struct train_log *g = context;
    tell(g, "%s", text);
}

static void on_started(void *context, const struct trainer *t)
{
    struct train_log *g = context;
    const struct train_config *c = &t->config;
    progress_line_end(&g->line);
    g->line.enabled = false; /* from here on steps tell how far it is */
    train_control_tell(&g->control,
                       json_pack("{s:s, s:I, s:I, s:I, s:I}", "event", "started", "steps",
                                 (json_int_t)c->steps, "step", (json_int_t)t->state.step, "batch",
                                 (json_int_t)c->batch, "parameters",
                                 (json_int_t)t->parameters.count));
}

static bool on_save(void *context)
{
    struct train_log *g = context;
    bool save = g->control.save;
    g->control.save = false;
    return save;
}

bool train_log_tick(void *context, const char *stage, size_t done, size_t total)
{
    struct train_log *g = context;
    progress_line_tick(&g->line, stage, done, total);
    return train_control_tick(&g->control, stage, done, total);
}

struct run_listener train_log_listener(struct train_log *log)
{
    return (struct run_listener){.context = log,
                                 .started = on_started,
                                 .step = on_step,
                                 .validated = on_validated,
                                 .saved = on_saved,
                                 .note = on_note,
                                 .stop = on_stop,
                                 .save = on_save,
                                 .progress = {train_log_tick, log}};
}
