#include "engine/ops/softmax.h"

#include <string.h>

#include "engine/base/team.h"
#include "engine/ops/reduce.h"

enum { PART_ELEMENTS = 1 << 12 };

struct rows {
    real *out;
    const real *dp, *x; /* backward: x is p */
    real scale;
    size_t k;
};

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

static void forward_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first; i < last; i++)
        softmax_row(r->out + i * r->k, r->x + i * r->k, r->scale, r->k);
}

void softmax_forward(real *p, const real *x, real scale, size_t n, size_t k)
{
    const struct rows rows = {.out = p, .x = x, .scale = scale, .k = k};
    team_run(forward_rows, &rows, n, team_grain(k, PART_ELEMENTS));
}

static void backward_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first, k = r->k; i < last; i++) {
        const real *row = r->x + i * k, *drow = r->dp + i * k;
        real mean = reduce_dot(row, drow, k);
        for (size_t j = 0; j < k; j++)
            r->out[i * k + j] += r->scale * (row[j] * (drow[j] - mean));
    }
}

void softmax_backward(real *dx, const real *dp, const real *p, real scale, size_t n, size_t k)
{
    const struct rows rows = {dx, dp, p, scale, k};
    team_run(backward_rows, &rows, n, team_grain(k, PART_ELEMENTS));
}

real softmax_logsumexp(const real *x, real *scratch, size_t n)
{
    real most = reduce_max(x, n);
    if (most == (real)-INFINITY)
        return most;
    return most + (real)log(reduce_exp(scratch, x, 1, most, n));
}
