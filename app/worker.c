#include "app/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/sandbox.h"
#include "app/signals.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/snapshot.h"

struct line {
    struct line *next;
    char *text;
};

struct worker {
    pthread_t thread;
    void *host;
    bool confined;
    int wake_read, wake_write;

    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct job *queue;    /* sorted: urgency, then age */
    struct job *running;  /* owned by the thread while set */
    struct job *finished; /* oldest first */
    struct snapshot *published;
    struct line *lines; /* oldest first */
    bool untidy;   /* jobs ran since memory was given back */
    bool awake;    /* a byte is in the pipe */
    bool quit;
    bool last;     /* quit when the queue is empty */
    bool cancel;   /* the running job is to give up */
    bool requeue;  /* ... and to run again later */
    char stage[48];
    size_t done, total;
};

/* With the mutex held. */
static void wake(struct worker *worker)
{
    if (worker->awake)
        return;
    worker->awake = true;
    while (write(worker->wake_write, "", 1) < 0 && errno == EINTR)
        ;
}

static void append(struct job **list, struct job *job)
{
    while (*list)
        list = &(*list)->next;
    job->next = NULL;
    *list = job;
}

static void insert_by_urgency(struct job **list, struct job *job, bool before_equals)
{
    while (*list && ((*list)->urgency > job->urgency ||
                     ((*list)->urgency == job->urgency && !before_equals)))
        list = &(*list)->next;
    job->next = *list;
    *list = job;
}

static bool tick(void *context, const char *stage, size_t done, size_t total)
{
    struct worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    snprintf(worker->stage, sizeof worker->stage, "%s", stage);
    worker->done = done;
    worker->total = total;
    bool go_on = !worker->cancel && !worker->quit;
    if (go_on)
        wake(worker);
    pthread_mutex_unlock(&worker->mutex);
    return go_on;
}

/* With the mutex held; the job has run. */
static void finish(struct worker *worker, struct job *job)
{
    bool again = worker->requeue && !worker->quit && !job->ok && job->err.code == ERR_CANCELLED;
    worker->running = NULL;
    worker->cancel = worker->requeue = false;
    worker->stage[0] = '\0';
    if (again)
        insert_by_urgency(&worker->queue, job, true);
    else
        append(&worker->finished, job);
    wake(worker);
}

/* With the mutex held; there is nothing to do. */
static void rest(struct worker *worker)
{
    if (worker->untidy) { /* what jobs freed lies between what is kept of them */
        worker->untidy = false;
        pthread_mutex_unlock(&worker->mutex);
        mem_trim();
        pthread_mutex_lock(&worker->mutex);
    } else {
        pthread_cond_wait(&worker->work, &worker->mutex);
    }
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct progress progress = {tick, worker};
    struct err err = {0};
    signals_guard_thread();
    if (worker->confined && !sandbox_confine(NULL, 0, &err))
        worker_log(worker, err.text);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->quit) {
        struct job *job = worker->queue;
        if (!job && worker->last)
            break;
        if (!job) {
            rest(worker);
            continue;
        }
        worker->queue = job->next;
        worker->running = job;
        worker->done = worker->total = 0;
        job->started_ms = clock_ms();
        pthread_mutex_unlock(&worker->mutex);

        job->err = (struct err){0};
        job->ok = job->run(job, worker->host, &progress, &job->err);
        job->ended_ms = clock_ms();

        pthread_mutex_lock(&worker->mutex);
        worker->untidy = true;
        finish(worker, job);
    }
    pthread_mutex_unlock(&worker->mutex);
    signals_unguard_thread();
    return NULL;
}

/* Signals belong to the other thread, except those that a thread causes itself. */
static bool start_thread(struct worker *worker, struct err *err)
{
    sigset_t own, others, old;
    signals_fatal(&own);
    sigfillset(&others);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&own, number) == 1)
            sigdelset(&others, number);
    pthread_sigmask(SIG_BLOCK, &others, &old);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    int code = pthread_create(&worker->thread, &attributes, work, worker);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code == 0 || err_set(err, ERR_OTHER, "cannot start a thread: %s", strerror(code));
}

struct worker *worker_start(void *host, bool confined, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        err_set(err, ERR_OTHER, "cannot make a pipe: %s", strerror(errno));
        return NULL;
    }
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->host = host;
    worker->confined = confined;
    worker->wake_read = fds[0];
    worker->wake_write = fds[1];
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->work, NULL);
    if (start_thread(worker, err))
        return worker;
    close(fds[0]);
    close(fds[1]);
    free(worker);
    return NULL;
}

static void release_list(struct job *list)
{
    while (list) {
        struct job *next = list->next;
        list->release(list);
        list = next;
    }
}

static void join(struct worker *worker, bool *how)
{
    pthread_mutex_lock(&worker->mutex);
    *how = true;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
}

static void dispose(struct worker *worker)
{
    release_list(worker->queue);
    release_list(worker->finished);
    snapshot_release(worker->published);
    for (char *line; (line = worker_take_line(worker));)
        free(line);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->work);
    close(worker->wake_read);
    close(worker->wake_write);
    free(worker);
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    join(worker, &worker->quit);
    dispose(worker);
}

void worker_finish(struct worker *worker, void *context)
{
    if (!worker)
        return;
    struct snapshot *none = NULL;
    join(worker, &worker->last);
    worker_collect(worker, &none, context);
    snapshot_release(none);
    dispose(worker);
}

