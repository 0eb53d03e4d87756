/* Normalisations against the formulas in double; gradients in the double build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/norm.h"
#include "tests/support/gradcheck.h"

enum kind { RMSNORM, LAYERNORM, L2NORM };

/* One problem: y = norm(x), loss = y . r. */
struct problem {
    enum kind kind;
    size_t n, H;
    real eps;
    real *x, *weight, *bias, *r, *y, *mean, *rstd;
};

static void problem_init(struct problem *p, enum kind kind, size_t n, size_t H)
{
    struct rng rng;
    rng_seed(&rng, 10 * n + H);
    *p = (struct problem){.kind = kind, .n = n, .H = H, .eps = REAL(1e-5)};
    p->x = random_reals(&rng, n * H, 2);
    p->weight = random_reals(&rng, H, 1);
    p->bias = random_reals(&rng, H, 1);
    p->r = random_reals(&rng, n * H, 1);
    p->y = random_reals(&rng, n * H, 1);
    p->mean = random_reals(&rng, n, 1);
    p->rstd = random_reals(&rng, n, 1);
    for (size_t i = 0; i < n * H; i++)
        p->x[i] += REAL(0.7);
}

static void problem_free(struct problem *p)
{
    real *all[] = {p->x, p->weight, p->bias, p->r, p->y, p->mean, p->rstd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void forward(struct problem *p)
{
    if (p->kind == RMSNORM)
        rmsnorm_forward(p->y, p->rstd, p->x, p->weight, p->eps, p->n, p->H);
    else if (p->kind == LAYERNORM)
        layernorm_forward(p->y, p->mean, p->rstd, p->x, p->weight, p->bias, p->eps, p->n, p->H);
    else
        l2norm_forward(p->y, p->rstd, p->x, p->eps, p->n, p->H);
}

static double loss(void *context)
{
    struct problem *p = context;
    forward(p);
    return weighted_sum(p->y, p->r, p->n * p->H);
}

static double oracle(const struct problem *p, size_t t, size_t i)
{
    const real *x = p->x + t * p->H;
    double mean = 0, square = 0, variance = 0, H = (double)p->H;
    for (size_t j = 0; j < p->H; j++) {
        mean += (double)x[j] / H;
        square += (double)x[j] * (double)x[j];
    }
    for (size_t j = 0; j < p->H; j++)
        variance += ((double)x[j] - mean) * ((double)x[j] - mean) / H;
    double w = (double)p->weight[i], b = (double)p->bias[i], v = (double)x[i];
    if (p->kind == RMSNORM)
        return w * v / sqrt(square / H + (double)p->eps);
    if (p->kind == LAYERNORM)
        return w * (v - mean) / sqrt(variance + (double)p->eps) + b;
    return v / fmax(sqrt(square), (double)p->eps);
}

static void check_forward(enum kind kind, size_t n, size_t H)
{
    struct problem p;
    problem_init(&p, kind, n, H);
    memset(p.x, 0, H * sizeof *p.x); /* one row of zeros */
    forward(&p);
    double tolerance = sizeof(real) == 4 ? 3e-6 : 1e-13;
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++)
            assert_true(fabs((double)p.y[t * H + i] - oracle(&p, t, i)) <= tolerance);
    problem_free(&p);
}

static void test_forward(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 3, 8, 17, 64, 576};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        check_forward(RMSNORM, 5, widths[i]);
        check_forward(LAYERNORM, 5, widths[i]);
        check_forward(L2NORM, 5, widths[i]);
    }
    check_forward(RMSNORM, 200, 576);
}

static void check_gradients(enum kind kind, size_t n, size_t H)
{
    struct problem p;
    problem_init(&p, kind, n, H);
    real *dx = calloc(n * H, sizeof *dx), *dw = calloc(H, sizeof *dw), *db = calloc(H, sizeof *db);
    forward(&p);
    if (kind == RMSNORM)
        rmsnorm_backward(dx, dw, p.r, p.x, p.weight, p.rstd, n, H);
    else if (kind == LAYERNORM)
        layernorm_backward(dx, dw, db, p.r, p.x, p.weight, p.mean, p.rstd, n, H);
    else
        l2norm_backward(dx, p.r, p.y, p.rstd, p.eps, n, H);
    gradcheck("dx", loss, &p, p.x, dx, n * H);
    if (kind != L2NORM)
        gradcheck("dweight", loss, &p, p.weight, dw, H);
    if (kind == LAYERNORM)
        gradcheck("dbias", loss, &p, p.bias, db, H);
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
    for (int kind = RMSNORM; kind <= L2NORM; kind++) {
        check_gradients((enum kind)kind, 4, 13);
        check_gradients((enum kind)kind, 3, 130);
    }
}

/* Gradients are added to, and a NULL one is left out. */
static void test_gradients_accumulate(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, LAYERNORM, 3, 10);
    forward(&p);
    real once[30] = {0}, twice[30] = {0}, dw[10] = {0}, db[10] = {0};
    layernorm_backward(once, NULL, NULL, p.r, p.x, p.weight, p.mean, p.rstd, 3, 10);
    layernorm_backward(twice, dw, NULL, p.r, p.x, p.weight, p.mean, p.rstd, 3, 10);
    layernorm_backward(twice, NULL, db, p.r, p.x, p.weight, p.mean, p.rstd, 3, 10);
    for (size_t i = 0; i < 30; i++)
        assert_true(real_fabs(twice[i] - 2 * once[i]) <= REAL(1e-6) * real_fabs(once[i]));
    for (size_t i = 0; i < 10; i++) {
        assert_true(dw[i] != 0);
        assert_true(real_fabs(db[i] - (p.r[i] + p.r[10 + i] + p.r[20 + i])) < REAL(1e-5));
    }
    problem_free(&p);
}

/* A row shorter than eps is divided by eps, and its gradient is that of a product. */
static void test_l2norm_of_short_rows(void **state)
{
    (void)state;
    real x[2] = {REAL(3e-6), REAL(4e-6)}, y[2], norm, dx[2] = {0};
    const real dy[2] = {1, 2};
    l2norm_forward(y, &norm, x, REAL(1e-4), 1, 2);
    assert_true(norm == REAL(1e-4));
    assert_true(real_fabs(y[0] - REAL(0.03)) < REAL(1e-6));
    l2norm_backward(dx, dy, y, &norm, REAL(1e-4), 1, 2);
    assert_true(real_fabs(dx[0] - REAL(1e4)) < 1 && real_fabs(dx[1] - REAL(2e4)) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_accumulate),
        cmocka_unit_test(test_l2norm_of_short_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
