#include "views/training.h"

#include <math.h>
#include <stdlib.h>

enum { Z_STEPS = 128 };

bool training_is_finished(const struct training *t)
{
    bool rests = t->state == TRAINING_WATCHED || t->state == TRAINING_ENDED;
    return rests && t->total_steps > 0 && t->saved_step >= t->total_steps;
}

void training_log_free(struct training_log *log)
{
    free(log->steps);
    free(log->checks);
    *log = (struct training_log){0};
}

void training_probe_free(struct training_probe *probe)
{
    free(probe->file);
    snapshot_window_release(probe->window);
    free(probe->said);
    free(probe->answer);
}

void training_free(struct training *t)
{
    training_log_free(&t->log);
    for (size_t i = 0; i < t->n_lines; i++)
        free(t->lines[i].text);
    free(t->lines);
    for (size_t i = 0; i < t->n_probes; i++)
        training_probe_free(&t->probes[i]);
    free(t->probes);
    *t = (struct training){0};
}

const struct training_check *training_last_check(const struct training_log *log, size_t kind)
{
    for (size_t i = log->n_checks; i > 0; i--)
        if (log->checks[i - 1].kind == kind)
            return &log->checks[i - 1];
    return NULL;
}

const struct training_check *training_best_check(const struct training_log *log, size_t kind)
{
    const struct training_check *best = NULL;
    for (size_t i = 0; i < log->n_checks; i++)
        if (log->checks[i].kind == kind && !isnan(log->checks[i].compressed) &&
            (!best || log->checks[i].compressed < best->compressed))
            best = &log->checks[i];
    return best;
}

static double member_of(const struct training_step *step, size_t member)
{
    return *(const double *)(const void *)((const char *)step + member);
}

double training_z(const struct training_log *log, size_t member)
{
    double sum = 0, squared = 0;
    size_t last = log->n_steps - 1, n = 0;
    if (log->n_steps < 3)
        return 0;
    for (size_t i = last > Z_STEPS ? last - Z_STEPS : 0; i < last; i++) {
        double x = member_of(&log->steps[i], member);
        if (isnan(x))
            continue;
        sum += x;
        squared += x * x;
        n++;
    }
    double x = member_of(&log->steps[last], member);
    double variance = n > 1 ? squared / (double)n - sum / (double)n * (sum / (double)n) : 0;
    return variance > 0 && !isnan(x) ? (x - sum / (double)n) / sqrt(variance) : 0;
}
