/* The looks at a run's probe text (app/train_probe.h) as the Train screen shows them:
 * probes.jsonl as it grows, and of the session files the windows that are looked at. */
#ifndef APP_RUN_PROBES_H
#define APP_RUN_PROBES_H

#include "app/growing.h"
#include "views/training.h"

/* directory: of the run. */
void run_probes_open(struct growing *file, const char *directory);

/* Takes the looks that came since the last call; *changed: were there any? */
bool run_probes_read(struct growing *file, struct training *t, bool *changed, struct err *err);

/* One line; false when it is none of a look. */
bool run_probes_line(struct training *t, const char *text, size_t length);

/* Reads the window of a look, when that was not done yet. False when its file is gone or
 * is not one; that is tried once. */
bool run_probes_load(struct training *t, size_t index, struct err *err);

/* The session file of a look, to be freed. */
char *run_probes_file(const struct training *t, size_t index);

#endif
