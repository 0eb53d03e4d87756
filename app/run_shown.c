#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/run_lines.h"
#include "app/refusal.h"
#include "app/run_log.h"
#include "app/run_private.h"
#include "app/run_probes.h"
#include "engine/base/file.h"
#include "engine/base/machine.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum { ETA_STEPS = 16 };

void run_shown_close(struct run_control *r)
{
    growing_close(&r->log);
    growing_close(&r->looks);
    training_free(&r->run);
    r->has_run = r->followed = false;
}

void run_shown_open(struct session *s, const char *directory)
{
    run_log_open(&s->run->log, directory);
    run_probes_open(&s->run->looks, directory);
    s->view.train = (struct train_state){.probe = SIZE_MAX};
}

/* "" where there is no clock on screen. */
static void clock_text(const struct session *s, char out[12])
{
    time_t now = time(NULL);
    struct tm tm;
    out[0] = '\0';
    if (!s->headless && localtime_r(&now, &tm))
        strftime(out, 12, "%H:%M:%S", &tm);
}

void run_shown_line(struct session *s, const char *text)
{
    char when[12];
    clock_text(s, when);
    run_lines_add(&s->run->run, when, text);
}

void run_shown_saved(struct session *s, size_t step, double parameter_bytes, double moment_bytes)
{
    struct training *t = &s->run->run;
    char when[12];
    clock_text(s, when);
    t->checked_step = step;
    run_shown_look(s);
    run_lines_add_saved(t, when, step, parameter_bytes, moment_bytes);
}

/* The mean of the last steps, for those that are left. */
static double eta_of(const struct training *t)
{
    const struct training_log *log = &t->log;
    size_t n = log->n_steps, from = n > ETA_STEPS ? n - ETA_STEPS : 0;
    double sum = 0;
    if (n == 0 || t->total_steps < log->steps[n - 1].step)
        return -1;
    for (size_t i = from; i < n; i++)
        sum += log->steps[i].ms > 0 ? log->steps[i].ms : 0;
    return sum / (double)(n - from) * (double)(t->total_steps - log->steps[n - 1].step) / 1e3;
}

/* Resident memory of the process, in bytes. */
static double resident_bytes(pid_t pid)
{
    char path[64], line[128] = "";
    unsigned long total = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 && sscanf(line, "%lu %lu", &total, &resident) == 2
               ? (double)resident * (double)sysconf(_SC_PAGESIZE)
               : 0;
}

/* Lines for what the log has more than it had; when those came that were there before the run was
 * opened or taken up again, the log alone tells. */
static void add_logged(struct session *s, size_t steps, size_t checks)
{
    struct run_control *r = s->run;
    struct training *t = &r->run;
    char when[12] = "";
    bool again = t->log.n_steps < steps || t->log.n_checks < checks; /* begun anew */
    if (r->followed)
        clock_text(s, when);
    run_lines_add_logged(t, when, again ? 0 : steps, again ? 0 : checks);
}

/* A look at a file of the run, which may be anybody's: read in a confined thread. */
struct look {
    struct run_control *run;
    bool changed, more;
};

static bool read_log(void *context, struct err *err)
{
    struct look *l = context;
    return run_log_read(&l->run->log, &l->run->run.log, &l->changed, &l->more, err);
}

static bool read_looks(void *context, struct err *err)
{
    struct look *l = context;
    return run_probes_read(&l->run->looks, &l->run->run, &l->changed, err);
}

struct facts {
    const char *directory;
    struct training *training;
};

static bool read_facts(void *context, struct err *err)
{
    struct facts *f = context;
    return run_log_facts(f->directory, f->training, err);
}

bool run_shown_facts(const struct session *s, const char *directory, struct training *t,
                     struct err *err)
{
    struct facts facts = {directory, t};
    return worker_call(!s->no_sandbox, read_facts, &facts, err);
}

