/* Matrix products against loops in double, in every kind, size and stride, and
 * the same bits for any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/ops/matmul.h"
#include "tests/support/gradcheck.h"

struct product {
    enum matmul_kind kind;
    size_t m, n, k, pad;
    real alpha, beta;
};

static double oracle(const struct product *p, const real *a, size_t lda, const real *b, size_t ldb,
                     size_t i, size_t j)
{
    double sum = 0;
    for (size_t q = 0; q < p->k; q++) {
        real left = p->kind == MATMUL_TN ? a[q * lda + i] : a[i * lda + q];
        real right = p->kind == MATMUL_NT ? b[j * ldb + q] : b[q * ldb + j];
        sum += (double)left * (double)right;
    }
    return sum;
}

static void check_product(const struct product *p, struct rng *rng)
{
    size_t lda = (p->kind == MATMUL_TN ? p->m : p->k) + p->pad;
    size_t ldb = (p->kind == MATMUL_NT ? p->k : p->n) + p->pad;
    size_t ldc = p->n + p->pad;
    real *a = random_reals(rng, lda * (p->kind == MATMUL_TN ? p->k : p->m) + 1, 1);
    real *b = random_reals(rng, ldb * (p->kind == MATMUL_NT ? p->n : p->k) + 1, 1);
    real *c = random_reals(rng, ldc * p->m + 1, 1);
    real *before = xcalloc(ldc * p->m + 1, sizeof *before);
    memcpy(before, c, (ldc * p->m + 1) * sizeof *c);
    matmul_strided(p->kind, c, ldc, a, lda, b, ldb, p->alpha, p->beta, p->m, p->n, p->k);
    double tolerance = (sizeof(real) == 4 ? 4e-7 : 1e-15) * (double)(p->k + 4);
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double want = (double)p->alpha * oracle(p, a, lda, b, ldb, i, j) +
                          (double)p->beta * (double)before[i * ldc + j];
            assert_true(fabs((double)c[i * ldc + j] - want) <= tolerance);
        }
        for (size_t j = p->n; j < ldc; j++)
            assert_true(c[i * ldc + j] == before[i * ldc + j]);
    }
    free(a);
    free(b);
    free(c);
    free(before);
}

static void test_every_kind_and_shape(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 7, 8, 33, 70, 300};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct rng rng;
    rng_seed(&rng, 1);
    for (int kind = MATMUL_NT; kind <= MATMUL_TN; kind++)
        for (size_t shape = 0; shape < SIZES * SIZES * SIZES; shape++) {
            struct product p = {(enum matmul_kind)kind,
                                sizes[shape % SIZES],
                                sizes[shape / SIZES % SIZES],
                                sizes[shape / SIZES / SIZES],
                                shape % 3,
                                shape % 2 ? REAL(1.0) : REAL(-0.5),
                                shape % 5 < 2 ? REAL(0.0) : REAL(1.0)};
            if (p.m * p.n * p.k <= 1000000)
                check_product(&p, &rng);
        }
}

/* A result that is overwritten must not see what was there before. */
static void test_beta_zero_ignores_nan(void **state)
{
    (void)state;
    real a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 1, 1, 2, 2, 2}, c[4], y[2];
    for (size_t i = 0; i < 4; i++)
        c[i] = (real)NAN;
    y[0] = y[1] = (real)NAN;
    matmul_nt(c, a, b, 0, 2, 2, 3);
    assert_true(c[0] == 6 && c[1] == 12 && c[2] == 15 && c[3] == 30);
    matmul_vec(y, a, b, 2, 3);
    assert_true(y[0] == 6 && y[1] == 15);
}

static void check_threads(size_t m, size_t n, size_t k)
{
    struct rng rng;
    rng_seed(&rng, 2);
    size_t room = m * k > n * k ? m * k : n * k;
    room = room > m * n ? room : m * n;
    real *a = random_reals(&rng, room, 1), *b = random_reals(&rng, room, 1);
    real *one = random_reals(&rng, m * n, 1), *many = random_reals(&rng, m * n, 1);
    void (*const products[])(real *, const real *, const real *, real, size_t, size_t, size_t) = {
        matmul_nt, matmul_nn, matmul_tn};
    size_t threads = team_threads();
    for (size_t f = 0; f < 3; f++) {
        team_set_threads(1);
        products[f](one, a, b, 0, m, n, k);
        for (size_t t = 2; t <= 4; t++) {
            team_set_threads(t);
            products[f](many, a, b, 0, m, n, k);
            assert_memory_equal(one, many, m * n * sizeof *one);
        }
    }
    team_set_threads(threads);
    free(a);
    free(b);
    free(one);
    free(many);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    check_threads(1, 1000, 300);
    check_threads(1000, 1, 300);
    check_threads(100, 1, 20000);
    check_threads(64, 96, 512);
    check_threads(129, 577, 65);
    check_threads(3, 2000, 64);
    check_threads(64, 96, 20);
    check_threads(7, 9, 2000);
    check_threads(600, 500, 130);
}

static void test_backend_has_a_name(void **state)
{
    (void)state;
    assert_non_null(strstr(matmul_backend(), "OpenBLAS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_and_shape),
        cmocka_unit_test(test_beta_zero_ignores_nan),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_backend_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
