/* Opening the engine, another model or another compressor, and what follows from it. */
#include <stdlib.h>

#include "app/data_screen.h"
#include "app/dialog.h"
#include "app/jobs.h"
#include "app/reopen.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/model/model.h"

#define GIB 1073741824.0

struct open_job {
    struct job job;
    enum engine_part what;
    char *path; /* NULL: as the options say */
    struct compress_settings settings; /* afterwards */
    size_t segment;
    char *model; /* that is open afterwards */
    char *blamed; /* path that the error is about */
    struct watch files;
};

/* At the start a model and a compressor are opened: which of them is it? */
static void blame(struct open_job *open, const struct engine_host *host, const struct err *err)
{
    const char *path = open->path;
    if (open->what == ENGINE_ALL)
        path = engine_host_blamed(host, err, &open->what);
    if (path)
        open->blamed = xstrdup(path);
}

static bool run_open(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct open_job *open = (struct open_job *)job;
    struct engine_host *host = context;
    if (!progress_tick(progress, "opening the model", 0, 1, err) ||
        !engine_host_open(host, open->what, open->path, err)) {
        if (err->code != ERR_CANCELLED)
            blame(open, host, err);
        return false;
    }
    struct engine *engine = engine_host_engine(host, err);
    const struct model *model = engine_model(engine);
    engine_settings(engine, &open->settings, &open->segment);
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
        s->edits.settings.order_seed = early.order_seed;
        changed = true;
    }
    if (first && early_segment) {
        s->edits.segment = early_segment;
        changed = true;
    }
    s->edits_known = true;
    edits_free(&s->opened_with);
    s->opened_with = edits_copy(&s->edits);
    if (changed || edits_change_method(&s->edits))
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
    if (open->what == ENGINE_COMPRESSOR)
        session_note(s, "compressor %s is open, it took %.1f s", file_name(open->path), seconds);
    else if (open->what == ENGINE_MODEL)
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
        if (open->what == ENGINE_MODEL)
            data_screen_forget(s); /* its tokens are the old model's */
        tell_opened(s, open);
        if (s->reopening && !s->reopening->told)
            jobs_hash(s);
        if (s->document.raw)
            jobs_set_document(s);
        else if (s->view.overlay == OVERLAY_START)
            dialog_refresh(s);
    } else if (job->err.code != ERR_CANCELLED) {
        dialog_problem(s, open->what == ENGINE_COMPRESSOR ? PROBLEM_COMPRESSOR : PROBLEM_MODEL,
                       open->blamed ? open->blamed : "no model was named, none is in the cache",
                       job->err.text);
    }
}

static void open_release(struct job *job)
{
    struct open_job *open = (struct open_job *)job;
    free(open->path);
    free(open->model);
    free(open->blamed);
    watch_clear(&open->files);
    free(open);
}

static void post_open(struct session *s, enum engine_part what, const char *path)
{
    struct open_job *open = xcalloc(1, sizeof *open);
    open->job = (struct job){.kind = JOB_OPEN, .urgency = URGENCY_OPEN, .run = run_open,
                             .done = open_done, .release = open_release};
    open->what = what;
    open->path = path ? xstrdup(path) : NULL;
    worker_cancel(s->worker, JOB_ASK | JOB_READ | JOB_SETTINGS | JOB_EVAL | JOB_HASH);
    worker_post(s->worker, &open->job);
}

void jobs_open_engine(struct session *s)
{
    post_open(s, ENGINE_ALL, NULL);
}

void jobs_set_model(struct session *s, const char *path)
{
    post_open(s, ENGINE_MODEL, path);
}

void jobs_set_compressor(struct session *s, const char *path)
{
    post_open(s, ENGINE_COMPRESSOR, path);
}
