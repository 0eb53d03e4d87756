#include "engine/train/run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/train/health.h"
#include "engine/train/memory.h"

struct run {
    const struct run_options *o;
    const struct run_listener *l;
    struct dataset **datasets;
    size_t n_datasets;
    struct trainer trainer;
    bool trainer_ready;
    struct run_dir dir;
    struct ranks ranks;
    bool leads; /* rank 0 */
    size_t sick; /* validations in a row whose plan health is bad */
    char why[128];
};

static void tell(const struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(const struct run *r, const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (!r->leads || !r->l->note)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->l->note(r->l->context, text);
}

/* ---- opening ----------------------------------------------------------------------- */

static bool load_data(struct run *r, const struct train_config *config, struct err *err)
{
    const struct run_options *o = r->o;
    r->datasets = xcalloc(o->n_data, sizeof *r->datasets);
    for (size_t i = 0; i < o->n_data; i++) {
        struct dataset *d = dataset_load(o->data[i].path, &o->records, o->model->tokenizer,
                                         config->sft_context, &r->l->progress, err);
        if (!d)
            return false;
        d->weight = o->data[i].weight;
        r->datasets[r->n_datasets++] = d;
        tell(r, "%s: %s, %zu record%s%s, %zu token%s", d->path, d->form, d->documents,
             text_plural(d->documents), d->bad ? " (bad ones passed over)" : "", d->n_tokens,
             text_plural(d->n_tokens));
    }
    return true;
}

static bool open_trainer(struct run *r, struct err *err)
{
    struct train_config config = r->o->config;
    if (r->leads && r->o->resume && !run_dir_config(r->dir.path, &config, err))
        return err_add(err, "--resume goes on with a run; without it, one begins");
    if (r->o->resume && r->o->steps)
        config.steps = r->o->steps;
    ranks_share(&r->ranks, &config, sizeof config);
    r->dir.keep = config.keep;
    if (!load_data(r, &config, err))
        return false;
    r->trainer_ready = trainer_init(&r->trainer, &config, r->o->model, r->datasets, r->n_datasets,
                                    err);
    r->trainer.ranks = r->ranks;
    return r->trainer_ready && training_fits(&r->trainer, err);
}

/* All begin with what rank 0 has read. */
static void share_state(struct run *r)
{
    struct trainer *t = &r->trainer;
    struct parameters *p = &t->parameters;
    struct checkpoint_state *s = &t->state;
    ranks_share(&r->ranks, p->value, p->count * sizeof *p->value);
    ranks_share(&r->ranks, p->moment1, p->count * sizeof *p->moment1);
    ranks_share(&r->ranks, p->moment2, p->count * sizeof *p->moment2);
    if (p->average)
        ranks_share(&r->ranks, p->average, p->count * sizeof *p->average);
    ranks_share(&r->ranks, &t->stream.state, sizeof t->stream.state);
    ranks_share(&r->ranks, &s->step, sizeof s->step);
}

static bool begin(struct run *r, struct err *err)
{
    if (!r->leads)
        return open_trainer(r, err);
    if (!r->o->resume) {
        if (run_dir_started(&r->dir))
            return err_set(err, ERR_USAGE,
                           "%s holds a run already: --resume goes on with it, another --run "
                           "begins a new one",
                           r->dir.path);
        return open_trainer(r, err) && run_dir_begin(&r->dir, &r->trainer, err);
    }
    char note[512];
    if (!open_trainer(r, err) ||
        !run_dir_resume(&r->dir, &r->trainer, r->o->accept_data_change, note, sizeof note, err) ||
        (r->o->steps && !run_dir_configure(&r->dir, &r->trainer, err)))
        return false;
    if (note[0])
        tell(r, "%s", note);
    tell(r, "resumed at step %zu", r->trainer.state.step);
    return true;
}

static void close_run(struct run *r)
{
    if (r->trainer_ready)
        trainer_free(&r->trainer);
    for (size_t i = 0; i < r->n_datasets; i++)
        dataset_free(r->datasets[i]);
    free(r->datasets);
    run_dir_close(&r->dir);
}

/* ---- the loop ------------------------------------------------------------------------ */

/* A checkpoint that cannot be written does not end a run while an older one is
 * there: the disk may have room again at the next. */
static bool save(struct run *r, bool last, struct err *err)
{
    double start = clock_ms();
    struct err local = {0};
    trainer_rest(&r->trainer);
    if (run_dir_save(&r->dir, &r->trainer, &local)) {
        if (r->l->saved)
            r->l->saved(r->l->context, &r->trainer, r->dir.path, clock_ms() - start);
        return true;
    }
    tell(r, "not saved: %s", local.text);
    if (!last)
        return true;
    if (err)
        *err = local;
    return false;
}

static bool stop_asked(const struct run *r)
{
    return r->l->stop && r->l->stop(r->l->context);
}

/* A validation changes nothing, so it is left at once when the run is to stop. */
static bool validation_tick(void *context, const char *stage, size_t done, size_t total)
{
    const struct run *r = context;
    const struct progress *p = &r->l->progress;
    return !stop_asked(r) && (!p->tick || p->tick(p->context, stage, done, total));
}

/* Bad plan health is told; enough of it in a row ends the run, where that is wanted. */
static void judge(struct run *r, const struct validation *v, size_t n)
{
    size_t i = 0;
    if (r->trainer.soft_prompt)
        return; /* it has no plan */
    while (i < n && train_health_ok(&v[i].health, r->trainer.config.valid_ratio, r->why,
                                    sizeof r->why))
        i++;
    r->sick = i < n ? r->sick + 1 : 0;
    if (i < n && r->trainer.config.health_stop)
        tell(r, "plan health: %s", r->why);
}

static bool is_too_sick(const struct run *r)
{
    size_t most = r->trainer.config.health_stop;
    return most && r->sick >= most;
}

static bool validate(struct run *r, struct err *err)
{
    struct validation v[VALIDATIONS_MAX];
    struct trainer *t = &r->trainer;
    struct progress progress = {validation_tick, r};
    struct err local = {0};
    size_t n = trainer_validate(t, v, &progress, &local);
    trainer_rest(t);
    if (n == 0) {
        if (local.code == ERR_NONE || (local.code == ERR_CANCELLED && stop_asked(r)))
            return true;
        *err = local;
        return false;
    }
    judge(r, v, n);
    double score = validation_score(v, n);
    bool best = score < t->state.best;
    if (best) {
        t->state.best = score;
        t->state.best_step = t->state.step;
    }
    if (!run_dir_log_validation(&r->dir, t, v, n, err))
        return false;
    if (r->l->validated)
        r->l->validated(r->l->context, t, v, n, best);
    if (best && !run_dir_save_best(&r->dir, t, v, n, &local))
        tell(r, "best not saved: %s", local.text);
    trainer_rest(t); /* the listener may have looked at a text */
    return true;
}

static bool due(const struct run *r, size_t every)
{
    size_t step = r->trainer.state.step;
    return every && (step % every == 0 || step == r->trainer.config.steps);
}

static bool one_step(struct run *r, const struct stream_state *first, struct err *err)
{
    struct trainer *t = &r->trainer;
    struct step_report report;
    if (r->o->overfit_one)
        t->stream.state = *first;
    bool ok = trainer_step(t, &report, &r->l->progress, err);
    if (report.step && r->leads) {
        struct err log_error = {0};
        if (!run_dir_log_step(&r->dir, t, &report, &log_error))
            tell(r, "%s", log_error.text);
        if (r->l->step)
            r->l->step(r->l->context, t, &report);
    }
    return ok;
}

/* Without a single validation the last state is the best there is. */
static bool give_away(struct run *r, struct err *err)
{
    const struct trainer *t = &r->trainer;
    return !r->leads || !isinf(t->state.best) || run_dir_save_best(&r->dir, t, NULL, 0, err);
}

static bool loop(struct run *r, struct err *err)
{
    struct trainer *t = &r->trainer;
    const struct train_config *c = &t->config;
    struct stream_state first = t->stream.state;
    if (r->leads && t->state.step == 0 && c->valid_every && !validate(r, err))
        return false;
    while (t->state.step < c->steps) {
        if (!one_step(r, &first, err))
            return false;
        if (r->leads && due(r, c->valid_every) && !validate(r, err))
            return false;
        bool stop = ranks_any(&r->ranks, stop_asked(r) || is_too_sick(r));
        bool last = stop || t->state.step == c->steps;
        bool asked = r->l->save && r->l->save(r->l->context);
        bool wanted = r->leads && (last || asked || due(r, c->save_every));
        if (wanted && t->nonfinite_in_row == 0 && !save(r, last, err))
            return false;
        if (last && t->nonfinite_in_row == 0 && !give_away(r, err))
            return false;
        if (stop && is_too_sick(r))
            return err_set(err, ERR_OTHER,
                           "stopped after step %zu: %zu validations in a row with %s",
                           t->state.step, r->sick, r->why);
        if (stop)
            return err_set(err, ERR_CANCELLED, "stopped after step %zu", t->state.step);
    }
    return true;
}

bool train_run(const struct run_options *options, const struct run_listener *listener,
               struct err *err)
{
    struct run r = {.o = options, .l = listener, .dir = {.lock = -1, .log.fd = -1}};
    struct err local = {0};
    r.ranks = options->ranks.size ? options->ranks : (struct ranks){0, 1};
    r.leads = r.ranks.rank == 0;
    bool ok = (!r.leads ||
               run_dir_open(&r.dir, options->directory, options->config.keep, &local)) &&
              begin(&r, &local);
    if (ok)
        share_state(&r);
    if (ok && r.leads && listener->started)
        listener->started(listener->context, &r.trainer);
    ok = ok && loop(&r, &local);
    close_run(&r);
    if (!ok && err)
        *err = local;
    return ok;
}

/* ---- dry run ------------------------------------------------------------------------------ */

enum { MEASURED_STEPS = 2 };

struct measuring {
    const struct progress *progress;
    size_t steps;       /* that are done */
    size_t done, total; /* samples of all steps */
};

/* Both steps are one stage; whether to go on is asked within their passes too. */
static bool measuring_tick(void *context, const char *stage, size_t done, size_t total)
{
    struct measuring *m = context;
    if (strcmp(stage, "samples") == 0) {
        m->done = m->steps * total + done;
        m->total = MEASURED_STEPS * total;
    }
    return progress_tick(m->progress, "measuring", m->done, m->total, NULL);
}

bool train_estimate(const struct run_options *options, struct run_estimate *out,
                    const struct progress *progress, struct err *err)
{
    struct run_listener silent = {0};
    if (progress)
        silent.progress = *progress;
    struct run r = {.o = options, .l = &silent, .dir = {.lock = -1, .log.fd = -1},
                    .ranks = {0, 1}, .leads = true};
    struct step_report step = {0};
    bool ok = load_data(&r, &options->config, err);
    if (ok)
        ok = r.trainer_ready = trainer_init(&r.trainer, &options->config, options->model,
                                            r.datasets, r.n_datasets, err);
    size_t peak = ok ? training_peak(&r.trainer) : 0;
    ok = ok && training_fits(&r.trainer, err);
    /* The first step widens the weights; the second is the one that counts. */
    struct measuring m = {.progress = progress};
    for (; ok && m.steps < MEASURED_STEPS; m.steps++)
        ok = trainer_step(&r.trainer, &step, &(struct progress){measuring_tick, &m}, err);
    if (ok) {
        const struct train_config *c = &options->config;
        size_t checkpoint = parameters_saved_bytes(&r.trainer.parameters);
        double pass_ms = step.ms / (double)c->batch;
        double checks = c->valid_every ? (double)(c->steps / c->valid_every) + 1 : 0;
        *out = (struct run_estimate){
            .parameters = r.trainer.parameters.count,
            .memory_bytes = training_memory(&r.trainer),
            .peak_bytes = peak,
            .disk_bytes = (c->keep + 2) * checkpoint,
            .step_ms = step.ms,
            .validation_ms = pass_ms * (double)(c->valid_samples * (r.trainer.stream.n_shapes + 1)),
        };
        out->total_ms = step.ms * (double)c->steps + checks * out->validation_ms;
    }
    close_run(&r);
    return ok;
}
