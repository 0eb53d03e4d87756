#include "engine/compress/plan.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/compress/ablations.h"
#include "engine/compress/sinkhorn.h"
#include "engine/compress/windows.h"
#include "engine/ops/matmul.h"
#include "engine/ops/reduce.h"

/* Windows between two calls of progress. */
enum { WINDOW_BATCH = 16 };

void plan_prepare(const struct compressor *c, const struct compress_settings *s, size_t T,
                  bool history, struct segment_plan *out, struct arena *arena)
{
    windows_layout(s, T, out, arena);
    for (size_t i = 0; i < out->windows; i++) {
        struct window_plan *w = &out->window[i];
        w->iters = history && !(s->ablations & ABLATE_PLAN) ? s->iters : 0;
        size_t kept = (size_t)w->iters + 1;
        w->mass = arena_array(arena, real, w->tokens);
        w->cost = arena_array(arena, real, w->tokens * w->slots);
        w->plan = arena_array(arena, real, w->tokens * w->slots);
        w->f = arena_array(arena, real, kept * w->tokens);
        w->g = arena_array(arena, real, kept * w->slots);
        w->row_error = arena_array(arena, real, kept);
        w->column_error = arena_array(arena, real, kept);
    }
    out->raw_slots = arena_array(arena, real, out->slots * c->shape.H);
    size_t slot = 0;
    for (size_t i = 0; i < out->windows; i++) {
        out->window[i].raw_slots = out->raw_slots + slot * c->shape.H;
        slot += out->window[i].slots;
    }
}

/* The token of window w that stands at place i of its home spans. */
static size_t member(const struct window_plan *w, size_t i)
{
    return w->first + (w->order ? w->order[i] : i);
}

/* receivers[j] = mean of the anchors of home span j */
static void mean_receivers(const struct segment_plan *plan, const real *anchors, size_t H,
                           real *receivers)
{
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t j = 0; j < w->slots; j++, receivers += H) {
            for (size_t t = w->span[j]; t < w->span[j + 1]; t++)
                for (size_t d = 0; d < H; d++)
                    receivers[d] += anchors[member(w, t) * H + d];
            for (size_t d = 0; d < H; d++)
                receivers[d] /= (real)(w->span[j + 1] - w->span[j]);
        }
    }
}

static void mean_receivers_backward(const struct segment_plan *plan, const real *dreceivers,
                                    size_t H, real *danchors)
{
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t j = 0; j < w->slots; j++, dreceivers += H) {
            real share = REAL(1.0) / (real)(w->span[j + 1] - w->span[j]);
            for (size_t t = w->span[j]; t < w->span[j + 1]; t++)
                for (size_t d = 0; d < H; d++)
                    danchors[member(w, t) * H + d] += share * dreceivers[d];
        }
    }
}

static bool has_empty_slots(const struct segment_plan *plan)
{
    for (size_t i = 0; i < plan->windows; i++)
        if (plan->window[i].slots < plan->window[i].K)
            return true;
    return false;
}

static void measure(const struct compressor *c, const real *anchors, size_t T,
                    const struct segment_plan *plan, struct plan_saved *saved,
                    struct arena *arena)
{
    size_t H = c->shape.H;
    saved->rows = T + plan->slots + (has_empty_slots(plan) ? 1 : 0);
    saved->points = arena_array(arena, real, saved->rows * H);
    memcpy(saved->points, anchors, T * H * sizeof *anchors);
    mean_receivers(plan, anchors, H, saved->points + T * H);
    metric_forward(c, saved->points, saved->rows, &saved->metric, arena);
}

