#include "engine/train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/train/adamw.h"
#include "engine/train/muon.h"
#include "engine/train/schedule.h"
#include "engine/train/trainer_private.h"
#include "engine/train/warm.h"

bool trainer_is_prompt(const struct train_config *c)
{
    return strcmp(c->phase, "prompt") == 0;
}

/* ---- what is trained ------------------------------------------------------------- */

static bool load_start(struct trainer *t, const char *path, struct err *err)
{
    if (!compressor_load(&t->compressor, &t->start, path, err))
        return false;
    const struct compressor_shape *s = &t->compressor.shape;
    if (s->H == t->model->config.hidden && s->M <= t->model->config.layers + 1)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: hidden size %zu and %zu layers do not fit the model (%zu, %zu)", path, s->H,
                   s->M - 1, t->model->config.hidden, t->model->config.layers);
}

static bool init_compressor(struct trainer *t, struct err *err)
{
    const char *init = t->config.init;
    struct rng rng;
    rng_seed(&rng, t->config.seed);
    bool published = strcmp(init, "published") == 0, warm = strcmp(init, "warm") == 0;
    if (!published && !warm)
        return load_start(t, init, err);
    struct compressor_shape shape = {.M = t->model->config.layers + 1,
                                     .H = t->model->config.hidden,
                                     .D = 256, .E = 256, .depth = 2};
    if (!compressor_init(&t->compressor, &shape, err))
        return false;
    if (warm)
        return warm_start(&t->compressor, t->model, &t->stream, &t->config, &rng, err);
    compressor_init_published(&t->compressor, &rng);
    return true;
}

/* Embeddings of random tokens. */
static bool draw_prompt(struct trainer *t, struct err *err)
{
    size_t H = t->model->config.hidden, n = t->config.soft_tokens;
    struct rng rng;
    rng_seed(&rng, t->config.seed);
    t->soft_prompt = mem_try(n * H, sizeof(real), "soft prompt|fewer soft_tokens need less",
                             err);
    if (!t->soft_prompt)
        return false;
    for (size_t i = 0; i < n; i++)
        weight_row(t->soft_prompt + i * H, &t->model->weights.embedding,
                   (size_t)rng_below(&rng, t->model->config.vocab));
    return true;
}

static bool load_prompt(struct trainer *t, const char *path, struct err *err)
{
    struct soft_prompt start;
    if (!soft_prompt_load(&start, path, t->model, err))
        return false;
    t->soft_prompt = start.vectors;
    t->config.soft_tokens = start.n;
    return true;
}

static bool init_prompt(struct trainer *t, struct err *err)
{
    const char *init = t->config.init;
    bool drawn = strcmp(init, "published") == 0 || strcmp(init, "warm") == 0;
    if (!(drawn ? draw_prompt(t, err) : load_prompt(t, init, err)))
        return false;
    size_t H = t->model->config.hidden, n = t->config.soft_tokens;
    t->soft_tensor = (struct compressor_tensor){
        .name = "soft_prompt", .rows = n, .cols = H, .offset = 0, .count = n * H};
    return parameters_init(&t->parameters, t->soft_prompt, n * H, &t->soft_tensor, 1, err);
}

/* The frozen soft prompt that questions are asked with while a compressor learns. */
static bool load_lead(struct trainer *t, struct err *err)
{
    const char *path = t->config.soft_prompt;
    return strcmp(path, "none") == 0 || soft_prompt_load(&t->lead, path, t->model, err);
}

static bool init_parameters(struct trainer *t, struct err *err)
{
    if (trainer_is_prompt(&t->config))
        return init_prompt(t, err);
    struct compressor *c = &t->compressor;
    if (!load_lead(t, err) || !init_compressor(t, err) ||
        !parameters_init(&t->parameters, c->block, c->count, c->tensors, c->n_tensors, err))
        return false;
    compressor_view(c, t->parameters.gradient, &t->gradients);
    return true;
}

