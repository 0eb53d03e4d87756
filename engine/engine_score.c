/* Losses of given tokens, and the compression of a whole document as flat arrays:
 * what the batch commands `score` and `compress` need. */
#include "engine/engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum { SCORE_CHUNK = 256 };

static bool check_positions(const struct engine *e, size_t n, struct err *err)
{
    if (n <= e->model->config.positions)
        return true;
    return err_set(err, ERR_INPUT, "%zu token%s, but the model has %zu positions", n,
                   text_plural(n), e->model->config.positions);
}

/* Runs embeddings [n, H] and stores the loss of labels[i] at position first + i
 * (labels has n - first entries). Final hidden states of SCORE_CHUNK positions are
 * in memory at a time. */
static bool score_embeddings(struct engine *e, const real *embeddings, size_t n, size_t first,
                             const int32_t *labels, real *nll, const struct progress *progress,
                             struct err *err)
{
    size_t H = e->model->config.hidden, M = e->model->config.layers + 1;
    struct kv_cache cache = {0};
    if (!check_positions(e, n, err) || !kv_cache_init(&cache, e->model, n, err))
        return false;
    bool ok = true;
    for (size_t from = 0; ok && from < n; from += SCORE_CHUNK) {
        struct arena arena = {0};
        size_t count = size_min(SCORE_CHUNK, n - from);
        real *hidden = arena_array(&arena, real, M * count * H);
        struct llama_input input = {.n = count, .embeddings = embeddings + from * H};
        struct llama_output output = {.hidden = hidden};
        ok = llama_forward(e->model, &cache, LLAMA_ALL, &input, &output, progress, err);
        size_t begin = size_max(from, first), rows_n = 0;
        size_t *rows = arena_array(&arena, size_t, count);
        for (size_t t = begin; t < from + count; t++)
            rows[rows_n++] = t - from;
        if (ok && rows_n)
            llama_cross_entropy(e->model, hidden + (M - 1) * count * H, rows,
                                labels + (begin - first), rows_n, 0, nll + (begin - first), NULL,
                                NULL, &arena);
        arena_free(&arena);
    }
    kv_cache_free(&cache);
    return ok;
}

bool engine_score(struct engine *e, const int32_t *ids, size_t n, real *nll,
                  const struct progress *progress, struct err *err)
{
    if (n < 2)
        return err_set(err, ERR_INPUT, "%zu token%s: a loss needs at least two", n, text_plural(n));
    size_t H = e->model->config.hidden;
    real *embeddings = mem_try((n - 1) * H, sizeof(real), "embeddings|a shorter text needs less",
                               err);
    bool ok = embeddings && llama_embed(e->model, ids, n - 1, embeddings, err) &&
              score_embeddings(e, embeddings, n - 1, 0, ids + 1, nll, progress, err);
    free(embeddings);
    return ok;
}

/* Context part of the decoder input as embeddings in the arena. */
static bool context_embeddings(struct engine *e, enum answer_mode given, const int32_t *context,
                               size_t context_n, real **out, size_t *count, struct arena *arena,
                               const struct progress *progress, struct err *err)
{
    size_t H = e->model->config.hidden;
    *count = 0;
    *out = NULL;
    if (given == ANSWER_NONE || context_n == 0)
        return true;
    if (given == ANSWER_COMPRESSED)
        return engine_encode_long(e, context, context_n, out, count, arena, progress, err);
    *out = arena_array(arena, real, context_n * H);
    *count = context_n;
    return llama_embed(e->model, context, context_n, *out, err);
}

bool engine_score_given(struct engine *e, enum answer_mode given, const int32_t *context,
                        size_t context_n, const int32_t *ids, size_t n, real *nll,
                        const struct progress *progress, struct err *err)
{
    struct arena arena = {0};
    size_t H = e->model->config.hidden, count;
    int32_t bos = e->model->tokenizer ? tokenizer_bos(e->model->tokenizer) : -1;
    size_t lead = bos >= 0 && given != ANSWER_FULL;
    real *before;
    bool ok = context_embeddings(e, given, context, context_n, &before, &count, &arena, progress,
                                 err);
    if (ok && n == 0)
        ok = err_set(err, ERR_INPUT, "no tokens to score");
    if (ok) {
        size_t head = lead + count;
        real *all = arena_array(&arena, real, (head + n) * H);
        ok = (!lead || llama_embed(e->model, &bos, 1, all, err)) &&
             llama_embed(e->model, ids, n, all + head * H, err);
        if (count)
            memcpy(all + lead * H, before, count * H * sizeof(real));
        /* Without anything in front, the first token cannot be predicted. */
        nll[0] = REAL(0.0) / REAL(0.0);
        size_t skip = head == 0;
        if (ok && head + n - 1 > 0)
            ok = score_embeddings(e, all, head + n - 1, head ? head - 1 : 0, ids + skip, nll + skip,
                                  progress, err);
    }
    arena_free(&arena);
    return ok;
}

/* ---- compress ------------------------------------------------------------------ */