/* C = 1 - u w^T and the scores -C / eps of window i; slot: its first one in S. */
static void cost_forward(const struct compressor *c, double eps, size_t T, size_t i, size_t slot,
                         const struct segment_plan *plan, struct plan_saved *saved,
                         struct arena *arena)
{
    const struct window_plan *w = &plan->window[i];
    size_t E = c->shape.E, n = w->tokens, k = w->slots;
    const real *unit = saved->metric.unit, *senders = unit + w->first * E;
    matmul_nt(w->cost, senders, unit + (T + slot) * E, 0, n, k, E);
    saved->score[i] = arena_raw(arena, real, n * k);
    for (size_t e = 0; e < n * k; e++) {
        w->cost[e] = 1 - w->cost[e];
        saved->score[i][e] = w->cost[e] / (real)-eps;
    }
    if (k < w->K) {
        saved->ghost[i] = arena_raw(arena, real, n);
        matmul_vec(saved->ghost[i], senders, unit + (saved->rows - 1) * E, n, E);
        for (size_t t = 0; t < n; t++)
            saved->ghost[i][t] = (1 - saved->ghost[i][t]) / (real)-eps;
    }
}

static bool all_finite(const real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static bool check_finite(const struct segment_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        if (!all_finite(w->cost, w->tokens * w->slots) || !all_finite(w->mass, w->tokens))
            return err_set(err, ERR_NONFINITE,
                           "window %zu: the anchors give values that are not finite", i + 1);
    }
    return true;
}

/* The transport problem of window i. b [k] is scratch for the capacities. */
static struct sinkhorn problem_of(const struct compress_settings *s,
                                  const struct segment_plan *plan, const struct plan_saved *saved,
                                  size_t i, real *b)
{
    const struct window_plan *w = &plan->window[i];
    for (size_t j = 0; j < w->slots; j++)
        b[j] = w->off && w->off[j] ? 0 : w->capacity;
    return (struct sinkhorn){
        .n = w->tokens,
        .k = w->slots,
        .score = saved->score[i],
        .a = w->mass,
        .b = b,
        .ghosts = w->K - w->slots,
        .ghost = saved->ghost[i],
        .iters = s->iters,
        .history = w->iters > 0,
        .f = w->f,
        .g = w->g,
        .row_error = w->row_error,
        .column_error = w->column_error,
        .plan = w->plan,
    };
}

/* Scratch of each window for sinkhorn: capacities, then its own. */
static real **window_scratch(const struct segment_plan *plan, struct arena *arena)
{
    real **scratch = arena_array(arena, real *, plan->windows);
    for (size_t i = 0; i < plan->windows; i++) {
        size_t n = plan->window[i].tokens, k = plan->window[i].slots;
        scratch[i] = arena_raw(arena, real, k + sinkhorn_scratch(n, k));
    }
    return scratch;
}

/* Windows to solve, from window `start` on. */
struct solving {
    const struct compress_settings *s;
    const struct segment_plan *plan;
    const struct plan_saved *saved;
    real *const *space; /* scratch of each */
    size_t start;
    real *const *dplan; /* the rest: of the backward pass */
    real *const *dscore;
    real *dlog_a;
    real *const *dghost;
};

static void solve_part(const void *loop, size_t first, size_t last)
{
    const struct solving *v = loop;
    for (size_t i = v->start + first; i < v->start + last; i++) {
        struct sinkhorn problem = problem_of(v->s, v->plan, v->saved, i, v->space[i]);
        sinkhorn_forward(&problem, v->space[i] + problem.k);
    }
}

static void solve_part_backward(const void *loop, size_t first, size_t last)
{
    const struct solving *v = loop;
    for (size_t i = first; i < last; i++) {
        struct sinkhorn problem = problem_of(v->s, v->plan, v->saved, i, v->space[i]);
        sinkhorn_backward(&problem, v->dplan[i], v->dscore[i],
                          v->dlog_a + v->plan->window[i].first, v->dghost[i],
                          v->space[i] + problem.k);
    }
}

