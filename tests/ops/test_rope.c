/* Rotary positions: frequencies and their scalings, both layouts, and that backward
 * is the inverse of forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/rope.h"
#include "tests/support/gradcheck.h"

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12 * fabs(want)))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static void test_frequencies(void **state)
{
    (void)state;
    double f[4];
    rope_frequencies(f, 10000, 4);
    near(f[0], 1);
    near(f[1], 0.1);
    near(f[2], 0.01);
    near(f[3], 0.001);
    rope_scale_linear(f, 4, 4);
    near(f[2], 0.0025);
    const real divisors[4] = {1, 2, 4, 8};
    rope_divide(f, divisors, 4);
    near(f[0], 0.25);
    near(f[3], 0.001 / 32);
}

/* The definition in terms of wave lengths. */
static void test_llama3_scaling(void **state)
{
    (void)state;
    enum { PAIRS = 32 };
    const double pi = acos(-1), factor = 8, low = 1, high = 4, original = 64;
    double f[PAIRS], scaled[PAIRS];
    rope_frequencies(f, 10000, PAIRS);
    memcpy(scaled, f, sizeof f);
    rope_scale_llama3(scaled, factor, low, high, original, PAIRS);
    size_t kept = 0, divided = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        double wave = 2 * pi / f[i], want;
        if (wave < original / high) {
            want = f[i];
            kept++;
        } else if (wave > original / low) {
            want = f[i] / factor;
            divided++;
        } else {
            double smooth = (original / wave - low) / (high - low);
            want = (1 - smooth) * f[i] / factor + smooth * f[i];
        }
        near(scaled[i], want);
    }
    assert_true(kept > 2 && divided > 2 && kept + divided < PAIRS);
}

static void test_turns(void **state)
{
    (void)state;
    const double frequency[2] = {1, 0.5};
    const int32_t positions[1] = {3};
    real c[2], s[2];
    rope_table(c, s, frequency, positions, 1, 2);
    real halves[4] = {1, 2, 3, 4}, neighbours[4] = {1, 3, 2, 4};
    rope_forward(halves, c, s, ROPE_HALVES, 1, 1, 2);
    rope_forward(neighbours, c, s, ROPE_NEIGHBOURS, 1, 1, 2);
    double tolerance = sizeof(real) == 4 ? 1e-6 : 1e-14;
    double want[4] = {cos(3) - 3 * sin(3), 2 * cos(1.5) - 4 * sin(1.5), sin(3) + 3 * cos(3),
                      2 * sin(1.5) + 4 * cos(1.5)};
    for (size_t i = 0; i < 4; i++) {
        assert_true(fabs((double)halves[i] - want[i]) <= tolerance);
        assert_true(neighbours[i] == halves[(i % 2) * 2 + i / 2]);
    }
}

/* Turning keeps lengths, so the gradient of a turn is the turn back. */
static void check_inverse(enum rope_layout layout)
{
    enum { N = 9, HEADS = 3, PAIRS = 8, ALL = N * HEADS * 2 * PAIRS };
    struct rng rng;
    rng_seed(&rng, 5);
    double f[PAIRS];
    int32_t positions[N];
    for (int t = 0; t < N; t++)
        positions[t] = 7 * t + t * t;
    real c[N * PAIRS], s[N * PAIRS];
    rope_frequencies(f, 500, PAIRS);
    rope_table(c, s, f, positions, N, PAIRS);
    real *x = random_reals(&rng, ALL, 1), kept[ALL];
    memcpy(kept, x, sizeof kept);
    rope_forward(x, c, s, layout, N, HEADS, PAIRS);
    size_t moved = 0;
    for (size_t i = 0; i < ALL; i++)
        moved += real_fabs(x[i] - kept[i]) > REAL(1e-3);
    assert_true(moved > ALL / 2);
    assert_true(x[3] == kept[3]); /* position 0 */
    rope_backward(x, c, s, layout, N, HEADS, PAIRS);
    for (size_t i = 0; i < ALL; i++)
        assert_true(real_fabs(x[i] - kept[i]) <= REAL(1e-6));
    free(x);
}

static void test_backward_turns_back(void **state)
{
    (void)state;
    check_inverse(ROPE_HALVES);
    check_inverse(ROPE_NEIGHBOURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_llama3_scaling),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_backward_turns_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
