#include "app/run_control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/refusal.h"
#include "app/run_log.h"
#include "app/run_plan.h"
#include "app/run_private.h"
#include "app/screens.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/train/run.h"

extern char **environ;

struct run_control *run_control_new(void)
{
    struct run_control *r = xcalloc(1, sizeof *r);
    r->in = r->out = -1;
    run_form_init(&r->form);
    return r;
}

static void close_pipes(struct run_control *r)
{
    if (r->in >= 0)
        close(r->in);
    if (r->out >= 0)
        close(r->out);
    r->in = r->out = -1;
}

void run_control_free(struct run_control *r)
{
    if (!r)
        return;
    close_pipes(r);
    run_shown_close(r);
    run_form_free(&r->form);
    run_plan_free(&r->plan);
    free(r);
}

struct run_form *run_control_form(struct session *s)
{
    return &s->run->form;
}

const struct run_plan *run_control_plan(struct session *s)
{
    run_plan_make(&s->run->form, !s->no_sandbox, &s->run->plan);
    return &s->run->plan;
}

bool run_control_estimate(const struct session *s, struct run_estimate *out)
{
    *out = s->run->estimate;
    return s->run->estimated;
}

void run_control_forget_estimate(struct session *s)
{
    s->run->estimated = false;
}

const struct training *run_control_shown(const struct session *s)
{
    const struct run_control *r = s->run;
    return r && r->has_run && !r->form_wanted ? &r->run : NULL;
}

void run_control_show_form(struct session *s, bool form)
{
    s->run->form_wanted = form;
}

bool run_control_alive(const struct session *s)
{
    return s->run && s->run->pid > 0;
}

bool run_control_trains(const struct session *s)
{
    return run_control_alive(s) && !s->run->dry_run;
}

bool run_control_paused(const struct session *s)
{
    return run_control_alive(s) && s->run->run.state == TRAINING_PAUSED;
}

bool run_control_is_busy(const struct session *s)
{
    const struct run_control *r = s->run;
    return run_control_alive(s) && (r->dry_run || r->run.state == TRAINING_STARTING ||
                                    r->run.state == TRAINING_STOPPING ||
                                    run_control_steps(s) >= r->run.total_steps);
}

size_t run_control_steps(const struct session *s)
{
    const struct training_log *log = &s->run->run.log;
    return s->run->has_run && log->n_steps ? log->steps[log->n_steps - 1].step : 0;
}

/* ---- the process ---------------------------------------------------------------- */

/* Starts this program with other arguments; its standard input and output are pipes,
 * its messages go nowhere. */
