#include "tests/support/device_transport_host.h"

#include <string.h>

#include "engine/ops/device_transport.h"

/* Sums are in double: these are the numbers that others are compared with. */

static void host_mix_layers(struct device *d, real *out, const real *weights, size_t stride,
                            const real *h, size_t n, size_t M, size_t H)
{
    (void)d;
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++) {
            double sum = 0;
            for (size_t l = 0; l < M; l++)
                sum += (double)weights[t * stride + l] * (double)h[(l * n + t) * H + i];
            out[t * H + i] = (real)sum;
        }
}

/* a . b, of numbers that are so far apart */
static double dot(const real *a, size_t a_step, const real *b, size_t b_step, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i * a_step] * (double)b[i * b_step];
    return sum;
}

static void host_dot_layers(struct device *d, real *out, const real *vectors, const real *h,
                            bool add, size_t n, size_t M, size_t H)
{
    (void)d;
    for (size_t t = 0; t < n; t++)
        for (size_t l = 0; l < M; l++) {
            double sum = dot(vectors + t * H, 1, h + (l * n + t) * H, 1, H);
            out[t * M + l] = (real)(sum + (add ? (double)out[t * M + l] : 0));
        }
}

static void host_span_means(struct device *d, real *out, const real *x,
                            const struct device_windows *w, size_t width)
{
    (void)d;
    for (size_t j = 0; j < w->S; j++)
        for (size_t i = 0; i < width; i++) {
            double sum = 0;
            for (int32_t t = w->span[j]; t < w->span[j + 1]; t++)
                sum += (double)x[(size_t)t * width + i];
            out[j * width + i] = (real)(sum / (w->span[j + 1] - w->span[j]));
        }
}

static void host_span_means_backward(struct device *d, real *dx, const real *dout,
                                     const struct device_windows *w, size_t width)
{
    (void)d;
    for (size_t t = 0; t < w->n; t++) {
        size_t j = (size_t)w->home[t];
        for (size_t i = 0; i < width; i++)
            dx[t * width + i] += dout[j * width + i] / (real)(w->span[j + 1] - w->span[j]);
    }
}

/* ---- mass ---------------------------------------------------------------------------- */

static void mass_of_window(real *mass, real *share, const real *score, double tau, double lambda,
                           size_t n)
{
    double most = (double)-INFINITY, sum = 0, total = 0;
    for (size_t t = 0; t < n; t++)
        most = fmax(most, (double)score[t] / tau);
    for (size_t t = 0; t < n; t++)
        sum += exp((double)score[t] / tau - most);
    for (size_t t = 0; t < n; t++) {
        share[t] = (real)(exp((double)score[t] / tau - most) / sum);
        mass[t] = (real)((1 - lambda) * (double)share[t] + lambda / (double)n);
        total += (double)mass[t];
    }
    for (size_t t = 0; t < n; t++)
        mass[t] = (real)((double)mass[t] / total);
}

static void host_mass_forward(struct device *d, real *mass, real *share, const real *score,
                              real tau, real lambda, const struct device_windows *w)
{
    (void)d;
    for (size_t i = 0; i < w->count; i++) {
        size_t first = (size_t)w->window[i].first;
        mass_of_window(mass + first, share + first, score + first, (double)tau, (double)lambda,
                       (size_t)w->window[i].tokens);
    }
}

static void host_mass_backward(struct device *d, real *dscore, const real *dlog_mass,
                               const real *mass, const real *share, real tau, real lambda,
                               const struct device_windows *w)
{
    (void)d;
    for (size_t i = 0; i < w->count; i++) {
        size_t first = (size_t)w->window[i].first, end = first + (size_t)w->window[i].tokens;
        double mean = 0;
        for (size_t t = first; t < end; t++) {
            dscore[t] = mass[t] > 0 ? (1 - lambda) * dlog_mass[t] / mass[t] : 0;
            mean += (double)share[t] * (double)dscore[t];
        }
        for (size_t t = first; t < end; t++)
            dscore[t] = share[t] * (dscore[t] - (real)mean) / tau;
    }
}

/* ---- Sinkhorn ----------------------------------------------------------------------- */

