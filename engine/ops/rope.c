#include "engine/ops/rope.h"

enum { PARALLEL_ELEMENTS = 1 << 14 };

void rope_frequencies(double *frequency, double theta, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        frequency[i] = pow(theta, -(double)i / (double)pairs);
}

void rope_scale_linear(double *frequency, double factor, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        frequency[i] /= factor;
}

void rope_scale_llama3(double *frequency, double factor, double low, double high, double original,
                       size_t pairs)
{
    const double turn = 6.283185307179586476925;
    for (size_t i = 0; i < pairs; i++) {
        double turns = original * frequency[i] / turn; /* within the original context */
        double keep = (turns - low) / (high - low);
        keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
        frequency[i] *= keep + (1 - keep) / factor;
    }
}

void rope_divide(double *frequency, const real *divisors, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        frequency[i] /= (double)divisors[i];
}

void rope_table(real *cosine, real *sine, const double *frequency, const int32_t *positions,
                size_t n, size_t pairs)
{
#pragma omp parallel for schedule(static) if (n * pairs > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < pairs; i++) {
            double angle = (double)positions[t] * frequency[i];
            cosine[t * pairs + i] = (real)cos(angle);
            sine[t * pairs + i] = (real)sin(angle);
        }
    }
}

/* sign: 1 turns forward, -1 back. */
static void turn_halves(real *x, const real *cosine, const real *sine, real sign, size_t pairs)
{
    real *a = x, *b = x + pairs;
    for (size_t i = 0; i < pairs; i++) {
        real c = cosine[i], s = sign * sine[i], u = a[i], v = b[i];
        a[i] = u * c - v * s;
        b[i] = u * s + v * c;
    }
}

static void turn_neighbours(real *x, const real *cosine, const real *sine, real sign, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        real c = cosine[i], s = sign * sine[i], u = x[2 * i], v = x[2 * i + 1];
        x[2 * i] = u * c - v * s;
        x[2 * i + 1] = u * s + v * c;
    }
}

static void turn(real *x, const real *cosine, const real *sine, enum rope_layout layout, real sign,
                 size_t n, size_t heads, size_t pairs)
{
#pragma omp parallel for schedule(static) if (n * heads * pairs > PARALLEL_ELEMENTS)
    for (size_t t = 0; t < n; t++) {
        const real *c = cosine + t * pairs, *s = sine + t * pairs;
        for (size_t h = 0; h < heads; h++) {
            real *head = x + (t * heads + h) * 2 * pairs;
            if (layout == ROPE_HALVES)
                turn_halves(head, c, s, sign, pairs);
            else
                turn_neighbours(head, c, s, sign, pairs);
        }
    }
}

void rope_forward(real *x, const real *cosine, const real *sine, enum rope_layout layout, size_t n,
                  size_t heads, size_t pairs)
{
    turn(x, cosine, sine, layout, 1, n, heads, pairs);
}

void rope_backward(real *dx, const real *cosine, const real *sine, enum rope_layout layout,
                   size_t n, size_t heads, size_t pairs)
{
    turn(dx, cosine, sine, layout, -1, n, heads, pairs);
}
