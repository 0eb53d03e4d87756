/* The four losses over held-out samples. */
#include <math.h>
#include <stdio.h>

#include "engine/base/size.h"
#include "engine/train/trainer.h"
#include "engine/train/trainer_private.h"

/* Mean loss a label of held-out samples [0, n) in one mode. */
static bool held_out_loss(struct trainer *t, enum phase phase, struct block_shape shape, size_t n,
                          enum context_mode mode, double *loss, struct objective_result *health,
                          const struct progress *progress, struct err *err)
{
    struct objective o = trainer_objective(t, t->state.step);
    if (t->config.valid_ratio > 0)
        o.settings.ratio = t->config.valid_ratio;
    double sum = 0;
    size_t labels = 0, per_pass = size_max(2, size_min(t->config.micro_batch, VALIDATION_SAMPLES));
    /* Neighbours often share a context, and a pass needs others for its wrong passages:
     * it takes every `passes`-th sample. */
    size_t passes = n / per_pass + (n % per_pass > 1);
    for (size_t pass = 0; pass < passes; pass++) {
        size_t count = 0;
        struct sample samples[VALIDATION_SAMPLES + 1];
        for (size_t i = pass; i < n; i += passes)
            stream_held_out(&t->stream, phase, shape, i, &samples[count++]);
        struct objective_result result;
        bool ok = objective_run(&o, mode, samples, count, 0, NULL, NULL, &result, progress, err);
        for (size_t i = 0; i < count; i++)
            sample_free(&samples[i]);
        if (!ok)
            return false;
        sum += result.nll_sum;
        labels += result.labels;
        *health = result;
    }
    *loss = sum / (double)labels;
    return true;
}

/* Held-out samples of a kind that exist, up to the configured number, even so that
 * the wrong passage is never the right one. */
static size_t held_out_samples(const struct trainer *t, enum phase phase, struct block_shape shape)
{
    size_t n = 0;
    for (size_t i = 0; i < t->stream.n_datasets; i++)
        n += dataset_count(t->stream.datasets[i], PART_HELD_OUT, phase, shape);
    return size_min(n, t->config.valid_samples) & ~(size_t)1;
}

static bool validate_kind(struct trainer *t, size_t index, enum phase phase,
                          struct block_shape shape, struct validation *v,
                          const struct progress *progress, struct err *err)
{
    bool prompt = trainer_is_prompt(&t->config);
    snprintf(v->kind, sizeof v->kind, "%s %zu+%zu", phase_name[phase], shape.context,
             shape.predict);
    for (enum context_mode mode = 0; mode < CONTEXT_MODES; mode++) {
        bool slots = mode == CONTEXT_COMPRESSED || mode == CONTEXT_WRONG;
        struct objective_result health;
        v->loss[mode] = (double)NAN;
        if (slots && prompt)
            continue;
        if (!slots && !prompt && t->fixed_known[index]) {
            v->loss[mode] = t->fixed_loss[index][mode];
            continue;
        }
        if (!held_out_loss(t, phase, shape, v->samples, mode, &v->loss[mode], &health, progress,
                           err))
            return false;
        if (mode == CONTEXT_COMPRESSED)
            v->health = health;
        t->fixed_loss[index][mode] = v->loss[mode];
    }
    t->fixed_known[index] = true;
    const double *loss = v->loss;
    v->gap_closed = (loss[CONTEXT_NONE] - loss[CONTEXT_COMPRESSED]) /
                    (loss[CONTEXT_NONE] - loss[CONTEXT_FULL]);
    v->about_text = loss[CONTEXT_WRONG] - loss[CONTEXT_COMPRESSED];
    return true;
}

static size_t validate_kinds(struct trainer *t, struct validation out[VALIDATIONS_MAX],
                             const struct progress *progress, struct err *err)
{
    size_t n = 0;
    for (size_t k = 0; k <= t->stream.n_shapes; k++) {
        bool sft = k == t->stream.n_shapes;
        enum phase phase = sft ? PHASE_SFT : PHASE_NTP;
        struct block_shape shape = sft ? t->stream.sft_shape : t->stream.shapes[k];
        struct validation *v = &out[n];
        *v = (struct validation){.samples = held_out_samples(t, phase, shape)};
        if (v->samples == 0)
            continue;
        if (!validate_kind(t, k, phase, shape, v, progress, err))
            return 0;
        n++;
    }
    return n;
}

size_t trainer_validate(struct trainer *t, struct validation out[VALIDATIONS_MAX],
                        const struct progress *progress, struct err *err)
{
    parameters_swap_average(&t->parameters);
    size_t n = validate_kinds(t, out, progress, err);
    parameters_swap_average(&t->parameters);
    return n;
}

double validation_score(const struct validation *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += isnan(v[i].loss[CONTEXT_COMPRESSED]) ? v[i].loss[CONTEXT_FULL]
                                                    : v[i].loss[CONTEXT_COMPRESSED];
    return n ? sum / (double)n : (double)INFINITY;
}
