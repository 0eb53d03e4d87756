#include "app/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/data_screen.h"
#include "app/dialog.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/model/model.h"

#define GIB 1073741824.0

struct engine_host {
    struct engine *engine; /* NULL until it is opened */
    struct engine_options options;
    /* owned; may be NULL */
    char *model, *compressor, *default_compressor, *soft_prompt, *default_soft_prompt, *precision;
};

static char *copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

struct engine_host *engine_host_new(const struct engine_options *options)
{
    struct engine_host *host = xcalloc(1, sizeof *host);
    host->options = *options;
    host->model = copy_or_null(options->model);
    host->compressor = copy_or_null(options->compressor);
    host->default_compressor = copy_or_null(options->default_compressor);
    host->soft_prompt = copy_or_null(options->soft_prompt);
    host->default_soft_prompt = copy_or_null(options->default_soft_prompt);
    host->precision = copy_or_null(options->precision);
    return host;
}

void engine_host_free(struct engine_host *host)
{
    if (!host)
        return;
    if (host->engine)
        engine_close(host->engine);
    free(host->model);
    free(host->compressor);
    free(host->default_compressor);
    free(host->soft_prompt);
    free(host->default_soft_prompt);
    free(host->precision);
    free(host);
}

bool jobs_start(struct session *s, const struct engine_options *options, struct err *err)
{
    s->host = engine_host_new(options);
    s->model_path = copy_or_null(options->model); /* a run may begin before it is open */
    s->worker = worker_start(s->host, err);
    if (!s->worker)
        return false;
    s->host->options.publish = worker_publish;
    s->host->options.log = worker_log;
    s->host->options.context = s->worker;
    if (s->headless)
        return true;
    s->writer = worker_start(NULL, err);
    return s->writer != NULL;
}

void jobs_stop(struct session *s)
{
    worker_finish(s->writer, s);
    s->writer = NULL;
    worker_stop(s->worker);
    s->worker = NULL;
    engine_host_free(s->host);
    s->host = NULL;
}

/* ---- open ------------------------------------------------------------------- */

enum open_what { OPEN_ENGINE, OPEN_MODEL, OPEN_COMPRESSOR };

struct open_job {
    struct job job;
    enum open_what what;
    char *path; /* NULL: as the options say */
    struct compress_settings settings; /* afterwards */
    size_t segment;
    char *model; /* that is open afterwards */
    struct watch files;
};

static bool open_engine(struct engine_host *host, struct err *err)
{
    host->options.model = host->model;
    host->options.compressor = host->compressor;
    host->options.default_compressor = host->default_compressor;
    host->options.soft_prompt = host->soft_prompt;
    host->options.default_soft_prompt = host->default_soft_prompt;
    host->options.precision = host->precision;
    host->engine = engine_open(&host->options, err);
    return host->engine != NULL;
}

/* Opens with another model or compressor than before; what failed is forgotten. */
static bool open_with(struct engine_host *host, char **kept, const char *path, struct err *err)
{
    char *before = *kept;
    *kept = xstrdup(path);
    if (open_engine(host, err)) {
        free(before);
        return true;
    }
    free(*kept);
    *kept = before;
    return false;
}

static bool run_open(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct open_job *open = (struct open_job *)job;
    struct engine_host *host = context;
    bool ok;
    if (!progress_tick(progress, "opening the model", 0, 1, err))
        return false;
    if (open->what == OPEN_ENGINE)
        ok = host->engine || open_engine(host, err);
    else if (!host->engine)
        ok = open_with(host, open->what == OPEN_MODEL ? &host->model : &host->compressor,
                       open->path, err);
    else if (open->what == OPEN_MODEL)
        ok = engine_set_model(host->engine, open->path, err);
    else
        ok = engine_set_compressor(host->engine, open->path, err);
    if (!ok)
        return false;
    const struct model *model = engine_model(host->engine);
    engine_settings(host->engine, &open->settings, &open->segment);
    open->model = xstrdup(model->path);
    for (size_t i = 0; model_file(model, i); i++)
        watch_add(&open->files, model_file(model, i));
    return true;
}

/* The first time the engine tells its settings, those that the rc file gave are
 * laid over them. */
