#include "engine/compress/whiten.h"

#include <math.h>

#include "engine/base/err.h"

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

bool whiten_cholesky(double *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            s[i * n + j] = (s[i * n + j] - dot(s + i * n, s + j * n, j)) / s[j * n + j];
        double rest = s[i * n + i] - dot(s + i * n, s + i * n, i);
        if (!(rest > 0))
            return false;
        s[i * n + i] = sqrt(rest);
        for (size_t j = i + 1; j < n; j++)
            s[i * n + j] = 0;
    }
    return true;
}

void whiten_rows(double *rows, size_t m, const double *L, size_t n)
{
    /* y L = x from the last column on: y[i] = (x[i] - sum_{p>i} y[p] L[p,i]) / L[i,i] */
    for (size_t r = 0; r < m; r++) {
        double *x = rows + r * n;
        for (size_t i = n; i-- > 0;) {
            x[i] /= L[i * n + i];
            for (size_t j = 0; j < i; j++)
                x[j] -= x[i] * L[i * n + j];
        }
    }
}

void whiten_solve_rows(double *rows, size_t m, const double *L, size_t n)
{
    /* y L^T = x from the first column on, then z L = y. */
    for (size_t r = 0; r < m; r++) {
        double *x = rows + r * n;
        for (size_t i = 0; i < n; i++)
            x[i] = (x[i] - dot(x, L + i * n, i)) / L[i * n + i];
    }
    whiten_rows(rows, m, L, n);
}

void whiten_orthonormal_rows(double *rows, size_t m, size_t n, struct rng *rng)
{
    CHECK(n > 0);
    for (size_t r = 0; r < m; r++) {
        double *x = rows + r * n;
        for (size_t i = 0; i < n; i++)
            x[i] = rng_normal(rng);
        /* Twice: once leaves rounding errors of the size of the cancellation. */
        for (int pass = 0; pass < 2; pass++)
            for (size_t p = r - r % n; p < r; p++) {
                double along = dot(x, rows + p * n, n);
                for (size_t i = 0; i < n; i++)
                    x[i] -= along * rows[p * n + i];
            }
        double length = sqrt(dot(x, x, n));
        for (size_t i = 0; i < n; i++)
            x[i] /= length;
    }
}
