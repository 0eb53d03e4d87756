#include "engine/ops/tile.h"

#include "engine/base/size.h"
#include "engine/ops/simd.h"

/* Six rows by two vectors, or one row by eight: the sums are in registers, and enough of
 * them that none waits for the one before. */
enum { ROWS = 6, VECTORS = 8 };

struct operands {
    const real *a, *b;
    size_t a_row, a_step, ldb, k;
};

/* rows <= ROWS and vectors <= VECTORS are constants wherever this is inlined. */
SIMD_BODY void sum_products(real *c, size_t ldc, bool add, const struct operands *o,
                            const size_t rows, const size_t vectors)
{
    lanes sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            sum[i][v] = (lanes){0};
    const real *a = o->a, *b = o->b;
    for (size_t p = 0; p < o->k; p++) {
        lanes factors[VECTORS];
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            factors[v] = LANES_OF(b + v * LANES);
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++) {
            real factor = a[i * o->a_row];
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++)
                sum[i][v] += factor * factors[v];
        }
        a += o->a_step;
        b += o->ldb;
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++) {
            lanes_at *out = (lanes_at *)(c + i * ldc + v * LANES);
            if (add)
                sum[i][v] += *out;
            *out = sum[i][v];
        }
}

/* The columns that do not fill a vector. */
SIMD_BODY void sum_rest(real *c, size_t ldc, bool add, const struct operands *o, size_t rows,
                        size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            real sum = 0;
            for (size_t p = 0; p < o->k; p++)
                sum += o->a[i * o->a_row + p * o->a_step] * o->b[p * o->ldb + j];
            c[i * ldc + j] = add ? c[i * ldc + j] + sum : sum;
        }
}

SIMD_BODY void multiply_rows(real *c, size_t ldc, bool add, struct operands o,
                             const size_t rows, size_t n)
{
    for (; rows == 1 && n >= VECTORS * LANES;
         n -= VECTORS * LANES, c += VECTORS * LANES, o.b += VECTORS * LANES)
        sum_products(c, ldc, add, &o, 1, VECTORS);
    for (; n >= 2 * LANES; n -= 2 * LANES, c += 2 * LANES, o.b += 2 * LANES)
        sum_products(c, ldc, add, &o, rows, 2);
    if (n >= LANES) {
        sum_products(c, ldc, add, &o, rows, 1);
        n -= LANES;
        c += LANES;
        o.b += LANES;
    }
    if (n)
        sum_rest(c, ldc, add, &o, rows, n);
}

SIMD_BODY void multiply_body(real *c, size_t ldc, bool add, const struct operands *all, size_t m,
                             size_t n)
{
    struct operands o = *all;
    for (; m >= ROWS; m -= ROWS, c += ROWS * ldc, o.a += ROWS * o.a_row)
        multiply_rows(c, ldc, add, o, ROWS, n);
    if (m >= 4) {
        multiply_rows(c, ldc, add, o, 4, n);
        m -= 4;
        c += 4 * ldc;
        o.a += 4 * o.a_row;
    }
    if (m == 3) { /* heads that share keys, of a single query: often three */
        multiply_rows(c, ldc, add, o, 3, n);
        m = 0;
    }
    for (; m > 0; m--, c += ldc, o.a += o.a_row)
        multiply_rows(c, ldc, add, o, 1, n);
}
SIMD_DISPATCH(multiply,
              (real *c, size_t ldc, bool add, const struct operands *all, size_t m, size_t n),
              (c, ldc, add, all, m, n))

void tile_multiply(real *c, size_t ldc, bool add, const real *a, size_t a_row, size_t a_step,
                   const real *b, size_t ldb, size_t m, size_t n, size_t k)
{
    const struct operands all = {a, b, a_row, a_step, ldb, k};
    multiply(c, ldc, add, &all, m, n);
}

void tile_pack(real *panels, const real *x, size_t ldx, size_t n, size_t d)
{
    for (size_t first = 0; first < n; first += TILE_PANEL) {
        size_t rows = size_min(TILE_PANEL, n - first);
        for (size_t p = 0; p < d; p++, panels += TILE_PANEL) {
            for (size_t r = 0; r < rows; r++)
                panels[r] = x[(first + r) * ldx + p];
            for (size_t r = rows; r < TILE_PANEL; r++)
                panels[r] = 0;
        }
    }
}

void tile_multiply_packed(real *c, size_t ldc, const real *a, size_t lda, const real *panels,
                          size_t m, size_t n, size_t d)
{
    for (size_t first = 0; first < n; first += TILE_PANEL)
        tile_multiply(c + first, ldc, false, a, lda, 1, panels + first * d, TILE_PANEL, m,
                      TILE_PANEL, d);
}
