/* One segment: tokens -> hidden states -> gates and anchors -> plan -> slots.
 * The frozen pass runs in chunks of ENCODE_CHUNK tokens over a KV cache, so that
 * gates appear before the segment is read whole and the hidden states of only one
 * chunk are in memory: [M, 128, H] instead of [M, T, H]. */
#include "engine/engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"

/* What reading a segment works with. */
struct reading {
    struct kv_cache cache;
    real *hidden; /* [M, ENCODE_CHUNK, H] */
};

static bool reading_begin(struct reading *r, struct engine *e, size_t n, struct err *err)
{
    const struct compressor_shape *shape = &e->compressor.shape;
    *r = (struct reading){0};
    r->hidden = mem_try_raw(shape->M * ENCODE_CHUNK * shape->H, sizeof *r->hidden,
                            "hidden states|a smaller model needs less", err);
    return r->hidden && kv_cache_init(&r->cache, e->model, n, err);
}

static void reading_end(struct reading *r)
{
    kv_cache_free(&r->cache);
    free(r->hidden);
}

/* Reads tokens from `from` on, a chunk, and makes their gates and anchors. */
static bool encode_chunk(struct engine *e, struct reading *r, const int32_t *ids, size_t n,
                         size_t from, const struct encode_listener *listener, struct encoded *out,
                         const struct progress *progress, struct err *err)
{
    const struct compressor_shape *shape = &e->compressor.shape;
    bool keep = listener && listener->hidden;
    size_t count = size_min(ENCODE_CHUNK, n - from), stride = keep ? n : count;
    real *hidden = keep ? listener->hidden + from * shape->H : r->hidden;
    double start = clock_ms();
    struct llama_input input = {.n = count, .ids = ids + from};
    struct llama_output output = {.hidden = hidden, .hidden_stride = stride};
    if (!llama_forward(e->model, &r->cache, shape->M - 1, &input, &output, progress, err))
        return false;
    double read = clock_ms();
    struct arena scratch = {0}; /* nothing of it stays where the next chunk's activations lay */
    real *alpha = out->alpha + from * shape->M;
    gate_forward(&e->compressor, &e->settings, hidden, stride, count, alpha, NULL,
                 out->anchors + from * shape->H, &scratch);
    arena_free(&scratch);
    out->times.read += read - start;
    out->times.gate += clock_ms() - read;
    if (listener && listener->gates)
        listener->gates(listener->context, from, count, alpha);
    return true;
}

bool engine_encode_anchors(struct engine *e, const real *anchors, size_t n, struct encoded *out,
                           struct arena *arena, const struct progress *progress, struct err *err)
{
    double start = clock_ms();
    if (!plan_forward(&e->compressor, &e->settings, anchors, n, true, &out->plan, arena, progress,
                      err))
        return false;
    double planned = clock_ms();
    out->slots = arena_array(arena, real, out->plan.slots * e->compressor.shape.H);
    projector_forward(&e->compressor, out->plan.raw_slots, out->plan.slots, out->slots, arena);
    out->times.plan = planned - start;
    out->times.project = clock_ms() - planned;
    return true;
}

bool engine_encode(struct engine *e, const int32_t *ids, size_t n,
                   const struct encode_listener *listener, struct encoded *out, struct arena *arena,
                   const struct progress *progress, struct err *err)
{
    *out = (struct encoded){
        .alpha = arena_array(arena, real, n * e->compressor.shape.M),
        .anchors = arena_array(arena, real, n * e->compressor.shape.H),
    };
    struct reading reading;
    bool ok = reading_begin(&reading, e, n, err);
    for (size_t from = 0; ok && from < n; from += ENCODE_CHUNK)
        ok = encode_chunk(e, &reading, ids, n, from, listener, out, progress, err);
    reading_end(&reading);
    return ok && engine_encode_anchors(e, out->anchors, n, out, arena, progress, err);
}

bool engine_encode_long(struct engine *e, const int32_t *ids, size_t n, real **slots, size_t *count,
                        struct arena *arena, const struct progress *progress, struct err *err)
{
    const size_t bytes = e->compressor.shape.H * sizeof(real); /* of one slot */
    struct buffer all = {0};
    struct arena scratch = {0};
    bool ok = true;
    for (size_t from = 0; ok && from < n; from += e->segment) {
        struct encoded encoded;
        size_t tokens = size_min(e->segment, n - from);
        ok = engine_encode(e, ids + from, tokens, NULL, &encoded, &scratch, progress, err);
        if (ok)
            buffer_add(&all, encoded.slots, encoded.plan.slots * bytes);
        arena_free(&scratch);
    }
    if (ok) {
        *slots = arena_array(arena, real, all.size / sizeof(real));
        if (all.data)
            memcpy(*slots, all.data, all.size);
        *count = all.size / bytes;
    }
    buffer_free(&all);
    return ok;
}

size_t engine_window_starts(const struct compress_settings *s, size_t n, uint32_t *first)
{
    size_t windows = size_div_up(n, s->window);
    size_t partial = n % s->window;
    for (size_t i = 0; first && i <= windows; i++) {
        size_t start = i * s->window;
        if (s->align == ALIGN_TAIL && partial && i > 0)
            start -= s->window - partial;
        first[i] = (uint32_t)size_min(start, n);
    }
    return windows;
}
