#include "engine/ops/norm.h"

#include "engine/base/size.h"
#include "engine/ops/reduce.h"

enum { PARALLEL_ELEMENTS = 1 << 14, COLUMN_BLOCK = 64 };

static void rmsnorm_row(real *y, real *rstd, const real *x, const real *weight, real eps, size_t H)
{
    real r = 1 / real_sqrt(reduce_dot(x, x, H) / (real)H + eps);
    for (size_t i = 0; i < H; i++)
        y[i] = weight[i] * (x[i] * r);
    if (rstd)
        *rstd = r;
}

void rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, real eps, size_t n,
                     size_t H)
{
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++)
        rmsnorm_row(y + t * H, rstd ? rstd + t : NULL, x + t * H, weight, eps, H);
}

/* With g = w dy and c = mean(g x) rstd^2: dx = rstd (g - c x). */
static void rmsnorm_row_backward(real *dx, const real *dy, const real *x, const real *weight,
                                 real rstd, size_t H)
{
    real c = reduce_dot3(dy, weight, x, H) / (real)H * rstd * rstd;
    for (size_t i = 0; i < H; i++)
        dx[i] += rstd * (weight[i] * dy[i] - c * x[i]);
}

void rmsnorm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *weight,
                      const real *rstd, size_t n, size_t H)
{
    if (dx) {
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
        for (size_t t = 0; t < n; t++)
            rmsnorm_row_backward(dx + t * H, dy + t * H, x + t * H, weight, rstd[t], H);
    }
    if (dweight) {
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
        for (size_t first = 0; first < H; first += COLUMN_BLOCK)
            for (size_t t = 0; t < n; t++)
                for (size_t i = first; i < size_min(first + COLUMN_BLOCK, H); i++)
                    dweight[i] += dy[t * H + i] * (x[t * H + i] * rstd[t]);
    }
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

void layernorm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight,
                       const real *bias, real eps, size_t n, size_t H)
{
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++)
        layernorm_row(y + t * H, mean ? mean + t : NULL, rstd ? rstd + t : NULL, x + t * H, weight,
                      bias, eps, H);
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

/* Column sums in the order of the rows, whatever the number of threads. */
static void layernorm_params_backward(real *dweight, real *dbias, const real *dy, const real *x,
                                      const real *mean, const real *rstd, size_t n, size_t H)
{
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
    for (size_t first = 0; first < H; first += COLUMN_BLOCK) {
        size_t last = size_min(first + COLUMN_BLOCK, H);
        for (size_t t = 0; t < n; t++) {
            for (size_t i = first; dweight && i < last; i++)
                dweight[i] += dy[t * H + i] * ((x[t * H + i] - mean[t]) * rstd[t]);
            for (size_t i = first; dbias && i < last; i++)
                dbias[i] += dy[t * H + i];
        }
    }
}

void layernorm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x,
                        const real *weight, const real *mean, const real *rstd, size_t n,
                        size_t H)
{
    if (dx) {
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
        for (size_t t = 0; t < n; t++)
            layernorm_row_backward(dx + t * H, dy + t * H, x + t * H, weight, mean[t], rstd[t], H);
    }
    if (dweight || dbias)
        layernorm_params_backward(dweight, dbias, dy, x, mean, rstd, n, H);
}

void l2norm_forward(real *y, real *norm, const real *x, real eps, size_t n, size_t H)
{
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++) {
        const real *row = x + t * H;
        real length = real_fmax(real_sqrt(reduce_dot(row, row, H)), eps);
        for (size_t i = 0; i < H; i++)
            y[t * H + i] = row[i] / length;
        if (norm)
            norm[t] = length;
    }
}

/* dx = (dy - y (y.dy)) / |x|; a row shorter than eps was divided by a constant. */
void l2norm_backward(real *dx, const real *dy, const real *y, const real *norm, real eps, size_t n,
                     size_t H)
{
#pragma omp parallel for schedule(static) if (n * H > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++) {
        const real *row = y + t * H, *drow = dy + t * H;
        real along = norm[t] > eps ? reduce_dot(row, drow, H) : 0;
        for (size_t i = 0; i < H; i++)
            dx[t * H + i] += (drow[i] - row[i] * along) / norm[t];
    }
}
