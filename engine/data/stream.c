#include "engine/data/stream.h"

#include <math.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/data/permutation.h"

void stream_seed(struct stream *s, uint64_t seed)
{
    s->state = (struct stream_state){.seed = seed};
    rng_seed(&s->state.rng, seed);
}

static struct block_shape shape_of(const struct stream *s, enum phase phase, size_t shape)
{
    return phase == PHASE_SFT ? s->sft_shape : s->shapes[shape];
}

static size_t training_count(const struct stream *s, const struct dataset *d, enum phase phase,
                             size_t shape)
{
    return dataset_count(d, PART_TRAINING, phase, shape_of(s, phase, shape));
}

static bool grouped(const struct stream *s)
{
    return s->sft_group > 1;
}

size_t stream_epoch(const struct stream *s, enum phase phase, size_t shape)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_datasets; i++)
        n += training_count(s, s->datasets[i], phase, shape);
    return n;
}

/* Things of a data set that one pass draws: questions of one context are drawn as one. */
static size_t drawn_count(const struct stream *s, const struct dataset *d, enum phase phase,
                          size_t shape)
{
    return phase == PHASE_SFT && grouped(s) ? d->n_groups : training_count(s, d, phase, shape);
}

/* Steps of other shapes cut the same text anew, so their shares of a pass add up. */
static double phase_passes(const struct stream *s, enum phase phase)
{
    double passes = 0;
    for (size_t shape = 0; shape < STREAM_SHAPES_MAX; shape++) {
        double taken = 0, all = 0;
        for (size_t d = 0; d < s->n_datasets; d++)
            taken += (double)s->state.cursor[phase][shape][d];
        for (size_t d = 0; taken > 0 && d < s->n_datasets; d++)
            all += (double)drawn_count(s, s->datasets[d], phase, shape);
        passes += taken > 0 ? taken / all : 0;
    }
    return passes;
}

double stream_passes(const struct stream *s)
{
    double most = 0;
    for (enum phase phase = 0; phase < PHASES; phase++)
        most = fmax(most, phase_passes(s, phase));
    return most;
}

bool stream_check(const struct stream *s, struct err *err)
{
    double total = 0;
    for (enum phase phase = 0; phase < PHASES; phase++) {
        total += s->mix[phase];
        for (size_t k = 0; s->mix[phase] > 0 && k < s->n_shapes; k++)
            if (stream_epoch(s, phase, k) == 0)
                return err_set(err, ERR_INPUT,
                               "no %s sample with %zu tokens of context in the data, but mix_%s is "
                               "%g: add %s, or set mix_%s=0",
                               phase_name[phase], shape_of(s, phase, k).context, phase_name[phase],
                               s->mix[phase],
                               phase == PHASE_SFT ? "a question-answer file" : "plain text",
                               phase_name[phase]);
    }
    return total > 0 || err_set(err, ERR_USAGE, "the mixture of phases is empty: one of mix_ntp, "
                                              "mix_reconstruct and mix_sft must be above 0");
}

static size_t draw_weighted(struct rng *rng, const double *weight, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += weight[i];
    double x = rng_uniform(rng) * total;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        if (weight[i] <= 0)
            continue;
        last = i;
        if (x < weight[i])
            return i;
        x -= weight[i];
    }
    return last;
}

/* The next of n things of a data set in their shuffled order. */
static size_t next_of(struct stream *s, uint64_t n, size_t dataset, enum phase phase, size_t shape)
{
    uint64_t *cursor = &s->state.cursor[phase][shape][dataset];
    uint64_t key = s->state.seed ^ ((uint64_t)dataset << 8 | (uint64_t)phase << 4 | shape);
    size_t i = (size_t)permutation_at(n, key, *cursor / n, *cursor % n);
    ++*cursor;
    return i;
}

/* One sample, or up to `room` questions of one context; returns their number. */
static size_t take(struct stream *s, struct sample *out, size_t room, size_t dataset,
                   enum phase phase, size_t shape)
{
    const struct dataset *d = s->datasets[dataset];
    bool group = phase == PHASE_SFT && grouped(s);
    uint64_t n = drawn_count(s, d, phase, shape);
    size_t i = next_of(s, n, dataset, phase, shape);
    size_t first = group ? d->groups[i] : i, end = group ? d->groups[i + 1] : i + 1;
    size_t count = size_min(room, end - first);
    for (size_t k = 0; k < count; k++)
        out[k] = dataset_sample(d, s->tokenizer, PART_TRAINING, phase, shape_of(s, phase, shape),
                                first + k);
    return count;
}

/* Shares of the phases in what is drawn: a group of questions is drawn once. */
static void draw_shares(const struct stream *s, double share[PHASES])
{
    double questions = 0, groups = 0;
    memcpy(share, s->mix, PHASES * sizeof *share);
    for (size_t d = 0; grouped(s) && d < s->n_datasets; d++) {
        questions += (double)training_count(s, s->datasets[d], PHASE_SFT, 0);
        groups += (double)s->datasets[d]->n_groups;
    }
    if (questions > 0)
        share[PHASE_SFT] *= groups / questions;
}

void stream_draw(struct stream *s, struct sample *samples, size_t n)
{
    struct rng *rng = &s->state.rng;
    double share[PHASES];
    draw_shares(s, share);
    size_t shape = s->n_shapes > 1 ? (size_t)rng_below(rng, s->n_shapes) : 0;
    for (size_t i = 0; i < n;) {
        enum phase phase = (enum phase)draw_weighted(rng, share, PHASES);
        size_t k = phase == PHASE_SFT ? 0 : shape;
        double weight[STREAM_DATASETS_MAX];
        for (size_t d = 0; d < s->n_datasets; d++)
            weight[d] = s->datasets[d]->weight *
                        (double)training_count(s, s->datasets[d], phase, k);
        i += take(s, samples + i, n - i, draw_weighted(rng, weight, s->n_datasets), phase, k);
    }
}

bool stream_held_out(const struct stream *s, enum phase phase, struct block_shape shape, size_t i,
                     struct sample *out)
{
    for (size_t k = 0; k < s->n_datasets; k++) {
        const struct dataset *d = s->datasets[k];
        size_t held = dataset_count(d, PART_HELD_OUT, phase, shape);
        if (i < held) {
            *out = dataset_sample(d, s->tokenizer, PART_HELD_OUT, phase, shape, i);
            return true;
        }
        i -= held;
    }
    return false;
}
