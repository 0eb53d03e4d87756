/* Products of small matrices in every shape around the kernels' own, with
 * transposed, strided and packed operands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops/tile.h"
#include "tests/support/gradcheck.h"

enum { ROOM = 40 * 60 };
static const double tolerance = sizeof(real) == 4 ? 1e-5 : 1e-13;

static void check(const real *c, const real *before, size_t ldc, size_t m, size_t n,
                  const double *want)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double expected = j < n ? want[i * n + j] : (double)before[i * ldc + j];
            assert_true(fabs((double)c[i * ldc + j] - expected) <= tolerance);
        }
}

static void check_multiply(struct rng *rng, size_t m, size_t n, size_t k, bool transposed, bool add)
{
    size_t lda = (transposed ? m : k) + 3, ldb = n + 1, ldc = n + 2;
    real *a = random_reals(rng, ROOM, 1), *b = random_reals(rng, ROOM, 1);
    real *c = random_reals(rng, ROOM, 1), before[ROOM];
    memcpy(before, c, sizeof before);
    size_t a_row = transposed ? 1 : lda, a_step = transposed ? lda : 1;
    double want[ROOM];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            want[i * n + j] = add ? (double)c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++)
                want[i * n + j] += (double)a[i * a_row + p * a_step] * (double)b[p * ldb + j];
        }
    tile_multiply(c, ldc, add, a, a_row, a_step, b, ldb, m, n, k);
    check(c, before, ldc, m, n, want);
    free(a);
    free(b);
    free(c);
}

static void test_multiply(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t m = 1; m <= 14; m++)
        for (size_t n = 1; n <= 67; n++)
            check_multiply(&rng, m, n, (m * 5 + n) % 20, m % 2, n % 2);
}

static void check_packed(struct rng *rng, size_t m, size_t n, size_t d)
{
    size_t ldx = d + 2, lda = d + 1, ldc = (n + TILE_PANEL - 1) / TILE_PANEL * TILE_PANEL;
    real *x = random_reals(rng, ROOM, 1), *a = random_reals(rng, ROOM, 1);
    real c[ROOM], panels[ROOM];
    double want[ROOM];
    tile_pack(panels, x, ldx, n, d);
    tile_multiply_packed(c, ldc, a, lda, panels, m, n, d);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            want[i * n + j] = 0;
            for (size_t p = 0; p < d; p++)
                want[i * n + j] += (double)a[i * lda + p] * (double)x[j * ldx + p];
        }
    for (size_t i = 0; i < m; i++)
        for (size_t j = n; j < ldc; j++)
            assert_true(c[i * ldc + j] == 0); /* the rows that are missing */
    check(c, c, ldc, m, n, want);
    free(x);
    free(a);
}

static void test_packed(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 2);
    for (size_t m = 1; m <= 13; m += 3)
        for (size_t n = 1; n <= 34; n++)
            check_packed(&rng, m, n, 1 + n % 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