/* ---- samples ------------------------------------------------------------------------ */

static bool init_stream(struct trainer *t, struct dataset **datasets, size_t n, struct err *err)
{
    const struct train_config *c = &t->config;
    struct stream *s = &t->stream;
    if (n > STREAM_DATASETS_MAX)
        return err_set(err, ERR_USAGE, "%zu data files, at most %d", n, STREAM_DATASETS_MAX);
    *s = (struct stream){.datasets = datasets, .n_datasets = n, .tokenizer = t->model->tokenizer};
    s->mix[PHASE_NTP] = c->mix_ntp;
    s->mix[PHASE_RECONSTRUCT] = c->mix_reconstruct;
    s->mix[PHASE_SFT] = c->mix_sft;
    s->n_shapes = train_config_shapes(c->blocks, s->shapes);
    s->sft_shape = (struct block_shape){c->sft_context, c->sft_tokens};
    s->sft_group = c->sft_group;
    for (size_t i = 0; i < n; i++) {
        dataset_hold_out(datasets[i], c->held_out_tokens, c->held_out_questions);
        if (c->sft_group > 1)
            dataset_group(datasets[i], c->sft_group);
    }
    stream_seed(s, c->seed);
    return stream_check(s, err);
}

/* A line for each data set, to see at resume whether it changed. */
static char *describe_data(struct dataset **datasets, size_t n)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += strlen(datasets[i]->path) + 128;
    char *out = xcalloc(size, 1);
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, size - used, "%s %zu %s\n", datasets[i]->sha256,
                                 datasets[i]->bytes, datasets[i]->path);
    return out;
}

/* The model stays as it is set when the trainer is freed. */
static bool set_precision(struct model *model, const struct train_config *config, struct err *err)
{
    if (strcmp(config->frozen_precision, "tf32") == 0) /* the device's own weights */
        return model_set_precision(model, PRECISION_F32, err);
    enum precision p = PRECISION_F32;
    while (strcmp(config->frozen_precision, precision_name(p)) != 0)
        p++;
    return model_set_precision(model, p, err);
}

bool trainer_use_device(struct trainer *t, struct device *d, struct err *err)
{
    bool reduced = strcmp(t->config.frozen_precision, "tf32") == 0;
    t->gpu = d;
    return d && objective_device_open(&t->on_device, d, t->model,
                                      t->soft_prompt ? NULL : &t->compressor, reduced, err);
}

static bool open_device(struct trainer *t, struct err *err)
{
    return strcmp(t->config.device, "cpu") == 0 || trainer_use_device(t, device_open(err), err);
}

bool trainer_init(struct trainer *t, const struct train_config *config, struct model *model,
                  struct dataset **datasets, size_t n_datasets, struct err *err)
{
    *t = (struct trainer){.config = *config, .ranks = {0, 1}, .model = model,
                          .state.best = (double)INFINITY, .memory.wide = true};
    if (config->distill > 0 && trainer_is_prompt(config))
        return err_set(err, ERR_USAGE, "distill is for compressors, not for a soft prompt");
    if (!train_config_check(config, err) || !set_precision(model, config, err) ||
        !init_stream(t, datasets, n_datasets, err) || !init_parameters(t, err) ||
        (config->average > 0 && !parameters_keep_average(&t->parameters, err)) ||
        !open_device(t, err)) {
        trainer_free(t);
        return false;
    }
    if (config->distill > 0 && t->compressor.shape.M != model->config.layers + 1) {
        trainer_free(t);
        return err_set(err, ERR_USAGE, "distill needs a compressor over all %zu layers",
                       model->config.layers);
    }
    t->state.config = train_config_print(config);
    t->state.data = describe_data(datasets, n_datasets);
    model_embedding_sha256(model, t->state.base_sha256);
    return true;
}

