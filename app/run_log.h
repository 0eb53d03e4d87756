/* The log of a run directory, read as it grows: log.jsonl into the plain data that the
 * Train screen and figures show. Any run can be followed, that of another process too. */
#ifndef APP_RUN_LOG_H
#define APP_RUN_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "app/growing.h"
#include "views/training.h"

/* directory: of the run. */
void run_log_open(struct growing *file, const char *directory);

/* Takes the lines that came since the last call (growing_read). */
bool run_log_read(struct growing *file, struct training_log *log, bool *changed, bool *more,
                  struct err *err);

/* One line; false when it is no line of a log. */
bool run_log_line(struct training_log *log, const char *text, size_t length);

/* What stands in the run directory beside the log: configuration, newest checkpoint.
 * False when it is no run directory. */
bool run_log_facts(const char *directory, struct training *t, struct err *err);

#endif