static bool spawn(struct run_control *r, const char *const *arguments, struct err *err)
{
    int to[2], from[2];
    const char *argv[RUN_FORM_ARGUMENTS + 1] = {"comprexit"};
    for (size_t i = 0; (argv[i + 1] = arguments[i]); i++)
        ;
    if (pipe2(to, O_CLOEXEC) != 0)
        return err_set(err, ERR_OTHER, "cannot make a pipe: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return err_set(err, ERR_OTHER, "cannot make a pipe: %s", strerror(errno));
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, from[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    /* a session of its own: the terminal's signals are not for it */
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETSID);
    int code = posix_spawn(&r->pid, "/proc/self/exe", &files, &how, (char *const *)argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    close(to[0]);
    close(from[1]);
    if (code != 0) {
        r->pid = 0;
        close(to[1]);
        close(from[0]);
        return err_set(err, ERR_OTHER, "cannot start the training process: %s", strerror(code));
    }
    r->in = to[1];
    r->out = from[0];
    fcntl(r->in, F_SETFL, O_NONBLOCK);
    fcntl(r->out, F_SETFL, O_NONBLOCK);
    r->began = r->stop_asked = r->told_end = r->suspended = false;
    r->used = 0;
    return true;
}

static void set_directory(struct training *t, const char *directory)
{
    text_sanitize(t->directory, sizeof t->directory, directory, strlen(directory));
    size_t length = strlen(t->directory);
    while (length > 1 && t->directory[length - 1] == '/')
        t->directory[--length] = '\0';
    snprintf(t->name, sizeof t->name, "%.*s", (int)sizeof t->name - 1, file_name(t->directory));
}

static void begin_run(struct session *s)
{
    struct run_control *r = s->run;
    run_shown_close(r);
    r->has_run = true;
    r->form_wanted = false;
    struct training *t = &r->run;
    *t = (struct training){.state = TRAINING_STARTING, .saved_ago_s = -1, .log_age_s = -1,
                           .eta_s = -1};
    set_directory(t, r->form.directory);
    snprintf(t->phase, sizeof t->phase, "%s", r->form.phase);
    text_sanitize(t->preset, sizeof t->preset, r->form.preset, strlen(r->form.preset));
    char data[512];
    run_form_data_text(&r->form, data, sizeof data);
    text_sanitize(t->data, sizeof t->data, data, strlen(data));
    snprintf(t->model, sizeof t->model, "%s", s->snapshot->facts.model);
    run_shown_open(s, r->form.directory);
}

bool run_control_begin(struct session *s, bool dry_run, struct err *err)
{
    struct run_control *r = s->run;
    const char *arguments[RUN_FORM_ARGUMENTS];
    if (r->pid > 0)
        return err_set(err, ERR_USAGE, "a run is in progress" WAY "⁅C-c⁆ stops it");
    if (!run_form_complete(&r->form, dry_run, err))
        return false;
    run_form_arguments(&r->form, s->model_path, !s->no_sandbox, dry_run, arguments);
    if (!spawn(r, arguments, err))
        return false;
    r->dry_run = dry_run;
    if (dry_run)
        r->estimated = false;
    else
        begin_run(s);
    r->next_look_ms = s->now_ms + RUN_LOOK_MS;
    return true;
}

bool run_control_watch(struct session *s, const char *directory, struct err *err)
{
    struct run_control *r = s->run;
    struct training facts = {0};
    if (r->pid > 0)
        return err_set(err, ERR_USAGE, "a run is in progress" WAY "⁅C-c⁆ stops it");
    if (!run_shown_facts(s, directory, &facts, err))
        return false;
    run_shown_close(r);
    r->has_run = true;
    r->form_wanted = false;
    r->run = facts;
    r->run.state = TRAINING_WATCHED;
    r->run.eta_s = -1;
    set_directory(&r->run, directory);
    run_shown_open(s, directory);
    run_shown_look(s);
    return true;
}

bool run_control_say(struct session *s, const char *word, struct err *err)
{
    struct run_control *r = s->run;
    char line[32];
    if (r->pid <= 0 || r->in < 0)
        return err_set(err, ERR_USAGE, "no run of this program is in progress" WAY
                       ":train begins one");
    int length = snprintf(line, sizeof line, "%s\n", word);
    if (write(r->in, line, (size_t)length) != length)
        return err_set(err, ERR_USAGE, "the run has ended, or is about to" WAY
                       ":train begins another");
    if (strcmp(word, "stop") == 0) {
        r->stop_asked = true;
        r->run.state = TRAINING_STOPPING;
    }
    s->dirty = true;
    return true;
}

void run_control_suspend(struct session *s, bool suspended)
{
    struct err ignored = {0};
    if (!run_control_alive(s))
        return;
    if (suspended && s->run->run.state == TRAINING_PAUSED)
        return;
    if (!suspended && !s->run->suspended)
        return;
    s->run->suspended = suspended;
    run_control_say(s, suspended ? "pause" : "resume", &ignored);
}

void run_control_quit_after(struct session *s)
{
    s->run->quit_after = true;
}

/* ---- events ---------------------------------------------------------------------- */

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

static size_t count_of(const json_t *event, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(event, key));
    return n > 0 ? (size_t)n : 0;
}

static void take_estimate(struct run_control *r, const json_t *event)
{
    r->estimated = true;
    r->estimate = (struct run_estimate){
        .parameters = count_of(event, "parameters"),
        .memory_bytes = count_of(event, "memory_bytes"),
        .disk_bytes = count_of(event, "disk_bytes"),
        .step_ms = json_number_value(json_object_get(event, "step_ms")),
        .validation_ms = json_number_value(json_object_get(event, "validation_ms")),
        .total_ms = json_number_value(json_object_get(event, "total_ms")),
    };
}

/* What can be done after a failure, and what is left. */
static const char *way_on(const struct run_control *r)
{
    if (r->dry_run)
        return ":train changes the form" WAY "nothing was written";
    if (r->run.log.n_steps == 0)
        return ":train changes the form" WAY "no step was done";
    return ":train resume start goes on" WAY "what was saved stays";
}

static void end_with(struct session *s, enum training_state state, const char *message)
{
    if (!s->run->dry_run)
        s->run->run.state = state;
    s->run->run.stage[0] = '\0';
    if (message[0])
        run_shown_line(s, message);
    if (state == TRAINING_FAILED)
        session_warn(s, "%s" WAY "%s", message, way_on(s->run));
    else if (!s->run->dry_run)
        session_note(s, "the run has ended: %s", message[0] ? message : "all steps are done");
}

static void take_end(struct session *s, const json_t *event)
{
    struct run_control *r = s->run;
    json_int_t code = json_integer_value(json_object_get(event, "code"));
    bool wanted = code == 0 || (code == ERR_CANCELLED && r->stop_asked);
    r->told_end = true;
    end_with(s, wanted ? TRAINING_ENDED : TRAINING_FAILED, text_of(event, "message"));
}

static void take_event(struct session *s, const json_t *event)
{
    struct run_control *r = s->run;
    struct training *t = &r->run;
    const char *kind = text_of(event, "event");
    if (strcmp(kind, "stage") == 0) {
        const char *stage = text_of(event, "stage");
        text_sanitize(t->stage, sizeof t->stage, stage, strlen(stage));
        t->done = count_of(event, "done");
        t->total = count_of(event, "total");
    } else if (strcmp(kind, "started") == 0) {
        r->began = true;
        if (t->state == TRAINING_STARTING)
            t->state = TRAINING_RUNNING;
        run_shown_look(s);
    } else if (strcmp(kind, "step") == 0) {
        run_shown_read(s);
    } else if (strcmp(kind, "note") == 0) {
        run_shown_line(s, text_of(event, "text"));
    } else if (strcmp(kind, "saved") == 0) {
        run_shown_saved(s, count_of(event, "step"), (double)count_of(event, "parameter_bytes"),
                        (double)count_of(event, "moment_bytes"));
    } else if (strcmp(kind, "looked") == 0) {
        run_shown_look(s);
    } else if (strcmp(kind, "paused") == 0 && t->state != TRAINING_STOPPING) {
        t->state = TRAINING_PAUSED;
    } else if (strcmp(kind, "resumed") == 0 && t->state != TRAINING_STOPPING) {
        t->state = r->began ? TRAINING_RUNNING : TRAINING_STARTING;
    } else if (strcmp(kind, "estimate") == 0) {
        take_estimate(r, event);
    } else if (strcmp(kind, "end") == 0) {
        take_end(s, event);
    }
}

static void take_lines(struct session *s)
{
    struct run_control *r = s->run;
    size_t at = 0;
    for (char *end; (end = memchr(r->event + at, '\n', r->used - at));) {
        size_t length = (size_t)(end - r->event) - at;
        json_t *event = json_loadb(r->event + at, length, 0, NULL);
        if (event)
            take_event(s, event);
        json_decref(event);
        at += length + 1;
    }
    r->used -= at;
    memmove(r->event, r->event + at, r->used);
    if (r->used == sizeof r->event)
        r->used = 0;
}

/* The process is gone; without a word at its end it died. */
static void take_exit(struct session *s)
{
    struct run_control *r = s->run;
    int status = 0;
    char text[160];
    pid_t got = waitpid(r->pid, &status, WNOHANG);
    if (got == 0)
        return; /* it is about to */
    r->pid = 0;
    close_pipes(r);
    run_shown_look(s);
    if (!r->told_end) {
        if (WIFSIGNALED(status))
            snprintf(text, sizeof text,
                     "the training process was killed by signal %d; `train resume` goes on from "
                     "step %zu",
                     WTERMSIG(status), r->run.saved_step);
        else
            snprintf(text, sizeof text, "the training process ended with code %d",
                     WEXITSTATUS(status));
        end_with(s, TRAINING_FAILED, text);
    }
    screens_refresh(s);
    if (r->quit_after)
        s->quit = true;
}

int run_control_fd(const struct session *s)
{
    return s->run ? s->run->out : -1;
}

void run_control_take(struct session *s)
{
    struct run_control *r = s->run;
    ssize_t n = read(r->out, r->event + r->used, sizeof r->event - r->used);
    if (n > 0) {
        r->used += (size_t)n;
        take_lines(s);
        screens_refresh(s);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(r->out);
        r->out = -1;
        take_exit(s);
    }
    s->dirty = true;
}

/* Is there a log to be looked at again and again? One that ended tells for how long. */
static bool looks(const struct session *s)
{
    const struct run_control *r = s->run;
    bool shown = r && r->has_run && s->view.screen == SCREEN_TRAIN;
    return shown || run_control_alive(s);
}

void run_control_tick(struct session *s)
{
    struct run_control *r = s->run;
    run_shown_play(s);
    if (!looks(s) || s->now_ms < r->next_look_ms)
        return;
    r->next_look_ms = s->now_ms + RUN_LOOK_MS;
    if (r->pid > 0 && r->out < 0)
        take_exit(s);
    else
        run_shown_look(s);
}

double run_control_due_ms(const struct session *s)
{
    const struct run_control *r = s->run;
    double due = looks(s) ? r->next_look_ms : -1;
    if (s->view.train.playing && (due < 0 || r->next_probe_ms < due))
        due = r->next_probe_ms;
    return due;
}
