/* SwiGLU and its gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/swiglu.h"
#include "tests/support/gradcheck.h"

enum { N = 2061 };

struct problem {
    real *gate, *up, *r, *y;
};

static void problem_init(struct problem *p)
{
    struct rng rng;
    rng_seed(&rng, 6);
    p->gate = random_reals(&rng, N, 3);
    p->up = random_reals(&rng, N, 1);
    p->r = random_reals(&rng, N, 1);
    p->y = random_reals(&rng, N, 1);
}

static void problem_free(struct problem *p)
{
    free(p->gate);
    free(p->up);
    free(p->r);
    free(p->y);
}

static double loss(void *context)
{
    struct problem *p = context;
    swiglu_forward(p->y, p->gate, p->up, N);
    return weighted_sum(p->y, p->r, N);
}

static void test_forward(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p);
    p.gate[0] = 100;
    p.gate[1] = -100;
    p.gate[2] = REAL(1e4);
    p.gate[3] = REAL(-1e4);
    swiglu_forward(p.y, p.gate, p.up, N);
    double tolerance = sizeof(real) == 4 ? 1e-6 : 1e-14;
    for (size_t i = 0; i < N; i++) {
        double g = (double)p.gate[i], want = g / (1 + exp(-g)) * (double)p.up[i];
        assert_true(fabs((double)p.y[i] - want) <= tolerance * fmax(1, fabs(want)));
    }
    /* In place, and at another offset, the same bits. */
    real kept[20];
    memcpy(kept, p.y + 5, sizeof kept);
    swiglu_forward(p.gate + 5, p.gate + 5, p.up + 5, 20);
    assert_memory_equal(p.gate + 5, kept, sizeof kept);
    problem_free(&p);
}

static void test_gradients(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct problem p;
    problem_init(&p);
    real *dgate = calloc(N, sizeof *dgate), *dup = calloc(N, sizeof *dup);
    swiglu_backward(dgate, dup, p.r, p.gate, p.up, N);
    gradcheck("dgate", loss, &p, p.gate, dgate, N);
    gradcheck("dup", loss, &p, p.up, dup, N);
    real kept = dup[N - 1];
    swiglu_backward(dgate, dup, p.r, p.gate, p.up, N);
    assert_true(dup[N - 1] == kept);
    free(dgate);
    free(dup);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
