/* Cross-entropy and its gradient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/cross_entropy.h"
#include "tests/support/gradcheck.h"

struct problem {
    size_t n, V;
    real *logits, *work, *nll;
    int32_t *labels;
    double scale;
};

static void problem_init(struct problem *p, size_t n, size_t V)
{
    struct rng rng;
    rng_seed(&rng, V);
    *p = (struct problem){.n = n, .V = V, .scale = 0.25};
    p->logits = random_reals(&rng, n * V, 4);
    p->work = random_reals(&rng, n * V, 1);
    p->nll = random_reals(&rng, n, 1);
    p->labels = calloc(n, sizeof *p->labels);
    for (size_t i = 0; i < n; i++)
        p->labels[i] = (int32_t)rng_below(&rng, V);
}

static void problem_free(struct problem *p)
{
    free(p->logits);
    free(p->work);
    free(p->nll);
    free(p->labels);
}

static double loss(void *context)
{
    struct problem *p = context;
    memcpy(p->work, p->logits, p->n * p->V * sizeof *p->work);
    cross_entropy_forward(p->nll, p->work, p->labels, p->n, p->V);
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
        sum += p->scale * (double)p->nll[i];
    return sum;
}

static void check_forward(size_t n, size_t V)
{
    struct problem p;
    problem_init(&p, n, V);
    for (size_t i = 0; i < n; i++)
        p.logits[i * V + (size_t)p.labels[i]] += (real)(10 * (i % 3));
    loss(&p);
    for (size_t i = 0; i < n; i++) {
        const real *row = p.logits + i * V;
        double sum = 0, total = 0;
        for (size_t j = 0; j < V; j++)
            sum += exp((double)row[j] - (double)row[p.labels[i]]);
        assert_true(fabs((double)p.nll[i] - log(sum)) <= (sizeof(real) == 4 ? 2e-6 : 1e-13));
        for (size_t j = 0; j < V; j++)
            total += (double)p.work[i * V + j];
        assert_true(fabs(total - 1) <= (sizeof(real) == 4 ? 2e-6 : 1e-13));
    }
    problem_free(&p);
}

static void test_forward(void **state)
{
    (void)state;
    check_forward(3, 5);
    check_forward(20, 301);
    check_forward(2, 49152);
}

/* Logits far from zero, and a certain answer, lose nothing. */
static void test_extremes(void **state)
{
    (void)state;
    real logits[6] = {1000, 0, 0, -1000, -1001, -1002}, nll[2];
    const int32_t labels[2] = {0, 1};
    cross_entropy_forward(nll, logits, labels, 2, 3);
    assert_true(nll[0] == 0);
    assert_true(fabs((double)nll[1] - (1 + log(1 + exp(-1) + exp(-2)))) <= 1e-6);
}

/* Against the definition; zero for equal distributions, whatever their offset. */
static void test_teach(void **state)
{
    (void)state;
    enum { ROWS = 3, V = 1300 };
    struct rng rng;
    rng_seed(&rng, 8);
    real *teacher = random_reals(&rng, ROWS * V, 3), *logits = random_reals(&rng, ROWS * V, 3);
    real *kept = calloc(ROWS * V, sizeof *kept), kl[ROWS];
    for (size_t j = 0; j < V; j++)
        logits[2 * V + j] = teacher[2 * V + j] + 16;
    memcpy(kept, teacher, ROWS * V * sizeof *kept);
    cross_entropy_teach(kl, teacher, logits, ROWS, V);
    for (size_t i = 0; i < ROWS; i++) {
        double zt = 0, zl = 0, want = 0;
        for (size_t j = 0; j < V; j++) {
            zt += exp((double)kept[i * V + j]);
            zl += exp((double)logits[i * V + j]);
        }
        for (size_t j = 0; j < V; j++) {
            double q = exp((double)kept[i * V + j]) / zt, p = exp((double)logits[i * V + j]) / zl;
            want += q * log(q / p);
            assert_true(fabs((double)teacher[i * V + j] - q) <= (sizeof(real) == 4 ? 1e-6 : 1e-14));
        }
        assert_true(fabs((double)kl[i] - want) <= (sizeof(real) == 4 ? 1e-5 : 1e-12));
    }
    assert_true(kl[0] > 1);
    free(teacher);
    free(logits);
    free(kept);
}

static void test_gradient(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct problem p;
    problem_init(&p, 4, 37);
    loss(&p);
    real *dlogits = calloc(4 * 37, sizeof *dlogits);
    memcpy(dlogits, p.work, 4 * 37 * sizeof *dlogits);
    cross_entropy_backward(dlogits, p.labels, (real)p.scale, 4, 37);
    gradcheck("dlogits", loss, &p, p.logits, dlogits, 4 * 37);
    free(dlogits);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_teach),
        cmocka_unit_test(test_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
