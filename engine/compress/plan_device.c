#include "engine/compress/plan_device.h"

#include "engine/compress/linear_device.h"

static const real layernorm_eps = REAL(1e-5), l2norm_eps = REAL(1e-12);

static struct norm_device_saved take_norm(struct device *d, size_t rows, size_t H)
{
    return (struct norm_device_saved){
        .normed = device_reals(d, rows * H),
        .mean = device_reals(d, rows),
        .rstd = device_reals(d, rows),
    };
}

void plan_device_init(struct device *d, const struct compressor_device *c,
                      const struct compress_settings *s, const struct device_windows *windows,
                      struct plan_device_saved *saved)
{
    const size_t H = c->host->shape.H, n = windows->n, S = windows->S, rows = n + S + 1;
    *saved = (struct plan_device_saved){
        .windows = *windows,
        .points = device_reals(d, rows * H),
        .mass_norm = take_norm(d, n, H),
        .metric_norm = take_norm(d, rows, H),
        .value_norm = take_norm(d, n, H),
        .share = device_reals(d, n),
        .length = device_reals(d, rows),
        .unit = device_reals(d, rows * c->host->shape.E),
        .score = device_reals(d, windows->cells),
        .ghost = device_reals(d, n),
        .mass = device_reals(d, n),
        .gathered = device_reals(d, S * H),
        .raw_slots = device_reals(d, S * H),
    };
    saved->plan = (struct device_sinkhorn){
        .score = saved->score,
        .ghost = saved->ghost,
        .mass = saved->mass,
        .iters = s->iters,
        .f = device_reals(d, s->iters * n),
        .g = device_reals(d, s->iters * S),
        .plan = device_reals(d, windows->cells),
        .row_error = device_reals(d, windows->count),
    };
}

static void norm_forward(struct device *d, const struct norm_device_saved *saved, const real *x,
                         const real *weight, const real *bias, size_t rows, size_t H)
{
    d->ops->layernorm_forward(d, saved->normed, saved->mean, saved->rstd, x, weight, bias,
                              layernorm_eps, rows, H);
}

static void mass_forward(struct device *d, const struct compressor_device *c,
                         const struct compress_settings *s, const struct plan_device_saved *saved)
{
    const size_t n = saved->windows.n, H = c->host->shape.H;
    const struct compressor_params *w = &c->params;
    norm_forward(d, &saved->mass_norm, saved->points, w->mass_ln_w, w->mass_ln_b, n, H);
    linear_device_forward(d, saved->share, saved->mass_norm.normed, w->wm, w->bm, n, H, 1);
    d->ops->transport->mass_forward(d, saved->mass, saved->share, saved->share,
                                    (real)s->source_tau, (real)s->lambda_floor, &saved->windows);
}

/* Unit vectors of all points, and the scores u.w / eps. */
static void measure(struct device *d, const struct compressor_device *c,
                    const struct compress_settings *s, const struct plan_device_saved *saved)
{
    const size_t n = saved->windows.n, S = saved->windows.S, rows = n + S + 1;
    const size_t H = c->host->shape.H, E = c->host->shape.E;
    const struct compressor_params *w = &c->params;
    const real *receivers = saved->unit + n * E, *ghost = receivers + S * E;
    const real scale = (real)(1 / s->eps);
    d->ops->transport->span_means(d, saved->points + n * H, saved->points, &saved->windows, H);
    d->ops->zero(d, saved->points + (n + S) * H, H);
    norm_forward(d, &saved->metric_norm, saved->points, w->metric_ln_w, w->metric_ln_b, rows, H);
    linear_device_forward(d, saved->unit, saved->metric_norm.normed, w->wc, w->bc, rows, H, E);
    d->ops->l2norm_forward(d, saved->unit, saved->length, saved->unit, l2norm_eps, rows, E);
    d->ops->transport->plan_dots(d, saved->score, saved->unit, receivers, scale, false,
                                 &saved->windows, E);
    d->ops->matmul(d, MATMUL_NT, saved->ghost, 1, saved->unit, E, ghost, E, scale, 0, n, 1, E,
                   false);
}

void plan_device_forward(struct device *d, const struct compressor_device *c,
                         const struct compress_settings *s, struct plan_device_saved *saved)
{
    const size_t n = saved->windows.n, S = saved->windows.S, H = c->host->shape.H;
    const struct compressor_params *w = &c->params;
    mass_forward(d, c, s, saved);
    measure(d, c, s, saved);
    d->ops->transport->sinkhorn_forward(d, &saved->plan, &saved->windows);
    norm_forward(d, &saved->value_norm, saved->points, w->value_ln_w, w->value_ln_b, n, H);
    d->ops->transport->plan_gather(d, saved->gathered, saved->plan.plan, saved->value_norm.normed,
                                   1, true, &saved->windows, H);
    linear_device_forward(d, saved->raw_slots, saved->gathered, w->wu, w->bu, S, H, H);
}

/* What the steps of the backward pass hand on. */
struct plan_gradients {
    real *dpoints; /* [n + S + 1, H], added to */
    real *dnormed; /* [n + S + 1, H] scratch */
    real *dplan;   /* [cells] of P, then of the scores */
    real *dlog_a;  /* [n], then of the mass scores */
    real *dghost;  /* [n] */
};

