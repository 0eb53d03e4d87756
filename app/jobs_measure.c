/* Work that measures what compression does: the loss map, and the control with the
 * slots of another text. */
#include <stdlib.h>
#include <string.h>

#include "app/dialog.h"
#include "app/jobs.h"
#include "engine/base/mem.h"

enum { URGENCY_MEASURE = 1 };

struct loss_job {
    struct job job;
    size_t to;
};

static bool run_loss(struct job *job, void *host, const struct progress *progress,
                     struct err *err)
{
    struct engine *e = engine_host_engine(host, err);
    return e && engine_loss(e, ((struct loss_job *)job)->to, progress, err);
}

static void measure_done(struct job *job, void *context)
{
    if (!job->ok && job->err.code != ERR_CANCELLED)
        session_fail(context, &job->err, ":log tells of all", "what was measured stays");
}

static void loss_release(struct job *job)
{
    free(job);
}

void jobs_loss(struct session *s)
{
    struct loss_job *l = xcalloc(1, sizeof *l);
    l->job = (struct job){.kind = JOB_LOSS, .urgency = URGENCY_MEASURE, .preemptible = true,
                          .run = run_loss, .done = measure_done, .release = loss_release};
    l->to = s->view.has_range ? s->view.range_to + 1 : SIZE_MAX;
    worker_cancel(s->worker, JOB_LOSS);
    worker_post(s->worker, &l->job);
}

struct control_job {
    struct job job;
    struct ask_options options;
    char *other, *other_name;
    size_t other_size;
};

static bool run_control(struct job *job, void *host, const struct progress *progress,
                        struct err *err)
{
    struct control_job *c = (struct control_job *)job;
    struct engine *e = engine_host_engine(host, err);
    return e && engine_control(e, &c->options, c->other, c->other_size, c->other_name, progress,
                               err);
}

static void control_done(struct job *job, void *context)
{
    struct session *s = context;
    if (job->ok)
        dialog_control(s, &s->published->control);
    else
        measure_done(job, context);
}

static void control_release(struct job *job)
{
    struct control_job *c = (struct control_job *)job;
    free(c->other);
    free(c->other_name);
    free(c);
}

void jobs_control(struct session *s, char *other, size_t other_size, const char *other_name)
{
    struct control_job *c = xcalloc(1, sizeof *c);
    c->job = (struct job){.kind = JOB_CONTROL, .urgency = URGENCY_MEASURE, .preemptible = true,
                          .run = run_control, .done = control_done, .release = control_release};
    c->options.from = s->view.has_range ? s->view.range_from : 0;
    c->options.to = s->view.has_range ? s->view.range_to + 1 : 0;
    c->other = other;
    c->other_size = other_size;
    c->other_name = xstrdup(other_name);
    worker_cancel(s->worker, JOB_CONTROL);
    worker_post(s->worker, &c->job);
}
