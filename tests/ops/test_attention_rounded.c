/* Attention of packed sequences with products in bfloat16 beside the same in floats: as near
 * as the rounding allows, for blocks that are full and that are not; and the same bits for
 * any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/ops/attention.h"
#include "engine/ops/attention_rounded.h"
#include "tests/support/gradcheck.h"

/* Sequences 1 to 3 go on from 0, 5 from 4; 6 stands alone. */
static const size_t starts[8] = {0, 60, 61, 120, 125, 126, 200, 210};
static const size_t prefix[7] = {0, 0, 0, 0, 4, 4, 6};
enum { ROWS = 210 };

struct results {
    real *out, *dq, *dk, *dv;
    size_t q_count, kv_count;
};

struct problem {
    struct attention_shape shape;
    struct attention_pack pack;
    real *q, *k, *v, *dout;
};

static struct results run(const struct problem *p, bool rounds)
{
    struct results r = {.q_count = ROWS * p->shape.heads * p->shape.head_dim,
                        .kv_count = ROWS * p->shape.kv_heads * p->shape.head_dim};
    r.out = xcalloc(r.q_count, sizeof *r.out);
    r.dq = xcalloc(r.q_count, sizeof *r.dq);
    r.dk = xcalloc(r.kv_count, sizeof *r.dk);
    r.dv = xcalloc(r.kv_count, sizeof *r.dv);
    attention_packed_forward(r.out, p->q, p->k, p->v, &p->pack, &p->shape, rounds);
    attention_packed_backward(r.dq, r.dk, r.dv, p->dout, p->q, p->k, p->v, &p->pack, &p->shape,
                              rounds);
    return r;
}

static void results_free(struct results *r)
{
    free(r->out);
    free(r->dq);
    free(r->dk);
    free(r->dv);
}

static struct problem problem_new(struct attention_shape shape, bool tree)
{
    struct rng rng;
    rng_seed(&rng, shape.head_dim);
    size_t q = ROWS * shape.heads * shape.head_dim, kv = ROWS * shape.kv_heads * shape.head_dim;
    return (struct problem){.shape = shape,
                            .pack = {7, starts, tree ? prefix : NULL},
                            .q = random_reals(&rng, q, 1),
                            .k = random_reals(&rng, kv, 1),
                            .v = random_reals(&rng, kv, 1),
                            .dout = random_reals(&rng, q, 1)};
}

static void problem_free(struct problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->dout);
}

/* 2^-9 of each factor, at random: about 2^-8 of the whole; it must not be 0 either. */
static void check_near(const real *got, const real *want, size_t n)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += pow((double)got[i] - (double)want[i], 2);
        size += pow((double)want[i], 2);
    }
    assert_true(sqrt(error) <= 0x1p-7 * sqrt(size));
    assert_true(sqrt(error) >= 0x1p-13 * sqrt(size));
}

static void test_near_exact(void **state)
{
    (void)state;
    static const struct attention_shape shapes[] = {{4, 2, 16}, {9, 3, 64}, {2, 2, 48}};
    for (size_t i = 0; i < 6; i++) {
        struct problem p = problem_new(shapes[i / 2], i % 2);
        if (!attention_rounds(p.shape.head_dim))
            skip();
        struct results want = run(&p, false), got = run(&p, true);
        check_near(got.out, want.out, want.q_count);
        check_near(got.dq, want.dq, want.q_count);
        check_near(got.dk, want.dk, want.kv_count);
        check_near(got.dv, want.dv, want.kv_count);
        results_free(&want);
        results_free(&got);
        problem_free(&p);
    }
}

static void test_other_heads_stay_exact(void **state)
{
    (void)state;
    struct problem p = problem_new((struct attention_shape){4, 2, 10}, true);
    assert_false(attention_rounds(10));
    struct results want = run(&p, false), got = run(&p, true);
    assert_memory_equal(got.out, want.out, want.q_count * sizeof(real));
    assert_memory_equal(got.dk, want.dk, want.kv_count * sizeof(real));
    results_free(&want);
    results_free(&got);
    problem_free(&p);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    struct problem p = problem_new((struct attention_shape){6, 2, 32}, true);
    size_t threads = team_threads();
    team_set_threads(1);
    struct results one = run(&p, true);
    team_set_threads(3);
    struct results many = run(&p, true);
    team_set_threads(threads);
    assert_memory_equal(one.out, many.out, one.q_count * sizeof(real));
    assert_memory_equal(one.dq, many.dq, one.q_count * sizeof(real));
    assert_memory_equal(one.dk, many.dk, one.kv_count * sizeof(real));
    assert_memory_equal(one.dv, many.dv, one.kv_count * sizeof(real));
    results_free(&one);
    results_free(&many);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_exact),
        cmocka_unit_test(test_other_heads_stay_exact),
        cmocka_unit_test(test_same_bits_for_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
