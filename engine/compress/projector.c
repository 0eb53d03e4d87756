#include "engine/compress/projector.h"

#include "engine/ops/gelu.h"
#include "engine/ops/linear.h"

void projector_forward_saved(const struct compressor *c, const real *raw_slots, size_t S,
                             real *slots, struct projector_saved *saved, struct arena *arena)
{
    size_t H = c->shape.H, last = c->shape.depth - 1;
    const struct compressor_params *w = &c->params;
    const real *x = raw_slots;
    for (size_t i = 0; i < last; i++) {
        saved->pre[i] = arena_raw(arena, real, S * H);
        real *active = arena_raw(arena, real, S * H);
        linear_forward(saved->pre[i], x, w->projector_w[i], w->projector_b[i], S, H, H);
        gelu_forward(active, saved->pre[i], S * H);
        x = active;
    }
    linear_forward(slots, x, w->projector_w[last], w->projector_b[last], S, H, H);
}

void projector_forward(const struct compressor *c, const real *raw_slots, size_t S, real *slots,
                       struct arena *scratch)
{
    struct arena_mark mark = arena_mark(scratch);
    struct projector_saved saved;
    projector_forward_saved(c, raw_slots, S, slots, &saved, scratch);
    arena_release(scratch, mark);
}

void projector_backward(const struct compressor *c, const real *raw_slots, size_t S,
                        const struct projector_saved *saved, const real *dslots, real *draw_slots,
                        const struct compressor_params *grads, struct arena *scratch)
{
    size_t H = c->shape.H;
    struct arena_mark mark = arena_mark(scratch);
    real *active = arena_raw(scratch, real, S * H);
    const real *dy = dslots;
    for (size_t i = c->shape.depth - 1; i > 0; i--) {
        real *dactive = arena_array(scratch, real, S * H);
        real *dpre = arena_array(scratch, real, S * H);
        gelu_forward(active, saved->pre[i - 1], S * H);
        linear_backward(dactive, grads->projector_w[i], grads->projector_b[i], dy, active,
                        c->params.projector_w[i], S, H, H);
        gelu_backward(dpre, dactive, saved->pre[i - 1], S * H);
        dy = dpre;
    }
    linear_backward(draw_slots, grads->projector_w[0], grads->projector_b[0], dy, raw_slots,
                    c->params.projector_w[0], S, H, H);
    arena_release(scratch, mark);
}
