/* Inside of run_control.c (the process) and run_shown.c (what is shown of its run). */
#ifndef APP_RUN_PRIVATE_H
#define APP_RUN_PRIVATE_H

#include <sys/types.h>

#include "app/growing.h"
#include "app/run_control.h"
#include "engine/train/run.h"
#include "views/run_plan.h"

enum { RUN_LOOK_MS = 1000, RUN_EVENT_BYTES = 8192 };

struct run_control {
    struct run_form form;
    struct run_plan plan;
    bool form_wanted;
    struct training run;
    bool has_run;
    bool followed; /* all that was in the log at first is read */
    struct growing log, looks;
    pid_t pid; /* 0: none */
    int in, out; /* commands to it, events from it; -1 */
    bool dry_run, began, stop_asked, told_end, quit_after, suspended;
    char event[RUN_EVENT_BYTES];
    size_t used;
    double next_look_ms, next_probe_ms, probe_ms;
    struct run_estimate estimate;
    bool estimated;
};

/* Begins to show the run of a directory; forgets what was shown. */
void run_shown_open(struct session *s, const char *directory);
void run_shown_close(struct run_control *r);

/* A line of the log on screen. */
void run_shown_line(struct session *s, const char *text);

/* A checkpoint of this step was saved and read back. */
void run_shown_saved(struct session *s, size_t step, double parameter_bytes, double moment_bytes);

/* What the log has to say that it had not before; and all there is to see in the directory. */
void run_shown_read(struct session *s);
void run_shown_look(struct session *s);

/* run_log_facts in a confined thread. */
bool run_shown_facts(const struct session *s, const char *directory, struct training *t,
                     struct err *err);

/* The looks that play. */
void run_shown_play(struct session *s);

#endif
