#include "engine/ops/linear.h"

#include "engine/base/size.h"
#include "engine/ops/matmul.h"

enum { PARALLEL_ELEMENTS = 1 << 15, COLUMN_BLOCK = 64 };

void linear_add_bias(real *y, const real *bias, size_t n, size_t width)
{
#pragma omp parallel for schedule(static) if (n * width > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < width; i++)
            y[t * width + i] += bias[i];
}

void linear_forward(real *y, const real *x, const real *w, const real *bias, size_t n, size_t in,
                    size_t out)
{
    matmul_nt(y, x, w, 0, n, out, in);
    if (bias)
        linear_add_bias(y, bias, n, out);
}

/* Sums of columns, in the order of the rows whatever the number of threads. */
static void sum_columns(real *sum, const real *x, size_t n, size_t width)
{
#pragma omp parallel for schedule(static) if (n * width > PARALLEL_ELEMENTS)
    for (size_t first = 0; first < width; first += COLUMN_BLOCK)
        for (size_t t = 0; t < n; t++)
            for (size_t i = first; i < size_min(first + COLUMN_BLOCK, width); i++)
                sum[i] += x[t * width + i];
}

void linear_backward(real *dx, real *dw, real *dbias, const real *dy, const real *x, const real *w,
                     size_t n, size_t in, size_t out)
{
    if (dx)
        matmul_nn(dx, dy, w, 1, n, in, out);
    if (dw)
        matmul_tn(dw, dy, x, 1, out, in, n);
    if (dbias)
        sum_columns(dbias, dy, n, out);
}
