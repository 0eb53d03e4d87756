#include "engine/ops/gelu.h"

#include "engine/base/team.h"

enum { PART_ELEMENTS = 1 << 12 };

static const real inverse_sqrt_2 = REAL(0.70710678118654752440);
static const real inverse_sqrt_2pi = REAL(0.39894228040143267794);

static real normal_cdf(real x)
{
    return REAL(0.5) * (1 + real_erf(x * inverse_sqrt_2));
}

struct values {
    real *out;
    const real *dy, *x;
};

static void forward_part(const void *loop, size_t first, size_t last)
{
    const struct values *v = loop;
    for (size_t i = first; i < last; i++)
        v->out[i] = v->x[i] * normal_cdf(v->x[i]);
}

void gelu_forward(real *y, const real *x, size_t n)
{
    const struct values values = {y, NULL, x};
    team_run(forward_part, &values, n, PART_ELEMENTS);
}

static void backward_part(const void *loop, size_t first, size_t last)
{
    const struct values *v = loop;
    for (size_t i = first; i < last; i++) {
        real x = v->x[i], density = inverse_sqrt_2pi * real_exp(REAL(-0.5) * x * x);
        v->out[i] += v->dy[i] * (normal_cdf(x) + x * density);
    }
}

void gelu_backward(real *dx, const real *dy, const real *x, size_t n)
{
    const struct values values = {dx, dy, x};
    team_run(backward_part, &values, n, PART_ELEMENTS);
}
