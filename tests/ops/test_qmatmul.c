/* Quantised products: the kernels of this CPU against the portable ones and against a
 * loop written from the description of the layout, bit by bit; against exact products,
 * within the bound of rounding x; the same bits for any number of threads and any
 * division of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/ops/half.h"
#include "engine/ops/qkernel.h"
#include "engine/ops/qmatmul.h"
#include "tests/support/gradcheck.h"

/* A random matrix, packed and as the numbers it stands for. */
struct matrix {
    struct qmatrix packed;
    double *values; /* [rows, cols] */
};

static void set_block(struct matrix *m, size_t row, size_t block, struct rng *rng)
{
    double *values = m->values + row * m->packed.cols + block * QBLOCK;
    uint16_t d = half_from_float((float)(rng_uniform(rng) * 0.02));
    uint16_t offset = half_from_float((float)(rng_uniform(rng) * 0.2 - 0.1));
    double scale = (double)half_to_float(d);
    if (m->packed.kind == QMATRIX_4) {
        uint8_t q[16];
        for (size_t j = 0; j < 16; j++) {
            q[j] = (uint8_t)rng_below(rng, 256);
            values[j] = scale * (q[j] & 15) + (double)half_to_float(offset);
            values[j + 16] = scale * (q[j] >> 4) + (double)half_to_float(offset);
        }
        qmatrix_set_4(&m->packed, row, block, q, d, offset);
    } else {
        int8_t q[QBLOCK];
        for (size_t j = 0; j < QBLOCK; j++) {
            q[j] = (int8_t)((int)rng_below(rng, 256) - 128);
            values[j] = scale * q[j];
        }
        qmatrix_set_8(&m->packed, row, block, q, d);
    }
}

static struct matrix matrix_make(enum qmatrix_kind kind, size_t rows, size_t cols,
                                 struct rng *rng)
{
    struct matrix m = {.packed = {.kind = kind, .rows = rows, .cols = cols}};
    m.packed.panels = mem_try(qmatrix_bytes(kind, rows, cols), 1, "matrix", NULL);
    m.values = xcalloc(rows * cols, sizeof *m.values);
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < cols / QBLOCK; b++)
            set_block(&m, r, b, rng);
    return m;
}

static void matrix_free(struct matrix *m)
{
    free(m->packed.panels);
    free(m->values);
}

/* Rounding x moves each value by at most half a step of its block. */
static double bound(const struct matrix *m, const real *x, size_t row, double most)
{
    double sum = 0;
    for (size_t b = 0; b < m->packed.cols / QBLOCK; b++) {
        double top = 0, weights = 0;
        for (size_t i = b * QBLOCK; i < (b + 1) * QBLOCK; i++) {
            top = fmax(top, fabs((double)x[i]));
            weights += fabs(m->values[row * m->packed.cols + i]);
        }
        sum += (0.5 / most + 1e-5) * top * weights;
    }
    return sum + 1e-7;
}

static void check_product(const struct matrix *m, const real *x, const real *y, size_t n,
                          enum qrounding rounding)
{
    size_t rows = m->packed.rows, cols = m->packed.cols;
    for (size_t t = 0; t < n; t++)
        for (size_t r = 0; r < rows; r++) {
            double want = 0;
            for (size_t i = 0; i < cols; i++)
                want += m->values[r * cols + i] * (double)x[t * cols + i];
            bool four = m->packed.kind == QMATRIX_4;
            bool fine = rounding != QROUNDING_8 && rounding != QROUNDING_BOTH_8;
            double most = !fine && (four || rounding == QROUNDING_BOTH_8) ? 127
                          : four                                          ? 16319
                                                                          : 32767;
            assert_true(fabs((double)y[t * rows + r] - want) <=
                        bound(m, x + t * cols, r, most));
        }
}

static enum qmatrix_kind kind_of(enum qformat format)
{
    return format == QFORMAT_X_16 || format == QFORMAT_X_8_8 ? QMATRIX_8 : QMATRIX_4;
}

static enum qrounding rounding_of(enum qformat format)
{
    static const enum qrounding roundings[QFORMATS] = {QROUNDING_8, QROUNDING_15, QROUNDING_15,
                                                       QROUNDING_BOTH_8};
    return roundings[format];
}

