#include "engine/model/quant_pack.h"

#include <math.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/model/quant.h"
#include "engine/ops/half.h"

enum { K_VALUES = 256, PART_PANELS = 2 };

enum qmatrix_kind quant_pack_kind(enum tensor_type type)
{
    bool four = type == TENSOR_Q4_0 || type == TENSOR_Q4_1 || type == TENSOR_Q4_K;
    return four ? QMATRIX_4 : QMATRIX_8;
}

bool quant_pack_keeps(enum tensor_type type)
{
    return quant_pack_kind(type) == QMATRIX_4 || type == TENSOR_Q8_0;
}

static uint16_t half_bits(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static bool is_finite(uint16_t half)
{
    return (half & 0x7c00) != 0x7c00;
}

static bool pack_q4_0(const struct qmatrix *w, size_t row, size_t block,
                      const uint8_t *stored)
{
    uint16_t d = half_bits(stored), m = half_from_float(-8 * half_to_float(d));
    qmatrix_set_4(w, row, block, stored + 2, d, m);
    return is_finite(m);
}

static bool pack_q4_1(const struct qmatrix *w, size_t row, size_t block,
                      const uint8_t *stored)
{
    qmatrix_set_4(w, row, block, stored + 4, half_bits(stored), half_bits(stored + 2));
    return true;
}

/* Group i of 32 values of a K block; `block` is that of the matrix. */
static bool pack_q4_k(const struct qmatrix *w, size_t row, size_t block,
                      const uint8_t *stored)
{
    size_t i = block % (K_VALUES / QBLOCK);
    int s, t, shift = i % 2 ? 4 : 0;
    quant_q4_k_scale(stored + 4, (int)i, &s, &t);
    uint16_t d = half_from_float(half_to_float(half_bits(stored)) * (float)s);
    uint16_t m = half_from_float(-half_to_float(half_bits(stored + 2)) * (float)t);
    const uint8_t *p = stored + 16 + i / 2 * QBLOCK;
    uint8_t q[16];
    for (int j = 0; j < 16; j++)
        q[j] = (uint8_t)((p[j] >> shift & 15) | (p[j + 16] >> shift & 15) << 4);
    qmatrix_set_4(w, row, block, q, d, m);
    return is_finite(d) && is_finite(m);
}

static bool pack_q8_0(const struct qmatrix *w, size_t row, size_t block,
                      const uint8_t *stored)
{
    int8_t q[QBLOCK];
    memcpy(q, stored + 2, sizeof q);
    qmatrix_set_8(w, row, block, q, half_bits(stored));
    return true;
}

/* Any other type: 32 values rounded to 8 bits. */
static bool pack_rounded(const struct qmatrix *w, size_t row, size_t block,
                         const real *values)
{
    real top = 0;
    for (size_t i = 0; i < QBLOCK; i++)
        top = real_fmax(top, real_fabs(values[i]));
    uint16_t half = half_from_float((float)(top / 127));
    real d = (real)half_to_float(half);
    int8_t q[QBLOCK] = {0};
    for (size_t i = 0; i < QBLOCK && d > 0; i++) {
        real x = values[i] / d;
        q[i] = (int8_t)(x > 127    ? 127
                        : x < -127 ? -127
                                   : x + (x < 0 ? REAL(-0.5) : REAL(0.5)));
    }
    qmatrix_set_8(w, row, block, q, half);
    return is_finite(half);
}

static bool pack_row_rounded(const struct qmatrix *w, size_t row,
                             const struct tensor *tensor)
{
    bool ok = true;
    for (size_t from = 0; from < w->cols; from += K_VALUES) {
        real values[K_VALUES];
        size_t count = w->cols - from < K_VALUES ? w->cols - from : K_VALUES;
        tensor_widen(tensor, row * w->cols + from, count, values);
        for (size_t i = 0; i < count; i += QBLOCK)
            ok = pack_rounded(w, row, (from + i) / QBLOCK, values + i) && ok;
    }
    return ok;
}

static bool pack_row(const struct qmatrix *w, size_t row, const struct tensor *tensor)
{
    static bool (*const packers[TENSOR_TYPE_COUNT])(const struct qmatrix *, size_t,
                                                    size_t, const uint8_t *) = {
        [TENSOR_Q4_0] = pack_q4_0,
        [TENSOR_Q4_1] = pack_q4_1,
        [TENSOR_Q4_K] = pack_q4_k,
        [TENSOR_Q8_0] = pack_q8_0,
    };
    if (!packers[tensor->type])
        return pack_row_rounded(w, row, tensor);
    size_t values = tensor_type_values(tensor->type),
           bytes = tensor_type_bytes(tensor->type);
    const uint8_t *stored =
        (const uint8_t *)tensor->data + row * w->cols / values * bytes;
    bool ok = true;
    for (size_t b = 0; b < w->cols / QBLOCK; b++)
        ok = packers[tensor->type](w, row, b, stored + b * QBLOCK / values * bytes) && ok;
    return ok;
}

struct packing {
    const struct qmatrix *w;
    const struct tensor *tensor;
    atomic_bool *bad;
};

/* Rows of a panel share cache lines: parts are whole panels. */
static void pack_rows(const void *loop, size_t first, size_t last)
{
    const struct packing *p = loop;
    for (size_t row = first; row < last; row++)
        if (!pack_row(p->w, row, p->tensor))
            atomic_store(p->bad, true);
}

bool quant_pack(const struct qmatrix *w, const struct tensor *tensor)
{
    CHECK(w->kind == quant_pack_kind(tensor->type));
    atomic_bool bad = false;
    const struct packing packing = {w, tensor, &bad};
    team_run(pack_rows, &packing, w->rows, PART_PANELS * QPANEL);
    return !bad;
}

/* Blocks of the transpose: 32 rows of the tensor each. */
static void pack_columns(const void *loop, size_t first, size_t last)
{
    const struct packing *p = loop;
    size_t cols = p->w->rows;
    real *rows = xmalloc(QBLOCK * cols * sizeof *rows);
    for (size_t block = first; block < last; block++) {
        tensor_widen(p->tensor, block * QBLOCK * cols, QBLOCK * cols, rows);
        for (size_t c = 0; c < cols; c++) {
            real values[QBLOCK];
            for (size_t i = 0; i < QBLOCK; i++)
                values[i] = rows[i * cols + c];
            if (!pack_rounded(p->w, c, block, values))
                atomic_store(p->bad, true);
        }
    }
    free(rows);
}

bool quant_pack_transposed(const struct qmatrix *w, const struct tensor *tensor)
{
    CHECK(w->kind == QMATRIX_8);
    atomic_bool bad = false;
    const struct packing packing = {w, tensor, &bad};
    team_run(pack_columns, &packing, w->cols / QBLOCK, 1);
    return !bad;
}
