/* One thread that does the long work, job after job.
 *
 *   post ------> queue (by urgency, then first come) --> run() on the worker
 *   collect <--- finished jobs <-------------------------- with their result
 *
 * run() is the only function of a job that the worker thread calls; done() and
 * release() run on the thread that posts and collects. A job is stopped through
 * its progress callback: cancelled for good, or preempted by a more urgent one
 * and put back into the queue.
 *
 * Invariants: every field of struct worker below `mutex` is touched only with
 * the mutex held. At most one byte is in the wake pipe: the worker writes one
 * only when the flag says that none is there, and worker_collect clears both; so
 * a reader that collects at most 30 times a second is woken at most that often
 * and never misses the last result. */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/progress.h"

struct snapshot;
struct worker;

/* Kinds are bits, so that a set of them can be superseded at once. */
#define JOB_KINDS(X)                                                           \
    X(OPEN, "open")                                                            \
    X(DOCUMENT, "document")                                                    \
    X(SETTINGS, "settings")                                                    \
    X(MUTE, "mute")                                                            \
    X(READ, "read")                                                            \
    X(ASK, "ask")                                                              \
    X(LOSS, "loss")                                                            \
    X(CONTROL, "control")                                                      \
    X(DATA, "data")                                                            \
    X(SAMPLE, "sample")                                                        \
    X(EVAL, "eval")                                                            \
    X(EXPORT, "export")                                                        \
    X(SAVE, "save")                                                            \
    X(HASH, "hash")

#define JOB_KIND_INDEX(id, name) JOB_INDEX_##id,
enum job_index { JOB_KINDS(JOB_KIND_INDEX) JOB_KIND_COUNT };
#undef JOB_KIND_INDEX
#define JOB_KIND_BIT(id, name) JOB_##id = 1 << JOB_INDEX_##id,
enum job_kind { JOB_KINDS(JOB_KIND_BIT) JOB_ANY = (1 << JOB_KIND_COUNT) - 1 };
#undef JOB_KIND_BIT

/* Embedded as the first member of what a job needs. */
struct job {
    enum job_kind kind;
    int urgency;      /* higher runs first */
    bool preemptible; /* a more urgent job stops it; it runs again afterwards */
    bool (*run)(struct job *job, void *host, const struct progress *progress, struct err *err);
    void (*done)(struct job *job, void *context); /* may be NULL */
    void (*release)(struct job *job);             /* frees it */

    /* Filled in by the worker. */
    bool ok;
    struct err err; /* ERR_CANCELLED when stopped */
    double started_ms, ended_ms;
    struct job *next;
};

/* What the worker is at. */
struct worker_activity {
    unsigned kinds_queued; /* bits */
    unsigned kind_running; /* bit, 0 = idle */
    char stage[48];
    size_t done, total;
    double started_ms; /* of the running job */
};

/* host: handed to every run(), touched by the worker thread only. confined: its jobs can
 * write no file and start no program (sandbox.h). */
struct worker *worker_start(void *host, bool confined, struct err *err);

/* Cancels everything, waits for the running job to give up, releases all jobs. */
void worker_stop(struct worker *worker);

/* Lets everything that is queued run to its end, calls done and release of it all
 * here, and frees the worker. */
void worker_finish(struct worker *worker, void *context);

/* For readers of files of unknown origin: runs body to its end in a thread like a worker's, and
 * returns what it returns. */
typedef bool worker_body_fn(void *context, struct err *err);
bool worker_call(bool confined, worker_body_fn *body, void *context, struct err *err);

/* file_read in such a thread. */
bool worker_read_file(bool confined, const char *path, size_t limit, char **data, size_t *size,
                      struct err *err);

/* Takes over the job. A running job that is less urgent and preemptible makes
 * room. */
void worker_post(struct worker *worker, struct job *job);

/* Cancels queued and running jobs of these kinds; queued ones come back as
 * finished with ERR_CANCELLED. Returns the kinds that were there. */
unsigned worker_cancel(struct worker *worker, unsigned kinds);

/* Kinds that are queued or running. */
unsigned worker_pending(struct worker *worker);
void worker_activity(struct worker *worker, struct worker_activity *activity);

/* Nothing to do, and nothing to collect. */
bool worker_is_idle(struct worker *worker);

/* The descriptor that becomes readable when there is something to collect. */
int worker_wake_fd(const struct worker *worker);

/* Takes the newest published snapshot into *snapshot (the caller's reference
 * then; the old one is released), and runs done and release of the finished
 * jobs. True when anything was new. */
bool worker_collect(struct worker *worker, struct snapshot **snapshot, void *context);

/* The next line of the engine's log, to be freed; NULL when there is none. */
char *worker_take_line(struct worker *worker);

/* For run(): adds a line to that log. Like worker_publish it wants the worker as
 * its context. */
void worker_log(void *worker, const char *line);

/* For run(): replaces the published snapshot (retained here). Wants the worker
 * as context, so it is struct engine_options.publish as it stands. */
void worker_publish(void *worker, struct snapshot *snapshot);

#endif