#define LESS "|a shorter text, or less in --dump, needs less"

static bool compression_alloc(unsigned wanted, struct engine_compression *c, struct err *err)
{
    size_t M = c->layers, H = c->hidden_size, N = c->tokens, cells = c->windows * c->W;
    const struct {
        float **array;
        size_t count;
        const char *what;
    } blocks[COMPRESSION_TENSORS] = {
        [COMPRESSION_GATE] = {&c->gate, N * M, "gates" LESS},
        [COMPRESSION_ANCHORS] = {&c->anchors, N * H, "anchors" LESS},
        [COMPRESSION_MASS] = {&c->mass, cells, "mass" LESS},
        [COMPRESSION_COST] = {&c->cost, cells * c->K, "cost" LESS},
        [COMPRESSION_PLAN] = {&c->plan, cells * c->K, "plan" LESS},
        [COMPRESSION_RAW_SLOTS] = {&c->raw_slots, c->windows * c->K * H, "slots" LESS},
        [COMPRESSION_SLOTS] = {&c->slot_vectors, c->windows * c->K * H, "slots" LESS},
        [COMPRESSION_HIDDEN] = {&c->hidden, M * N * H, "hidden states" LESS},
    };
    for (size_t i = 0; i < COMPRESSION_TENSORS; i++) {
        if (!(wanted & 1u << i) || !blocks[i].count)
            continue;
        *blocks[i].array = mem_try(blocks[i].count, sizeof(float), blocks[i].what, err);
        if (!*blocks[i].array)
            return false;
    }
    return true;
}

/* From array[at] on, where the array is wanted. */
static void store(float *array, size_t at, const real *from, size_t count)
{
    for (size_t i = 0; array && i < count; i++)
        array[at + i] = (float)from[i];
}

/* Window w of a segment into the padded [W] and [W, K] tables. */
static void store_window(struct engine_compression *c, size_t index, const struct window_plan *w)
{
    store(c->mass, index * c->W + w->pad, w->mass, w->tokens);
    for (size_t i = 0; i < w->tokens; i++) {
        size_t row = (index * c->W + w->pad + i) * c->K + w->first_slot;
        store(c->cost, row, w->cost + i * w->slots, w->slots);
        store(c->plan, row, w->plan + i * w->slots, w->slots);
    }
}

static void store_segment(struct engine_compression *c, size_t first, size_t n, size_t *window,
                          const struct encoded *encoded)
{
    size_t M = c->layers, H = c->hidden_size, S = encoded->plan.slots;
    store(c->gate, first * M, encoded->alpha, n * M);
    store(c->anchors, first * H, encoded->anchors, n * H);
    store(c->raw_slots, c->slots * H, encoded->plan.raw_slots, S * H);
    store(c->slot_vectors, c->slots * H, encoded->slots, S * H);
    for (size_t i = 0; i < encoded->plan.windows; i++)
        store_window(c, (*window)++, &encoded->plan.window[i]);
    c->slots += S;
    c->read_ms += encoded->times.read;
    c->gate_ms += encoded->times.gate;
    c->plan_ms += encoded->times.plan;
    c->project_ms += encoded->times.project;
}

/* hidden [M, n, H] of one segment into its columns of [M, N, H]. */
static void store_hidden(struct engine_compression *c, size_t first, size_t n, const real *hidden)
{
    size_t H = c->hidden_size;
    for (size_t l = 0; l < c->layers; l++)
        store(c->hidden, (l * c->tokens + first) * H, hidden + l * n * H, n * H);
}

bool engine_compress(struct engine *e, unsigned wanted, struct engine_compression *out,
                     const struct progress *progress, struct err *err)
{
    const struct snapshot_document *d = e->snapshot->document;
    *out = (struct engine_compression){
        .tokens = d->tokens,
        .layers = e->compressor.shape.M,
        .hidden_size = e->compressor.shape.H,
        .windows = e->snapshot->windows,
        .W = e->settings.window,
        .K = compress_slots_per_window(&e->settings),
    };
    bool ok = compression_alloc(wanted, out, err);
    size_t window = 0;
    for (size_t i = 0; ok && i < e->n_segments; i++) {
        struct arena arena = {0};
        size_t first = e->segments[i].first, n = e->segments[i].tokens;
        struct encode_listener tap = {0};
        if (out->hidden)
            tap.hidden = arena_array(&arena, real, out->layers * n * out->hidden_size);
        struct encoded encoded;
        ok = engine_encode(e, d->ids + first, n, &tap, &encoded, &arena, progress, err);
        if (ok)
            store_segment(out, first, n, &window, &encoded);
        if (ok && out->hidden)
            store_hidden(out, first, n, tap.hidden);
        arena_free(&arena);
    }
    if (!ok)
        engine_compression_free(out);
    return ok;
}

void engine_compression_free(struct engine_compression *c)
{
    float *arrays[] = {c->gate, c->anchors, c->mass,         c->cost,
                       c->plan, c->raw_slots, c->slot_vectors, c->hidden};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    *c = (struct engine_compression){0};
}
