/* Matrices: a fixed grid of tiles, one single-threaded OpenBLAS gemm each, because
 * the bits of its own threaded gemm and gemv depend on the number of threads
 * (README.md). Vectors: kernels of our own. */
#include "engine/ops/matmul.h"

#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/simd.h"

enum {
    PART_WORK = 1 << 15, /* multiply-adds below which threads cost more than they give */
    COLUMN_BLOCK = 256,
    TILE_ROWS = 512,
    TILE_COLUMNS = 192,
    TILE_ALIGN = 16
};

/* *y = alpha * a.b + beta * *y */
SIMD_BODY void dot_body(real *y, const real *a, const real *b, size_t k, real alpha, real beta)
{
    lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    size_t i = 0;
    for (; i + 4 * LANES <= k; i += 4 * LANES) {
        s0 += LANES_OF(a + i) * LANES_OF(b + i);
        s1 += LANES_OF(a + i + LANES) * LANES_OF(b + i + LANES);
        s2 += LANES_OF(a + i + 2 * LANES) * LANES_OF(b + i + 2 * LANES);
        s3 += LANES_OF(a + i + 3 * LANES) * LANES_OF(b + i + 3 * LANES);
    }
    for (; i + LANES <= k; i += LANES)
        s0 += LANES_OF(a + i) * LANES_OF(b + i);
    s0 = (s0 + s1) + (s2 + s3);
    real sum = LANES_SUM(s0);
    for (; i < k; i++)
        sum += a[i] * b[i];
    *y = alpha * sum + (beta == 0 ? 0 : beta * *y);
}
SIMD_DISPATCH(dot, (real *y, const real *a, const real *b, size_t k, real alpha, real beta),
              (y, a, b, k, alpha, beta))

/* A product with a vector: y[i * y_step] of rows or columns of a matrix. */
struct vector_job {
    real *y;
    const real *matrix, *x;
    size_t y_step, ld, x_step, k;
    real alpha, beta;
};

static void dot_rows(const void *loop, size_t first, size_t last)
{
    const struct vector_job *j = loop;
    for (size_t i = first; i < last; i++)
        dot(j->y + i * j->y_step, j->matrix + i * j->ld, j->x, j->k, j->alpha, j->beta);
}

/* y[i * y_step] = alpha * (row i of w) . x + beta * y */
static void rows_dot(real *y, size_t y_step, const real *w, size_t ldw, const real *x, size_t n,
                     size_t k, real alpha, real beta)
{
    const struct vector_job job = {y, w, x, y_step, ldw, 1, k, alpha, beta};
    team_run(dot_rows, &job, n, team_grain(k, PART_WORK));
}

/* y[0..width) = alpha * sum_p a[p * a_step] * (row p of b) + beta * y, width <= COLUMN_BLOCK */
SIMD_BODY void sum_block_body(real *y, const real *a, size_t a_step, const real *b, size_t ldb,
                              size_t width, size_t k, real alpha, real beta)
{
    real sum[COLUMN_BLOCK] = {0};
    for (size_t p = 0; p < k; p++) {
        const real *row = b + p * ldb;
        real factor = a[p * a_step];
        size_t j = 0;
        for (; j + LANES <= width; j += LANES)
            LANES_AT(sum + j) += factor * LANES_OF(row + j);
        for (; j < width; j++)
            sum[j] += factor * row[j];
    }
    for (size_t j = 0; j < width; j++)
        y[j] = alpha * sum[j] + (beta == 0 ? 0 : beta * y[j]);
}
SIMD_DISPATCH(sum_block,
              (real *y, const real *a, size_t a_step, const real *b, size_t ldb, size_t width,
               size_t k, real alpha, real beta),
              (y, a, a_step, b, ldb, width, k, alpha, beta))

static void sum_columns(const void *loop, size_t first, size_t last)
{
    const struct vector_job *j = loop;
    for (; first < last; first += COLUMN_BLOCK)
        sum_block(j->y + first, j->x, j->x_step, j->matrix + first, j->ld,
                  size_min(COLUMN_BLOCK, last - first), j->k, j->alpha, j->beta);
}

static void rows_sum(real *y, const real *a, size_t a_step, const real *b, size_t ldb, size_t n,
                     size_t k, real alpha, real beta)
{
    const struct vector_job job = {y, b, a, 1, ldb, a_step, k, alpha, beta};
    team_run(sum_columns, &job, n, n * k > PART_WORK ? COLUMN_BLOCK : n);
}

/* Products with a result of one row or one column. */
static bool vector_product(enum matmul_kind kind, real *c, size_t ldc, const real *a, size_t lda,
                           const real *b, size_t ldb, real alpha, real beta, size_t m, size_t n,
                           size_t k)
{
    if (kind == MATMUL_NT && m == 1)
        rows_dot(c, 1, b, ldb, a, n, k, alpha, beta);
    else if (kind == MATMUL_NT && n == 1)
        rows_dot(c, ldc, a, lda, b, m, k, alpha, beta);
    else if (kind == MATMUL_NN && m == 1)
        rows_sum(c, a, 1, b, ldb, n, k, alpha, beta);
    else if (kind == MATMUL_NN && n == 1 && ldb == 1)
        rows_dot(c, ldc, a, lda, b, m, k, alpha, beta);
    else if (kind == MATMUL_TN && m == 1)
        rows_sum(c, a, lda, b, ldb, n, k, alpha, beta);
    else if (kind == MATMUL_TN && n == 1 && ldc == 1)
        rows_sum(c, b, ldb, a, lda, m, k, alpha, beta);
    else
        return false;
    return true;
}

