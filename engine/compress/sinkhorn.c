#include "engine/compress/sinkhorn.h"

#include <float.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/ops/reduce.h"
#include "engine/ops/simd_math.h"

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

/* Rows of scratch are whole vectors: what is added to them has the score -infinity, so that
 * it takes no part. */
static size_t padded(size_t k)
{
    return size_div_up(k, LANES) * LANES;
}

static void pad_scores(real *out, const struct sinkhorn *p)
{
    size_t width = padded(p->k);
    for (size_t t = 0; t < p->n; t++) {
        memcpy(out + t * width, p->score + t * p->k, p->k * sizeof *out);
        for (size_t j = p->k; j < width; j++)
            out[t * width + j] = (real)-INFINITY;
    }
}

/* What the updates of an iteration share; all rows [width] are padded. */
struct scratch {
    size_t width;
    real *score; /* [n, width] */
    real *log_a; /* [n] */
    real *g, *sums, *row;
};

static struct scratch scratch_at(real *at, const struct sinkhorn *p)
{
    size_t width = padded(p->k);
    struct scratch s = {.width = width, .score = at, .log_a = at + p->n * width};
    s.g = s.log_a + p->n;
    s.sums = s.g + width;
    s.row = s.sums + width;
    memset(s.g, 0, width * sizeof *s.g);
    pad_scores(s.score, p);
    for (size_t t = 0; t < p->n; t++)
        s.log_a[t] = real_log(p->a[t]);
    return s;
}

/* f[t] = log a[t] - log sum_j exp(S[t,j] + g[j]), and of R[t,j], that row's softmax, the
 * sums over senders of a[t] R[t,j]. */
SIMD_BODY void update_rows_body(real *f, const struct sinkhorn *p, const struct scratch *s,
                                size_t ghosts)
{
    const size_t width = s->width;
    memset(s->sums, 0, width * sizeof *s->sums);
    for (size_t t = 0; t < p->n; t++) {
        const real *score = s->score + t * width;
        lanes most = (lanes){0} - (real)INFINITY, total = {0};
        for (size_t j = 0; j < width; j += LANES) {
            lanes v = LANES_OF(score + j) + LANES_OF(s->g + j);
            LANES_AT(s->row + j) = v;
            most = LANES_WHERE(v > most, v, most);
        }
        real largest = ghosts ? p->ghost[t] : most[0];
        for (size_t j = 0; j < LANES; j++)
            largest = most[j] > largest ? most[j] : largest;
        for (size_t j = 0; j < width; j += LANES) {
            lanes v = LANES_OF(s->row + j) - largest;
            lanes_exp(&v);
            LANES_AT(s->row + j) = v;
            total += v;
        }
        real sum = LANES_SUM(total);
        if (ghosts)
            sum += (real)ghosts * real_exp(p->ghost[t] - largest);
        real inverse = 1 / sum, mass = p->a[t];
        for (size_t j = 0; j < width; j += LANES)
            LANES_AT(s->sums + j) += mass * (LANES_OF(s->row + j) * inverse);
        f[t] = s->log_a[t] - largest - real_log(sum);
    }
}
SIMD_DISPATCH(update_rows,
              (real *f, const struct sinkhorn *p, const struct scratch *s, size_t ghosts),
              (f, p, s, ghosts))

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

/* next = the new g, from the sums of the f update. Returns sum |received - b| as the
 * float potentials give it. */
static real update_columns(const struct sinkhorn *p, const real *f, const real *sums, const real *g,
                           real *next)
{
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
    return 2 * n * padded(k) + 2 * n + 7 * padded(k);
}

void sinkhorn_forward(const struct sinkhorn *p, real *scratch)
{
    size_t n = p->n, k = p->k;
    const struct scratch s = scratch_at(scratch, p);
    if (p->history)
        begin_history(p, s.sums);
    const real *f_old = NULL;
    real *f = p->f, *g = p->g;
    for (unsigned i = 1; i <= p->iters; i++) {
        if (p->history) {
            f = p->f + i * n;
            g = p->g + i * k;
        }
        update_rows(f, p, &s, i == 1 ? p->ghosts : 0);
        if (p->history && f_old)
            p->row_error[i - 1] = row_error(p->a, f_old, f, n);
        real error = update_columns(p, f, s.sums, s.g, g);
        if (p->history)
            p->column_error[i] = error;
        f_old = f;
        memcpy(s.g, g, k * sizeof *g);
    }
    sinkhorn_plan(p->plan, p->score, f, g, n, k);
    size_t last = p->history ? p->iters : 0;
    plan_errors(p, p->plan, &p->row_error[last], &p->column_error[last], s.sums);
}