/* log sum_i exp(x[i] + y[i]) + extra more terms `more`; y NULL: 0. */
static double logsumexp(const real *x, size_t x_step, const real *y, size_t n, double extra,
                        double more)
{
    double most = extra > 0 ? more : (double)-INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, (double)x[i * x_step] + (y ? (double)y[i] : 0));
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i * x_step] + (y ? (double)y[i] : 0) - most);
    return most + log(sum + (extra > 0 ? extra * exp(more - most) : 0));
}

/* exp(S + f + g) of a cell; g NULL: 0 */
static double transported(const struct device_sinkhorn *p, const struct device_window *w,
                          const real *f, const real *g, size_t t, size_t j)
{
    const real *score = p->score + w->cell;
    return exp((double)score[t * (size_t)w->slots + j] + (double)f[t] +
               (g ? (double)g[j] : 0));
}

static void sinkhorn_window(const struct device_sinkhorn *p, const struct device_windows *all,
                            size_t index)
{
    const struct device_window *w = &all->window[index];
    size_t n = (size_t)w->tokens, k = (size_t)w->slots;
    const real *score = p->score + w->cell, *a = p->mass + w->first, *before = NULL;
    real *f = NULL, *g = NULL, *plan = p->plan + w->cell;
    for (size_t i = 0; i < p->iters; i++, before = g) {
        f = p->f + i * all->n + w->first;
        g = p->g + i * all->S + w->slot;
        for (size_t t = 0; t < n; t++)
            f[t] = (real)(log((double)a[t]) - logsumexp(score + t * k, 1, before, k,
                                                        i ? 0 : w->ghosts,
                                                        (double)p->ghost[w->first + (int)t]));
        for (size_t j = 0; j < k; j++)
            g[j] = (real)(-log((double)k) - logsumexp(score + j, k, f, n, 0, 0));
    }
    double error = 0;
    for (size_t t = 0; t < n; t++) {
        double sent = 0;
        for (size_t j = 0; j < k; j++) {
            plan[t * k + j] = (real)transported(p, w, f, g, t, j);
            sent += (double)plan[t * k + j];
        }
        error += fabs(sent - (double)a[t]);
    }
    p->row_error[index] = (real)error;
}

static void host_sinkhorn_forward(struct device *d, const struct device_sinkhorn *p,
                                  const struct device_windows *w)
{
    (void)d;
    for (size_t i = 0; i < w->count; i++)
        sinkhorn_window(p, w, i);
}

/* One window's gradients. */
struct window_gradients {
    real *score, *log_a, *ghost, *f, *g;
};

static void begin_backward(const struct device_sinkhorn *p, const struct device_window *w,
                           const real *dplan, const struct window_gradients *d)
{
    size_t n = (size_t)w->tokens, k = (size_t)w->slots;
    memset(d->log_a, 0, n * sizeof(real));
    memset(d->ghost, 0, n * sizeof(real));
    memset(d->f, 0, n * sizeof(real));
    memset(d->g, 0, k * sizeof(real));
    for (size_t t = 0; t < n; t++)
        for (size_t j = 0; j < k; j++) {
            real both = p->plan[(size_t)w->cell + t * k + j] * dplan[t * k + j];
            d->score[t * k + j] = both;
            d->f[t] += both;
            d->g[j] += both;
        }
}

/* g[j] = log b - logsumexp_t(S + f): its softmax over t is E / b, E = exp(S + f + g). */
static void columns_backward(const struct device_sinkhorn *p, const struct device_window *w,
                             const real *f, const real *g, const struct window_gradients *d)
{
    size_t n = (size_t)w->tokens, k = (size_t)w->slots;
    for (size_t t = 0; t < n; t++)
        for (size_t j = 0; j < k; j++) {
            double pull = transported(p, w, f, g, t, j) * (double)k * (double)d->g[j];
            d->score[t * k + j] -= (real)pull;
            d->f[t] -= (real)pull;
        }
    memset(d->g, 0, k * sizeof(real));
}

/* f[t] = log a - logsumexp_j(S + g_old): its softmax over j is exp(S + f + g_old) / a, and
 * that of the ghosts alike. */
