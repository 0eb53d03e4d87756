#include "engine/compress/ridge.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/compress/whiten.h"
#include "engine/ops/matmul.h"

/* Products are summed in float over a panel of rows and in double over panels. */
enum { PANEL = 1024 };

/* Variance by mean squared, below which a channel is rounding errors alone. */
static const double constant = 1e-20;

struct moments {
    double *mean_x, *mean_y;         /* [H] */
    double *scale;                   /* [H]: deviation of each channel of x; constant: infinite */
    double *gram;                    /* [H, H]: correlation of x */
    double *cross;                   /* [H, H]: row o, column i: of y's o with x's i */
};

static void mean_of(double *mean, const real *x, size_t n, size_t H)
{
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++)
            mean[i] += (double)x[t * H + i] / (double)n;
}

static void scale_of(struct moments *m, const real *x, size_t n, size_t H)
{
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++) {
            double d = (double)x[t * H + i] - m->mean_x[i];
            m->scale[i] += d * d / (double)n;
        }
    for (size_t i = 0; i < H; i++) {
        bool varies = m->scale[i] > constant * m->mean_x[i] * m->mean_x[i];
        m->scale[i] = varies ? sqrt(m->scale[i]) : (double)INFINITY;
    }
}

static void standardize(real *out, const real *x, size_t rows, size_t H, const double *mean,
                        const double *scale)
{
    for (size_t t = 0; t < rows; t++)
        for (size_t i = 0; i < H; i++)
            out[t * H + i] = (real)(((double)x[t * H + i] - mean[i]) / (scale ? scale[i] : 1));
}

static void add_product(double *sum, const real *product, size_t count, size_t n)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += (double)product[i] / (double)n;
}

static void products_of(struct moments *m, const real *x, const real *y, size_t n, size_t H)
{
    real *px = xcalloc(PANEL * H, sizeof *px), *py = xcalloc(PANEL * H, sizeof *py);
    real *product = xcalloc(H * H, sizeof *product);
    for (size_t first = 0; first < n; first += PANEL) {
        size_t rows = size_min(PANEL, n - first);
        standardize(px, x + first * H, rows, H, m->mean_x, m->scale);
        standardize(py, y + first * H, rows, H, m->mean_y, NULL);
        matmul_tn(product, px, px, 0, H, H, rows);
        add_product(m->gram, product, H * H, n);
        matmul_tn(product, py, px, 0, H, H, rows);
        add_product(m->cross, product, H * H, n);
    }
    free(px);
    free(py);
    free(product);
}

/* cross becomes the map in units of the channels, which scale undoes. */
static void solve(struct moments *m, size_t H, double lambda)
{
    for (size_t i = 0; i < H; i++)
        m->gram[i * H + i] += lambda;
    whiten_cholesky(m->gram, H); /* positive definite: lambda was added to a Gram matrix */
    whiten_solve_rows(m->cross, H, m->gram, H);
}

static void write_map(real *w, real *b, const struct moments *m, size_t H)
{
    for (size_t o = 0; o < H; o++) {
        double shift = m->mean_y[o];
        for (size_t i = 0; i < H; i++) {
            double value = m->cross[o * H + i] / m->scale[i];
            w[o * H + i] = (real)value;
            shift -= value * m->mean_x[i];
        }
        b[o] = (real)shift;
    }
}

void ridge_fit(real *w, real *b, const real *x, const real *y, size_t n, size_t H, double lambda)
{
    double *block = xcalloc(H * (3 + 2 * H), sizeof *block);
    struct moments m = {.mean_x = block, .mean_y = block + H, .scale = block + 2 * H,
                        .gram = block + 3 * H, .cross = block + (3 + H) * H};
    mean_of(m.mean_x, x, n, H);
    mean_of(m.mean_y, y, n, H);
    scale_of(&m, x, n, H);
    products_of(&m, x, y, n, H);
    solve(&m, H, lambda);
    write_map(w, b, &m, H);
    free(block);
}