static void slots_backward(struct device *d, const struct compressor_device *c,
                           const struct plan_device_saved *saved, const real *draw_slots,
                           const struct plan_gradients *g, const struct compressor_params *grads)
{
    const size_t n = saved->windows.n, S = saved->windows.S, H = c->host->shape.H;
    const struct norm_device_saved *norm = &saved->value_norm;
    real *dgathered = device_reals(d, S * H);
    linear_device_backward(d, dgathered, grads->wu, grads->bu, draw_slots, saved->gathered,
                           c->params.wu, S, H, H);
    d->ops->transport->plan_dots(d, g->dplan, norm->normed, dgathered, 1, true, &saved->windows, H);
    d->ops->transport->plan_spread(d, g->dnormed, saved->plan.plan, dgathered, 1, true,
                                   &saved->windows, H);
    d->ops->layernorm_backward(d, g->dpoints, grads->value_ln_w, grads->value_ln_b, g->dnormed,
                               saved->points, c->params.value_ln_w, norm->mean, norm->rstd, n, H);
}

/* dplan becomes the gradient of the scores. */
static void transport_backward(struct device *d, const struct plan_device_saved *saved,
                               struct plan_gradients *g)
{
    const struct device_windows *w = &saved->windows;
    real *dscore = device_reals(d, w->cells), *scratch = device_reals(d, w->n + w->S);
    d->ops->transport->sinkhorn_backward(d, dscore, g->dlog_a, g->dghost, g->dplan, &saved->plan,
                                         scratch, w);
    g->dplan = dscore;
}

/* The biases of the norm and of the scores have no gradient: mass.h. */
static void mass_backward(struct device *d, const struct compressor_device *c,
                          const struct compress_settings *s, const struct plan_device_saved *saved,
                          const struct plan_gradients *g, const struct compressor_params *grads)
{
    const size_t n = saved->windows.n, H = c->host->shape.H;
    const struct norm_device_saved *norm = &saved->mass_norm;
    real *dscore = device_reals(d, n);
    d->ops->transport->mass_backward(d, dscore, g->dlog_a, saved->mass, saved->share,
                                     (real)s->source_tau, (real)s->lambda_floor, &saved->windows);
    linear_device_backward(d, g->dnormed, grads->wm, NULL, dscore, norm->normed, c->params.wm, n, H,
                           1);
    d->ops->layernorm_backward(d, g->dpoints, grads->mass_ln_w, NULL, g->dnormed, saved->points,
                               c->params.mass_ln_w, norm->mean, norm->rstd, n, H);
}

/* With S = u.w / eps: du = dS w / eps, dw = dS^T u / eps; of the ghost likewise. */
static void scores_backward(struct device *d, size_t E, real scale,
                            const struct plan_device_saved *saved, const struct plan_gradients *g,
                            real *dunit)
{
    const size_t n = saved->windows.n, S = saved->windows.S;
    const real *receivers = saved->unit + n * E, *ghost = receivers + S * E;
    real *dreceivers = dunit + n * E, *dghost = dreceivers + S * E;
    const struct device_ops *ops = d->ops;
    ops->transport->plan_spread(d, dunit, g->dplan, receivers, scale, false, &saved->windows, E);
    ops->transport->plan_gather(d, dreceivers, g->dplan, saved->unit, scale, false, &saved->windows,
                                E);
    ops->matmul(d, MATMUL_NN, dunit, E, g->dghost, 1, ghost, E, scale, 1, n, E, 1, false);
    ops->matmul(d, MATMUL_TN, dghost, E, g->dghost, 1, saved->unit, E, scale, 0, 1, E, n, false);
}

static void metric_backward(struct device *d, const struct compressor_device *c,
                            const struct compress_settings *s,
                            const struct plan_device_saved *saved, const struct plan_gradients *g,
                            const struct compressor_params *grads)
{
    const size_t n = saved->windows.n, rows = n + saved->windows.S + 1;
    const size_t H = c->host->shape.H, E = c->host->shape.E;
    const struct norm_device_saved *norm = &saved->metric_norm;
    real *dunit = device_reals(d, rows * E), *dlinear = device_reals(d, rows * E);
    scores_backward(d, E, (real)(1 / s->eps), saved, g, dunit);
    d->ops->zero(d, dlinear, rows * E);
    d->ops->l2norm_backward(d, dlinear, dunit, saved->unit, saved->length, l2norm_eps, rows, E);
    linear_device_backward(d, g->dnormed, grads->wc, grads->bc, dlinear, norm->normed, c->params.wc,
                           rows, H, E);
    d->ops->layernorm_backward(d, g->dpoints, grads->metric_ln_w, grads->metric_ln_b, g->dnormed,
                               saved->points, c->params.metric_ln_w, norm->mean, norm->rstd, rows,
                               H);
    d->ops->transport->span_means_backward(d, g->dpoints, g->dpoints + n * H, &saved->windows, H);
}

void plan_device_backward(struct device *d, const struct compressor_device *c,
                          const struct compress_settings *s, const struct plan_device_saved *saved,
                          const real *draw_slots, real *dpoints,
                          const struct compressor_params *grads)
{
    const struct device_windows *w = &saved->windows;
    const size_t rows = w->n + w->S + 1, H = c->host->shape.H;
    size_t mark = d->ops->mark(d);
    struct plan_gradients g = {
        .dpoints = dpoints,
        .dnormed = device_reals(d, rows * H),
        .dplan = device_reals(d, w->cells),
        .dlog_a = device_reals(d, w->n),
        .dghost = device_reals(d, w->n),
    };
    d->ops->zero(d, dpoints, rows * H);
    slots_backward(d, c, saved, draw_slots, &g, grads);
    transport_backward(d, saved, &g);
    mass_backward(d, c, s, saved, &g, grads);
    metric_backward(d, c, s, saved, &g, grads);
    d->ops->release(d, mark);
}
