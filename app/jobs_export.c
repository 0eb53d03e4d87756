/* Figures and data files that are written beside the screen, by the second worker. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/export.h"
#include "app/jobs.h"
#include "views/key_text.h"

struct export_job {
    struct job job;
    struct snapshot *snapshot, *against; /* one reference each; against may be NULL */
    struct export_request request;
    struct edits edits;
    struct export_result result;
};

static bool run_export(struct job *job, void *context, const struct progress *progress,
                       struct err *err)
{
    struct export_job *e = (struct export_job *)job;
    (void)context;
    return progress_tick(progress, "writing", 0, 1, err) &&
           export_run(e->snapshot, &e->request, &e->result, err);
}

static void note_files(struct session *s, const struct export_result *result)
{
    if (result->n == 1)
        session_note(s, "%s written", result->path[0]);
    else if (result->n > 1)
        session_note(s, "%s and %zu more written", result->path[0], result->n - 1);
}

static void export_done(struct job *job, void *context)
{
    struct session *s = context;
    if (job->ok)
        note_files(s, &((struct export_job *)job)->result);
    else if (s->terminal && job->err.code != ERR_CANCELLED)
        session_fail(s, &job->err, "⁅e⁆ offers the line again", "no file was written");
    else if (!s->terminal) /* while the program ends */
        fprintf(stderr, "comprexit: %s\n", job->err.text);
}

static void export_release(struct job *job)
{
    struct export_job *e = (struct export_job *)job;
    snapshot_release(e->snapshot);
    snapshot_release(e->against);
    export_request_free(&e->request);
    export_result_free(&e->result);
    edits_free(&e->edits);
    free(e);
}

/* ---- hashes -------------------------------------------------------------------- */

static bool lacks_hashes(const struct session *s, const struct snapshot *snapshot)
{
    return s->worker && !s->restored && snapshot->facts.model[0] &&
           !snapshot->facts.model_sha256[0];
}

/* Puts the hashes that are known by now into the figure's own snapshot. */
static void adopt_hashes(const struct session *s, struct export_job *e)
{
    const struct snapshot_facts *now = s->published ? &s->published->facts : NULL;
    const struct snapshot_facts *then = &e->snapshot->facts;
    if (!now || then->model_sha256[0] || strcmp(now->model, then->model) != 0 ||
        strcmp(now->compressor, then->compressor) != 0)
        return;
    struct snapshot *next = snapshot_derive(e->snapshot);
    memcpy(next->facts.model_sha256, now->model_sha256, sizeof now->model_sha256);
    memcpy(next->facts.compressor_sha256, now->compressor_sha256, sizeof now->compressor_sha256);
    next->facts.model_bytes = now->model_bytes;
    next->facts.compressor_bytes = now->compressor_bytes;
    snapshot_release(e->snapshot);
    e->snapshot = next;
}

void jobs_export_hashed(struct session *s)
{
    struct job *job = s->waiting_exports;
    s->waiting_exports = NULL;
    while (job) {
        struct job *next = job->next;
        job->next = NULL;
        adopt_hashes(s, (struct export_job *)job);
        worker_post(s->writer, job);
        job = next;
    }
}

/* The figure waits, behind those that wait already. */
static void wait_for_hashes(struct session *s, struct export_job *e)
{
    struct job **last = &s->waiting_exports;
    while (*last)
        last = &(*last)->next;
    *last = &e->job;
    if (!(worker_pending(s->worker) & JOB_HASH))
        jobs_hash(s);
}

/* Without a screen there is nobody who could be kept from it. */
static void hash_now(struct session *s)
{
    if (!worker_is_idle(s->worker))
        return;
    jobs_hash(s);
    while (!worker_is_idle(s->worker)) {
        poll(&(struct pollfd){.fd = worker_wake_fd(s->worker), .events = POLLIN}, 1, 1000);
        worker_collect(s->worker, &s->published, s);
    }
    session_compose(s);
}

bool jobs_export(struct session *s, struct export_request *request, struct err *err)
{
    struct export_job *e = xcalloc(1, sizeof *e);
    e->job = (struct job){.kind = JOB_EXPORT, .run = run_export, .done = export_done,
                          .release = export_release};
    e->snapshot = snapshot_retain(s->snapshot);
    e->against = snapshot_retain(s->pinned);
    e->request = *request;
    e->request.figure.against = e->against;
    /* right less left, as on the screen */
    e->request.figure.against_is_b = s->view.pin_is_b != s->view.compare_swapped;
    if (s->pin_file)
        e->request.against_file = *s->pin_file;
    if (s->restored)
        e->request.session_file = *s->restored_file;
    *request = (struct export_request){0};
    e->edits = edits_copy(&s->edits);
    e->request.edits = &e->edits;
    bool lacks = lacks_hashes(s, e->snapshot);
    if (s->writer && lacks) {
        wait_for_hashes(s, e);
        return true;
    }
    if (s->writer) {
        worker_post(s->writer, &e->job);
        return true;
    }
    if (lacks) {
        hash_now(s);
        adopt_hashes(s, e);
    }
    bool ok = export_run(e->snapshot, &e->request, &e->result, err);
    if (ok)
        note_files(s, &e->result);
    export_release(&e->job);
    return ok;
}
