#include "engine/compress/mass.h"

#include "engine/ops/linear.h"
#include "engine/ops/norm.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"

static const real layernorm_eps = REAL(1e-5);

static void fill_uniform(real *mass, size_t n)
{
    for (size_t t = 0; t < n; t++)
        mass[t] = REAL(1.0) / (real)n;
}

static void add_floor(real *mass, const real *share, double lambda, size_t n)
{
    real keep = (real)(1 - lambda), floor = (real)(lambda / (double)n);
    for (size_t t = 0; t < n; t++)
        mass[t] = keep * share[t] + floor;
    real sum = reduce_sum(mass, n);
    for (size_t t = 0; t < n; t++)
        mass[t] /= sum;
}

void mass_forward(const struct compressor *c, const struct compress_settings *s, const real *x,
                  size_t T, struct segment_plan *plan, struct mass_saved *saved,
                  struct arena *arena)
{
    size_t H = c->shape.H;
    if (s->ablations & ABLATE_MASS) {
        for (size_t i = 0; i < plan->windows; i++)
            fill_uniform(plan->window[i].mass, plan->window[i].tokens);
        return;
    }
    *saved = (struct mass_saved){
        .x = x,
        .normed = arena_raw(arena, real, T * H),
        .mean = arena_raw(arena, real, T),
        .rstd = arena_raw(arena, real, T),
        .share = arena_raw(arena, real, T),
    };
    layernorm_forward(saved->normed, saved->mean, saved->rstd, x, c->params.mass_ln_w,
                      c->params.mass_ln_b, layernorm_eps, T, H);
    linear_forward(saved->share, saved->normed, c->params.wm, c->params.bm, T, H, 1);
    for (size_t i = 0; i < plan->windows; i++) {
        struct window_plan *w = &plan->window[i];
        real *share = saved->share + w->first;
        softmax_forward(share, share, (real)(1 / s->source_tau), 1, w->tokens);
        add_floor(w->mass, share, s->lambda_floor, w->tokens);
    }
}

bool mass_edit(const real *factor, struct segment_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->windows; i++) {
        struct window_plan *w = &plan->window[i];
        bool edited = false;
        for (size_t t = 0; t < w->tokens; t++) {
            edited = edited || factor[w->first + t] != 1;
            w->mass[t] *= factor[w->first + t];
        }
        if (!edited) /* a second division would change the last bit */
            continue;
        real sum = reduce_sum(w->mass, w->tokens);
        if (!(sum > 0))
            return err_set(err, ERR_USAGE, "no token of window %zu may send anything any more",
                           i + 1);
        for (size_t t = 0; t < w->tokens; t++)
            w->mass[t] /= sum;
    }
    return true;
}

/* The renormalisation divides by a sum that is constant, so it has no part in
 * the gradient but for its value, which is 1. */
void mass_backward(const struct compressor *c, const struct compress_settings *s,
                   const struct segment_plan *plan, const struct mass_saved *saved, size_t T,
                   const real *dlog_a, real *dx, const struct compressor_params *grads,
                   struct arena *scratch)
{
    if (s->ablations & ABLATE_MASS)
        return;
    size_t H = c->shape.H;
    struct arena_mark mark = arena_mark(scratch);
    real *dshare = arena_array(scratch, real, T), *dscore = arena_array(scratch, real, T);
    real *dnormed = arena_array(scratch, real, T * H);
    real keep = (real)(1 - s->lambda_floor);
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t t = 0; t < w->tokens; t++)
            dshare[w->first + t] =
                w->mass[t] > 0 ? keep * dlog_a[w->first + t] / w->mass[t] : 0;
        softmax_backward(dscore + w->first, dshare + w->first, saved->share + w->first,
                         (real)(1 / s->source_tau), 1, w->tokens);
    }
    linear_backward(dnormed, grads->wm, NULL, dscore, saved->normed, c->params.wm, T, H, 1);
    layernorm_backward(dx, grads->mass_ln_w, NULL, dnormed, saved->x, c->params.mass_ln_w,
                       saved->mean, saved->rstd, T, H);
    arena_release(scratch, mark);
}
