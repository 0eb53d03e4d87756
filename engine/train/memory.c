#include "engine/train/memory.h"

#include <stdint.h>

#include "engine/base/machine.h"
#include "engine/base/size.h"
#include "engine/compress/compressor.h"
#include "engine/model/llama.h"

/* Rows that the loss works on at a time. */
enum { LOGIT_ROWS = 128 };

/* A pass's arena ends in the middle of a huge page. Measured: libraries take so much when they
 * first work. */
enum { HUGE_PAGE = 2 << 20, LIBRARY_BYTES = 1 << 20 };

/* Sizes of one pass, in numbers of type real. */
struct sizes {
    const struct llama_config *m;
    const struct compressor_shape *c;
    size_t samples;            /* in the pass */
    size_t context, slots;     /* of each */
    size_t rows;               /* that the decoder reads of each */
    size_t query, labels;      /* of each */
    bool backward, distill, compressed;
};

/* What the compressor keeps of a context until the gradients are through: hidden states,
 * gate, anchors, the normed points of mass, metric and value, the plans. */
static size_t tape_numbers(const struct sizes *s, const struct compress_settings *settings)
{
    size_t H = s->c->H, K = compress_slots_per_window(settings), iters = settings->iters + 1;
    size_t per_token = s->c->M * H + 7 * H + s->c->D + s->c->M + s->c->E + 3 * K + iters + 12;
    size_t per_slot = (5 + 2 * (s->c->depth - 1)) * H + s->c->E + iters + 6;
    return s->context * per_token + s->slots * per_slot;
}

/* On the heap while a context is encoded: activations and, for a teacher, keys and values. */
static size_t encode_numbers(const struct sizes *s)
{
    size_t n = s->context, Q = s->m->heads * s->m->head_dim, K = s->m->kv_heads * s->m->head_dim;
    size_t taught = s->distill ? 2 * (n + s->query) * K * s->m->layers : 0;
    return n * (2 * s->m->hidden + 2 * Q + 4 * K + s->m->head_dim) +
           2 * size_min(n, LLAMA_FFN_ROWS) * s->m->ffn + taught;
}

/* On the heap while the attention of n rows is computed. */
static size_t attention_numbers(const struct sizes *s, size_t n)
{
    size_t arrays = s->backward ? 2 + 2 * ATTENTION_PACKED_PARTS : 2;
    return n * arrays * s->m->kv_heads * s->m->head_dim;
}

/* Scratch of a decoder pass over n rows; wide: rows of the feed-forward at a time. */
static size_t decoder_scratch(const struct sizes *s, size_t n)
{
    size_t H = s->m->hidden, Q = s->m->heads * s->m->head_dim;
    size_t K = s->m->kv_heads * s->m->head_dim, wide = size_min(n, LLAMA_FFN_ROWS);
    size_t numbers = n * (H + 2 * Q + s->m->head_dim) + 2 * wide * s->m->ffn;
    size_t kept = s->backward ? llama_tape_kept_bytes(s->m, n, LLAMA_KEEP_BYTES) : 0;
    if (kept < llama_tape_kept_bytes(s->m, n, SIZE_MAX)) /* some block's are computed again */
        numbers += n * (Q + 2 * K + H);
    if (s->backward)
        numbers += n * (2 * Q + 2 * K + 2 * H + 1) + wide * (2 * H + 1 + 3 * s->m->ffn);
    return numbers;
}

static size_t logits_numbers(const struct sizes *s)
{
    size_t panel = size_min(s->samples * s->labels, LOGIT_ROWS);
    return panel * (s->m->vocab * (s->distill ? 2 : 1) + 2 * s->m->hidden);
}

/* The most that passes hold at once: what they take from an arena, which is kept from pass to
 * pass, and from the heap. */
struct needs {
    size_t arena, heap;
};

static struct needs either(struct needs a, struct needs b)
{
    return (struct needs){size_max(a.arena, b.arena), size_max(a.heap, b.heap)};
}

static struct needs pass_needs(const struct sizes *s, const struct compress_settings *settings)
{
    size_t H = s->m->hidden, n = s->samples * s->rows;
    size_t tapes = s->compressed ? s->samples * (tape_numbers(s, settings) + s->slots * H) : 0;
    size_t held = n * H * (s->m->layers + 3 + (s->backward ? 2 : 0));
    if (s->distill)
        held += s->samples * (s->query + s->labels) * H;
    size_t scratch = size_max(decoder_scratch(s, n), logits_numbers(s));
    size_t kept = s->backward ? llama_tape_kept_bytes(s->m, n, LLAMA_KEEP_BYTES) : 0;
    /* What is kept of the last block behind its attention is of rows that predict labels. */
    size_t silent = s->rows - size_min(s->rows, s->labels);
    size_t unused = s->samples * silent * (H + 2 * s->m->ffn) * sizeof(real);
    kept -= size_min(kept, unused);
    size_t encoding = s->compressed ? encode_numbers(s) : 0;
    return (struct needs){(tapes + held + scratch) * sizeof(real) + kept,
                          size_max(encoding, attention_numbers(s, n)) * sizeof(real)};
}