static bool transport(const struct compress_settings *s, const struct segment_plan *plan,
                      const struct plan_saved *saved, struct arena *arena,
                      const struct progress *progress, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    real **scratch = window_scratch(plan, arena);
    bool ok = true;
    for (size_t first = 0; ok && first < plan->windows; first += WINDOW_BATCH) {
        size_t end = size_min(first + WINDOW_BATCH, plan->windows);
        ok = progress_tick(progress, "windows", first, plan->windows, err);
        if (!ok)
            break;
        const struct solving solving = {
            .s = s, .plan = plan, .saved = saved, .space = scratch, .start = first};
        team_run(solve_part, &solving, end - first, 1);
    }
    arena_release(arena, mark);
    return ok;
}

/* Slots that are off leave their share to the others of their window, unless none is left. */
static bool share_capacity(const bool *off, struct segment_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->windows; i++) {
        struct window_plan *w = &plan->window[i];
        size_t left = w->slots;
        for (size_t j = 0; j < w->slots; j++)
            left -= off[j];
        if (left == 0)
            return err_set(err, ERR_USAGE, "no slot of window %zu may receive anything any more",
                           i + 1);
        w->off = left < w->slots ? off : NULL;
        w->capacity = REAL(1.0) / (real)left;
        off += w->slots;
    }
    return true;
}

bool plan_run(const struct compressor *c, const struct compress_settings *s, const real *anchors,
              size_t T, struct segment_plan *out, struct plan_saved *saved, struct arena *arena,
              const struct progress *progress, struct err *err)
{
    mass_forward(c, s, anchors, T, out, &saved->mass, arena);
    if (s->edits && s->edits->mass && !mass_edit(s->edits->mass, out, err))
        return false;
    bool transported = !(s->ablations & ABLATE_PLAN);
    if (transported && s->edits && s->edits->slot_off &&
        !share_capacity(s->edits->slot_off, out, err))
        return false;
    if (!transported) {
        ablation_mean_plan(s->eps, out);
    } else {
        saved->score = arena_array(arena, real *, out->windows);
        saved->ghost = arena_array(arena, real *, out->windows);
        measure(c, anchors, T, out, saved, arena);
        size_t slot = 0;
        for (size_t i = 0; i < out->windows; i++) {
            cost_forward(c, s->eps, T, i, slot, out, saved, arena);
            slot += out->window[i].slots;
        }
        if (!check_finite(out, err) || !transport(s, out, saved, arena, progress, err))
            return false;
    }
    slots_forward(c, anchors, T, out, &saved->slots, arena);
    return true;
}

bool plan_forward(const struct compressor *c, const struct compress_settings *s,
                  const real *anchors, size_t T, bool keep_history, struct segment_plan *out,
                  struct arena *arena, const struct progress *progress, struct err *err)
{
    plan_prepare(c, s, T, keep_history, out, arena);
    struct arena_mark mark = arena_mark(arena);
    struct plan_saved saved = {0};
    bool ok = plan_run(c, s, anchors, T, out, &saved, arena, progress, err);
    arena_release(arena, mark);
    return ok;
}

void window_plan_at(const struct window_plan *w, double eps, unsigned iteration, real *plan)
{
    size_t n = w->tokens, k = w->slots;
    const real *f = w->f + iteration * n, *g = w->g + iteration * k;
    for (size_t e = 0; e < n * k; e++)
        plan[e] = w->cost[e] / (real)-eps;
    sinkhorn_plan(plan, plan, f, g, n, k);
}

/* From the gradient of the scores to that of the unit vectors: with S = (u.w - 1) / eps,
 * du += dS w / eps, dw += dS^T u / eps. */
