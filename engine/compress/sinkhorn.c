#include "engine/compress/sinkhorn.h"

#include <float.h>
#include <string.h>

#include "engine/ops/reduce.h"

#ifdef REAL_DOUBLE
static const real nearly_zero = DBL_MIN * 1e8;
#else
static const real nearly_zero = FLT_MIN * 1e8f;
#endif

static void add_rows(real *out, const real *x, const real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] + y[i];
}

/* kernel[t,j] = exp(S[t,j] + g[j]) / row sum, f[t] = log a[t] - log of the row sum. */
static void update_rows(const struct sinkhorn *p, const real *g, real *f, real *kernel, bool first)
{
    size_t ghosts = first ? p->ghosts : 0;
    for (size_t t = 0; t < p->n; t++) {
        real *row = kernel + t * p->k;
        add_rows(row, p->score + t * p->k, g, p->k);
        real largest = reduce_max(row, p->k);
        if (ghosts && p->ghost[t] > largest)
            largest = p->ghost[t];
        real sum = (real)reduce_exp(row, row, 1, largest, p->k);
        if (ghosts)
            sum += (real)ghosts * real_exp(p->ghost[t] - largest);
        real inverse = 1 / sum;
        for (size_t j = 0; j < p->k; j++)
            row[j] *= inverse;
        f[t] = real_log(p->a[t]) - largest - real_log(sum);
    }
}

/* log sum_t exp(S[t,j] + f[t]), whatever the magnitudes. */
static real column_logsumexp(const struct sinkhorn *p, const real *f, size_t j)
{
    real largest = -INFINITY, sum = 0;
    for (size_t t = 0; t < p->n; t++)
        largest = real_fmax(largest, p->score[t * p->k + j] + f[t]);
    for (size_t t = 0; t < p->n; t++)
        sum += real_exp(p->score[t * p->k + j] + f[t] - largest);
    return largest + real_log(sum);
}

/* next = the new g; sums [k] is scratch. Returns sum |received - b| as the float
 * potentials give it. */
static real update_columns(const struct sinkhorn *p, const real *f, const real *kernel,
                           const real *g, real *next, real *sums)
{
    memset(sums, 0, p->k * sizeof *sums);
    for (size_t t = 0; t < p->n; t++)
        for (size_t j = 0; j < p->k; j++)
            sums[j] += p->a[t] * kernel[t * p->k + j];
    real error = 0;
    for (size_t j = 0; j < p->k; j++) {
        real log_sum = sums[j] > nearly_zero ? real_log(sums[j]) - g[j] : column_logsumexp(p, f, j);
        next[j] = real_log(p->b[j]) - log_sum;
        error += real_fabs(real_exp(next[j] + log_sum) - p->b[j]);
    }
    return error;
}

/* Sum of |row sum - a|: the f update turns old potentials into new ones that fit
 * the rows, so that the old row sum is a exp(old - new). */
static real row_error(const real *a, const real *old, const real *new, size_t n)
{
    real error = 0;
    for (size_t t = 0; t < n; t++)
        if (a[t] > 0)
            error += a[t] * real_fabs(real_exp(old[t] - new[t]) - 1);
    return error;
}

/* Errors of a plan as it stands; sums [k] is scratch. */
static void plan_errors(const struct sinkhorn *p, const real *plan, real *rows, real *columns,
                        real *sums)
{
    memset(sums, 0, p->k * sizeof *sums);
    *rows = *columns = 0;
    for (size_t t = 0; t < p->n; t++) {
        real sum = 0;
        for (size_t j = 0; j < p->k; j++) {
            sum += plan[t * p->k + j];
            sums[j] += plan[t * p->k + j];
        }
        *rows += real_fabs(sum - p->a[t]);
    }
    for (size_t j = 0; j < p->k; j++)
        *columns += real_fabs(sums[j] - p->b[j]);
}

void sinkhorn_plan(real *plan, const real *score, const real *f, const real *g, size_t n, size_t k)
{
    for (size_t t = 0; t < n; t++) {
        real *row = plan + t * k;
        add_rows(row, score + t * k, g, k);
        reduce_exp(row, row, 1, -f[t], k);
    }
}