/* ---- the passes of a run ------------------------------------------------------------- */

/* Slots of a context at the smallest ratio that the run has, and settings with it. */
static size_t most_slots(const struct trainer *t, size_t context, struct compress_settings *least)
{
    train_config_settings(&t->config, 0, least);
    for (size_t step = 1; step < t->config.steps; step++) {
        struct compress_settings s;
        train_config_settings(&t->config, step, &s);
        if (s.ratio < least->ratio)
            *least = s;
    }
    return size_div_up(context, least->window) * compress_slots_per_window(least);
}

/* The bytes of a training pass, or of a validation from slots or from the full context,
 * over samples of `context` tokens with `query` behind them, of which `labels` count. */
enum purpose { TRAIN, VALIDATE_SLOTS, VALIDATE_FULL };

static struct needs needs_of(const struct trainer *t, enum purpose purpose, size_t context,
                             size_t query, size_t labels)
{
    struct compress_settings settings;
    bool prompt = t->soft_prompt != NULL, full = purpose == VALIDATE_FULL || prompt;
    struct sizes s = {
        .m = &t->model->config,
        .c = &t->compressor.shape,
        .samples = t->config.micro_batch,
        .context = context,
        .slots = most_slots(t, context, &settings),
        .query = query,
        .labels = labels,
        .backward = purpose == TRAIN,
        .distill = purpose == TRAIN && t->config.distill > 0,
        .compressed = !full,
    };
    if (purpose != TRAIN)
        s.samples = size_max(2, size_min(s.samples, VALIDATION_SAMPLES));
    size_t soft = prompt ? t->config.soft_tokens : t->lead.n;
    s.rows = soft + (full ? context : s.slots) + query; /* BOS, and the last token is not read */
    return pass_needs(&s, &settings);
}

static struct needs shape_needs(const struct trainer *t, size_t context, size_t query,
                                size_t labels)
{
    struct needs most = needs_of(t, TRAIN, context, query, labels);
    if (!t->config.valid_every)
        return most;
    return either(most, either(needs_of(t, VALIDATE_SLOTS, context, query, labels),
                               needs_of(t, VALIDATE_FULL, context, query, labels)));
}

/* A checkpoint that is read back, while no pass holds anything. */
static size_t checkpoint_bytes(const struct trainer *t)
{
    return parameters_saved_bytes(&t->parameters);
}

/* Muon's scratch for the largest matrix, in the passes' arena. */
static size_t update_bytes(const struct trainer *t)
{
    size_t most = 0;
    for (size_t i = 0; i < t->parameters.n_tensors; i++) {
        const struct compressor_tensor *tensor = &t->parameters.tensors[i];
        size_t least = size_min(tensor->rows, tensor->cols);
        most = size_max(most, 3 * tensor->count + 2 * least * least);
    }
    return most * sizeof(real);
}

/* Of all passes of the run, and its updates. */
static struct needs run_needs(const struct trainer *t)
{
    const struct train_config *c = &t->config;
    const struct stream *s = &t->stream;
    struct needs most = {update_bytes(t), 0};
    if (t->gpu) /* passes are elsewhere */
        return most;
    for (size_t i = 0; i < s->n_shapes; i++) {
        size_t context = s->shapes[i].context, predict = s->shapes[i].predict;
        if (c->mix_ntp > 0)
            most = either(most, shape_needs(t, context, predict, predict));
        if (c->mix_reconstruct > 0)
            most = either(most, needs_of(t, TRAIN, context, context, context));
    }
    if (c->mix_sft > 0)
        most = either(most, shape_needs(t, c->sft_context, c->sft_tokens, c->sft_tokens));
    return most;
}

size_t training_arena(const struct trainer *t)
{
    return run_needs(t).arena;
}

size_t training_memory(const struct trainer *t)
{
    struct needs most = run_needs(t);
    size_t passes = most.arena + HUGE_PAGE + most.heap;
    return parameters_bytes(&t->parameters) + size_max(passes, checkpoint_bytes(t));
}

size_t training_peak(const struct trainer *t)
{
    size_t pending = model_pending_bytes(t->model);
    size_t now = training_memory(t) - parameters_bytes(&t->parameters);
    return size_max(machine_memory_peak(),
                    machine_memory_resident() + pending + now + LIBRARY_BYTES);
}

bool training_fits(const struct trainer *t, struct err *err)
{
    size_t resident = machine_memory_resident(), peak = training_peak(t);
    size_t available = machine_memory_available(), more = peak - size_min(peak, resident);
    if (more <= available)
        return true;
    return err_set(err, ERR_MEMORY,
                   "the run needs %.1f GiB more memory, %.1f GiB are free: a smaller micro_batch "
                   "(%zu) or shorter blocks need less",
                   (double)more / (1 << 30), (double)available / (1 << 30),
                   t->config.micro_batch);
}
