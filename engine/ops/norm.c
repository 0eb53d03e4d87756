#include "engine/ops/norm.h"

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/reduce.h"

enum { PART_ELEMENTS = 1 << 14, COLUMN_BLOCK = 64 };

/* The arguments of a pass, as its parts see them. */
struct pass {
    real *out, *bias_out, *mean_out, *rstd_out;
    const real *dy, *x, *weight, *bias, *mean, *rstd; /* rstd: of l2norm, the lengths */
    real eps;
    size_t n, H;
};

/* By rows: parts of about the same number of values, however long a row is. */
static void run_rows(team_part *part, const struct pass *pass)
{
    team_run(part, pass, pass->n, team_grain(pass->H, PART_ELEMENTS));
}

/* By columns, for sums over rows: each in the order of the rows. */
static void run_columns(team_part *part, const struct pass *pass)
{
    size_t grain = pass->n * pass->H > PART_ELEMENTS ? COLUMN_BLOCK : pass->H;
    team_run(part, pass, pass->H, grain);
}

static void rmsnorm_row(real *y, real *rstd, const real *x, const real *weight, real eps, size_t H)
{
    real r = 1 / real_sqrt(reduce_dot(x, x, H) / (real)H + eps);
    for (size_t i = 0; i < H; i++)
        y[i] = weight[i] * (x[i] * r);
    if (rstd)
        *rstd = r;
}

static void rmsnorm_rows(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first; t < last; t++)
        rmsnorm_row(p->out + t * p->H, p->rstd_out ? p->rstd_out + t : NULL, p->x + t * p->H,
                    p->weight, p->eps, p->H);
}

void rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, real eps, size_t n,
                     size_t H)
{
    const struct pass pass = {
        .out = y, .rstd_out = rstd, .x = x, .weight = weight, .eps = eps, .n = n, .H = H};
    run_rows(rmsnorm_rows, &pass);
}

/* With g = w dy and c = mean(g x) rstd^2: dx = rstd (g - c x). */
static void rmsnorm_row_backward(real *dx, const real *dy, const real *x, const real *weight,
                                 real rstd, size_t H)
{
    real c = reduce_dot3(dy, weight, x, H) / (real)H * rstd * rstd;
    for (size_t i = 0; i < H; i++)
        dx[i] += rstd * (weight[i] * dy[i] - c * x[i]);
}

static void rmsnorm_rows_backward(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first, H = p->H; t < last; t++)
        rmsnorm_row_backward(p->out + t * H, p->dy + t * H, p->x + t * H, p->weight, p->rstd[t],
                             H);
}

static void rmsnorm_weight_backward(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = 0, H = p->H; t < p->n; t++)
        for (size_t i = first; i < last; i++)
            p->out[i] += p->dy[t * H + i] * (p->x[t * H + i] * p->rstd[t]);
}

void rmsnorm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *weight,
                      const real *rstd, size_t n, size_t H)
{
    struct pass pass = {
        .out = dx, .dy = dy, .x = x, .weight = weight, .rstd = rstd, .n = n, .H = H};
    if (dx)
        run_rows(rmsnorm_rows_backward, &pass);
    pass.out = dweight;
    if (dweight)
        run_columns(rmsnorm_weight_backward, &pass);
}

static void layernorm_row(real *y, real *mean, real *rstd, const real *x, const real *weight,
                          const real *bias, real eps, size_t H)
{
    real m = reduce_sum(x, H) / (real)H;
    real r = 1 / real_sqrt(reduce_square_distance(x, m, H) / (real)H + eps);
    for (size_t i = 0; i < H; i++)
        y[i] = weight[i] * ((x[i] - m) * r) + bias[i];
    if (mean)
        *mean = m;
    if (rstd)
        *rstd = r;
}

static void layernorm_rows(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first, H = p->H; t < last; t++)
        layernorm_row(p->out + t * H, p->mean_out ? p->mean_out + t : NULL,
                      p->rstd_out ? p->rstd_out + t : NULL, p->x + t * H, p->weight, p->bias,
                      p->eps, H);
}

