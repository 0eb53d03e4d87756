#include "engine/compress/metric.h"

#include "engine/ops/linear.h"
#include "engine/ops/norm.h"

static const real layernorm_eps = REAL(1e-5), l2norm_eps = REAL(1e-12);

void metric_forward(const struct compressor *c, const real *x, size_t n,
                    struct metric_saved *saved, struct arena *arena)
{
    size_t H = c->shape.H, E = c->shape.E;
    const struct compressor_params *w = &c->params;
    *saved = (struct metric_saved){
        .x = x,
        .normed = arena_raw(arena, real, n * H),
        .mean = arena_raw(arena, real, n),
        .rstd = arena_raw(arena, real, n),
        .length = arena_raw(arena, real, n),
        .unit = arena_raw(arena, real, n * E),
    };
    layernorm_forward(saved->normed, saved->mean, saved->rstd, x, w->metric_ln_w, w->metric_ln_b,
                      layernorm_eps, n, H);
    linear_forward(saved->unit, saved->normed, w->wc, w->bc, n, H, E);
    l2norm_forward(saved->unit, saved->length, saved->unit, l2norm_eps, n, E);
}

void metric_backward(const struct compressor *c, const struct metric_saved *saved, size_t n,
                     const real *dunit, real *dx, const struct compressor_params *grads,
                     struct arena *scratch)
{
    size_t H = c->shape.H, E = c->shape.E;
    const struct compressor_params *w = &c->params;
    struct arena_mark mark = arena_mark(scratch);
    real *dlinear = arena_array(scratch, real, n * E);
    real *dnormed = arena_array(scratch, real, n * H);
    l2norm_backward(dlinear, dunit, saved->unit, saved->length, l2norm_eps, n, E);
    linear_backward(dnormed, grads->wc, grads->bc, dlinear, saved->normed, w->wc, n, H, E);
    layernorm_backward(dx, grads->metric_ln_w, grads->metric_ln_b, dnormed, saved->x,
                       w->metric_ln_w, saved->mean, saved->rstd, n, H);
    arena_release(scratch, mark);
}
