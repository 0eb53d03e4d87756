#include "engine/compress/windows.h"

#include "engine/base/rng.h"
#include "engine/base/size.h"

/* First position of span j of K in a window of W positions; j = K gives W. */
static size_t span_start(size_t W, size_t K, size_t j)
{
    return j * (W / K) + size_min(j, W % K);
}

static size_t clamp_to_tokens(const struct window_plan *w, size_t position)
{
    return position < w->pad ? 0 : size_min(position - w->pad, w->tokens);
}

static void find_spans(struct window_plan *w, struct arena *arena)
{
    w->first_slot = 0;
    while (span_start(w->W, w->K, w->first_slot + 1) <= w->pad)
        w->first_slot++;
    size_t end = w->first_slot;
    while (end < w->K && span_start(w->W, w->K, end) < w->pad + w->tokens)
        end++;
    w->slots = end - w->first_slot;
    w->span = arena_array(arena, size_t, w->slots + 1);
    for (size_t j = 0; j <= w->slots; j++)
        w->span[j] = clamp_to_tokens(w, span_start(w->W, w->K, w->first_slot + j));
    w->capacity = REAL(1.0) / (real)w->slots;
}

/* The same permutation for a window size and a seed whenever it is asked for. */
static const size_t *fixed_shuffle(size_t n, unsigned seed, struct arena *arena)
{
    size_t *order = arena_array(arena, size_t, n);
    struct rng rng;
    rng_seed(&rng, n + ((uint64_t)seed << 32));
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(&rng, i), swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
    return order;
}

void windows_layout(const struct compress_settings *s, size_t T, struct segment_plan *out,
                    struct arena *arena)
{
    size_t W = s->window;
    *out = (struct segment_plan){.windows = size_div_up(T, W)};
    out->window = arena_array(arena, struct window_plan, out->windows);
    size_t pad = s->align == ALIGN_TAIL ? out->windows * W - T : 0;
    size_t first = 0;
    for (size_t i = 0; i < out->windows; i++) {
        struct window_plan *w = &out->window[i];
        w->W = W;
        w->K = compress_slots_per_window(s);
        w->pad = i == 0 ? pad : 0;
        w->first = first;
        w->tokens = size_min(W - w->pad, T - first);
        find_spans(w, arena);
        if (s->ablations & ABLATE_ORDER)
            w->order = fixed_shuffle(w->tokens, s->order_seed, arena);
        first += w->tokens;
        out->slots += w->slots;
    }
}
