/* What a training run tells while it goes on: log lines for people on standard error, or
 * events for a program that steers it; and what it is told to do (stop, save). */
#ifndef APP_TRAIN_LOG_H
#define APP_TRAIN_LOG_H

#include "app/cli.h"
#include "app/report.h"
#include "app/train_control.h"
#include "app/train_probe.h"
#include "engine/train/run.h"

enum { TRAIN_HISTORY = 128 }; /* steps over which the z-scores of loss and norm look back */

struct train_history {
    double value[TRAIN_HISTORY];
    size_t count;
};

struct train_log {
    const struct cli_arguments *arguments;
    const char *directory; /* of the run, borrowed */
    size_t log_every;      /* steps between lines */
    struct train_history loss, norm;
    struct train_control control;
    struct progress_line line; /* until the run has begun, or ends its measuring */
    struct train_probe probe;
};

/* How far reading and measuring are, to who steers or on a terminal; context: the log. */
bool train_log_tick(void *context, const char *stage, size_t done, size_t total);

/* For train_run; borrows the log. */
struct run_listener train_log_listener(struct train_log *log);

#endif