static void test_near_exact(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 16, 17, 32, 72}, tokens[] = {1, 2, 3, 4, 5, 11, 70};
    struct rng rng;
    rng_seed(&rng, 3);
    for (size_t f = 0; f < QFORMATS; f++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (size_t j = 0; j < sizeof tokens / sizeof *tokens; j++) {
                size_t n = tokens[j], cols = QBLOCK * (1 + (i + j) % 4);
                enum qrounding rounding = rounding_of((enum qformat)f);
                struct matrix m =
                    matrix_make(kind_of((enum qformat)f), rows[i], cols, &rng);
                real *x = random_reals(&rng, n * cols, 1),
                     *y = xcalloc(n * rows[i], sizeof *y);
                const struct qproduct product = {&m.packed, y, false};
                qmatmul(&product, 1, x, n, rounding);
                check_product(&m, x, y, n, rounding);
                matrix_free(&m);
                free(x);
                free(y);
            }
}

static const size_t x_bytes[QFORMATS] = {QROW_X_8_BYTES, QROW_X_15_BYTES,
                                         QROW_X_16_BYTES, QROW_X_8_8_BYTES};

/* Value i of row t of a tile's block of x. */
static int x_value(enum qformat format, const uint8_t *x, size_t rows, size_t t, size_t i)
{
    static const size_t places[] = {0, 2, 1, 3};
    int16_t wide[QTILE_ROWS * QBLOCK];
    if (format == QFORMAT_X_16) {
        memcpy(wide, x, 2 * rows * QBLOCK);
        return wide[t * QBLOCK + i / 4 * 4 + places[i % 4]];
    }
    int first = (int8_t)x[t * QBLOCK + i];
    return format == QFORMAT_X_15 ? 128 * first + (int8_t)x[(rows + t) * QBLOCK + i] : first;
}

/* What qkernel.h promises of one block, panel, row of x and row of the panel. */
static void add_block(float *out, enum qformat format, const uint8_t *w, const uint8_t *x,
                      size_t rows, size_t t, size_t r)
{
    bool four = kind_of(format) == QMATRIX_4;
    int dot = 0;
    for (size_t i = 0; i < QBLOCK; i++) {
        size_t j = i % 16;
        int q = four ? w[j / 4 * 64 + 4 * r + j % 4] >> (i / 16 * 4) & 15
                     : (int8_t)w[i / 4 * 64 + 4 * r + i % 4];
        dot += q * x_value(format, x, rows, t, i);
    }
    bool bytes = format == QFORMAT_X_8 || format == QFORMAT_X_8_8;
    const uint8_t *scales = x + rows * QBLOCK * (bytes ? 1 : 2);
    float scale, sum;
    uint16_t d, m;
    memcpy(&scale, scales + 4 * t, 4);
    memcpy(&d, w + (four ? 256 : 512) + 2 * r, 2);
    *out += half_to_float(d) * scale * (float)dot;
    if (four) {
        memcpy(&sum, scales + 4 * (rows + t), 4);
        memcpy(&m, w + 288 + 2 * r, 2);
        *out += half_to_float(m) * sum;
    }
}

static void check_tile(qkernel *kernel, const struct qtile *tile, enum qformat format)
{
    size_t w_bytes = kind_of(format) == QMATRIX_4 ? QBLOCK_4_BYTES : QBLOCK_8_BYTES;
    qtile_sums got;
    kernel(got, tile);
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++)
            for (size_t r = 0; r < QPANEL; r++) {
                float want = 0;
                for (size_t b = 0; b < tile->blocks; b++)
                    add_block(
                        &want, format, tile->panels + p * tile->panel_bytes + b * w_bytes,
                        tile->x + b * tile->rows * x_bytes[format], tile->rows, t, r);
                assert_memory_equal(&got[p][t][r], &want, sizeof want);
            }
}

/* x at the ends of its range, so that sums reach theirs; one block has no low parts. */
static uint8_t *extreme_rows(size_t rows, size_t blocks, enum qformat format,
                             struct rng *rng)
{
    size_t bytes = x_bytes[format];
    uint8_t *x = xcalloc(rows * blocks, bytes);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *at = x + b * rows * bytes;
        size_t values = rows * QBLOCK * (format == QFORMAT_X_15 ? 2 : 1);
        for (size_t i = 0; i < values; i++) {
            bool high = rng_below(rng, 8) > 0;
            int16_t wide = high ? 32767 : -32767;
            if (format == QFORMAT_X_16)
                memcpy(at + 2 * i, &wide, 2);
            else if (b != 1 || i < rows * QBLOCK)
                at[i] = (uint8_t)(high ? 127 : -127);
        }
        size_t first = values * (format == QFORMAT_X_16 ? 2 : 1);
        for (size_t i = first; i < rows * bytes; i += sizeof(float)) {
            float scale = (float)rng_uniform(rng);
            memcpy(at + i, &scale, sizeof scale);
        }
        for (size_t t = 0; format == QFORMAT_X_8_8 && t < rows; t++) {
            int32_t total = 0;
            for (size_t i = 0; i < QBLOCK; i++)
                total += (int8_t)at[t * QBLOCK + i];
            memcpy(at + first + 4 * (rows + t), &total, sizeof total);
        }
    }
    return x;
}

