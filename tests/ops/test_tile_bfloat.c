/* Products of pairs of bfloats in every shape around the kernel's own, against a loop over
 * what was rounded; pairs along and across rows of every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/half.h"
#include "engine/ops/tile_bfloat.h"
#include "tests/support/gradcheck.h"

enum { MOST = 20, PAIRS = 9, COLUMNS = 3 * TILE_BFLOAT_PANEL };

static double part(uint32_t pair, int half)
{
    return (double)bfloat_to_float((uint16_t)(pair >> 16 * half));
}

static uint32_t random_pair(struct rng *rng)
{
    uint32_t low = bfloat_from_float((float)rng_normal(rng));
    return (uint32_t)bfloat_from_float((float)rng_normal(rng)) << 16 | low;
}

/* c, with a column behind its last one, against the definition. */
static void check_multiply(struct rng *rng, size_t m, size_t n, size_t pairs, bool transposed,
                           bool add)
{
    uint32_t a[MOST * PAIRS], b[COLUMNS * PAIRS];
    size_t ldc = n + 1, panel = PAIRS * TILE_BFLOAT_PANEL;
    real *c = random_reals(rng, m * ldc, 1), *before = random_reals(rng, m * ldc, 1);
    memcpy(c, before, m * ldc * sizeof *c);
    for (size_t i = 0; i < MOST * PAIRS; i++)
        a[i] = random_pair(rng);
    for (size_t i = 0; i < COLUMNS * PAIRS; i++)
        b[i] = random_pair(rng);
    const struct bfloat_operands o = {a, b, transposed ? 1 : PAIRS, transposed ? MOST : 1, panel,
                                      pairs};
    bfloat_tiles()->multiply(c, ldc, add, &o, m, n);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double want = add ? (double)before[i * ldc + j] : 0, size = fabs(want);
            for (size_t p = 0; p < 2 * pairs; p++) {
                double x = part(a[i * o.a_row + p / 2 * o.a_step], p % 2);
                double y = part(b[j / TILE_BFLOAT_PANEL * panel + p / 2 * TILE_BFLOAT_PANEL +
                                  j % TILE_BFLOAT_PANEL], p % 2);
                want += x * y;
                size += fabs(x * y);
            }
            assert_true(fabs((double)c[i * ldc + j] - want) <= 1e-6 * size);
        }
        assert_true(c[i * ldc + n] == before[i * ldc + n]);
    }
    free(c);
    free(before);
}

static void test_multiply(void **state)
{
    (void)state;
    if (!bfloat_tiles())
        skip();
    struct rng rng;
    rng_seed(&rng, 3);
    for (size_t m = 1; m <= MOST; m++)
        for (size_t n = TILE_BFLOAT_PANEL; n <= COLUMNS; n += TILE_BFLOAT_PANEL)
            check_multiply(&rng, m, n, (m + n) % (PAIRS + 1), m % 2, m % 3);
}

static void test_pairs(void **state)
{
    (void)state;
    if (!bfloat_tiles())
        skip();
    enum { N = 70 };
    struct rng rng;
    rng_seed(&rng, 4);
    for (size_t n = 0; n <= N; n++) {
        real *x = random_reals(&rng, n, 1), *y = random_reals(&rng, n, 1);
        uint32_t out[N + 1];
        size_t half = (n + 1) / 2;
        out[half] = 77;
        bfloat_tiles()->pair_along(out, x, n);
        for (size_t i = 0; i < half; i++) {
            assert_int_equal(out[i] & 0xffff, bfloat_from_float((float)x[2 * i]));
            assert_int_equal(out[i] >> 16,
                             2 * i + 1 < n ? bfloat_from_float((float)x[2 * i + 1]) : 0);
        }
        assert_int_equal(out[half], 77);
        out[n] = 77;
        bfloat_tiles()->pair_across(out, x, n % 2 ? y : NULL, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(out[i] & 0xffff, bfloat_from_float((float)x[i]));
            assert_int_equal(out[i] >> 16, n % 2 ? bfloat_from_float((float)y[i]) : 0);
        }
        assert_int_equal(out[n], 77);
        free(x);
        free(y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