static void learn_settings(struct session *s, const struct open_job *open)
{
    struct compress_settings early = s->edits.settings;
    size_t early_segment = s->edits.segment;
    bool first = !s->edits_known, changed = false;
    s->edits.settings = open->settings;
    s->edits.segment = open->segment;
    for (int i = 0; first && i < 5; i++)
        changed |= s->given[i];
    if (first && s->given[0])
        s->edits.settings.window = early.window;
    if (first && s->given[1])
        s->edits.settings.ratio = early.ratio;
    if (first && s->given[2])
        s->edits.settings.eps = early.eps;
    if (first && s->given[3])
        s->edits.settings.iters = early.iters;
    if (first && s->given[4])
        s->edits.settings.align = early.align;
    if (first && early.ablations) { /* of a figure */
        s->edits.settings.ablations = early.ablations;
        changed = true;
    }
    if (first && early_segment) {
        s->edits.segment = early_segment;
        changed = true;
    }
    s->edits_known = true;
    edits_free(&s->opened_with);
    s->opened_with = edits_copy(&s->edits);
    if (changed || edits_count(&s->edits) > edits_muted(&s->edits))
        jobs_set_settings(s);
}

/* Remembers which files are open, and takes the open_job's part in it over. */
static void learn_files(struct session *s, struct open_job *open)
{
    watch_clear(&s->model_watch);
    s->model_watch = open->files;
    open->files = (struct watch){0};
    free(s->model_path);
    s->model_path = open->model;
    open->model = NULL;
}

static void tell_opened(struct session *s, const struct open_job *open)
{
    const struct snapshot_facts *f = &s->published->facts;
    double seconds = (open->job.ended_ms - open->job.started_ms) / 1e3;
    if (open->what == OPEN_COMPRESSOR)
        session_note(s, "compressor %s is open, it took %.1f s", file_name(open->path), seconds);
    else if (open->what == OPEN_MODEL)
        session_note(s, "model %s is open, it took %.1f s and needs %.1f GiB, %.1f free",
                     file_name(open->path), seconds, (double)f->memory_needed / GIB,
                     (double)f->memory_free / GIB);
}

static void open_done(struct job *job, void *context)
{
    struct session *s = context;
    struct open_job *open = (struct open_job *)job;
    if (job->ok) {
        learn_settings(s, open);
        learn_files(s, open);
        s->read_failed = false;
        if (open->what == OPEN_MODEL)
            data_screen_forget(s); /* its tokens are the old model's */
        tell_opened(s, open);
        if (s->document.raw)
            jobs_set_document(s);
    } else if (job->err.code != ERR_CANCELLED) {
        dialog_problem(s, open->what == OPEN_COMPRESSOR ? PROBLEM_COMPRESSOR : PROBLEM_MODEL,
                       job->err.text);
    }
}

static void open_release(struct job *job)
{
    struct open_job *open = (struct open_job *)job;
    free(open->path);
    free(open->model);
    watch_clear(&open->files);
    free(open);
}

static void post_open(struct session *s, enum open_what what, const char *path)
{
    struct open_job *open = xcalloc(1, sizeof *open);
    open->job = (struct job){.kind = JOB_OPEN, .urgency = URGENCY_OPEN, .run = run_open,
                             .done = open_done, .release = open_release};
    open->what = what;
    open->path = copy_or_null(path);
    worker_cancel(s->worker, JOB_ASK | JOB_READ | JOB_SETTINGS | JOB_EVAL | JOB_HASH);
    worker_post(s->worker, &open->job);
}

void jobs_open_engine(struct session *s)
{
    post_open(s, OPEN_ENGINE, NULL);
}

void jobs_set_model(struct session *s, const char *path)
{
    post_open(s, OPEN_MODEL, path);
}

void jobs_set_compressor(struct session *s, const char *path)
{
    post_open(s, OPEN_COMPRESSOR, path);
}

/* ---- document ---------------------------------------------------------------- */

struct document_job {
    struct job job;
    struct snapshot_document *raw; /* one reference */
};

struct engine *engine_host_engine(const struct engine_host *host, struct err *err)
{
    if (!host->engine)
        err_set(err, ERR_OTHER, "no model is open: use model PATH");
    return host->engine;
}

struct engine *jobs_engine(struct engine_host *host, struct err *err)
{
    if (!host->engine)
        err_set(err, ERR_OTHER, "no model is open: use model PATH");
    return host->engine;
}

static bool need_engine(const struct engine_host *host, struct err *err)
{
    return engine_host_engine(host, err) != NULL;
}

