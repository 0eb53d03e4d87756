/* Softmax, its masks and its gradient; the vector exp behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "tests/support/gradcheck.h"

static const double tight = sizeof(real) == 4 ? 3e-7 : 1e-15;

static void test_exp_is_accurate(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = -86.9; x < 87.9; x += 0.00371) {
        real y, v = (real)x;
        reduce_exp(&y, &v, 1, 0, 1);
        double want = exp((double)v);
        worst = fmax(worst, fabs((double)y - want) / want);
    }
    assert_true(worst <= (sizeof(real) == 4 ? 1.8e-7 : 1e-15));
}

static void test_exp_at_the_ends(void **state)
{
    (void)state;
    real x[5] = {(real)-INFINITY, REAL(-1e30), 0, (real)INFINITY, (real)NAN}, y[5];
    reduce_exp(y, x, 1, 0, 5);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 1);
    assert_true(isinf(y[3]) && isnan(y[4]));
}

/* Alone, in the rest of a row and in the widest lanes of a CPU: the same bits. */
static void test_exp_does_not_depend_on_the_place(void **state)
{
    enum { MOST = 67 };
    real row[MOST], x[MOST], alone;
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        x[i] = (real)i * REAL(-1.37) + 1;
    x[20] = (real)-INFINITY;
    x[21] = 200;
    for (size_t n = 1; n <= MOST; n++) {
        reduce_exp(row, x, REAL(0.7), REAL(0.3), n);
        for (size_t i = 0; i < n; i++) {
            reduce_exp(&alone, x + i, REAL(0.7), REAL(0.3), 1);
            assert_memory_equal(&row[i], &alone, sizeof alone);
        }
    }
}

static void check_rows(size_t n, size_t k, real scale)
{
    struct rng rng;
    rng_seed(&rng, k);
    real *x = random_reals(&rng, n * k, 5), *p = random_reals(&rng, n * k, 1);
    for (size_t i = 0; i < n * k; i += 3)
        if (i % k)
            x[i] = (real)(scale < 0 ? INFINITY : -INFINITY);
    softmax_forward(p, x, scale, n, k);
    for (size_t t = 0; t < n; t++) {
        double sum = 0, most = -HUGE_VAL;
        for (size_t j = 0; j < k; j++)
            most = fmax(most, (double)(x[t * k + j] * scale));
        for (size_t j = 0; j < k; j++)
            sum += exp((double)(x[t * k + j] * scale) - most);
        for (size_t j = 0; j < k; j++) {
            double want = exp((double)(x[t * k + j] * scale) - most) / sum;
            assert_true(fabs((double)p[t * k + j] - want) <= 4 * tight);
        }
    }
    free(x);
    free(p);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t k = 1; k < 40; k++)
        check_rows(3, k, k % 2 ? REAL(0.3) : REAL(-0.3));
    check_rows(64, 700, 1);
}

static void test_rows_without_any_entry(void **state)
{
    (void)state;
    real x[4], p[4], dx[4] = {0}, dp[4] = {1, 2, 3, 4}, scratch[4];
    for (size_t i = 0; i < 4; i++)
        x[i] = (real)-INFINITY;
    assert_true(softmax_logsumexp(x, scratch, 4) == (real)-INFINITY);
    softmax_forward(p, x, 1, 1, 4);
    softmax_backward(dx, dp, p, 1, 1, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(p[i] == 0 && dx[i] == 0);
}

static void test_logsumexp(void **state)
{
    (void)state;
    real x[3] = {(real)-INFINITY, (real)-INFINITY, REAL(0.0)}, scratch[3];
    assert_true(softmax_logsumexp(x, scratch, 3) == 0);
    real big[2] = {1000, 1000};
    assert_true(fabs((double)softmax_logsumexp(big, scratch, 2) - (1000 + log(2))) <= 1e-4);
}

struct problem {
    size_t n, k;
    real *x, *r, *p;
};

static double loss(void *context)
{
    struct problem *p = context;
    softmax_forward(p->p, p->x, REAL(1.7), p->n, p->k);
    return weighted_sum(p->p, p->r, p->n * p->k);
}

static void test_gradient(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct rng rng;
    rng_seed(&rng, 3);
    struct problem p = {3, 21, random_reals(&rng, 63, 1), random_reals(&rng, 63, 1),
                        random_reals(&rng, 63, 1)};
    real *dx = calloc(63, sizeof *dx);
    loss(&p);
    softmax_backward(dx, p.r, p.p, REAL(1.7), 3, 21);
    gradcheck("softmax", loss, &p, p.x, dx, 63);
    free(dx);
    free(p.x);
    free(p.r);
    free(p.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_accurate),
        cmocka_unit_test(test_exp_at_the_ends),
        cmocka_unit_test(test_exp_does_not_depend_on_the_place),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_without_any_entry),
        cmocka_unit_test(test_logsumexp),
        cmocka_unit_test(test_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
