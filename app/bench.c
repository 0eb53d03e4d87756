#include "app/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/compress/compressor.h"
#include "engine/compress/plan.h"
#include "engine/model/llama.h"
#include "engine/train/adamw.h"
#include "engine/train/objective.h"
#include "engine/train/parameters.h"

/* Width of gate and metric, depth of the projector, as published. */
enum { GATE_WIDTH = 256, METRIC_WIDTH = 256, PROJECTOR_DEPTH = 2 };

struct bench {
    struct model *model;
    struct compressor compressor;
    struct parameters parameters; /* the compressor's, for a step of training */
    int32_t *ids;  /* [BENCH_CONTEXT + BENCH_PREDICT] */
    real *hidden;  /* [M, BENCH_CONTEXT, H] */
    real *logits;  /* [vocab] */
    struct arena arena;
    struct arena memory; /* of passes of training */
    const struct progress *progress;
    size_t done, steps;
};

static bool step(struct bench *b, struct err *err)
{
    return progress_tick(b->progress, "bench", b->done++, b->steps, err);
}

static double take_median(double *values, size_t count)
{
    CHECK(count > 0);
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && values[j] < values[j - 1]; j--) {
            double swap = values[j];
            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* ---- set-up ------------------------------------------------------------------- */

static bool load(struct bench *b, const char *path, enum precision precision,
                 struct bench_times *out, struct err *err)
{
    double start = clock_ms();
    b->model = model_open(path, NULL, 0, err);
    if (!b->model || !model_set_precision(b->model, precision, err))
        return false;
    size_t vocab = b->model->config.vocab;
    b->logits = mem_try(vocab, sizeof *b->logits, "logits|a smaller model needs less", err);
    int32_t id = 0;
    struct llama_input input = {.n = 1, .ids = &id};
    struct llama_output output = {.logits = b->logits};
    if (!b->logits || !llama_forward(b->model, NULL, LLAMA_ALL, &input, &output, NULL, err))
        return false;
    out->load = clock_ms() - start;
    return true;
}

static bool prepare(struct bench *b, uint64_t seed, struct bench_times *out, struct err *err)
{
    const struct llama_config *config = &b->model->config;
    struct compressor_shape shape = {
        .M = config->layers + 1, .H = config->hidden,
        .D = GATE_WIDTH, .E = METRIC_WIDTH, .depth = PROJECTOR_DEPTH,
    };
    out->hidden_states = shape.M;
    out->hidden_size = shape.H;
    b->ids = xcalloc(BENCH_CONTEXT + BENCH_PREDICT, sizeof *b->ids);
    b->hidden = mem_try(shape.M * BENCH_CONTEXT, shape.H * sizeof *b->hidden,
                        "hidden states|a smaller model needs less", err);
    if (!b->hidden || !compressor_init(&b->compressor, &shape, err))
        return false;
    struct rng rng;
    rng_seed(&rng, seed);
    compressor_init_published(&b->compressor, &rng);
    struct compressor *c = &b->compressor;
    if (!parameters_init(&b->parameters, c->block, c->count, c->tensors, c->n_tensors, err))
        return false;
    for (size_t i = 0; i < BENCH_CONTEXT + BENCH_PREDICT; i++)
        b->ids[i] = (int32_t)rng_below(&rng, config->vocab);
    return true;
}

/* ---- the frozen model ------------------------------------------------------------ */

static bool time_model(struct bench *b, double *prefill, double *decode, struct err *err)
{
    struct kv_cache cache;
    if (!kv_cache_init(&cache, b->model, BENCH_CONTEXT + BENCH_PREDICT, err))
        return false;
    struct llama_input input = {.n = BENCH_CONTEXT, .ids = b->ids};
    struct llama_output output = {.hidden = b->hidden};
    double start = clock_ms();
    bool ok = llama_forward(b->model, &cache, LLAMA_ALL, &input, &output, NULL, err);
    *prefill = clock_ms() - start;
    start = clock_ms();
    for (size_t i = 0; ok && i < BENCH_PREDICT; i++) {
        input = (struct llama_input){.n = 1, .ids = b->ids + BENCH_CONTEXT + i};
        output = (struct llama_output){.logits = b->logits};
        ok = llama_forward(b->model, &cache, LLAMA_ALL, &input, &output, NULL, err);
    }
    *decode = clock_ms() - start;
    kv_cache_free(&cache);
    return ok && step(b, err);
}

/* ---- the compressor ---------------------------------------------------------------- */

/* One compression, stage by stage. The plan's own time is what the whole second
 * section takes without the sender mass and the gathering of slots. */
static bool time_stages(struct bench *b, double ms[5], struct err *err)
{
    const struct compressor *c = &b->compressor;
    const struct compress_settings *s = &compress_settings_default;
    size_t M = c->shape.M, H = c->shape.H, T = BENCH_CONTEXT;
    struct arena_mark mark = arena_mark(&b->arena);
    real *alpha = arena_array(&b->arena, real, T * M);
    real *anchors = arena_array(&b->arena, real, T * H);
    double start = clock_ms();
    gate_forward(c, s, b->hidden, T, T, alpha, NULL, anchors, &b->arena);
    ms[0] = clock_ms() - start;

    struct segment_plan plan;
    struct plan_saved saved = {0};
    plan_prepare(c, s, T, false, &plan, &b->arena);
    start = clock_ms();
    bool ok = plan_run(c, s, anchors, T, &plan, &saved, &b->arena, NULL, err);
    double whole = clock_ms() - start;
    start = clock_ms();
    mass_forward(c, s, anchors, T, &plan, &saved.mass, &b->arena);
    ms[1] = clock_ms() - start;
    start = clock_ms();
    slots_forward(c, anchors, T, &plan, &saved.slots, &b->arena);
    ms[3] = clock_ms() - start;
    ms[2] = whole - ms[1] - ms[3];

    real *slots = arena_array(&b->arena, real, plan.slots * H);
    start = clock_ms();
    projector_forward(c, plan.raw_slots, plan.slots, slots, &b->arena);
    ms[4] = clock_ms() - start;
    arena_release(&b->arena, mark);
    return ok;
}

static bool time_backward(struct bench *b, double *ms, struct err *err)
{
    const struct compressor *c = &b->compressor;
    struct arena_mark mark = arena_mark(&b->arena);
    struct compress_tape tape;
    if (!compressor_forward(c, &compress_settings_default, b->hidden, BENCH_CONTEXT, BENCH_CONTEXT,
                            &tape, &b->arena, NULL, err))
        return false;
    struct compressor_params grads;
    compressor_view(c, arena_array(&b->arena, real, c->count), &grads);
    size_t count = tape.plan.slots * c->shape.H;
    real *dslots = arena_array(&b->arena, real, count);
    for (size_t i = 0; i < count; i++)
        dslots[i] = 1;
    double start = clock_ms();
    compressor_backward(c, &tape, dslots, &grads, &b->arena);
    *ms = clock_ms() - start;
    arena_release(&b->arena, mark);
    return true;
}

/* Milliseconds, which another program's slice doubles: the median of some runs. */
static bool time_compressor(struct bench *b, double ms[6], struct err *err)
{
    enum { RUNS = 7, COLUMNS = 6 };
    double runs[COLUMNS][RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        double one[COLUMNS];
        if (!time_stages(b, one, err) || !time_backward(b, &one[5], err))
            return false;
        for (size_t c = 0; c < COLUMNS; c++)
            runs[c][i] = one[c];
    }
    for (size_t c = 0; c < COLUMNS; c++)
        ms[c] = take_median(runs[c], RUNS);
    return step(b, err);
}

/* ---- a step of training --------------------------------------------------------------- */

/* AdamW at rate 0: the work of a step, and the same parameters for the next one. */
static void update(struct parameters *p)
{
    const struct adamw a = {.lr = 0, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    double factor = adamw_clip_factor(parameters_gradient_norm(p), 20);
    adamw_step(&a, p->value, p->moment1, p->moment2, p->gradient, p->count, factor, 1);
}

/* `query` tokens behind the slots, of which the last `labels` count. */
static bool time_training(struct bench *b, size_t query, size_t labels, double *ms,
                          struct err *err)
{
    struct sample sample = sample_new(BENCH_CONTEXT, query);
    memcpy(sample.context, b->ids, BENCH_CONTEXT * sizeof *b->ids);
    memcpy(sample.query, b->ids + BENCH_CONTEXT, query * sizeof *b->ids);
    for (size_t t = 0; t < query; t++)
        sample.labels[t] = t + labels < query ? LABEL_NONE : sample.query[t];
    struct objective o = {.model = b->model,
                          .compressor = &b->compressor,
                          .settings = compress_settings_default,
                          .budget = BENCH_CONTEXT,
                          .positions = POSITIONS_CONTIGUOUS,
                          .memory = &b->memory};
    struct objective_result result;
    struct compressor_params grads;
    compressor_view(&b->compressor, b->parameters.gradient, &grads);
    double start = clock_ms();
    parameters_zero_gradient(&b->parameters);
    bool ok = objective_run(&o, CONTEXT_COMPRESSED, &sample, 1, 1, &grads, NULL, &result, NULL,
                            err);
    if (ok)
        update(&b->parameters);
    *ms = clock_ms() - start;
    sample_free(&sample);
    return ok && step(b, err);
}

/* ---- all of it --------------------------------------------------------------------- */

static bool measure(struct bench *b, size_t repeat, struct bench_times *out, struct err *err)
{
    enum { PREFILL, DECODE, STAGES, BACKWARD = STAGES + 5, NTP, SFT, ROWS };
    double row[ROWS][BENCH_REPEAT_MAX], first;
    /* The first backward pass makes the matrices that it needs. */
    if (!time_training(b, BENCH_QUESTION, BENCH_ANSWER, &first, err))
        return false;
    for (size_t i = 0; i < repeat; i++) {
        double compressor[6]; /* its stages and, behind them, BACKWARD */
        if (!time_model(b, &row[PREFILL][i], &row[DECODE][i], err) ||
            !time_compressor(b, compressor, err) ||
            !time_training(b, BENCH_PREDICT, BENCH_PREDICT, &row[NTP][i], err) ||
            !time_training(b, BENCH_QUESTION, BENCH_ANSWER, &row[SFT][i], err))
            return false;
        for (size_t s = 0; s < 6; s++)
            row[STAGES + s][i] = compressor[s];
    }
    double *const into[ROWS] = {&out->prefill,  &out->decode,  &out->gate,    &out->mass,
                                &out->plan,     &out->slots,   &out->project, &out->backward,
                                &out->ntp_step, &out->sft_step};
    for (size_t r = 0; r < ROWS; r++)
        *into[r] = take_median(row[r], repeat);
    return true;
}

bool bench_run(const char *path, enum precision precision, size_t repeat, uint64_t seed,
               struct bench_times *out, const struct progress *progress, struct err *err)
{
    struct bench b = {.progress = progress, .steps = 4 * repeat + 1, .memory.wide = true};
    *out = (struct bench_times){0};
    bool ok = load(&b, path, precision, out, err) && prepare(&b, seed, out, err) &&
              measure(&b, repeat, out, err);
    arena_free(&b.arena);
    arena_free(&b.memory);
    parameters_free(&b.parameters);
    compressor_free(&b.compressor);
    model_close(b.model);
    free(b.ids);
    free(b.hidden);
    free(b.logits);
    return ok;
}

/* ---- agreement ------------------------------------------------------------------------ */

enum { AGREE_TOKENS = 512, AGREE_ROWS = 64 };

/* Final hidden states [n, H] of ids at one precision, in the arena; NULL on failure. */
static real *final_states(struct model *m, enum precision precision, const int32_t *ids, size_t n,
                          struct arena *arena, struct err *err)
{
    size_t H = m->config.hidden, L = m->config.layers;
    real *hidden = arena_array(arena, real, (L + 1) * n * H);
    struct llama_input input = {.n = n, .ids = ids};
    struct llama_output output = {.hidden = hidden};
    bool ok = model_set_precision(m, precision, err) &&
              llama_forward(m, NULL, LLAMA_ALL, &input, &output, NULL, err);
    return ok ? hidden + L * n * H : NULL;
}

static size_t largest(const real *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static double log_sum(const real *x, size_t n)
{
    double top = (double)x[largest(x, n)], sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - top);
    return top + log(sum);
}

/* Adds up one position: logits of the reference and of the other precision. */
static void compare(const real *reference, const real *other, size_t vocab,
                    struct bench_agreement *sum)
{
    double a = log_sum(reference, vocab), b = log_sum(other, vocab);
    for (size_t i = 0; i < vocab; i++) {
        double p = (double)reference[i] - a;
        sum->mean_kl += exp(p) * (p - ((double)other[i] - b));
    }
    sum->top1 += largest(reference, vocab) == largest(other, vocab);
}

/* Logits of a few rows of final states at a precision. */
static bool make_logits(struct model *m, enum precision precision, const real *states, size_t n,
                        real *logits, struct err *err)
{
    if (!model_set_precision(m, precision, err))
        return false;
    weight_forward(logits, states, &m->weights.output, NULL, n);
    return true;
}

static bool agree(struct model *m, enum precision precision, const int32_t *ids, size_t n,
                  struct bench_agreement *out, struct err *err)
{
    struct arena arena = {0};
    size_t H = m->config.hidden, vocab = m->config.vocab;
    real *want = final_states(m, PRECISION_F32, ids, n, &arena, err);
    real *got = want ? final_states(m, precision, ids, n, &arena, err) : NULL;
    real *logits = arena_array(&arena, real, 2 * AGREE_ROWS * vocab);
    real *other = logits + AGREE_ROWS * vocab;
    bool ok = got != NULL;
    *out = (struct bench_agreement){0};
    for (size_t i = 0; ok && i < n; i += AGREE_ROWS) {
        size_t rows = n - i < AGREE_ROWS ? n - i : AGREE_ROWS;
        ok = make_logits(m, PRECISION_F32, want + i * H, rows, logits, err) &&
             make_logits(m, precision, got + i * H, rows, other, err);
        for (size_t r = 0; ok && r < rows; r++)
            compare(logits + r * vocab, other + r * vocab, vocab, out);
    }
    out->top1 /= (double)n;
    out->mean_kl /= (double)n;
    arena_free(&arena);
    return ok;
}

bool bench_agree(const char *path, const char *text, size_t size,
                 const enum precision *precisions, size_t count, struct bench_agreement *out,
                 struct err *err)
{
    struct model *m = model_open(path, NULL, 0, err);
    struct token_list tokens = {0};
    bool ok = m != NULL;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct bench_agreement){(double)NAN, (double)NAN};
    if (m && m->tokenizer)
        tokenizer_encode(m->tokenizer, text, size, 0, &tokens);
    size_t n = tokens.count < AGREE_TOKENS ? tokens.count : AGREE_TOKENS;
    for (size_t i = 0; ok && n > 0 && i < count; i++)
        ok = agree(m, precisions[i], tokens.ids, n, &out[i], err);
    token_list_free(&tokens);
    model_close(m);
    return ok;
}
