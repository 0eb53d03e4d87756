#include "engine/ops/linear.h"

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/matmul.h"

enum { PART_ELEMENTS = 1 << 14, COLUMN_BLOCK = 64 };

struct rows {
    real *out;
    const real *in;
    size_t n, width;
};

static void add_bias_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t t = first; t < last; t++)
        for (size_t i = 0; i < r->width; i++)
            r->out[t * r->width + i] += r->in[i];
}

void linear_add_bias(real *y, const real *bias, size_t n, size_t width)
{
    const struct rows rows = {y, bias, n, width};
    team_run(add_bias_rows, &rows, n, team_grain(width, PART_ELEMENTS));
}

void linear_forward(real *y, const real *x, const real *w, const real *bias, size_t n, size_t in,
                    size_t out)
{
    matmul_nt(y, x, w, 0, n, out, in);
    if (bias)
        linear_add_bias(y, bias, n, out);
}

/* Sums of columns, in the order of the rows whatever the number of threads. */
static void sum_columns(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t t = 0; t < r->n; t++)
        for (size_t i = first; i < last; i++)
            r->out[i] += r->in[t * r->width + i];
}

void linear_backward(real *dx, real *dw, real *dbias, const real *dy, const real *x, const real *w,
                     size_t n, size_t in, size_t out)
{
    if (dx)
        matmul_nn(dx, dy, w, 1, n, in, out);
    if (dw)
        matmul_tn(dw, dy, x, 1, out, in, n);
    if (dbias) {
        const struct rows rows = {dbias, dy, n, out};
        team_run(sum_columns, &rows, out, n * out > PART_ELEMENTS ? COLUMN_BLOCK : out);
    }
}
