#include "engine/ops/softmax.h"

#include <string.h>

#include "engine/ops/reduce.h"

enum { PARALLEL_ELEMENTS = 1 << 12 };

void softmax_row(real *p, const real *x, real scale, size_t k)
{
    real most = scale < 0 ? (real)-INFINITY : reduce_max(x, k) * scale;
    for (size_t j = 0; scale < 0 && j < k; j++)
        most = real_fmax(most, x[j] * scale);
    if (most == (real)-INFINITY) {
        memset(p, 0, k * sizeof *p);
        return;
    }
    real inverse = (real)(1 / reduce_exp(p, x, scale, most, k));
    for (size_t j = 0; j < k; j++)
        p[j] *= inverse;
}

void softmax_forward(real *p, const real *x, real scale, size_t n, size_t k)
{
#pragma omp parallel for schedule(static) if (n * k > PARALLEL_ELEMENTS)
    for (size_t i = 0; i < n; i++)
        softmax_row(p + i * k, x + i * k, scale, k);
}

void softmax_backward(real *dx, const real *dp, const real *p, real scale, size_t n, size_t k)
{
#pragma omp parallel for schedule(static) if (n * k > PARALLEL_ELEMENTS)
    for (size_t i = 0; i < n; i++) {
        const real *row = p + i * k, *drow = dp + i * k;
        real mean = reduce_dot(row, drow, k);
        for (size_t j = 0; j < k; j++)
            dx[i * k + j] += scale * (row[j] * (drow[j] - mean));
    }
}

real softmax_logsumexp(const real *x, real *scratch, size_t n)
{
    real most = reduce_max(x, n);
    if (most == (real)-INFINITY)
        return most;
    return most + (real)log(reduce_exp(scratch, x, 1, most, n));
}
