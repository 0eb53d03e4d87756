/* What the Train screen shows of a run: plain data, made by app/ from the run's log
 * and from what the training process says. Texts are sanitised. */
#ifndef VIEWS_TRAINING_H
#define VIEWS_TRAINING_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/snapshot.h"

struct training_step {
    size_t step; /* steps done, this one included */
    double loss, norm, lr, ms, tokens, ratio; /* NaN: not finite, or not in the log */
    double passes; /* through the data, so far; NaN: not in the log */
    double seconds; /* of the run's steps so far; NaN: not in the log */
    bool skipped;
};

/* One validation, of one kind of held-out samples. */
struct training_check {
    size_t step;
    size_t kind; /* index into training_log.kind */
    double compressed, wrong, full, none; /* nats a token; NaN: unknown */
    double gap_closed, about_text;
    double spread, gate_max, senders_off;
    double seconds; /* as of a step */
};

enum { TRAINING_KINDS_MAX = 9, TRAINING_KIND_BYTES = 32 };

/* log.jsonl of a run directory. Steps and checks ascend by step. */
struct training_log {
    struct training_step *steps;
    size_t n_steps, steps_capacity;
    struct training_check *checks;
    size_t n_checks, checks_capacity;
    char kind[TRAINING_KINDS_MAX][TRAINING_KIND_BYTES];
    size_t n_kinds;
    size_t bad_lines; /* passed over */
};

/* One look at the probe text during the run. */
struct training_probe {
    size_t step;
    char *file; /* a session file in the run directory */
    size_t at;  /* the window of it that is shown */
    bool loaded; /* was it read? */
    struct snapshot_window *window; /* gates and plan; one reference; NULL: not read */
    char *said;     /* continuation from the slots */
    char *answer;   /* to the probe's question */
    double f1;
};

enum training_state {
    TRAINING_ESTIMATING, /* dry run */
    TRAINING_STARTING,   /* reading the data */
    TRAINING_RUNNING,
    TRAINING_PAUSED,
    TRAINING_STOPPING,   /* ends after this step and saves */
    TRAINING_ENDED,
    TRAINING_FAILED,
    TRAINING_WATCHED     /* of another process: to be looked at only */
};

enum { TRAINING_WHEN_BYTES = 16 };

struct training_line {
    char when[TRAINING_WHEN_BYTES]; /* "14:02:10"; "+1:14:43" into the steps; "": unknown */
    char *text;
};

struct training {
    enum training_state state;
    char name[96];      /* of the run directory, without the folders above */
    char directory[256];
    char phase[16], preset[32], data[160], model[96];
    size_t total_steps; /* 0: unknown */
    size_t batch, keep;
    char shape[64]; /* "128+64" */
    double clip;
    struct training_log log;
    char stage[48]; /* inside of a step: "samples"; "" = nothing known */
    size_t done, total;
    size_t saved_step;   /* 0: none yet */
    size_t checked_step; /* the last that its process read back; 0: not known */
    double saved_ago_s;  /* < 0: unknown */
    double log_age_s;    /* since the log grew; < 0: unknown */
    double memory_bytes; /* of the training process; 0: unknown */
    double memory_all;   /* with what it could still take; 0: unknown */
    double eta_s;        /* < 0: unknown */
    struct training_line *lines; /* the newest last */
    size_t n_lines, lines_capacity;
    struct training_probe *probes; /* ascending by step */
    size_t n_probes, probes_capacity;
    char probe_question[128];
    char probe_lead[160], probe_text[160]; /* where the text was left, and how it goes on */
};

/* Its last step is done and saved, and nothing is at work on it. */
bool training_is_finished(const struct training *t);

void training_probe_free(struct training_probe *probe);
void training_log_free(struct training_log *log);
void training_free(struct training *t); /* frees what it holds, not *t */

/* The newest check of a kind, and the best (least compressed loss); NULL: none. */
const struct training_check *training_last_check(const struct training_log *log, size_t kind);
const struct training_check *training_best_check(const struct training_log *log, size_t kind);

/* How many standard deviations the last value lies above the mean of the steps before
 * it, at most 128; 0 where that says nothing. member: offset of a double in
 * struct training_step. */
double training_z(const struct training_log *log, size_t member);

#endif