static bool run_document(struct job *job, void *context, const struct progress *progress,
                         struct err *err)
{
    const struct snapshot_document *raw = ((struct document_job *)job)->raw;
    struct engine_host *host = context;
    (void)progress;
    return need_engine(host, err) &&
           engine_set_document(host->engine, raw->text, raw->size, raw->name, err);
}

static void document_done(struct job *job, void *context)
{
    struct session *s = context;
    if (((struct document_job *)job)->raw != s->document.raw)
        return; /* another one was opened since */
    session_document_settled(s, job->ok);
    if (!job->ok) {
        dialog_problem(s, PROBLEM_DOCUMENT, job->err.text);
        return;
    }
    if (s->goto_when_ready) {
        char line[64];
        snprintf(line, sizeof line, "goto %s", s->goto_when_ready);
        free(s->goto_when_ready);
        s->goto_when_ready = NULL;
        session_compose(s);
        action_perform(s, line);
    }
    if (edits_count(&s->edits) > edits_muted(&s->edits)) /* of a figure that was opened again */
        jobs_set_settings(s);
    if (edits_muted(&s->edits))
        jobs_set_muted(s);
    if (s->ask_when_ready)
        jobs_ask_all(s);
}

static void document_release(struct job *job)
{
    struct document_job *d = (struct document_job *)job;
    snapshot_document_release(d->raw);
    free(d);
}

void jobs_set_document(struct session *s)
{
    struct document_job *d = xcalloc(1, sizeof *d);
    d->job = (struct job){.kind = JOB_DOCUMENT, .urgency = URGENCY_DOCUMENT, .run = run_document,
                          .done = document_done, .release = document_release};
    d->raw = snapshot_document_retain(s->document.raw);
    worker_cancel(s->worker, JOB_DOCUMENT | JOB_ASK | JOB_READ | JOB_HASH);
    worker_post(s->worker, &d->job);
}

/* ---- read -------------------------------------------------------------------- */

struct read_job {
    struct job job;
    size_t from, to, keep;
};

static bool run_read(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct read_job *r = (struct read_job *)job;
    struct engine_host *host = context;
    if (!need_engine(host, err))
        return false;
    engine_keep(host->engine, r->keep);
    return engine_read(host->engine, r->from, r->to, progress, err);
}

static void read_done(struct job *job, void *context)
{
    struct session *s = context;
    if (!job->ok && job->err.code != ERR_CANCELLED) {
        s->read_failed = true;
        dialog_problem(s, PROBLEM_READ, job->err.text);
    }
    if (job->err.code == ERR_CANCELLED && !worker_pending(s->worker))
        s->read_failed = true; /* stopped by hand: not at once again */
}

static void simple_release(struct job *job)
{
    free(job);
}

void jobs_read(struct session *s, size_t from, size_t to)
{
    struct read_job *r = xcalloc(1, sizeof *r);
    r->job = (struct job){.kind = JOB_READ, .urgency = URGENCY_READ, .preemptible = true,
                          .run = run_read, .done = read_done, .release = simple_release};
    r->from = from;
    r->to = to;
    r->keep = s->preferences.keep;
    worker_cancel(s->worker, JOB_READ);
    worker_post(s->worker, &r->job);
}

/* ---- settings and muted slots -------------------------------------------------- */

struct settings_job {
    struct job job;
    struct edits edits;
    size_t visible;
};

static bool run_settings(struct job *job, void *context, const struct progress *progress,
                         struct err *err)
{
    struct settings_job *c = (struct settings_job *)job;
    struct engine_host *host = context;
    const struct engine_edits edits = {c->edits.tokens, c->edits.token_count, c->edits.layer_off,
                                       EDIT_LAYERS_MAX};
    if (!need_engine(host, err))
        return false;
    engine_set_edits(host->engine, &edits);
    return engine_set_settings(host->engine, &c->edits.settings, c->edits.segment, c->visible,
                               progress, err);
}

static void settings_release(struct job *job)
{
    struct settings_job *c = (struct settings_job *)job;
    edits_free(&c->edits);
    free(c);
}

static void settings_done(struct job *job, void *context)
{
    struct session *s = context;
    s->read_from = s->read_to = 0;
    if (!job->ok && job->err.code != ERR_CANCELLED)
        session_warn(s, "%s", job->err.text);
}

void jobs_set_settings(struct session *s)
{
    struct settings_job *c = xcalloc(1, sizeof *c);
    c->job = (struct job){.kind = JOB_SETTINGS, .urgency = URGENCY_SETTINGS, .run = run_settings,
                          .done = settings_done, .release = settings_release};
    c->edits = edits_copy(&s->edits);
    c->visible = s->view.token;
    worker_cancel(s->worker, JOB_SETTINGS);
    worker_post(s->worker, &c->job);
}

