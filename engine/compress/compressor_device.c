#include "engine/compress/compressor_device.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/compress/gate_device.h"
#include "engine/compress/linear_device.h"
#include "engine/compress/plan_device.h"
#include "engine/compress/windows_device.h"

/* What layer i of the projector gives before its GELU: [S, H], i < depth - 1. */
struct projector_device_saved {
    real *pre[COMPRESSOR_DEPTH_MAX];
};

struct compress_device_saved {
    struct compress_settings settings;
    const real *hidden; /* borrowed, on the device */
    size_t n, M;
    struct windows_device windows;
    struct gate_device_saved gate;
    struct plan_device_saved plan;
    struct projector_device_saved projector;
};

void compressor_device_init(struct compressor_device *c, const struct compressor *host,
                            struct device *d)
{
    *c = (struct compressor_device){.host = host, .block = device_reals(d, host->count)};
    compressor_view(host, c->block, &c->params);
}

/* slots [S, H] are the caller's; pre is taken. */
static void projector_forward_device(struct device *d, const struct compressor_device *c,
                                     const real *raw_slots, size_t S, real *slots,
                                     struct projector_device_saved *saved)
{
    const size_t H = c->host->shape.H, last = c->host->shape.depth - 1;
    const struct compressor_params *w = &c->params;
    for (size_t i = 0; i < last; i++)
        saved->pre[i] = device_reals(d, S * H);
    size_t mark = d->ops->mark(d);
    real *active = device_reals(d, S * H);
    const real *x = raw_slots;
    for (size_t i = 0; i < last; i++) {
        linear_device_forward(d, saved->pre[i], x, w->projector_w[i], w->projector_b[i], S, H, H);
        d->ops->gelu_forward(d, active, saved->pre[i], S * H);
        x = active;
    }
    linear_device_forward(d, slots, x, w->projector_w[last], w->projector_b[last], S, H, H);
    d->ops->release(d, mark);
}

/* draw_slots [S, H] is overwritten. */
static void projector_backward_device(struct device *d, const struct compressor_device *c,
                                      const real *raw_slots, size_t S,
                                      const struct projector_device_saved *saved,
                                      const real *dslots, real *draw_slots,
                                      const struct compressor_params *grads)
{
    const size_t H = c->host->shape.H, last = c->host->shape.depth - 1;
    size_t mark = d->ops->mark(d);
    real *active = device_reals(d, S * H), *dpre = device_reals(d, S * H);
    const real *dy = dslots;
    for (size_t i = last; i > 0; i--) {
        d->ops->gelu_forward(d, active, saved->pre[i - 1], S * H);
        linear_device_backward(d, draw_slots, grads->projector_w[i], grads->projector_b[i], dy,
                               active, c->params.projector_w[i], S, H, H);
        d->ops->gelu_backward(d, dpre, draw_slots, saved->pre[i - 1], S * H);
        dy = dpre;
    }
    linear_device_backward(d, draw_slots, grads->projector_w[0], grads->projector_b[0], dy,
                           raw_slots, c->params.projector_w[0], S, H, H);
    d->ops->release(d, mark);
}

void compressor_device_forward(struct device *d, const struct compressor_device *c,
                               const struct compress_settings *s, const real *hidden,
                               const size_t *starts, size_t segments,
                               struct compress_device_tape *tape, struct arena *arena)
{
    CHECK(!s->ablations && !s->edits && s->iters > 0);
    struct compress_device_saved *saved = arena_array(arena, struct compress_device_saved, 1);
    const size_t n = starts[segments];
    saved->settings = *s;
    saved->hidden = hidden;
    saved->n = n;
    saved->M = c->host->shape.M;
    windows_device_init(d, s, starts, segments, &saved->windows, arena);
    const size_t S = saved->windows.all.S;
    plan_device_init(d, c, s, &saved->windows.all, &saved->plan);
    gate_device_forward(d, c, s, hidden, n, &saved->gate, saved->plan.points);
    plan_device_forward(d, c, s, &saved->plan);
    real *slots = device_reals(d, S * c->host->shape.H);
    projector_forward_device(d, c, saved->plan.raw_slots, S, slots, &saved->projector);
    *tape = (struct compress_device_tape){
        .segments = segments,
        .slots = S,
        .slot_start = saved->windows.slot_start,
        .slots_out = slots,
        .saved = saved,
    };
}

void compressor_device_backward(struct device *d, const struct compressor_device *c,
                                const struct compress_device_tape *tape, const real *dslots,
                                const struct compressor_device *grads)
{
    const struct compress_device_saved *saved = tape->saved;
    const struct compress_settings *s = &saved->settings;
    const size_t H = c->host->shape.H, n = saved->n, S = tape->slots;
    size_t mark = d->ops->mark(d);
    real *draw_slots = device_reals(d, S * H), *dpoints = device_reals(d, (n + S + 1) * H);
    projector_backward_device(d, c, saved->plan.raw_slots, S, &saved->projector, dslots, draw_slots,
                              &grads->params);
    plan_device_backward(d, c, s, &saved->plan, draw_slots, dpoints, &grads->params);
    gate_device_backward(d, c, s, saved->hidden, n, &saved->gate, dpoints, &grads->params);
    d->ops->release(d, mark);
}

static real *read_reals(struct device *d, const real *from, size_t count, struct arena *arena)
{
    real *x = arena_array(arena, real, count);
    d->ops->download(d, x, from, count * sizeof *x);
    return x;
}

void compressor_device_read(struct device *d, const struct compress_device_tape *tape,
                            const real **alpha, const struct window_plan **windows,
                            size_t *n_windows, struct arena *arena)
{
    const struct compress_device_saved *saved = tape->saved;
    const struct device_windows *all = &saved->windows.all;
    const struct device_sinkhorn *plan = &saved->plan.plan;
    *alpha = read_reals(d, saved->gate.alpha, saved->n * saved->M, arena);
    real *mass = read_reals(d, plan->mass, all->n, arena);
    real *cells = read_reals(d, plan->plan, all->cells, arena);
    real *row_error = read_reals(d, plan->row_error, all->count, arena);
    struct window_plan *window = arena_array(arena, struct window_plan, all->count);
    memcpy(window, saved->windows.window, all->count * sizeof *window);
    for (size_t i = 0; i < all->count; i++) {
        window[i].mass = mass;
        window[i].plan = cells;
        window[i].row_error = row_error + i;
        mass += window[i].tokens;
        cells += window[i].tokens * window[i].slots;
    }
    *windows = window;
    *n_windows = all->count;
}