static void scale_rows(real *c, size_t ldc, real beta, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

struct product {
    enum matmul_kind kind;
    real *c;
    const real *a, *b;
    size_t ldc, lda, ldb, k;
    real alpha, beta;
    size_t m, n, rows, columns, across; /* of C; of a tile; tiles in a row of them */
};

/* rows x columns of C from (i, j) on. */
static void multiply_tile(const struct product *p, size_t i, size_t j, size_t rows, size_t columns)
{
    enum CBLAS_TRANSPOSE at = p->kind == MATMUL_TN ? CblasTrans : CblasNoTrans;
    enum CBLAS_TRANSPOSE bt = p->kind == MATMUL_NT ? CblasTrans : CblasNoTrans;
    const real *a = p->a + i * (p->kind == MATMUL_TN ? 1 : p->lda);
    const real *b = p->b + j * (p->kind == MATMUL_NT ? p->ldb : 1);
    real *c = p->c + i * p->ldc + j;
#ifdef REAL_DOUBLE
    cblas_dgemm(CblasRowMajor, at, bt, (int)rows, (int)columns, (int)p->k, p->alpha, a,
                (int)p->lda, b, (int)p->ldb, p->beta, c, (int)p->ldc);
#else
    cblas_sgemm(CblasRowMajor, at, bt, (int)rows, (int)columns, (int)p->k, p->alpha, a,
                (int)p->lda, b, (int)p->ldb, p->beta, c, (int)p->ldc);
#endif
}

static void multiply_part(const void *loop, size_t first, size_t last)
{
    const struct product *p = loop;
#ifdef _OPENMP
    omp_set_num_threads(1); /* of this thread: keeps OpenBLAS from starting some of its own */
#endif
    for (size_t t = first; t < last; t++) {
        size_t i = t / p->across * p->rows, j = t % p->across * p->columns;
        if (i < p->m)
            multiply_tile(p, i, j, size_min(p->rows, p->m - i), size_min(p->columns, p->n - j));
    }
}

/* The grid depends on the shape alone. */
static void multiply_tiles(struct product *p)
{
    size_t m = p->m, n = p->n;
    size_t down = size_div_up(m, TILE_ROWS), across = size_div_up(n, TILE_COLUMNS);
    if (down % 2 && across % 2 && n >= 4 * TILE_ALIGN)
        across++; /* an even number keeps two cores equally busy */
    p->rows = size_div_up(m, down);
    p->columns = size_div_up(size_div_up(n, across), TILE_ALIGN) * TILE_ALIGN;
    p->across = size_div_up(n, p->columns);
    team_run(multiply_part, p, down * p->across, 1);
}

void matmul_strided(enum matmul_kind kind, real *c, size_t ldc, const real *a, size_t lda,
                    const real *b, size_t ldb, real alpha, real beta, size_t m, size_t n, size_t k)
{
    if (m == 0 || n == 0)
        return;
    if (k == 0) {
        scale_rows(c, ldc, beta, m, n);
        return;
    }
    if (vector_product(kind, c, ldc, a, lda, b, ldb, alpha, beta, m, n, k))
        return;
    CHECK(m <= INT_MAX && n <= INT_MAX && k <= INT_MAX);
    CHECK(lda <= INT_MAX && ldb <= INT_MAX && ldc <= INT_MAX);
    struct product product = {.kind = kind,
                              .c = c,
                              .a = a,
                              .b = b,
                              .ldc = ldc,
                              .lda = lda,
                              .ldb = ldb,
                              .k = k,
                              .alpha = alpha,
                              .beta = beta,
                              .m = m,
                              .n = n};
    multiply_tiles(&product);
}

void matmul_nt(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k)
{
    matmul_strided(MATMUL_NT, c, n, a, k, b, k, 1, beta, m, n, k);
}

void matmul_nn(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k)
{
    matmul_strided(MATMUL_NN, c, n, a, k, b, n, 1, beta, m, n, k);
}

void matmul_tn(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k)
{
    matmul_strided(MATMUL_TN, c, n, a, m, b, n, 1, beta, m, n, k);
}

void matmul_vec(real *y, const real *w, const real *x, size_t n, size_t k)
{
    rows_dot(y, 1, w, k, x, n, k, 1, 0);
}

/* OpenBLAS' own way to its areas: exported, though no header has it. */
void *blas_memory_alloc(int position) __attribute__((weak));
void blas_memory_free(void *area) __attribute__((weak));

void matmul_reserve(size_t threads)
{
    if (!blas_memory_alloc || !blas_memory_free)
        return;
    void **areas = xcalloc(threads, sizeof *areas);
    for (size_t i = 0; i < threads; i++)
        areas[i] = blas_memory_alloc(0);
    for (size_t i = 0; i < threads; i++)
        blas_memory_free(areas[i]);
    free(areas);
}

const char *matmul_backend(void)
{
    return openblas_get_config();
}