struct mute_job {
    struct job job;
    struct edits edits;
};

static bool run_mute(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct mute_job *m = (struct mute_job *)job;
    struct engine_host *host = context;
    (void)progress;
    if (!need_engine(host, err))
        return false;
    engine_set_muted(host->engine, m->edits.muted, m->edits.muted_count);
    return true;
}

static void mute_release(struct job *job)
{
    struct mute_job *m = (struct mute_job *)job;
    edits_free(&m->edits);
    free(m);
}

void jobs_set_muted(struct session *s)
{
    struct mute_job *m = xcalloc(1, sizeof *m);
    m->job = (struct job){.kind = JOB_MUTE, .urgency = URGENCY_MUTE, .run = run_mute,
                          .done = settings_done, .release = mute_release};
    m->edits = edits_copy(&s->edits);
    worker_cancel(s->worker, JOB_MUTE);
    worker_post(s->worker, &m->job);
}

/* ---- ask ----------------------------------------------------------------------- */

struct ask_job {
    struct job job;
    enum answer_mode mode;
    char *question, *gold;
    struct ask_options options;
};

static bool run_ask(struct job *job, void *context, const struct progress *progress,
                    struct err *err)
{
    struct ask_job *a = (struct ask_job *)job;
    struct engine_host *host = context;
    return need_engine(host, err) &&
           engine_ask(host->engine, a->question, a->mode, &a->options, progress, err);
}

static void ask_done(struct job *job, void *context)
{
    struct session *s = context;
    struct ask_job *a = (struct ask_job *)job;
    s->waiting[a->mode]--;
    if (!job->ok && job->err.code != ERR_CANCELLED)
        notes_add(&s->notes, true, job->err.text); /* the answer's pane shows it */
}

static void ask_release(struct job *job)
{
    struct ask_job *a = (struct ask_job *)job;
    free(a->question);
    free(a->gold);
    free(a);
}

void jobs_ask(struct session *s, enum answer_mode mode)
{
    struct ask_job *a = xcalloc(1, sizeof *a);
    a->job = (struct job){.kind = JOB_ASK, .urgency = URGENCY_ASK, .preemptible = true,
                          .run = run_ask, .done = ask_done, .release = ask_release};
    a->mode = mode;
    a->question = xstrdup(s->question);
    a->gold = copy_or_null(s->gold);
    a->options = (struct ask_options){
        .max_tokens = s->preferences.max_tokens,
        .seed = s->preferences.seed,
        .attention = true,
        .from = s->view.has_range ? s->view.range_from : 0,
        .to = s->view.has_range ? s->view.range_to + 1 : 0,
        .gold = a->gold,
        .continuation = s->continue_from > 0,
    };
    if (s->continue_from) {
        a->options.from = 0;
        a->options.to = s->continue_from;
    }
    s->waiting[mode]++;
    worker_post(s->worker, &a->job);
}

void jobs_ask_all(struct session *s)
{
    static const enum answer_mode order[] = {ANSWER_NONE, ANSWER_COMPRESSED, ANSWER_FULL};
    worker_cancel(s->worker, JOB_ASK);
    s->ask_when_ready = s->document.raw || !s->published || !s->published->document;
    for (size_t i = 0; i < ANSWER_MODES && !s->ask_when_ready; i++)
        if (s->preferences.answers[order[i]])
            jobs_ask(s, order[i]);
}

/* ---- hash ---------------------------------------------------------------------- */

static bool run_hash(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct engine_host *host = context;
    (void)job;
    (void)progress;
    if (!need_engine(host, err))
        return false;
    engine_hash(host->engine);
    return true;
}

static void hash_done(struct job *job, void *context)
{
    struct session *s = context;
    if (job->ok && s->view.overlay == OVERLAY_DIALOG && s->dialog_reopen && !s->view.filter[0])
        s->dialog_reopen(s);
}

void jobs_hash(struct session *s)
{
    struct job *job = xcalloc(1, sizeof *job);
    *job = (struct job){.kind = JOB_HASH, .urgency = URGENCY_HASH, .run = run_hash,
                        .done = hash_done, .release = simple_release};
    worker_cancel(s->worker, JOB_HASH);
    worker_post(s->worker, job);
}