static void cost_backward(const struct compressor *c, double eps, size_t T, size_t i, size_t slot,
                          const struct segment_plan *plan, const struct plan_saved *saved,
                          const real *dscore, const real *dghost, real *dunit)
{
    const struct window_plan *w = &plan->window[i];
    size_t E = c->shape.E, n = w->tokens, k = w->slots, last = saved->rows - 1;
    const real *unit = saved->metric.unit, *senders = unit + w->first * E;
    const real *receivers = unit + (T + slot) * E;
    real *dsenders = dunit + w->first * E, *dreceivers = dunit + (T + slot) * E;
    real scale = (real)(1 / eps);
    matmul_strided(MATMUL_NN, dsenders, E, dscore, k, receivers, E, scale, 0, n, E, k);
    matmul_strided(MATMUL_TN, dreceivers, E, dscore, k, senders, E, scale, 0, k, E, n);
    if (k < w->K) {
        matmul_strided(MATMUL_NN, dsenders, E, dghost, 1, unit + last * E, E, scale, 1, n, E, 1);
        matmul_strided(MATMUL_TN, dunit + last * E, E, dghost, 1, senders, E, scale, 1, 1, E, n);
    }
}

/* dplan[i] of every window -> dscore, dghost, and dlog_a [T]. */
static void transport_backward(const struct compress_settings *s, const struct segment_plan *plan,
                               const struct plan_saved *saved, real *const *dplan, real **dscore,
                               real **dghost, real *dlog_a, struct arena *scratch)
{
    real **space = window_scratch(plan, scratch);
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        dscore[i] = arena_array(scratch, real, w->tokens * w->slots);
        dghost[i] = w->slots < w->K ? arena_array(scratch, real, w->tokens) : NULL;
    }
    const struct solving solving = {s, plan, saved, space, 0, dplan, dscore, dlog_a, dghost};
    team_run(solve_part_backward, &solving, plan->windows, 1);
}

/* Through the transport plans to mass and metric; dpoints [rows, H] is added to. */
static void plans_backward(const struct compressor *c, const struct compress_settings *s,
                           const struct segment_plan *plan, const struct plan_saved *saved,
                           size_t T, real *const *dplan, real *dpoints,
                           const struct compressor_params *grads, struct arena *scratch)
{
    size_t H = c->shape.H;
    real **dscore = arena_array(scratch, real *, plan->windows);
    real **dghost = arena_array(scratch, real *, plan->windows);
    real *dlog_a = arena_array(scratch, real, T);
    real *dunit = arena_array(scratch, real, saved->rows * c->shape.E);
    transport_backward(s, plan, saved, dplan, dscore, dghost, dlog_a, scratch);
    mass_backward(c, s, plan, &saved->mass, T, dlog_a, dpoints, grads, scratch);
    size_t slot = 0;
    for (size_t i = 0; i < plan->windows; i++) {
        cost_backward(c, s->eps, T, i, slot, plan, saved, dscore[i], dghost[i], dunit);
        slot += plan->window[i].slots;
    }
    metric_backward(c, &saved->metric, saved->rows, dunit, dpoints, grads, scratch);
    mean_receivers_backward(plan, dpoints + T * H, H, dpoints);
}

void plan_backward(const struct compressor *c, const struct compress_settings *s,
                   const struct segment_plan *plan, const struct plan_saved *saved, size_t T,
                   const real *draw_slots, real *danchors, const struct compressor_params *grads,
                   struct arena *scratch)
{
    size_t H = c->shape.H;
    struct arena_mark mark = arena_mark(scratch);
    real **dplan = arena_array(scratch, real *, plan->windows);
    for (size_t i = 0; i < plan->windows; i++)
        dplan[i] = arena_array(scratch, real, plan->window[i].tokens * plan->window[i].slots);
    bool transported = !(s->ablations & ABLATE_PLAN);
    real *dpoints = arena_array(scratch, real, (transported ? saved->rows : T) * H);
    slots_backward(c, T, plan, &saved->slots, draw_slots, dplan, dpoints, grads, scratch);
    if (transported)
        plans_backward(c, s, plan, saved, T, dplan, dpoints, grads, scratch);
    memcpy(danchors, dpoints, T * H * sizeof *danchors);
    arena_release(scratch, mark);
}