/* What an iteration's backward pass works with, beside the scratch; rows [width]. */
struct back {
    real *dscore;      /* [n, width] */
    real *df;          /* [n], used up */
    real *dg, *dg_old; /* in and out */
    real *pull, *ratio;
    real *dlog_a, *dghost;
};

SIMD_BODY void rows_backward_body(const struct sinkhorn *p, const struct scratch *s,
                                  const struct back *b, const real *f, size_t ghosts)
{
    const size_t width = s->width;
    for (size_t t = 0; t < p->n; t++) {
        if (!(p->a[t] > 0))
            continue;
        const real *score = s->score + t * width;
        real *dscore = b->dscore + t * width;
        lanes along = {0};
        for (size_t j = 0; j < width; j += LANES) {
            lanes v = LANES_OF(score + j) + LANES_OF(s->g + j) + f[t];
            lanes_exp(&v);
            LANES_AT(s->row + j) = v;
            along += v * LANES_OF(b->pull + j);
        }
        real push = b->df[t] - LANES_SUM(along);
        b->dlog_a[t] += push;
        push /= p->a[t];
        for (size_t j = 0; j < width; j += LANES) {
            lanes v = LANES_OF(s->row + j), before = v * LANES_OF(b->ratio + j) * push;
            LANES_AT(dscore + j) -= v * LANES_OF(b->pull + j) + before;
            LANES_AT(b->dg_old + j) -= before;
        }
        if (ghosts)
            b->dghost[t] = -(real)ghosts * real_exp(p->ghost[t] + f[t]) * push;
        b->df[t] = 0;
    }
}
SIMD_DISPATCH(rows_backward,
              (const struct sinkhorn *p, const struct scratch *s, const struct back *b,
               const real *f, size_t ghosts),
              (p, s, b, f, ghosts))

/* One iteration, backwards. E = exp(S + f + g) of this iteration and, for its f
 * update, E2 = exp(S + f + g_old) = E exp(g_old - g). dg [k] comes in and dg_old
 * goes out; df [n] comes in and is used up.
 *   g update: dS -= E dg / b,      df -= sum_j E dg / b
 *   f update: dlog_a += df,        dS -= E2 df / a,    dg_old = -sum_t E2 df / a
 * exp(g_old - g) does not overflow: it is a column's sum, at most 1, over b. */
static void iterate_backward(const struct sinkhorn *p, const struct scratch *s, struct back *b,
                             unsigned i)
{
    const real *g = p->g + i * p->k, *g_old = g - p->k;
    for (size_t j = 0; j < p->k; j++) {
        real before = i == 1 ? 0 : g_old[j];
        s->g[j] = g[j];
        b->pull[j] = b->dg[j] / p->b[j];
        b->ratio[j] = real_exp(before - g[j]);
    }
    memset(b->dg_old, 0, s->width * sizeof *b->dg_old);
    rows_backward(p, s, b, p->f + i * p->n, i == 1 ? p->ghosts : 0);
    real *swap = b->dg;
    b->dg = b->dg_old;
    b->dg_old = swap;
}

void sinkhorn_backward(const struct sinkhorn *p, const real *dplan, real *dscore, real *dlog_a,
                       real *dghost, real *scratch)
{
    size_t n = p->n, k = p->k, width = padded(k);
    const struct scratch s = scratch_at(scratch, p);
    struct back b = {.dscore = s.row + width, .dlog_a = dlog_a, .dghost = dghost};
    b.df = b.dscore + n * width;
    b.dg = b.df + n;
    b.dg_old = b.dg + width;
    b.pull = b.dg_old + width;
    b.ratio = b.pull + width;
    memset(b.dscore, 0, (n * width + n + 4 * width) * sizeof *b.dscore);
    memset(dlog_a, 0, n * sizeof *dlog_a);
    if (p->ghosts)
        memset(dghost, 0, n * sizeof *dghost);
    for (size_t t = 0; t < n; t++)
        for (size_t j = 0; j < k; j++) {
            real d = p->plan[t * k + j] * dplan[t * k + j];
            b.dscore[t * width + j] = d;
            b.df[t] += d;
            b.dg[j] += d;
        }
    for (unsigned i = p->iters; i >= 1; i--)
        iterate_backward(p, &s, &b, i);
    for (size_t t = 0; t < n; t++)
        memcpy(dscore + t * k, b.dscore + t * width, k * sizeof *dscore);
}
