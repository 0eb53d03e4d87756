#include "engine/compress/slots.h"

#include "engine/ops/linear.h"
#include "engine/ops/matmul.h"
#include "engine/ops/norm.h"

static const real layernorm_eps = REAL(1e-5);

void slots_forward(const struct compressor *c, const real *x, size_t T,
                   const struct segment_plan *plan, struct slots_saved *saved,
                   struct arena *arena)
{
    size_t H = c->shape.H, S = plan->slots;
    const struct compressor_params *params = &c->params;
    *saved = (struct slots_saved){
        .x = x,
        .normed = arena_raw(arena, real, T * H),
        .mean = arena_raw(arena, real, T),
        .rstd = arena_raw(arena, real, T),
        .gathered = arena_raw(arena, real, S * H),
    };
    layernorm_forward(saved->normed, saved->mean, saved->rstd, x, params->value_ln_w,
                      params->value_ln_b, layernorm_eps, T, H);
    size_t slot = 0;
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        matmul_strided(MATMUL_TN, saved->gathered + slot * H, H, w->plan, w->slots,
                       saved->normed + w->first * H, H, 1 / w->capacity, 0, w->slots, H,
                       w->tokens);
        slot += w->slots;
    }
    linear_forward(plan->raw_slots, saved->gathered, params->wu, params->bu, S, H, H);
}

/* dplan = LN_v(x) dy^T / b, dnormed = P dy / b */
static void window_backward(const struct window_plan *w, size_t H, const real *normed,
                            const real *dgathered, real *dplan, real *dnormed)
{
    real inverse = 1 / w->capacity;
    matmul_strided(MATMUL_NT, dplan, w->slots, normed, H, dgathered, H, inverse, 0, w->tokens,
                   w->slots, H);
    matmul_strided(MATMUL_NN, dnormed, H, w->plan, w->slots, dgathered, H, inverse, 0, w->tokens,
                   H, w->slots);
}

void slots_backward(const struct compressor *c, size_t T, const struct segment_plan *plan,
                    const struct slots_saved *saved, const real *draw_slots, real *const *dplan,
                    real *dx, const struct compressor_params *grads, struct arena *scratch)
{
    size_t H = c->shape.H, S = plan->slots;
    struct arena_mark mark = arena_mark(scratch);
    real *dgathered = arena_array(scratch, real, S * H);
    real *dnormed = arena_array(scratch, real, T * H);
    linear_backward(dgathered, grads->wu, grads->bu, draw_slots, saved->gathered, c->params.wu, S,
                    H, H);
    size_t slot = 0;
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        window_backward(w, H, saved->normed + w->first * H, dgathered + slot * H,
                        dplan[i], dnormed + w->first * H);
        slot += w->slots;
    }
    layernorm_backward(dx, grads->value_ln_w, grads->value_ln_b, dnormed, saved->x,
                       c->params.value_ln_w, saved->mean, saved->rstd, T, H);
    arena_release(scratch, mark);
}
