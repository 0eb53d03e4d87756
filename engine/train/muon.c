#include "engine/train/muon.h"

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/matmul.h"
#include "engine/ops/reduce.h"

enum { NEWTON_SCHULZ_STEPS = 5, PART_ELEMENTS = 1 << 14 };

/* Coefficients of the quintic a x + b x^3 + c x^5 whose iteration drives singular
 * values towards 1 fastest (Jordan et al., Muon). */
static const real quintic[3] = {REAL(3.4445), REAL(-4.7750), REAL(2.0315)};

static void transpose(real *out, const real *x, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[j * rows + i] = x[i * cols + j];
}

/* Vectors of one length, and the factors that they meet. */
struct vectors {
    real *x, *update;
    const real *gradient;
    real scale, keep;
};

static void scale_part(const void *loop, size_t first, size_t last)
{
    const struct vectors *v = loop;
    for (size_t i = first; i < last; i++)
        v->x[i] *= v->scale;
}

static void scale_to_unit_norm(real *x, size_t count)
{
    real scale = (real)(1.0 / (sqrt(reduce_squares(x, count)) + 1e-7));
    const struct vectors vectors = {.x = x, .scale = scale};
    team_run(scale_part, &vectors, count, PART_ELEMENTS);
}

/* x [n, m] with n <= m, in place. */
static void newton_schulz(real *x, size_t n, size_t m, struct arena *scratch)
{
    real *gram = arena_array(scratch, real, n * n);
    real *poly = arena_array(scratch, real, n * n);
    real *next = arena_array(scratch, real, n * m);
    for (int step = 0; step < NEWTON_SCHULZ_STEPS; step++) {
        matmul_nt(gram, x, x, 0, n, n, m);
        matmul_nn(poly, gram, gram, 0, n, n, n);
        for (size_t i = 0; i < n * n; i++)
            poly[i] = quintic[1] * gram[i] + quintic[2] * poly[i];
        matmul_nn(next, poly, x, 0, n, m, n);
        for (size_t i = 0; i < n * m; i++)
            x[i] = quintic[0] * x[i] + next[i];
    }
}

/* The same on a device; products in full precision. */
static void newton_schulz_device(struct device *d, real *x, size_t n, size_t m)
{
    const struct device_ops *ops = d->ops;
    size_t mark = ops->mark(d);
    real *at = device_reals_of(d, x, n * m), *next = device_reals(d, n * m);
    real *gram = device_reals(d, n * n), *poly = device_reals(d, n * n);
    for (int step = 0; step < NEWTON_SCHULZ_STEPS; step++) {
        ops->matmul(d, MATMUL_NT, gram, n, at, m, at, m, 1, 0, n, n, m, false);
        ops->matmul(d, MATMUL_NN, poly, n, gram, n, gram, n, 1, 0, n, n, n, false);
        ops->combine(d, poly, quintic[1], gram, quintic[2], n * n);
        ops->matmul(d, MATMUL_NN, next, m, poly, n, at, m, 1, 0, n, m, n, false);
        ops->combine(d, at, 1, next, quintic[0], n * m);
    }
    ops->download(d, x, at, n * m * sizeof *x);
    ops->release(d, mark);
}

static void iterate(real *x, size_t n, size_t m, struct device *d, struct arena *scratch)
{
    if (d)
        newton_schulz_device(d, x, n, m);
    else
        newton_schulz(x, n, m, scratch);
}

void muon_orthogonalize(real *x, size_t rows, size_t cols, struct device *d,
                        struct arena *scratch)
{
    struct arena_mark mark = arena_mark(scratch);
    scale_to_unit_norm(x, rows * cols);
    if (rows <= cols) {
        iterate(x, rows, cols, d, scratch);
    } else {
        real *t = arena_array(scratch, real, rows * cols);
        transpose(t, x, rows, cols);
        iterate(t, cols, rows, d, scratch);
        transpose(x, t, cols, rows);
    }
    arena_release(scratch, mark);
}

/* Nesterov's momentum; scale is what the gradient meets. */
static void momentum_part(const void *loop, size_t first, size_t last)
{
    const struct vectors *v = loop;
    for (size_t i = first; i < last; i++) {
        v->x[i] = v->keep * v->x[i] + v->scale * v->gradient[i];
        v->update[i] = v->scale * v->gradient[i] + v->keep * v->x[i];
    }
}

static void descend_part(const void *loop, size_t first, size_t last)
{
    const struct vectors *v = loop;
    for (size_t i = first; i < last; i++)
        v->x[i] -= v->scale * v->update[i];
}

void muon_step(real *w, real *momentum, const real *gradient, size_t rows, size_t cols, double lr,
               double mu, double grad_scale, struct device *d, struct arena *scratch)
{
    struct arena_mark mark = arena_mark(scratch);
    size_t count = rows * cols;
    real *update = arena_array(scratch, real, count);
    real keep = (real)mu, add = (real)((1 - mu) * grad_scale);
    struct vectors vectors = {momentum, update, gradient, add, keep};
    team_run(momentum_part, &vectors, count, PART_ELEMENTS);
    muon_orthogonalize(update, rows, cols, d, scratch);
    double tall = rows > cols ? (double)rows / (double)cols : 1.0;
    real rate = (real)(lr * 0.2 * sqrt((double)size_max(rows, cols)) * sqrt(tall));
    vectors = (struct vectors){.x = w, .update = update, .scale = rate};
    team_run(descend_part, &vectors, count, PART_ELEMENTS);
    arena_release(scratch, mark);
}
