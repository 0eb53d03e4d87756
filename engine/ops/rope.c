#include "engine/ops/rope.h"

#include "engine/base/team.h"

enum { PART_TURNS = 1 << 13, PART_ANGLES = 1 << 11 };

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

struct table {
    real *cosine, *sine;
    const double *frequency;
    const int32_t *positions;
    size_t pairs;
};

static void fill_rows(const void *loop, size_t first, size_t last)
{
    const struct table *r = loop;
    for (size_t t = first; t < last; t++) {
        for (size_t i = 0; i < r->pairs; i++) {
            double angle = (double)r->positions[t] * r->frequency[i];
            r->cosine[t * r->pairs + i] = (real)cos(angle);
            r->sine[t * r->pairs + i] = (real)sin(angle);
        }
    }
}

void rope_table(real *cosine, real *sine, const double *frequency, const int32_t *positions,
                size_t n, size_t pairs)
{
    const struct table table = {cosine, sine, frequency, positions, pairs};
    team_run(fill_rows, &table, n, team_grain(pairs, PART_ANGLES));
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

struct turns {
    real *x;
    const real *cosine, *sine;
    enum rope_layout layout;
    real sign;
    size_t heads, pairs;
};

static void turn_rows(const void *loop, size_t first, size_t last)
{
    const struct turns *r = loop;
    for (size_t t = first, pairs = r->pairs; t < last; t++) {
        const real *c = r->cosine + t * pairs, *s = r->sine + t * pairs;
        for (size_t h = 0; h < r->heads; h++) {
            real *head = r->x + (t * r->heads + h) * 2 * pairs;
            if (r->layout == ROPE_HALVES)
                turn_halves(head, c, s, r->sign, pairs);
            else
                turn_neighbours(head, c, s, r->sign, pairs);
        }
    }
}

void rope_forward(real *x, const real *cosine, const real *sine, enum rope_layout layout, size_t n,
                  size_t heads, size_t pairs)
{
    const struct turns turns = {x, cosine, sine, layout, 1, heads, pairs};
    team_run(turn_rows, &turns, n, team_grain(heads * pairs, PART_TURNS));
}

void rope_backward(real *dx, const real *cosine, const real *sine, enum rope_layout layout,
                   size_t n, size_t heads, size_t pairs)
{
    const struct turns turns = {dx, cosine, sine, layout, -1, heads, pairs};
    team_run(turn_rows, &turns, n, team_grain(heads * pairs, PART_TURNS));
}
