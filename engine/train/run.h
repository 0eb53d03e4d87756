/* A whole training run: data, run directory, steps, validations, checkpoints. Used
 * by `comprexit train` and by the Train screen alike. */
#ifndef ENGINE_TRAIN_RUN_H
#define ENGINE_TRAIN_RUN_H

#include "engine/data/records.h"
#include "engine/train/run_dir.h"

struct run_data {
    const char *path;
    double weight;
};

struct run_options {
    struct train_config config; /* of a new run; a resumed one has its own */
    size_t steps; /* a resumed run goes on until so many; 0 = as it was configured */
    struct model *model;        /* borrowed */
    const struct run_data *data;
    size_t n_data;
    struct records_options records;
    const char *directory;
    bool resume, accept_data_change;
    struct ranks ranks; /* from ranks_begin(); size 0 counts as one process */
    bool overfit_one; /* every step on the same first batch: a test of the machinery */
};

/* What the run tells, on the thread that runs it. Members may be NULL. */
struct run_listener {
    void *context;
    /* before the first step; `t` is borrowed until the run ends */
    void (*started)(void *context, const struct trainer *t);
    void (*step)(void *context, const struct trainer *t, const struct step_report *r);
    void (*validated)(void *context, const struct trainer *t, const struct validation *v,
                      size_t n, bool best);
    void (*saved)(void *context, const struct trainer *t, const char *path, double ms);
    void (*note)(void *context, const char *text);
    /* asked between steps; true: save and end */
    bool (*stop)(void *context);
    /* asked between steps; true: save now and go on */
    bool (*save)(void *context);
    /* asked inside a step; false: give the step up and end (ERR_CANCELLED) */
    struct progress progress;
};

/* Where several processes share a run, all call this; only rank 0 tells, writes and
 * validates.
 *
 * Runs until the steps are done or stop() says so; *err tells why it ended
 * early (ERR_CANCELLED after stop()). A run directory with checkpoints is only
 * continued with `resume`. */
bool train_run(const struct run_options *options, const struct run_listener *listener,
               struct err *err);

/* What a run would take, found out by two steps that are thrown away. */
struct run_estimate {
    size_t parameters;   /* numbers that are trained */
    size_t memory_bytes; /* beside the model and the data */
    size_t peak_bytes;   /* of the whole process */
    size_t disk_bytes;   /* of all checkpoints that are kept */
    double step_ms;
    double validation_ms;
    double total_ms;
};
bool train_estimate(const struct run_options *options, struct run_estimate *out,
                    const struct progress *progress, struct err *err);

#endif