/* Row 0 of a history: f = g = 0 shifted so that the plan has the total mass 1. */
static void begin_history(const struct sinkhorn *p, real *sums)
{
    real largest = -INFINITY, total = 0;
    for (size_t i = 0; i < p->n * p->k; i++)
        largest = real_fmax(largest, p->score[i]);
    for (size_t i = 0; i < p->n * p->k; i++)
        total += real_exp(p->score[i] - largest);
    for (size_t t = 0; t < p->n; t++)
        p->f[t] = -largest - real_log(total);
    memset(p->g, 0, p->k * sizeof *p->g);
    sinkhorn_plan(p->plan, p->score, p->f, p->g, p->n, p->k);
    plan_errors(p, p->plan, &p->row_error[0], &p->column_error[0], sums);
}

size_t sinkhorn_scratch(size_t n, size_t k)
{
    return n * k + 5 * k + n;
}

void sinkhorn_forward(const struct sinkhorn *p, real *scratch)
{
    size_t n = p->n, k = p->k;
    real *kernel = scratch, *sums = kernel + n * k, *zero = sums + k;
    memset(zero, 0, k * sizeof *zero);
    if (p->history)
        begin_history(p, sums);
    const real *f_old = NULL, *g_old = zero;
    real *f = p->f, *g = p->g;
    for (unsigned i = 1; i <= p->iters; i++) {
        if (p->history) {
            f = p->f + i * n;
            g = p->g + i * k;
        }
        update_rows(p, g_old, f, kernel, i == 1);
        if (p->history && f_old)
            p->row_error[i - 1] = row_error(p->a, f_old, f, n);
        real error = update_columns(p, f, kernel, g_old, g, sums);
        if (p->history)
            p->column_error[i] = error;
        f_old = f;
        g_old = g;
    }
    sinkhorn_plan(p->plan, p->score, f, g, n, k);
    size_t last = p->history ? p->iters : 0;
    plan_errors(p, p->plan, &p->row_error[last], &p->column_error[last], sums);
}

/* One iteration, backwards. E = exp(S + f + g) of this iteration and, for its f
 * update, E2 = exp(S + f + g_old) = E exp(g_old - g). dg [k] comes in and dg_old
 * goes out; df [n] comes in and is used up.
 *   g update: dS -= E dg / b,      df -= sum_j E dg / b
 *   f update: dlog_a += df,        dS -= E2 df / a,    dg_old = -sum_t E2 df / a
 * exp(g_old - g) does not overflow: it is a column's sum, at most 1, over b. */
static void iterate_backward(const struct sinkhorn *p, unsigned i, real *df, real *dg, real *dscore,
                             real *dlog_a, real *dghost, real *scratch)
{
    size_t n = p->n, k = p->k;
    const real *f = p->f + i * n, *g = p->g + i * k, *g_old = g - k;
    real *pull = scratch, *ratio = pull + k, *dg_old = ratio + k, *row = dg_old + k;
    for (size_t j = 0; j < k; j++) {
        real before = i == 1 ? 0 : g_old[j];
        pull[j] = dg[j] / p->b[j];
        ratio[j] = real_exp(before - g[j]);
        dg_old[j] = 0;
    }
    for (size_t t = 0; t < n; t++) {
        if (!(p->a[t] > 0))
            continue;
        const real *score = p->score + t * k;
        add_rows(row, score, g, k);
        reduce_exp(row, row, 1, -f[t], k);
        real push = df[t] - reduce_dot(row, pull, k);
        dlog_a[t] += push;
        push /= p->a[t];
        for (size_t j = 0; j < k; j++) {
            real before = row[j] * ratio[j];
            dscore[t * k + j] -= row[j] * pull[j] + before * push;
            dg_old[j] -= before * push;
        }
        if (i == 1 && p->ghosts)
            dghost[t] = -(real)p->ghosts * real_exp(p->ghost[t] + f[t]) * push;
        df[t] = 0;
    }
    memcpy(dg, dg_old, k * sizeof *dg);
}

void sinkhorn_backward(const struct sinkhorn *p, const real *dplan, real *dscore, real *dlog_a,
                       real *dghost, real *scratch)
{
    size_t n = p->n, k = p->k;
    real *df = scratch, *dg = df + n;
    memset(df, 0, n * sizeof *df);
    memset(dg, 0, k * sizeof *dg);
    memset(dlog_a, 0, n * sizeof *dlog_a);
    if (p->ghosts)
        memset(dghost, 0, n * sizeof *dghost);
    for (size_t t = 0; t < n; t++)
        for (size_t j = 0; j < k; j++) {
            real d = p->plan[t * k + j] * dplan[t * k + j];
            dscore[t * k + j] = d;
            df[t] += d;
            dg[j] += d;
        }
    for (unsigned i = p->iters; i >= 1; i--)
        iterate_backward(p, i, df, dg, dscore, dlog_a, dghost, dg + k);
}