void trainer_free(struct trainer *t)
{
    objective_device_close(&t->on_device);
    device_close(t->gpu);
    parameters_free(&t->parameters);
    compressor_free(&t->compressor);
    checkpoint_state_free(&t->state);
    free(t->soft_prompt);
    soft_prompt_free(&t->lead);
    arena_free(&t->memory);
    *t = (struct trainer){0};
}

void trainer_rest(struct trainer *t)
{
    arena_free(&t->memory);
    mem_trim();
}

/* ---- one step ------------------------------------------------------------------------- */

double trainer_rate(const struct train_config *c, size_t step)
{
    enum schedule_kind kind = strcmp(c->schedule, "cosine") == 0     ? SCHEDULE_COSINE
                              : strcmp(c->schedule, "constant") == 0 ? SCHEDULE_CONSTANT
                                                                     : SCHEDULE_LINEAR;
    return schedule_rate(kind, c->lr, schedule_warmup_steps(c->warmup, c->steps), c->steps, step);
}

struct objective trainer_objective(struct trainer *t, size_t step)
{
    struct objective o = {
        .model = t->model,
        .compressor = &t->compressor,
        .distill = t->config.distill,
        .memory = &t->memory,
        .device = t->gpu ? &t->on_device : NULL,
        .soft_prompt = t->soft_prompt ? t->soft_prompt : t->lead.vectors,
        .n_soft = t->soft_prompt ? t->config.soft_tokens : t->lead.n,
    };
    bool reference = strcmp(t->config.positions, "reference") == 0;
    o.positions = reference ? POSITIONS_REFERENCE : POSITIONS_CONTIGUOUS;
    train_config_settings(&t->config, step, &o.settings);
    o.budget = t->config.sft_context;
    return o;
}

/* All micro-batches of a step; sums gradients as the configuration says. */
static bool accumulate(struct trainer *t, struct sample *samples, struct step_report *r,
                       const struct progress *progress, struct err *err)
{
    const struct train_config *c = &t->config;
    struct objective o = trainer_objective(t, t->state.step);
    size_t own = c->batch / c->micro_batch, passes = own * t->ranks.size;
    double scale = strcmp(c->accumulate, "sum") == 0 ? 1.0 : 1.0 / (double)passes;
    bool prompt = trainer_is_prompt(c);
    for (size_t i = 0; i < own; i++) {
        if (!progress_tick(progress, "samples", i * c->micro_batch, c->batch, err))
            return false;
        struct objective_result result;
        if (!objective_run(&o, prompt ? CONTEXT_FULL : CONTEXT_COMPRESSED,
                           samples + i * c->micro_batch, c->micro_batch, scale,
                           prompt ? NULL : &t->gradients, prompt ? t->parameters.gradient : NULL,
                           &result, progress, err))
            return false;
        r->loss += result.loss / (double)passes;
        r->tokens += result.tokens;
        r->health = result;
    }
    r->ratio = o.settings.ratio;
    r->eps = o.settings.eps;
    return true;
}

/* Muon is for the weights of linear layers; embeddings and vectors keep AdamW. */
static bool wants_muon(const struct train_config *c, const struct compressor_tensor *tensor)
{
    return strcmp(c->optimizer, "muon") == 0 && tensor->rows > 1 && tensor->cols > 1 &&
           strstr(tensor->name, ".weight");
}

/* Wq, Wk and Wv read raw hidden states, hundreds of times longer than the embeddings that
 * the other weights begin with: at their rate the gate saturates in a few steps, and
 * each step of Wv moves anchors far. */
static double rate_of(const struct trainer *t, const real *w)
{
    const struct compressor_params *p = &t->compressor.params;
    if (w == p->wv)
        return t->config.value_rate;
    return w == p->wq || w == p->wk ? t->config.gate_rate : 1.0;
}

/* A young mean forgets its start, the untrained weights, faster. */
static double share_kept(double average, size_t step)
{
    double young = ((double)step + 1) / ((double)step + 10);
    return young < average ? young : average;
}

