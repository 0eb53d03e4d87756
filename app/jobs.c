#include "app/jobs.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/reopen.h"
#include "engine/base/mem.h"
#include "views/key_text.h"

bool jobs_start(struct session *s, const struct engine_options *options, struct err *err)
{
    s->host = engine_host_new(options);
    if (options->model) /* a run may begin before it is open */
        s->model_path = xstrdup(options->model);
    s->worker = worker_start(s->host, !s->no_sandbox, err);
    if (!s->worker)
        return false;
    engine_host_connect(s->host, s->worker);
    if (s->headless)
        return true;
    s->writer = worker_start(NULL, false, err);
    return s->writer != NULL;
}

void jobs_stop(struct session *s)
{
    jobs_export_hashed(s);
    worker_finish(s->writer, s);
    s->writer = NULL;
    worker_stop(s->worker);
    s->worker = NULL;
    engine_host_free(s->host);
    s->host = NULL;
}

/* ---- document ---------------------------------------------------------------- */

struct document_job {
    struct job job;
    struct snapshot_document *raw; /* one reference */
};

static bool run_document(struct job *job, void *context, const struct progress *progress,
                         struct err *err)
{
    const struct snapshot_document *raw = ((struct document_job *)job)->raw;
    struct engine *engine = engine_host_engine(context, err);
    (void)progress;
    return engine && engine_set_document(engine, raw->text, raw->size, raw->name, err);
}

/* Line ends, a byte order mark, invalid bytes: once, when the document is opened. */
static void tell_oddities(struct session *s)
{
    const struct snapshot_document *d = s->published ? s->published->document : NULL;
    if (d && d->note[0])
        session_note(s, "%s: %s", d->name, d->note);
}

static void document_done(struct job *job, void *context)
{
    struct session *s = context;
    if (((struct document_job *)job)->raw != s->document.raw)
        return; /* another one was opened since */
    char *path = job->ok ? NULL : xstrdup(s->document.path);
    session_document_settled(s, job->ok);
    if (path) {
        dialog_problem(s, PROBLEM_DOCUMENT, path, job->err.text);
        free(path);
        return;
    }
    tell_oddities(s);
    if (s->goto_when_ready) {
        char line[64];
        snprintf(line, sizeof line, "goto %s", s->goto_when_ready);
        free(s->goto_when_ready);
        s->goto_when_ready = NULL;
        session_compose(s);
        action_perform(s, line);
    }
    if (edits_change_method(&s->edits)) /* of a figure that was opened again */
        jobs_set_settings(s);
    if (edits_muted(&s->edits))
        jobs_set_muted(s);
    if (s->ask_when_ready)
        jobs_ask_all(s);
    if (s->loss_when_ready)
        jobs_loss(s);
    s->loss_when_ready = false;
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
    worker_cancel(s->worker, JOB_DOCUMENT | JOB_ASK | JOB_READ);
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
    struct engine *engine = engine_host_engine(context, err);
    if (!engine)
        return false;
    engine_keep(engine, r->keep);
    return engine_read(engine, r->from, r->to, progress, err);
}

static void read_done(struct job *job, void *context)
{
    struct session *s = context;
    if (!job->ok && job->err.code != ERR_CANCELLED) {
        s->read_failed = true;
        dialog_problem(s, PROBLEM_READ, s->document.path ? s->document.path : "-", job->err.text);
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
    struct engine *engine = engine_host_engine(context, err);
    const struct engine_edits edits = edits_for_engine(&c->edits);
    if (!engine)
        return false;
    engine_set_edits(engine, &edits);
    return engine_set_settings(engine, &c->edits.settings, c->edits.segment, c->visible,
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
        session_fail(s, &job->err, "⁅u⁆ takes the change back", "the plan on screen stays");
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
    struct engine *engine = engine_host_engine(context, err);
    (void)progress;
    if (!engine)
        return false;
    engine_set_muted(engine, m->edits.muted, m->edits.muted_count);
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
    struct engine *engine = engine_host_engine(context, err);
    return engine &&
           engine_ask(engine, a->question, a->mode, &a->options, progress, err);
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
    a->gold = s->gold ? xstrdup(s->gold) : NULL;
    a->options = (struct ask_options){
        .max_tokens = s->preferences.max_tokens,
        .seed = s->preferences.seed,
        .attention = true,
        .gold = a->gold,
        .continuation = s->continue_from > 0,
    };
    session_asked_range(s, &a->options.from, &a->options.to);
    s->waiting[mode]++;
    worker_post(s->worker, &a->job);
}

void jobs_ask_all(struct session *s)
{
    static const enum answer_mode order[] = {ANSWER_COMPRESSED, ANSWER_NONE, ANSWER_FULL};
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
    struct engine *engine = engine_host_engine(context, err);
    (void)job;
    (void)progress;
    if (!engine)
        return false;
    engine_hash(engine);
    return true;
}

static void hash_done(struct job *job, void *context)
{
    struct session *s = context;
    jobs_export_hashed(s);
    reopen_compare(s);
    if (job->ok)
        dialog_refresh(s);
}

void jobs_hash(struct session *s)
{
    struct job *job = xcalloc(1, sizeof *job);
    *job = (struct job){.kind = JOB_HASH, .urgency = URGENCY_HASH, .run = run_hash,
                        .done = hash_done, .release = simple_release};
    worker_cancel(s->worker, JOB_HASH);
    worker_post(s->worker, job);
}
