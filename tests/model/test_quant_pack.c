/* Packed matrices stand for the numbers of the stored ones: unit vectors give them back,
 * exactly for the formats of four bits and Q8_0, rounded to 8 bits for the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/quant_pack.h"
#include "engine/model/weights.h"
#include "engine/ops/half.h"

enum { ROWS = 11, COLS = 512 };

/* Offsets of the half floats in a block, -1 at the end. */
static const int halves[TENSOR_TYPE_COUNT][3] = {
    [TENSOR_Q8_0] = {0, -1},   [TENSOR_Q4_0] = {0, -1},    [TENSOR_Q4_1] = {0, 2, -1},
    [TENSOR_Q5_0] = {0, -1},   [TENSOR_Q5_1] = {0, 2, -1}, [TENSOR_Q2_K] = {80, 82, -1},
    [TENSOR_Q3_K] = {108, -1}, [TENSOR_Q4_K] = {0, 2, -1}, [TENSOR_Q5_K] = {0, 2, -1},
    [TENSOR_Q6_K] = {208, -1}, [TENSOR_IQ4_NL] = {0, -1},
};

/* Random bytes with scales of a sensible size. */
static struct tensor random_tensor(enum tensor_type type, struct rng *rng)
{
    struct tensor t = {.name = "w", .type = type, .n_dims = 2, .dims = {ROWS, COLS}};
    size_t block = tensor_type_bytes(type),
           blocks = ROWS * COLS / tensor_type_values(type);
    uint8_t *data = xmalloc(block * blocks);
    for (size_t i = 0; i < block * blocks; i++)
        data[i] = (uint8_t)rng_below(rng, 256);
    for (size_t b = 0; b < blocks; b++) {
        if (type == TENSOR_F32) {
            float value = (float)rng_normal(rng);
            memcpy(data + b * block, &value, sizeof value);
        } else if (type == TENSOR_F16) {
            uint16_t value = half_from_float((float)rng_normal(rng));
            memcpy(data + b * block, &value, sizeof value);
        }
        for (int i = 0; tensor_type_values(type) > 1 && halves[type][i] >= 0; i++) {
            uint16_t d = half_from_float((float)(0.001 + 0.01 * rng_uniform(rng)));
            memcpy(data + b * block + halves[type][i], &d, sizeof d);
        }
    }
    t.data = data;
    t.bytes = block * blocks;
    return t;
}

/* Largest difference that the packed form of this type may have. */
static double tolerance(enum tensor_type type, double top)
{
    switch (type) {
    case TENSOR_Q4_0:
    case TENSOR_Q4_1:
    case TENSOR_Q8_0:
        return 1e-6 * (1 + top);
    case TENSOR_Q4_K: /* both scales are rounded to 11 bits */
        return 2 * 0x1p-11 * (top + 0.01 * 63);
    default:
        return (0.5 + 0.1) / 127 * top;
    }
}

static void check_type(enum tensor_type type)
{
    struct rng rng;
    rng_seed(&rng, 7 + (uint64_t)type);
    struct tensor t = random_tensor(type, &rng);
    struct qmatrix w = {.kind = quant_pack_kind(type), .rows = ROWS, .cols = COLS};
    w.panels = mem_try(qmatrix_bytes(w.kind, ROWS, COLS), 1, "matrix", NULL);
    assert_true(quant_pack(&w, &t));
    real *values = xcalloc(ROWS * COLS, sizeof *values);
    tensor_widen(&t, 0, ROWS * COLS, values);
    for (size_t i = 0; i < COLS; i++) {
        real x[COLS] = {0}, y[ROWS];
        x[i] = 1;
        const struct qproduct product = {&w, y, false};
        qmatmul(&product, 1, x, 1, QROUNDING_15);
        for (size_t r = 0; r < ROWS; r++) {
            double top = 0;
            for (size_t j = i / QBLOCK * QBLOCK; j < (i / QBLOCK + 1) * QBLOCK; j++)
                top = fmax(top, fabs((double)values[r * COLS + j]));
            double difference = fabs((double)y[r] - (double)values[r * COLS + i]);
            if (difference > tolerance(type, top))
                fail_msg("%s: row %zu column %zu is off by %g of %g",
                         tensor_type_name(type), r, i, difference, top);
        }
    }
    free(values);
    free(w.panels);
    free((void *)(uintptr_t)t.data);
}

static void gives_the_stored_numbers_back(void **state)
{
    (void)state;
    check_type(TENSOR_F32);
    check_type(TENSOR_F16);
    for (int type = TENSOR_Q8_0; type < TENSOR_TYPE_COUNT; type++)
        check_type((enum tensor_type)type);
}

static void refuses_scales_that_are_too_large(void **state)
{
    (void)state;
    uint8_t block[18] = {0};
    uint16_t d = half_from_float(30000);
    memcpy(block, &d, sizeof d);
    struct tensor t = {.type = TENSOR_Q4_0,
                       .n_dims = 2,
                       .dims = {1, QBLOCK},
                       .data = block,
                       .bytes = 18};
    struct qmatrix w = {.kind = QMATRIX_4, .rows = 1, .cols = QBLOCK};
    w.panels = mem_try(qmatrix_bytes(QMATRIX_4, 1, QBLOCK), 1, "matrix", NULL);
    assert_false(quant_pack(&w, &t));
    free(w.panels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_stored_numbers_back),
        cmocka_unit_test(refuses_scales_that_are_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
