#include "engine/compress/slots.h"

#include "engine/ops/linear.h"
#include "engine/ops/matmul.h"
#include "engine/ops/norm.h"
#include "engine/ops/reduce.h"

static const real layernorm_eps = REAL(1e-5);

static void sum_received(const struct window_plan *w, real *received)
{
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++)
            received[j] += w->plan[t * w->slots + j];
    for (size_t j = 0; j < w->slots; j++)
        received[j] /= w->capacity;
}

void slots_forward(const struct compressor *c, const real *x, size_t T,
                   const struct segment_plan *plan, struct slots_saved *saved,
                   struct arena *arena)
{
    size_t H = c->shape.H, S = plan->slots;
    const struct compressor_params *params = &c->params;
    *saved = (struct slots_saved){
        .x = x,
        .normed = arena_array(arena, real, T * H),
        .mean = arena_array(arena, real, T),
        .rstd = arena_array(arena, real, T),
        .gathered = arena_array(arena, real, S * H),
        .received = arena_array(arena, real, S),
    };
    layernorm_forward(saved->normed, saved->mean, saved->rstd, x, params->value_ln_w,
                      params->value_ln_b, layernorm_eps, T, H);
    size_t slot = 0;
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        matmul_strided(MATMUL_TN, saved->gathered + slot * H, H, w->plan, w->slots,
                       saved->normed + w->first * H, H, 1 / w->capacity, 0, w->slots, H,
                       w->tokens);
        sum_received(w, saved->received + slot);
        slot += w->slots;
    }
    matmul_nt(plan->raw_slots, saved->gathered, params->wu, 0, S, H, H);
    for (size_t j = 0; j < S; j++)
        for (size_t i = 0; i < H; i++)
            plan->raw_slots[j * H + i] += saved->received[j] * params->bu[i];
}

/* dreceived [S] and the gradient of bu. */
static void received_backward(const struct compressor *c, size_t S, const real *received,
                              const real *draw_slots, real *dreceived, real *dbu)
{
    size_t H = c->shape.H;
    for (size_t j = 0; j < S; j++) {
        const real *dz = draw_slots + j * H;
        dreceived[j] = reduce_dot(dz, c->params.bu, H);
        for (size_t i = 0; i < H; i++)
            dbu[i] += received[j] * dz[i];
    }
}

/* dplan = (LN_v(x) dy^T + dr) / b, dnormed = P dy / b */
static void window_backward(const struct window_plan *w, size_t H, const real *normed,
                            const real *dgathered, const real *dreceived, real *dplan,
                            real *dnormed)
{
    real inverse = 1 / w->capacity;
    matmul_strided(MATMUL_NT, dplan, w->slots, normed, H, dgathered, H, inverse, 0, w->tokens,
                   w->slots, H);
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++)
            dplan[t * w->slots + j] += inverse * dreceived[j];
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
    real *dreceived = arena_array(scratch, real, S);
    real *dnormed = arena_array(scratch, real, T * H);
    linear_backward(dgathered, grads->wu, NULL, draw_slots, saved->gathered, c->params.wu, S, H, H);
    received_backward(c, S, saved->received, draw_slots, dreceived, grads->bu);
    size_t slot = 0;
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        window_backward(w, H, saved->normed + w->first * H, dgathered + slot * H,
                        dreceived + slot, dplan[i], dnormed + w->first * H);
        slot += w->slots;
    }
    layernorm_backward(dx, grads->value_ln_w, grads->value_ln_b, dnormed, saved->x,
                       c->params.value_ln_w, saved->mean, saved->rstd, T, H);
    arena_release(scratch, mark);
}
