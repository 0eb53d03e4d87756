/* Products in bfloat16 against a loop over what was rounded, in double, within the bound of
 * float sums; against exact products, within that of rounding; set by rows and by columns;
 * the same bits for any number of threads and any division of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/ops/bkernel.h"
#include "engine/ops/bmatmul.h"
#include "engine/ops/half.h"
#include "tests/support/gradcheck.h"

static struct bmatrix pack(const real *values, size_t rows, size_t cols, bool by_columns)
{
    struct bmatrix w = {.rows = rows, .cols = cols};
    w.panels = mem_try(bmatrix_bytes(rows, cols), 1, "matrix", NULL);
    real *column = xcalloc(rows, sizeof *column);
    for (size_t r = 0; !by_columns && r < rows; r++)
        bmatrix_set_row(&w, r, values + r * cols);
    for (size_t c = 0; by_columns && c < cols; c++) {
        for (size_t r = 0; r < rows; r++)
            column[r] = values[r * cols + c];
        bmatrix_set_column(&w, c, column);
    }
    free(column);
    return w;
}

static double rounded(real x)
{
    return (double)bfloat_to_float(bfloat_from_float((float)x));
}

/* y against both references, where it began as `before`. */
static void check_product(const real *y, const real *before, const real *x, const real *w,
                          size_t n, size_t rows, size_t cols)
{
    for (size_t t = 0; t < n; t++)
        for (size_t r = 0; r < rows; r++) {
            double near = (double)before[t * rows + r], exact = near, size = fabs(near);
            for (size_t i = 0; i < cols; i++) {
                real a = x[t * cols + i], b = w[r * cols + i];
                near += rounded(a) * rounded(b);
                exact += (double)a * (double)b;
                size += fabs((double)a * (double)b);
            }
            double got = (double)y[t * rows + r];
            assert_true(fabs(got - near) <= 1e-6 * size);
            assert_true(fabs(got - exact) <= (0x1p-8 + 0x1p-15) * size);
        }
}

static void test_products(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 16, 17, 33, 64}, tokens[] = {1, 2, 3, 4, 5, 6, 7, 130};
    struct rng rng;
    rng_seed(&rng, 7);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof tokens / sizeof *tokens; j++) {
            size_t n = tokens[j], m = rows[i], cols = 1 + 7 * (i + j) + (j == 2 ? 1600 : 0);
            real *w = random_reals(&rng, m * cols, 1), *x = random_reals(&rng, n * cols, 1);
            real *y = random_reals(&rng, n * m, 1), *before = xcalloc(n * m, sizeof *before);
            bool add = (i + j) % 2;
            if (add)
                memcpy(before, y, n * m * sizeof *y);
            struct bmatrix packed = pack(w, m, cols, j % 2);
            const struct bproduct product = {&packed, y, add};
            bmatmul(&product, 1, x, n);
            check_product(y, before, x, w, n, m, cols);
            free(packed.panels);
            free(w);
            free(x);
            free(y);
            free(before);
        }
}

/* Every size of tile by the portable kernel and the CPU's: that of AVX2 has the same bits. */
static void check_kernel(bkernel *kernel, const struct btile *tile, float bound)
{
    btile_sums want, got;
    bkernel_portable(want, tile);
    kernel(got, tile);
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++)
            for (size_t r = 0; r < BPANEL; r++)
                assert_true(fabsf(got[p][t][r] - want[p][t][r]) <= bound);
}

