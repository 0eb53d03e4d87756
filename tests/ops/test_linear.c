/* The trainable linear layer: values, gradients, and their independence of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/linear.h"
#include "tests/support/gradcheck.h"

struct problem {
    size_t n, in, out;
    real *x, *w, *bias, *r, *y;
};

static void problem_init(struct problem *p, size_t n, size_t in, size_t out)
{
    struct rng rng;
    rng_seed(&rng, n + in + out);
    *p = (struct problem){n, in, out, NULL, NULL, NULL, NULL, NULL};
    p->x = random_reals(&rng, n * in, 1);
    p->w = random_reals(&rng, out * in, 1);
    p->bias = random_reals(&rng, out, 1);
    p->r = random_reals(&rng, n * out, 1);
    p->y = random_reals(&rng, n * out, 1);
}

static void problem_free(struct problem *p)
{
    free(p->x);
    free(p->w);
    free(p->bias);
    free(p->r);
    free(p->y);
}

static double loss(void *context)
{
    struct problem *p = context;
    linear_forward(p->y, p->x, p->w, p->bias, p->n, p->in, p->out);
    return weighted_sum(p->y, p->r, p->n * p->out);
}

static void test_forward(void **state)
{
    (void)state;
    const real x[4] = {1, 2, 3, 4}, w[6] = {1, 0, 0, 1, 1, 1}, bias[3] = {10, 20, 30};
    real y[6];
    linear_forward(y, x, w, bias, 2, 2, 3);
    const real with[6] = {11, 22, 33, 13, 24, 37};
    assert_memory_equal(y, with, sizeof y);
    linear_forward(y, x, w, NULL, 2, 2, 3);
    const real without[6] = {1, 2, 3, 3, 4, 7};
    assert_memory_equal(y, without, sizeof y);
}

static void check_gradients(size_t n, size_t in, size_t out)
{
    struct problem p;
    problem_init(&p, n, in, out);
    real *dx = calloc(n * in, sizeof *dx), *dw = calloc(in * out, sizeof *dw);
    real *db = calloc(out, sizeof *db);
    linear_backward(dx, dw, db, p.r, p.x, p.w, n, in, out);
    gradcheck("dx", loss, &p, p.x, dx, n * in);
    gradcheck("dw", loss, &p, p.w, dw, in * out);
    gradcheck("dbias", loss, &p, p.bias, db, out);
    free(dx);
    free(dw);
    free(db);
    problem_free(&p);
}

static void test_gradients(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    check_gradients(5, 11, 7);
    check_gradients(1, 30, 20);
    check_gradients(20, 30, 1);
}

static void test_gradients_accumulate(void **state)
{
    (void)state;
    const real x[4] = {1, 2, 3, 4}, w[2] = {5, 6}, dy[2] = {1, -1};
    real dx[4] = {1, 1, 1, 1}, dw[2] = {1, 1}, db[1] = {1};
    linear_backward(dx, dw, db, dy, x, w, 2, 2, 1);
    const real want_dx[4] = {6, 7, -4, -5}, want_dw[2] = {-1, -1};
    assert_memory_equal(dx, want_dx, sizeof dx);
    assert_memory_equal(dw, want_dw, sizeof dw);
    assert_true(db[0] == 1);
    linear_backward(NULL, NULL, NULL, dy, x, w, 2, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_accumulate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