static void check_kernels(enum qformat format, struct rng *rng)
{
    enum { BLOCKS = 3, ROWS = QTILE_PANELS * QPANEL };
    const struct qkernels *versions[QKERNELS_VERSIONS + 1];
    qkernels_list(versions);
    struct matrix m = matrix_make(kind_of(format), ROWS, BLOCKS * QBLOCK, rng);
    size_t panel_bytes = qmatrix_bytes(kind_of(format), QPANEL, BLOCKS * QBLOCK);
    for (size_t rows = 1; rows <= QTILE_ROWS; rows++)
        for (size_t panels = 1; panels <= QTILE_PANELS; panels++) {
            uint8_t *x = extreme_rows(rows, BLOCKS, format, rng);
            const struct qtile tile = {m.packed.panels, panel_bytes, panels, x, rows,
                                       BLOCKS};
            for (size_t v = 0; versions[v]; v++)
                check_tile(versions[v]->multiply[format], &tile, format);
            free(x);
        }
    matrix_free(&m);
}

static void test_kernels_agree_bit_by_bit(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 4);
    for (size_t f = 0; f < QFORMATS; f++)
        check_kernels((enum qformat)f, &rng);
}

/* Rows one by one, other thread counts, several matrices in one call. */
static void check_divided(enum qrounding rounding, struct rng *rng)
{
    enum { N = 70, ROWS = 200, COLS = 96 };
    enum qmatrix_kind kind = rounding == QROUNDING_BOTH_8 ? QMATRIX_8 : QMATRIX_4;
    struct matrix a = matrix_make(kind, ROWS, COLS, rng);
    struct matrix b = matrix_make(QMATRIX_8, ROWS, COLS, rng);
    real *x = random_reals(rng, N * COLS, 1);
    real *together[2], *apart = xcalloc(N * ROWS, sizeof *apart);
    for (size_t i = 0; i < 2; i++)
        together[i] = xcalloc(N * ROWS, sizeof(real));
    const struct qproduct both[] = {{&a.packed, together[0], false},
                                   {&b.packed, together[1], false}};
    qmatmul(both, 2, x, N, rounding);
    for (size_t i = 0; i < 2; i++) {
        const struct qproduct one = {both[i].w, apart, false};
        qmatmul(&one, 1, x, N, rounding);
        assert_memory_equal(apart, together[i], N * ROWS * sizeof *apart);
        for (size_t row = 0; row < N; row++) {
            const struct qproduct single = {both[i].w, apart + row * ROWS, false};
            qmatmul(&single, 1, x + row * COLS, 1, rounding);
        }
        assert_memory_equal(apart, together[i], N * ROWS * sizeof *apart);
    }
    size_t threads = team_threads();
    for (size_t t = 1; t <= 4; t++) {
        const struct qproduct one = {both[0].w, apart, false};
        team_set_threads(t);
        qmatmul(&one, 1, x, N, rounding);
        assert_memory_equal(apart, together[0], N * ROWS * sizeof *apart);
    }
    team_set_threads(threads);
    matrix_free(&a);
    matrix_free(&b);
    free(x);
    free(apart);
    free(together[0]);
    free(together[1]);
}

static void test_same_bits_however_divided(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    check_divided(QROUNDING_8, &rng);
    check_divided(QROUNDING_15, &rng);
    check_divided(QROUNDING_MIXED, &rng);
    check_divided(QROUNDING_BOTH_8, &rng);
}

