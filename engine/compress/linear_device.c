#include "engine/compress/linear_device.h"

void linear_device_forward(struct device *d, real *y, const real *x, const real *w,
                           const real *bias, size_t n, size_t in, size_t out)
{
    d->ops->matmul(d, MATMUL_NT, y, out, x, in, w, in, 1, 0, n, out, in, false);
    d->ops->bias(d, y, bias, n, out);
}

void linear_device_backward(struct device *d, real *dx, real *dw, real *dbias, const real *dy,
                            const real *x, const real *w, size_t n, size_t in, size_t out)
{
    d->ops->matmul(d, MATMUL_NN, dx, in, dy, out, w, in, 1, 0, n, in, out, false);
    d->ops->matmul(d, MATMUL_TN, dw, in, dy, out, x, in, 1, 1, out, in, n, false);
    if (dbias)
        d->ops->column_sums(d, dbias, dy, n, out);
}
