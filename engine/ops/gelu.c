#include "engine/ops/gelu.h"

enum { PARALLEL_ELEMENTS = 1 << 12 };

static const real inverse_sqrt_2 = REAL(0.70710678118654752440);
static const real inverse_sqrt_2pi = REAL(0.39894228040143267794);

static real normal_cdf(real x)
{
    return REAL(0.5) * (1 + real_erf(x * inverse_sqrt_2));
}

void gelu_forward(real *y, const real *x, size_t n)
{
#pragma omp parallel for schedule(static) if (n > PARALLEL_ELEMENTS)
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * normal_cdf(x[i]);
}

void gelu_backward(real *dx, const real *dy, const real *x, size_t n)
{
#pragma omp parallel for schedule(static) if (n > PARALLEL_ELEMENTS)
    for (size_t i = 0; i < n; i++) {
        real density = inverse_sqrt_2pi * real_exp(REAL(-0.5) * x[i] * x[i]);
        dx[i] += dy[i] * (normal_cdf(x[i]) + x[i] * density);
    }
}