static void rows_backward(const struct device_sinkhorn *p, const struct device_window *w,
                          const real *f, const real *g_old, const struct window_gradients *d)
{
    size_t n = (size_t)w->tokens, k = (size_t)w->slots;
    for (size_t t = 0; t < n; t++) {
        double a = (double)p->mass[(size_t)w->first + t];
        double push = a > 0 ? (double)d->f[t] / a : 0;
        if (a > 0)
            d->log_a[t] += d->f[t];
        for (size_t j = 0; j < k; j++) {
            double part = transported(p, w, f, g_old, t, j) * push;
            d->score[t * k + j] -= (real)part;
            d->g[j] -= (real)part;
        }
        double ghost = (double)p->ghost[(size_t)w->first + t] + (double)f[t];
        if (!g_old && w->ghosts)
            d->ghost[t] = (real)(-w->ghosts * exp(ghost) * push);
        d->f[t] = 0;
    }
}

static void host_sinkhorn_backward(struct device *d, real *dscore, real *dlog_a, real *dghost,
                                   const real *dplan, const struct device_sinkhorn *p,
                                   real *scratch, const struct device_windows *all)
{
    (void)d;
    for (size_t index = 0; index < all->count; index++) {
        const struct device_window *w = &all->window[index];
        const struct window_gradients own = {
            .score = dscore + w->cell,
            .log_a = dlog_a + w->first,
            .ghost = dghost + w->first,
            .f = scratch + w->first,
            .g = scratch + all->n + w->slot,
        };
        begin_backward(p, w, dplan + w->cell, &own);
        for (size_t i = p->iters; i-- > 0;) {
            const real *f = p->f + i * all->n + w->first, *g = p->g + i * all->S + w->slot;
            columns_backward(p, w, f, g, &own);
            rows_backward(p, w, f, i ? g - all->S : NULL, &own);
        }
    }
}

/* ---- products with plans -------------------------------------------------------------- */

static double factor_of(const struct device_window *w, real scale, bool per_capacity)
{
    return (double)scale * (per_capacity ? w->slots : 1);
}

static void host_plan_dots(struct device *d, real *cells, const real *tokens, const real *slots,
                           real scale, bool per_capacity, const struct device_windows *all,
                           size_t width)
{
    (void)d;
    for (const struct device_window *w = all->window; w < all->window + all->count; w++) {
        double factor = factor_of(w, scale, per_capacity);
        real *cell = cells + w->cell;
        for (int32_t t = w->first; t < w->first + w->tokens; t++)
            for (int32_t j = w->slot; j < w->slot + w->slots; j++)
                *cell++ = (real)(factor * dot(tokens + (size_t)t * width, 1,
                                              slots + (size_t)j * width, 1, width));
    }
}

static void host_plan_gather(struct device *d, real *slots, const real *cells, const real *tokens,
                             real scale, bool per_capacity, const struct device_windows *all,
                             size_t width)
{
    (void)d;
    for (const struct device_window *w = all->window; w < all->window + all->count; w++) {
        size_t n = (size_t)w->tokens, k = (size_t)w->slots;
        const real *from = tokens + (size_t)w->first * width;
        for (size_t j = 0; j < k; j++)
            for (size_t i = 0; i < width; i++)
                slots[((size_t)w->slot + j) * width + i] =
                    (real)(factor_of(w, scale, per_capacity) *
                           dot(cells + w->cell + j, k, from + i, width, n));
    }
}

static void host_plan_spread(struct device *d, real *tokens, const real *cells, const real *slots,
                             real scale, bool per_capacity, const struct device_windows *all,
                             size_t width)
{
    (void)d;
    for (const struct device_window *w = all->window; w < all->window + all->count; w++) {
        size_t n = (size_t)w->tokens, k = (size_t)w->slots;
        const real *from = slots + (size_t)w->slot * width;
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < width; i++)
                tokens[((size_t)w->first + t) * width + i] =
                    (real)(factor_of(w, scale, per_capacity) *
                           dot(cells + w->cell + t * k, 1, from + i, width, k));
    }
}

const struct device_transport device_transport_host = {
    .mix_layers = host_mix_layers,
    .dot_layers = host_dot_layers,
    .span_means = host_span_means,
    .span_means_backward = host_span_means_backward,
    .mass_forward = host_mass_forward,
    .mass_backward = host_mass_backward,
    .sinkhorn_forward = host_sinkhorn_forward,
    .sinkhorn_backward = host_sinkhorn_backward,
    .plan_dots = host_plan_dots,
    .plan_gather = host_plan_gather,
    .plan_spread = host_plan_spread,
};
