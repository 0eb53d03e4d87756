/* Random numbers: known sequences, ranges, and moments. Whatever a checkpoint
 * stores must give the same numbers in every later version. */
#include "engine/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* splitmix64 from 0 and xoshiro256** behind it, as computed by hand in Python. */
static void the_sequence_never_changes(void **state)
{
    static const uint64_t seeded[4] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4,
                                       0x06c45d188009454f, 0xf88bb8a8724c81ec};
    static const uint64_t drawn[4] = {0x99ec5f36cb75f2b4, 0xbf6e1f784956452a,
                                      0x1a5f849d4933e6e0, 0x6aa594f1262d2d2c};
    struct rng rng;
    (void)state;
    rng_seed(&rng, 0);
    for (int i = 0; i < 4; i++)
        assert_true(rng.s[i] == seeded[i]);
    for (int i = 0; i < 4; i++)
        assert_true(rng_next(&rng) == drawn[i]);
    /* The authors' own vector. */
    rng = (struct rng){{1, 2, 3, 4}};
    assert_true(rng_next(&rng) == 11520);
    assert_true(rng_next(&rng) == 0);
    assert_true(rng_next(&rng) == 1509978240);
    assert_true(rng_next(&rng) == 1215971899390074240);
}

static void a_copy_goes_on_alike(void **state)
{
    struct rng a, b;
    (void)state;
    rng_seed(&a, 42);
    for (int i = 0; i < 1000; i++)
        rng_normal(&a);
    b = a;
    for (int i = 0; i < 1000; i++) {
        assert_true(rng_normal(&a) == rng_normal(&b));
        assert_true(rng_below(&a, 7) == rng_below(&b, 7));
    }
    rng_seed(&b, 43);
    assert_true(rng_next(&a) != rng_next(&b));
}

static void ranges_hold_and_are_filled(void **state)
{
    enum { N = 7, DRAWS = 70000 };
    size_t counts[N] = {0};
    struct rng rng;
    (void)state;
    rng_seed(&rng, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t n = rng_below(&rng, N);
        assert_true(n < N);
        counts[n]++;
        double u = rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
    }
    /* 10,000 each, standard deviation 93. */
    for (int i = 0; i < N; i++)
        assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 100; i++) {
        assert_true(rng_below(&rng, 1) == 0);
        assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
}

/* Moments of 200,000 numbers, within five standard errors. */
static void normal_numbers_are_normal(void **state)
{
    enum { N = 200000 };
    double sum = 0, squares = 0, cubes = 0, fourths = 0;
    struct rng rng;
    (void)state;
    rng_seed(&rng, 2);
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&rng);
        assert_true(isfinite(x));
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        fourths += x * x * x * x;
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(cubes / N) < 5 * sqrt(15.0 / N));
    assert_true(fabs(fourths / N - 3) < 5 * sqrt(96.0 / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_never_changes),
        cmocka_unit_test(a_copy_goes_on_alike),
        cmocka_unit_test(ranges_hold_and_are_filled),
        cmocka_unit_test(normal_numbers_are_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
