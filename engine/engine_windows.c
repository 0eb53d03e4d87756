/* What was computed of a segment, as windows of the snapshot. */
#include "engine/engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

void engine_copy_reals(float *to, const real *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

/* Cosine of each slot with its right neighbour (what `health` calls twins). */
static void fill_twins(float *twin, const real *slots, size_t k, size_t H)
{
    for (size_t j = 0; j + 1 < k; j++) {
        double dot = 0, a = 0, b = 0;
        for (size_t i = 0; i < H; i++) {
            double x = (double)slots[j * H + i], y = (double)slots[(j + 1) * H + i];
            dot += x * y;
            a += x * x;
            b += y * y;
        }
        twin[j] = (float)(dot / sqrt(a * b + 1e-30));
    }
}

static void fill_history(struct snapshot_window *to, const struct window_plan *w)
{
    size_t rows = (size_t)w->iters + 1;
    engine_copy_reals(to->f, w->f, rows * w->tokens);
    engine_copy_reals(to->g, w->g, rows * w->slots);
    engine_copy_reals(to->row_error, w->row_error, rows);
    engine_copy_reals(to->column_error, w->column_error, rows);
}

/* gate: [tokens, M] of this window, or NULL: shared with `before`. */
static struct snapshot_window *window_from_plan(const struct engine *e, const struct window_plan *w,
                                                size_t first, const float *gate, const real *slots)
{
    size_t M = e->compressor.shape.M, H = e->compressor.shape.H;
    struct snapshot_window *to = snapshot_window_new(w->tokens, w->slots, M, w->iters, true);
    to->first = first;
    to->eps = e->settings.eps;
    to->capacity = (float)w->capacity;
    to->has_gate = to->has_plan = true;
    memcpy(to->gate, gate, w->tokens * M * sizeof *gate);
    engine_copy_reals(to->mass, w->mass, w->tokens);
    engine_copy_reals(to->plan, w->plan, w->tokens * w->slots);
    engine_copy_reals(to->cost, w->cost, w->tokens * w->slots);
    for (size_t j = 0; j <= w->slots; j++)
        to->span[j] = (uint32_t)w->span[j];
    fill_history(to, w);
    fill_twins(to->twin, slots, w->slots, H);
    return to;
}

void engine_fill_minimap(struct snapshot *next, size_t first, size_t n, const float *mass)
{
    size_t all = next->document->tokens;
    if (!next->minimap_mass) {
        next->minimap_mass = xmalloc(all * sizeof *next->minimap_mass);
        for (size_t t = 0; t < all; t++)
            next->minimap_mass[t] = NAN;
    }
    for (size_t t = 0; t < n; t++)
        next->minimap_mass[first + t] = mass ? mass[t] * (float)n : NAN;
}

void engine_install_windows(struct engine *e, struct snapshot *next,
                            const struct engine_segment *segment, const struct encoded *encoded,
                            const float *gate)
{
    size_t slot = 0, M = e->compressor.shape.M, H = e->compressor.shape.H;
    for (size_t i = 0; i < encoded->plan.windows; i++) {
        const struct window_plan *w = &encoded->plan.window[i];
        struct snapshot_window *to = window_from_plan(e, w, segment->first + w->first,
                                                      gate + w->first * M,
                                                      encoded->slots + slot * H);
        engine_fill_minimap(next, to->first, to->tokens, to->mass);
        snapshot_set_window(next, segment->first_window + i, to);
        slot += w->slots;
    }
}
