#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/run_log.h"
#include "app/run_private.h"
#include "app/run_probes.h"
#include "engine/base/file.h"
#include "engine/base/machine.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum { LINES_KEPT = 500, ETA_STEPS = 16 };

void run_shown_close(struct run_control *r)
{
    growing_close(&r->log);
    growing_close(&r->looks);
    training_free(&r->run);
    r->has_run = false;
}

void run_shown_open(struct session *s, const char *directory)
{
    run_log_open(&s->run->log, directory);
    run_probes_open(&s->run->looks, directory);
    s->view.train = (struct train_state){.probe = SIZE_MAX};
}

void run_shown_line(struct session *s, const char *text)
{
    struct training *t = &s->run->run;
    char clean[512];
    text_sanitize(clean, sizeof clean, text, strlen(text));
    if (t->n_lines == LINES_KEPT) {
        free(t->lines[0].text);
        memmove(t->lines, t->lines + 1, --t->n_lines * sizeof *t->lines);
    }
    MEM_GROW(t->lines, t->lines_capacity, t->n_lines + 1);
    struct training_line *line = &t->lines[t->n_lines++];
    *line = (struct training_line){.text = xstrdup(clean)};
    time_t now = time(NULL);
    struct tm tm;
    bool now_known = !s->headless && s->run->run.state != TRAINING_WATCHED;
    if (now_known && localtime_r(&now, &tm))
        strftime(line->when, sizeof line->when, "%H:%M:%S", &tm);
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

/* A watched run does not tell: its log is all there is to say. */
static void add_logged(struct session *s, size_t first_step, size_t first_check)
{
    const struct training_log *log = &s->run->run.log;
    char text[256];
    for (size_t i = first_step; i < log->n_steps; i++) {
        const struct training_step *step = &log->steps[i];
        snprintf(text, sizeof text, "step %zu | loss %.3f | norm %.2f | lr %.2e | %.0f ms",
                 step->step, step->loss, step->norm, step->lr, step->ms);
        run_shown_line(s, text);
        for (; first_check < log->n_checks && log->checks[first_check].step <= step->step;
             first_check++) {
            const struct training_check *c = &log->checks[first_check];
            snprintf(text, sizeof text,
                     "step %zu | held-out %s | compressed %.3f wrong %.3f full %.3f none %.3f",
                     c->step, log->kind[c->kind], c->compressed, c->wrong, c->full, c->none);
            run_shown_line(s, text);
        }
    }
}

void run_shown_read(struct session *s)
{
    struct run_control *r = s->run;
    struct err err = {0};
    bool changed = false, more = false;
    if (!r->log.path)
        return;
    size_t steps = r->run.log.n_steps, checks = r->run.log.n_checks;
    if (!run_log_read(&r->log, &r->run.log, &changed, &more, &err))
        session_warn(s, "%s", err.text);
    if (r->run.state == TRAINING_WATCHED && changed)
        add_logged(s, r->run.log.n_steps < steps ? 0 : steps,
                   r->run.log.n_checks < checks ? 0 : checks);
    r->next_look_ms = more ? s->now_ms : s->now_ms + RUN_LOOK_MS;
    if (changed)
        r->run.eta_s = eta_of(&r->run);
}

/* The window of the look on screen is read when it is wanted first. */
static void load_probe(struct session *s)
{
    struct run_control *r = s->run;
    struct err err = {0};
    size_t n = r->run.n_probes;
    if (n && !run_probes_load(&r->run, size_min(s->view.train.probe, n - 1), &err) && err.text[0])
        session_warn(s, "%s", err.text);
}

static void read_probes(struct session *s)
{
    struct run_control *r = s->run;
    struct err err = {0};
    bool changed = false;
    if (r->looks.path && !run_probes_read(&r->looks, &r->run, &changed, &err))
        session_warn(s, "%s", err.text);
    if (changed)
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
        return err_set(err, ERR_USAGE, "there are no snapshots to play");
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

void run_shown_look(struct session *s)
{
    struct run_control *r = s->run;
    struct err ignored = {0};
    run_shown_read(s);
    read_probes(s);
    if (r->log.path && file_is_directory(r->run.directory))
        run_log_facts(r->run.directory, &r->run, &ignored);
    r->run.log_age_s = s->headless ? -1 : growing_age(&r->log);
    if (s->headless)
        r->run.saved_ago_s = -1;
    r->run.memory_bytes = r->pid > 0 && !s->headless ? resident_bytes(r->pid) : 0;
    size_t left = machine_memory_available();
    r->run.memory_all = r->run.memory_bytes > 0 && left < SIZE_MAX
                            ? r->run.memory_bytes + (double)left : 0;
    s->dirty = true;
}