static void test_products_are_added(void **state)
{
    (void)state;
    enum { ROWS = 40, COLS = 64, N = 5 };
    struct rng rng;
    rng_seed(&rng, 8);
    struct matrix m = matrix_make(QMATRIX_8, ROWS, COLS, &rng);
    real *x = random_reals(&rng, N * COLS, 1), *sum = random_reals(&rng, N * ROWS, 1);
    real y[N * ROWS], before[N * ROWS];
    memcpy(before, sum, sizeof before);
    const struct qproduct set = {&m.packed, y, false}, add = {&m.packed, sum, true};
    qmatmul(&set, 1, x, N, QROUNDING_BOTH_8);
    qmatmul(&add, 1, x, N, QROUNDING_BOTH_8);
    for (size_t i = 0; i < N * ROWS; i++)
        assert_true(sum[i] == before[i] + y[i]);
    matrix_free(&m);
    free(x);
    free(sum);
}

/* MIXED is the rounding of 15 bits where a block stands out of its row, else of 8. */
static void test_mixed_rounding(void **state)
{
    (void)state;
    enum { ROWS = 16, COLS = 8 * QBLOCK, N = 3 };
    struct rng rng;
    rng_seed(&rng, 7);
    struct matrix m = matrix_make(QMATRIX_4, ROWS, COLS, &rng);
    real x[N * COLS], y[3][N * ROWS];
    for (size_t i = 0; i < N * COLS; i++)
        x[i] = (real)rng_uniform(&rng) - REAL(0.5);
    x[COLS + 5] = 30; /* the second row has a block that stands out ... */
    for (size_t i = 2 * COLS; i < 3 * COLS; i++)
        x[i] = i % QBLOCK ? 0 : 1; /* ... and all of the third do */
    for (size_t r = 0; r < 3; r++) {
        const struct qproduct product = {&m.packed, y[r], false};
        qmatmul(&product, 1, x, N, (enum qrounding)r);
    }
    const real *eight = y[QROUNDING_8], *fifteen = y[QROUNDING_15], *mixed = y[QROUNDING_MIXED];
    for (size_t r = 0; r < ROWS; r++) {
        assert_true(real_fabs(mixed[r] - eight[r]) < REAL(2e-5));
        assert_true(real_fabs(mixed[r] - fifteen[r]) > REAL(2e-5));
    }
    check_product(&m, x + COLS, mixed + ROWS, 1, QROUNDING_8);
    assert_memory_equal(mixed + 2 * ROWS, fifteen + 2 * ROWS, ROWS * sizeof *mixed);
    matrix_free(&m);
}

/* Zeros and tiny numbers give zeros; what is not finite gives NaN in its row alone. */
static void test_special_values(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 6);
    for (size_t f = 0; f < QFORMATS; f++) {
        struct matrix m = matrix_make(kind_of((enum qformat)f), 8, QBLOCK, &rng);
        real x[5 * QBLOCK] = {0}, y[5 * 8];
        x[QBLOCK + 3] = (real)NAN;
        x[2 * QBLOCK + 31] = (real)INFINITY;
        x[3 * QBLOCK] = REAL(1e-38);
        x[4 * QBLOCK] = 1;
        const struct qproduct product = {&m.packed, y, false};
        qmatmul(&product, 1, x, 5, rounding_of((enum qformat)f));
        for (size_t r = 0; r < 8; r++) {
            assert_true(y[r] == 0 && isnan(y[8 + r]) && isnan(y[16 + r]));
            assert_true(real_fabs(y[24 + r]) < REAL(1e-36));
            assert_true(isfinite(y[32 + r]));
        }
        matrix_free(&m);
    }
}

static void test_halves(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 1 << 16; h++) {
        float value = half_to_float((uint16_t)h);
        if (!isnan(value))
            assert_int_equal(half_from_float(value), h);
    }
    assert_int_equal(half_from_float(1.0f + 0x1p-11f), 0x3c00); /* ties to even */
    assert_int_equal(half_from_float(1.0f + 0x1.8p-10f), 0x3c02);
    assert_int_equal(half_from_float(65519.0f), 0x7bff);
    assert_int_equal(half_from_float(65520.0f), 0x7c00);
    assert_int_equal(half_from_float(-0x1p-25f), 0x8000);
    assert_int_equal(half_from_float(0x1.8p-25f), 1);
    assert_true(isnan(half_to_float(half_from_float(NAN))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_exact),
        cmocka_unit_test(test_kernels_agree_bit_by_bit),
        cmocka_unit_test(test_same_bits_however_divided),
        cmocka_unit_test(test_products_are_added),
        cmocka_unit_test(test_mixed_rounding),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