static void update(struct trainer *t, double lr, double grad_scale)
{
    const struct train_config *c = &t->config;
    struct parameters *p = &t->parameters;
    struct adamw adamw = {.beta1 = c->beta1,
                          .beta2 = c->beta2,
                          .eps = c->adam_eps,
                          .weight_decay = c->weight_decay};
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct compressor_tensor *tensor = &p->tensors[i];
        real *w = p->value + tensor->offset, *g = p->gradient + tensor->offset;
        real *m = p->moment1 + tensor->offset, *v = p->moment2 + tensor->offset;
        adamw.lr = lr * rate_of(t, w);
        if (wants_muon(c, tensor))
            muon_step(w, m, g, tensor->rows, tensor->cols, adamw.lr, c->muon_momentum, grad_scale,
                      t->gpu, &t->memory);
        else
            adamw_step(&adamw, w, m, v, g, tensor->count, grad_scale, t->state.step + 1);
    }
    parameters_average(p, share_kept(c->average, t->state.step));
}

/* Adds up what the processes have found of a step. */
static void unite(const struct trainer *t, struct step_report *r)
{
    double found[2] = {r->loss, (double)r->tokens};
    ranks_sum(&t->ranks, t->parameters.gradient, t->parameters.count);
    ranks_sum_double(&t->ranks, found, 2);
    r->loss = found[0];
    r->tokens = (size_t)found[1];
}

static bool finish_step(struct trainer *t, struct step_report *r, struct err *err)
{
    const struct train_config *c = &t->config;
    r->grad_norm = parameters_gradient_norm(&t->parameters);
    r->lr = trainer_rate(c, t->state.step);
    r->skipped = !isfinite(r->loss) || !isfinite(r->grad_norm);
    if (r->skipped) {
        t->state.skipped++;
        t->nonfinite_in_row++;
    } else {
        update(t, r->lr, c->clip > 0 ? adamw_clip_factor(r->grad_norm, c->clip) : 1.0);
        t->nonfinite_in_row = 0;
    }
    t->state.step++;
    t->state.samples += r->samples;
    t->state.tokens += r->tokens;
    r->step = t->state.step;
    if (t->nonfinite_in_row >= NONFINITE_MAX)
        return err_set(err, ERR_NONFINITE,
                       "step %zu: loss or gradient not finite %d times in a row; the last good "
                       "checkpoint is kept. A lower rate (--lr) may help",
                       t->state.step, NONFINITE_MAX);
    return true;
}

/* Time that the caller keeps (a pause) is not time of the step. */
struct timed_progress {
    const struct progress *inner;
    double spent_ms;
};

static bool timed_tick(void *context, const char *stage, size_t done, size_t total)
{
    struct timed_progress *p = context;
    double start = clock_ms();
    bool go_on = !p->inner || !p->inner->tick ||
                 p->inner->tick(p->inner->context, stage, done, total);
    p->spent_ms += clock_ms() - start;
    return go_on;
}

bool trainer_step(struct trainer *t, struct step_report *r, const struct progress *listener,
                  struct err *err)
{
    double start = clock_ms();
    struct timed_progress timed = {.inner = listener};
    struct progress ticks = {timed_tick, &timed};
    /* Everybody draws the samples of all and passes its own. */
    size_t n = t->config.batch * t->ranks.size, own = t->config.batch * t->ranks.rank;
    *r = (struct step_report){.samples = n};
    struct stream_state before = t->stream.state;
    struct sample *samples = xcalloc(n, sizeof *samples);
    stream_draw(&t->stream, samples, n);
    parameters_zero_gradient(&t->parameters);
    bool ok = accumulate(t, samples + own, r, &ticks, err);
    if (ok)
        unite(t, r);
    else
        t->stream.state = before;
    for (size_t i = 0; i < n; i++)
        sample_free(&samples[i]);
    free(samples);
    if (!ok)
        return false;
    ok = finish_step(t, r, err);
    r->ms = clock_ms() - start - timed.spent_ms;
    t->state.seconds += r->ms * 1e-3;
    return ok;
}