static void test_kernels_agree(void **state)
{
    (void)state;
    enum { COLS = 50, ROWS = BTILE_PANELS * BPANEL, ROW = COLS + 6 };
    struct rng rng;
    rng_seed(&rng, 8);
    real *values = random_reals(&rng, ROWS * COLS, 1);
    struct bmatrix w = pack(values, ROWS, COLS, false);
    uint16_t x[BTILE_ROWS * ROW];
    for (size_t i = 0; i < BTILE_ROWS * ROW; i++)
        x[i] = bfloat_from_float((float)rng_uniform(&rng) - 0.5f);
    for (size_t panels = 1; panels <= BTILE_PANELS; panels++)
        for (size_t rows = 1; rows <= BTILE_ROWS; rows++) {
            const struct btile tile = {w.panels, BPANEL * COLS, x, ROW, panels, rows, COLS / 2};
            if (bkernel_avx2())
                check_kernel(bkernel_avx2(), &tile, 0);
            if (bkernel_avx512())
                check_kernel(bkernel_avx512(), &tile, 1e-5f);
        }
    free(w.panels);
    free(values);
}

static void test_same_bits_however_divided(void **state)
{
    (void)state;
    enum { N = 131, ROWS = 100, COLS = 96 };
    struct rng rng;
    rng_seed(&rng, 9);
    real *w = random_reals(&rng, ROWS * COLS, 1), *x = random_reals(&rng, N * COLS, 1);
    real *y[2] = {xcalloc(N * ROWS, sizeof(real)), xcalloc(N * ROWS, sizeof(real))};
    real *apart = xcalloc(N * ROWS, sizeof *apart);
    struct bmatrix a = pack(w, ROWS, COLS, false), b = pack(w, ROWS, COLS, true);
    const struct bproduct both[] = {{&a, y[0], false}, {&b, y[1], false}};
    bmatmul(both, 2, x, N);
    assert_memory_equal(y[0], y[1], N * ROWS * sizeof **y);
    for (size_t t = 0; t < N; t++) {
        const struct bproduct single = {&a, apart + t * ROWS, false};
        bmatmul(&single, 1, x + t * COLS, 1);
    }
    assert_memory_equal(y[0], apart, N * ROWS * sizeof **y);
    size_t threads = team_threads();
    for (size_t t = 1; t <= 4; t++) {
        const struct bproduct one = {&a, apart, false};
        team_set_threads(t);
        bmatmul(&one, 1, x, N);
        assert_memory_equal(y[0], apart, N * ROWS * sizeof **y);
    }
    team_set_threads(threads);
    free(a.panels);
    free(b.panels);
    free(w);
    free(x);
    free(apart);
    free(y[0]);
    free(y[1]);
}

static void test_bfloats(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 1 << 16; h++) {
        float value = bfloat_to_float((uint16_t)h);
        if (!isnan(value))
            assert_int_equal(bfloat_from_float(value), h);
    }
    assert_int_equal(bfloat_from_float(1.0f + 0x1p-8f), 0x3f80); /* ties to even */
    assert_int_equal(bfloat_from_float(1.0f + 0x1.8p-7f), 0x3f82);
    assert_int_equal(bfloat_from_float(3.4e38f), 0x7f80);
    assert_true(isnan(bfloat_to_float(bfloat_from_float(NAN))));
}

/* A row is rounded as its values are, whatever they are. */
static void test_rows_of_bfloats(void **state)
{
    (void)state;
    enum { N = 4099 };
    struct rng rng;
    rng_seed(&rng, 10);
    real *x = xcalloc(N, sizeof *x);
    uint16_t *got = xcalloc(N, sizeof *got);
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)rng_below(&rng, UINT32_MAX);
        float value;
        memcpy(&value, &bits, sizeof value);
        x[i] = (real)value;
    }
    x[7] = (real)NAN;
    x[8] = (real)-INFINITY;
    x[N - 1] = (real)NAN;
    bfloats_from_reals(got, x, N);
    for (size_t i = 0; i < N; i++)
        if (isnan(x[i]))
            assert_true(isnan(bfloat_to_float(got[i])));
        else
            assert_int_equal(got[i], bfloat_from_float((float)x[i]));
    free(x);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_same_bits_however_divided),
        cmocka_unit_test(test_bfloats),
        cmocka_unit_test(test_rows_of_bfloats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
