/* Choice of tokens: greedy, and frequencies of draws under every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/sampler.h"

static void test_greedy_takes_the_lowest_of_equals(void **state)
{
    (void)state;
    struct sampler s = {.temperature = 0, .top_p = 1};
    const real a[5] = {1, 3, 2, 3, 0};
    assert_int_equal(sampler_pick(&s, a, 5), 1);
    const real b[3] = {(real)-INFINITY, (real)-INFINITY, -1};
    assert_int_equal(sampler_pick(&s, b, 3), 2);
    const real c[3] = {(real)NAN, 1, 2};
    assert_int_equal(sampler_pick(&s, c, 3), 2);
    const real d[2] = {(real)NAN, (real)NAN};
    assert_int_equal(sampler_pick(&s, d, 2), 1);
}

/* Draws 20,000 times; every share must be within 5 standard deviations. */
static void check_shares(struct sampler s, const real *logits, const double *share, size_t vocab)
{
    enum { DRAWS = 20000 };
    size_t count[8] = {0};
    rng_seed(&s.rng, 9);
    for (size_t i = 0; i < DRAWS; i++) {
        int32_t id = sampler_pick(&s, logits, vocab);
        assert_in_range(id, 0, vocab - 1);
        count[id]++;
    }
    for (size_t i = 0; i < vocab; i++) {
        double spread = sqrt(DRAWS * share[i] * (1 - share[i]));
        assert_true(fabs((double)count[i] - DRAWS * share[i]) <= 5 * spread);
    }
}

static const real eighths[4] = {REAL(0.0), REAL(0.69314718), REAL(1.0986123), REAL(0.69314718)};

static void test_temperature(void **state)
{
    (void)state;
    const double plain[4] = {0.125, 0.25, 0.375, 0.25};
    check_shares((struct sampler){.temperature = 1, .top_p = 1}, eighths, plain, 4);
    const double cold[4] = {1 / 18.0, 4 / 18.0, 9 / 18.0, 4 / 18.0};
    check_shares((struct sampler){.temperature = 0.5, .top_p = 1}, eighths, cold, 4);
}

static void test_top_k(void **state)
{
    (void)state;
    const double two[4] = {0, 0.4, 0.6, 0}; /* of the equal ones the lower id */
    check_shares((struct sampler){.temperature = 1, .top_p = 1, .top_k = 2}, eighths, two, 4);
    const double one[4] = {0, 0, 1, 0};
    check_shares((struct sampler){.temperature = 1, .top_p = 1, .top_k = 1}, eighths, one, 4);
    const double all[4] = {0.125, 0.25, 0.375, 0.25};
    check_shares((struct sampler){.temperature = 1, .top_p = 1, .top_k = 9}, eighths, all, 4);
}

static void test_top_p(void **state)
{
    (void)state;
    const double three[4] = {0, 0.25 / 0.875, 0.375 / 0.875, 0.25 / 0.875};
    check_shares((struct sampler){.temperature = 1, .top_p = 0.8}, eighths, three, 4);
    const double one[4] = {0, 0, 1, 0};
    check_shares((struct sampler){.temperature = 1, .top_p = 0.01}, eighths, one, 4);
    const double both[4] = {0, 0, 1, 0}; /* of the two that top_k leaves */
    check_shares((struct sampler){.temperature = 1, .top_p = 0.5, .top_k = 2}, eighths, both, 4);
}

static void test_extreme_values_draw_something(void **state)
{
    (void)state;
    const double last[3] = {0, 0, 1};
    const real steep[3] = {-1000, (real)-INFINITY, 1000};
    check_shares((struct sampler){.temperature = 1e-9, .top_p = 1}, steep, last, 3);
    const real nan[3] = {(real)NAN, (real)NAN, 1};
    check_shares((struct sampler){.temperature = 1, .top_p = 0.9}, nan, last, 3);
    const real infinite[3] = {0, 0, (real)INFINITY};
    check_shares((struct sampler){.temperature = 1, .top_p = 1}, infinite, last, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_top_k),
        cmocka_unit_test(test_top_p),
        cmocka_unit_test(test_extreme_values_draw_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
