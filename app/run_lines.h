/* The lines of the log on screen, made of a run's log and of what its process says. */
#ifndef APP_RUN_LINES_H
#define APP_RUN_LINES_H

#include "views/training.h"

/* Appends a line; the oldest goes when there are too many. when: "" without a clock. */
void run_lines_add(struct training *t, const char *when, const char *text);

/* Lines of the steps and checks of the log from these on. clock: the time of day; "": the log
 * itself tells how far into its steps the run was. */
void run_lines_add_logged(struct training *t, const char *clock, size_t first_step,
                          size_t first_check);

/* That a checkpoint of so many bytes was saved and read back: behind the check of the same
 * step, or a line of its own. */
void run_lines_add_saved(struct training *t, const char *when, size_t step, double parameter_bytes,
                         double moment_bytes);

#endif