void layernorm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight,
                       const real *bias, real eps, size_t n, size_t H)
{
    const struct pass pass = {.out = y,
                              .mean_out = mean,
                              .rstd_out = rstd,
                              .x = x,
                              .weight = weight,
                              .bias = bias,
                              .eps = eps,
                              .n = n,
                              .H = H};
    run_rows(layernorm_rows, &pass);
}

/* With g = w dy and u = (x - mean) rstd: dx = rstd (g - mean(g) - u mean(g u)). */
static void layernorm_row_backward(real *dx, const real *dy, const real *x, const real *weight,
                                   real mean, real rstd, size_t H)
{
    real g_mean = reduce_dot(weight, dy, H) / (real)H;
    real gu_mean =
        (reduce_dot3(dy, weight, x, H) / (real)H - mean * g_mean) * rstd;
    for (size_t i = 0; i < H; i++)
        dx[i] += rstd * (weight[i] * dy[i] - g_mean - (x[i] - mean) * rstd * gu_mean);
}

static void layernorm_rows_backward(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first, H = p->H; t < last; t++)
        layernorm_row_backward(p->out + t * H, p->dy + t * H, p->x + t * H, p->weight, p->mean[t],
                               p->rstd[t], H);
}

static void layernorm_params_backward(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = 0, H = p->H; t < p->n; t++) {
        for (size_t i = first; p->out && i < last; i++)
            p->out[i] += p->dy[t * H + i] * ((p->x[t * H + i] - p->mean[t]) * p->rstd[t]);
        for (size_t i = first; p->bias_out && i < last; i++)
            p->bias_out[i] += p->dy[t * H + i];
    }
}

void layernorm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x,
                        const real *weight, const real *mean, const real *rstd, size_t n,
                        size_t H)
{
    struct pass pass = {.out = dx,
                        .bias_out = dbias,
                        .dy = dy,
                        .x = x,
                        .weight = weight,
                        .mean = mean,
                        .rstd = rstd,
                        .n = n,
                        .H = H};
    if (dx)
        run_rows(layernorm_rows_backward, &pass);
    pass.out = dweight;
    if (dweight || dbias)
        run_columns(layernorm_params_backward, &pass);
}

static void l2norm_rows(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first, H = p->H; t < last; t++) {
        const real *row = p->x + t * H;
        real length = real_fmax(real_sqrt(reduce_dot(row, row, H)), p->eps);
        for (size_t i = 0; i < H; i++)
            p->out[t * H + i] = row[i] / length;
        if (p->rstd_out)
            p->rstd_out[t] = length;
    }
}

void l2norm_forward(real *y, real *norm, const real *x, real eps, size_t n, size_t H)
{
    const struct pass pass = {.out = y, .rstd_out = norm, .x = x, .eps = eps, .n = n, .H = H};
    run_rows(l2norm_rows, &pass);
}

/* dx = (dy - y (y.dy)) / |x|; a row shorter than eps was divided by a constant. */
static void l2norm_rows_backward(const void *loop, size_t first, size_t last)
{
    const struct pass *p = loop;
    for (size_t t = first, H = p->H; t < last; t++) {
        const real *row = p->x + t * H, *drow = p->dy + t * H;
        real along = p->rstd[t] > p->eps ? reduce_dot(row, drow, H) : 0;
        for (size_t i = 0; i < H; i++)
            p->out[t * H + i] += (drow[i] - row[i] * along) / p->rstd[t];
    }
}

void l2norm_backward(real *dx, const real *dy, const real *y, const real *norm, real eps, size_t n,
                     size_t H)
{
    const struct pass pass = {
        .out = dx, .dy = dy, .x = y, .rstd = norm, .eps = eps, .n = n, .H = H};
    run_rows(l2norm_rows_backward, &pass);
}