void run_shown_read(struct session *s)
{
    struct run_control *r = s->run;
    struct err err = {0};
    struct look look = {.run = r};
    if (!r->log.path)
        return;
    size_t steps = r->run.log.n_steps, checks = r->run.log.n_checks;
    if (!worker_call(!s->no_sandbox, read_log, &look, &err))
        session_fail(s, &err, ":watch RUN opens it anew", "what was read stays");
    if (look.changed)
        add_logged(s, steps, checks);
    r->followed = r->followed || !look.more;
    r->next_look_ms = look.more ? s->now_ms : s->now_ms + RUN_LOOK_MS;
    if (look.changed)
        r->run.eta_s = eta_of(&r->run);
}

static bool load_probe_of(void *context, struct err *err)
{
    struct session *s = context;
    struct training *run = &s->run->run;
    return run_probes_load(run, size_min(s->view.train.probe, run->n_probes - 1), err);
}

/* The window of the look on screen is read when it is wanted first: a session file, which may be
 * anybody's. */
static void load_probe(struct session *s)
{
    const struct training *run = &s->run->run;
    struct err err = {0};
    if (run->n_probes == 0 || run->probes[size_min(s->view.train.probe, run->n_probes - 1)].loaded)
        return;
    if (!worker_call(!s->no_sandbox, load_probe_of, s, &err) && err.text[0])
        session_fail(s, &err, ":watch RUN opens it anew", "what was read stays");
}

static void read_probes(struct session *s)
{
    struct run_control *r = s->run;
    struct err err = {0};
    struct look look = {.run = r};
    if (r->looks.path && !worker_call(!s->no_sandbox, read_looks, &look, &err))
        session_fail(s, &err, ":watch RUN opens it anew", "what was read stays");
    if (look.changed)
        load_probe(s);
}

void run_control_probe(struct session *s, size_t index)
{
    size_t n = s->run->run.n_probes;
    s->view.train.probe = n && index + 1 >= n ? SIZE_MAX : index; /* the last stays the last */
    load_probe(s);
    s->dirty = true;
}

char *run_control_probe_file(const struct session *s)
{
    const struct training *t = &s->run->run;
    return t->n_probes ? run_probes_file(t, size_min(s->view.train.probe, t->n_probes - 1)) : NULL;
}

bool run_control_play(struct session *s, double fps, struct err *err)
{
    struct train_state *v = &s->view.train;
    if (v->playing) {
        v->playing = false;
        s->dirty = true;
        return true;
    }
    if (s->run->run.n_probes < 2)
        return err_set(err, ERR_USAGE, "nothing to play, the run looked at its probe less than "
                                       "twice" WAY "each validation is a look");
    v->playing = true;
    s->run->probe_ms = 1e3 / fps;
    s->run->next_probe_ms = s->now_ms + s->run->probe_ms;
    if (v->probe + 1 >= s->run->run.n_probes)
        run_control_probe(s, 0);
    return true;
}

void run_shown_play(struct session *s)
{
    struct run_control *r = s->run;
    struct train_state *v = &s->view.train;
    while (v->playing && s->now_ms >= r->next_probe_ms) {
        r->next_probe_ms += r->probe_ms;
        run_control_probe(s, v->probe + 1);
        v->playing = v->probe != SIZE_MAX;
    }
}

/* A save that does not read back ends its run: one with steps behind it did. */
static void infer_checked(struct training *t)
{
    size_t n = t->log.n_steps;
    if (t->saved_step && n && t->log.steps[n - 1].step > t->saved_step)
        t->checked_step = t->saved_step;
}

void run_shown_look(struct session *s)
{
    struct run_control *r = s->run;
    run_shown_read(s);
    read_probes(s);
    if (r->log.path && file_is_directory(r->run.directory))
        run_shown_facts(s, r->run.directory, &r->run, NULL);
    infer_checked(&r->run);
    r->run.log_age_s = s->headless ? -1 : growing_age(&r->log);
    if (s->headless)
        r->run.saved_ago_s = -1;
    r->run.memory_bytes = r->pid > 0 && !s->headless ? resident_bytes(r->pid) : 0;
    size_t left = machine_memory_available();
    r->run.memory_all = r->run.memory_bytes > 0 && left < SIZE_MAX
                            ? r->run.memory_bytes + (double)left : 0;
    s->dirty = true;
}
