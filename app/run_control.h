/* Training as the explorer has it: a process of its own (`comprexit train --control`)
 * that is steered through a pipe, and a run directory whose log is read as it grows.
 * So a run cannot hold up or take down the interface, whatever becomes of either: a
 * training process whose explorer is gone finds its input ended, saves after its step
 * and ends. A run of another process is followed by its directory alone.
 *
 * Nothing here waits. One of these belongs to a session (session.run). */
#ifndef APP_RUN_CONTROL_H
#define APP_RUN_CONTROL_H

#include <stdbool.h>

#include "app/run_form.h"
#include "app/session.h"
#include "views/training.h"

struct run_control;

struct run_control *run_control_new(void);
/* Ends the process's input: it saves and ends by itself. */
void run_control_free(struct run_control *run);

struct run_form *run_control_form(struct session *s);

/* What a run from the form would do, made anew; kept until the next time. */
const struct run_plan *run_control_plan(struct session *s);

/* What a dry run said; false when there was none since the form was changed. */
struct run_estimate;
bool run_control_estimate(const struct session *s, struct run_estimate *out);
void run_control_forget_estimate(struct session *s);

/* The run on screen, or NULL: none was begun, or the form is wanted. */
const struct training *run_control_shown(const struct session *s);
void run_control_show_form(struct session *s, bool form);

/* Begins the form's run, or measures it. */
bool run_control_begin(struct session *s, bool dry_run, struct err *err);

/* Follows a run directory. */
bool run_control_watch(struct session *s, const char *directory, struct err *err);

/* Puts a look at the probe text on screen (one beyond the last: the last, also when more
 * come); plays them, or holds; and its session file, to be freed, NULL without looks. */
void run_control_probe(struct session *s, size_t index);
bool run_control_play(struct session *s, double fps, struct err *err);
char *run_control_probe_file(const struct session *s);

/* "pause", "resume", "save", "stop" to the process. */
bool run_control_say(struct session *s, const char *word, struct err *err);

/* Is a process of ours there? Is it one that trains? */
bool run_control_alive(const struct session *s);
bool run_control_trains(const struct session *s);
bool run_control_paused(const struct session *s);

/* Is there something whose end `wait idle` waits for: a dry run, a start? */
bool run_control_is_busy(const struct session *s);

/* The process stands still while the program is suspended. */
void run_control_suspend(struct session *s, bool suspended);

/* The program ends once the run has saved and ended. */
void run_control_quit_after(struct session *s);

/* Steps that are done; for scripts that wait. */
size_t run_control_steps(const struct session *s);

/* For the loop: what to poll (-1: nothing), what to do when it is readable, and the
 * regular look; when the next one is due (-1: never). */
int run_control_fd(const struct session *s);
void run_control_take(struct session *s);
void run_control_tick(struct session *s);
double run_control_due_ms(const struct session *s);

#endif
