/* Exact GELU and its gradient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/gelu.h"
#include "tests/support/gradcheck.h"

static void test_forward(void **state)
{
    (void)state;
    real x[1001], y[1001];
    for (size_t i = 0; i < 1001; i++)
        x[i] = (real)((double)i * 0.02 - 10);
    gelu_forward(y, x, 1001);
    double tolerance = sizeof(real) == 4 ? 4e-7 : 1e-15;
    for (size_t i = 0; i < 1001; i++) {
        double v = (double)x[i], want = v * 0.5 * erfc(-v / sqrt(2));
        assert_true(fabs((double)y[i] - want) <= tolerance * fmax(1, fabs(v)));
    }
    assert_true(y[500] == 0);
}

struct problem {
    size_t n;
    real *x, *r, *y;
};

static double loss(void *context)
{
    struct problem *p = context;
    gelu_forward(p->y, p->x, p->n);
    return weighted_sum(p->y, p->r, p->n);
}

static void test_gradient(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct rng rng;
    rng_seed(&rng, 4);
    struct problem p = {100, random_reals(&rng, 100, 2), random_reals(&rng, 100, 1),
                        random_reals(&rng, 100, 1)};
    real *dx = calloc(100, sizeof *dx);
    gelu_backward(dx, p.r, p.x, 100);
    gradcheck("gelu", loss, &p, p.x, dx, 100);
    free(dx);
    free(p.x);
    free(p.r);
    free(p.y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