struct call {
    struct job job;
    worker_body_fn *body;
    void *context;
};

static bool run_call(struct job *job, void *host, const struct progress *progress, struct err *err)
{
    struct call *call = (struct call *)job;
    (void)host;
    (void)progress;
    return call->body(call->context, err);
}

static void keep(struct job *job)
{
    (void)job; /* the caller looks at it */
}

bool worker_call(bool confined, worker_body_fn *body, void *context, struct err *err)
{
    struct call call = {.job = {.run = run_call, .release = keep}, .body = body,
                        .context = context};
    struct worker *worker = worker_start(NULL, confined, err);
    if (!worker)
        return false;
    worker_post(worker, &call.job);
    worker_finish(worker, NULL);
    if (!call.job.ok && err)
        *err = call.job.err;
    return call.job.ok;
}

struct reading {
    const char *path;
    size_t limit;
    char **data;
    size_t *size;
};

static bool read_file(void *context, struct err *err)
{
    struct reading *r = context;
    return file_read(r->path, r->limit, r->data, r->size, err);
}

bool worker_read_file(bool confined, const char *path, size_t limit, char **data, size_t *size,
                      struct err *err)
{
    struct reading r = {path, limit, data, size};
    return worker_call(confined, read_file, &r, err);
}

void worker_post(struct worker *worker, struct job *job)
{
    pthread_mutex_lock(&worker->mutex);
    insert_by_urgency(&worker->queue, job, false);
    struct job *running = worker->running;
    if (running && running->preemptible && running->urgency < job->urgency && !worker->cancel)
        worker->cancel = worker->requeue = true;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->mutex);
}

unsigned worker_cancel(struct worker *worker, unsigned kinds)
{
    unsigned found = 0;
    pthread_mutex_lock(&worker->mutex);
    for (struct job **at = &worker->queue; *at;) {
        struct job *job = *at;
        if (!(job->kind & kinds)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        found |= job->kind;
        job->ok = false;
        err_set(&job->err, ERR_CANCELLED, "stopped");
        append(&worker->finished, job);
        wake(worker);
    }
    if (worker->running && worker->running->kind & kinds) {
        found |= worker->running->kind;
        worker->cancel = true;
        worker->requeue = false;
    }
    pthread_mutex_unlock(&worker->mutex);
    return found;
}

static unsigned kinds_queued(const struct worker *worker)
{
    unsigned kinds = 0;
    for (const struct job *job = worker->queue; job; job = job->next)
        kinds |= job->kind;
    return kinds;
}

unsigned worker_pending(struct worker *worker)
{
    struct worker_activity activity;
    worker_activity(worker, &activity);
    return activity.kinds_queued | activity.kind_running;
}

void worker_activity(struct worker *worker, struct worker_activity *activity)
{
    pthread_mutex_lock(&worker->mutex);
    *activity = (struct worker_activity){
        .kinds_queued = kinds_queued(worker),
        .kind_running = worker->running ? worker->running->kind : 0,
        .done = worker->done,
        .total = worker->total,
        .started_ms = worker->running ? worker->running->started_ms : 0,
    };
    memcpy(activity->stage, worker->stage, sizeof activity->stage);
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_is_idle(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool idle = !worker->queue && !worker->running && !worker->finished && !worker->awake;
    pthread_mutex_unlock(&worker->mutex);
    return idle;
}

int worker_wake_fd(const struct worker *worker)
{
    return worker->wake_read;
}

bool worker_collect(struct worker *worker, struct snapshot **snapshot, void *context)
{
    char bytes[16];
    pthread_mutex_lock(&worker->mutex);
    bool anything = worker->awake;
    while (read(worker->wake_read, bytes, sizeof bytes) > 0)
        ;
    worker->awake = false;
    struct job *finished = worker->finished;
    worker->finished = NULL;
    struct snapshot *newest = snapshot_retain(worker->published);
    pthread_mutex_unlock(&worker->mutex);

    if (newest) {
        snapshot_release(*snapshot);
        *snapshot = newest;
    }
    while (finished) {
        struct job *next = finished->next;
        if (finished->done)
            finished->done(finished, context);
        finished->release(finished);
        finished = next;
    }
    return anything;
}

void worker_publish(void *context, struct snapshot *snapshot)
{
    struct worker *worker = context;
    snapshot_retain(snapshot);
    pthread_mutex_lock(&worker->mutex);
    struct snapshot *old = worker->published;
    worker->published = snapshot;
    wake(worker);
    pthread_mutex_unlock(&worker->mutex);
    snapshot_release(old);
}

void worker_log(void *context, const char *text)
{
    struct worker *worker = context;
    struct line *line = xcalloc(1, sizeof *line);
    line->text = xstrdup(text);
    pthread_mutex_lock(&worker->mutex);
    struct line **end = &worker->lines;
    while (*end)
        end = &(*end)->next;
    *end = line;
    wake(worker);
    pthread_mutex_unlock(&worker->mutex);
}

char *worker_take_line(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct line *line = worker->lines;
    if (line)
        worker->lines = line->next;
    pthread_mutex_unlock(&worker->mutex);
    char *text = line ? line->text : NULL;
    free(line);
    return text;
}
