/* The log of a run directory, read as it grows: log.jsonl into the plain data that the
 * Train screen and figures show. Nothing is locked and nothing is written, so any run
 * can be followed, that of another process too. */
#ifndef APP_RUN_LOG_H
#define APP_RUN_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "views/training.h"

struct run_log_reader {
    char *path; /* of log.jsonl, owned */
    long long offset; /* bytes taken so far, up to the end of a line */
};

/* directory: of the run. */
void run_log_open(struct run_log_reader *reader, const char *directory);
void run_log_close(struct run_log_reader *reader);

/* Takes the whole lines that came since the last call, at most RUN_LOG_BYTES of them; a
 * log that became shorter (its run was resumed from a checkpoint) is read anew. *changed
 * tells whether there was anything, *more whether there still is. An absent file is an
 * empty log. */
enum { RUN_LOG_BYTES = 256 << 10 };
bool run_log_read(struct run_log_reader *reader, struct training_log *log, bool *changed,
                  bool *more, struct err *err);

/* One line; false when it is no line of a log. */
bool run_log_line(struct training_log *log, const char *text, size_t length);

/* What stands in the run directory beside the log: configuration, newest checkpoint.
 * False when it is no run directory. */
bool run_log_facts(const char *directory, struct training *t, struct err *err);

/* Seconds since the log was written to, -1 when there is none. */
double run_log_age(const struct run_log_reader *reader);

#endif
