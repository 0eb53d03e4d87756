/* One frozen matrix: widening, packing, products. */
#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/model/quant_pack.h"
#include "engine/model/weights.h"
#include "engine/ops/matmul.h"

/* Values of a panel: large enough to keep several cores busy, small enough for caches. */
enum { PANEL_VALUES = 1 << 20 };

/* Values that a thread converts at a time, and rows, so that none share a cache line. */
enum { PART_VALUES = 1 << 14, PART_ROWS = 2 * BPANEL };

/* Rows to be converted, from the matrix's row `start` on. */
struct rows {
    const struct weight *w;
    size_t start;
    real *out;
};

static void widen_part(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first, cols = r->w->cols; i < last; i++)
        tensor_widen(&r->w->stored, (r->start + i) * cols, cols, r->out + i * cols);
}

static void widen_rows(const struct weight *w, size_t first, size_t count, real *out)
{
    const struct rows rows = {w, first, out};
    team_run(widen_part, &rows, count, team_grain(w->cols, PART_VALUES));
}

/* The widened matrix where there is room for it, else NULL. */
static const real *dense(struct weight *w)
{
    if (!w->dense && w->room) {
        widen_rows(w, 0, w->rows, w->room);
        w->dense = w->room;
    }
    return w->dense;
}

static size_t panel_rows(const struct weight *w)
{
    return size_min(w->rows, size_max(PANEL_VALUES / w->cols, 16));
}

static void add_bias(real *y, const real *bias, size_t n, size_t rows)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < rows; j++)
            y[i * rows + j] += bias[j];
}

static void forward_dense(real *y, const real *x, struct weight *w, size_t n, bool add)
{
    const real *matrix = dense(w);
    if (matrix) {
        matmul_nt(y, x, matrix, add, n, w->rows, w->cols);
        return;
    }
    size_t step = panel_rows(w);
    real *panel = xcalloc(step * w->cols, sizeof *panel);
    for (size_t r = 0; r < w->rows; r += step) {
        size_t count = size_min(step, w->rows - r);
        widen_rows(w, r, count, panel);
        matmul_strided(MATMUL_NT, y + r, w->rows, x, w->cols, panel, w->cols, 1, add, n,
                       count, w->cols);
    }
    free(panel);
}

/* Is the matrix multiplied as packed, and if so, packed? One that cannot be stays as it is. */
static bool packed(struct weight *w)
{
    bool wanted = w->precision != PRECISION_F32 && w->precision != PRECISION_BF16;
    if (wanted && !w->is_packed) {
        w->is_packed = quant_pack(&w->packed, &w->stored);
        tensor_forget(&w->stored);
        if (!w->is_packed) {
            w->packed.panels = NULL;
            w->precision = PRECISION_F32;
        }
    }
    return wanted && w->is_packed;
}

/* A matrix to be made in bfloat16, and what takes one of its widened rows. */
struct rounding {
    const struct weight *w;
    const struct bmatrix *out;
    void (*set)(const struct bmatrix *out, size_t row, const real *values);
};

static void round_part(const void *loop, size_t first, size_t last)
{
    const struct rounding *r = loop;
    const struct weight *w = r->w;
    real *row = xmalloc(w->cols * sizeof *row);
    for (size_t i = first; i < last; i++) {
        tensor_widen(&w->stored, i * w->cols, w->cols, row);
        r->set(r->out, i, row);
    }
    free(row);
}

static void round_rows(const struct rounding *r)
{
    team_run(round_part, r, r->w->rows, PART_ROWS);
    tensor_forget(&r->w->stored);
}

/* The matrix in bfloat16. */
static const struct bmatrix *rounded(struct weight *w)
{
    if (!w->is_rounded)
        round_rows(&(struct rounding){w, &w->rounded, bmatrix_set_row});
    w->is_rounded = true;
    return &w->rounded;
}

/* Its transpose. */
static const struct bmatrix *transposed(struct weight *w)
{
    if (!w->is_transposed)
        round_rows(&(struct rounding){w, &w->transposed, bmatrix_set_column});
    w->is_transposed = true;
    return &w->transposed;
}

/* Its transpose in blocks of 8 bits; NULL where a scale has no half float: never again. */
static const struct qmatrix *transposed_8(struct weight *w)
{
    if (!w->is_transposed_8) {
        if (!quant_pack_transposed(&w->transposed_8, &w->stored)) {
            w->gradient = GRADIENT_EXACT;
            return NULL;
        }
        tensor_forget(&w->stored);
    }
    w->is_transposed_8 = true;
    return &w->transposed_8;
}

static enum qrounding rounding_of(enum precision precision)
{
    if (precision == PRECISION_MIXED)
        return QROUNDING_MIXED;
    return precision == PRECISION_Q8 ? QROUNDING_8 : QROUNDING_15;
}

void weights_forward(const struct weight_use *uses, size_t count, const real *x, size_t n)
{
    struct qproduct products[WEIGHT_USES_MAX] = {{0}};
    struct bproduct in_bfloats[WEIGHT_USES_MAX] = {{0}};
    size_t quantised = 0, bfloats = 0;
    enum qrounding rounding = QROUNDING_15;
    CHECK(count <= WEIGHT_USES_MAX);
    for (size_t i = 0; i < count; i++)
        if (packed(uses[i].w)) {
            products[quantised++] = (struct qproduct){&uses[i].w->packed, uses[i].y, uses[i].add};
            rounding = rounding_of(uses[i].w->precision);
        } else if (uses[i].w->precision == PRECISION_BF16) {
            in_bfloats[bfloats++] =
                (struct bproduct){rounded(uses[i].w), uses[i].y, uses[i].add};
        } else {
            forward_dense(uses[i].y, x, uses[i].w, n, uses[i].add);
        }
    qmatmul(products, quantised, x, n, rounding);
    bmatmul(in_bfloats, bfloats, x, n);
    for (size_t i = 0; i < count; i++)
        if (uses[i].bias)
            add_bias(uses[i].y, uses[i].bias, n, uses[i].w->rows);
}

void weight_forward(real *y, const real *x, struct weight *w, const real *bias, size_t n)
{
    const struct weight_use use = {y, w, bias, false};
    weights_forward(&use, 1, x, n);
}

void weight_backward(real *dx, const real *dy, struct weight *w, size_t n, bool add)
{
    if (w->gradient == GRADIENT_BFLOAT && w->transposed.panels) {
        const struct bproduct product = {transposed(w), dx, add};
        bmatmul(&product, 1, dy, n);
        return;
    }
    if (w->gradient == GRADIENT_8 && w->transposed_8.panels && transposed_8(w)) {
        const struct qproduct product = {&w->transposed_8, dx, add};
        qmatmul(&product, 1, dy, n, QROUNDING_BOTH_8);
        return;
    }
    const real *matrix = dense(w);
    if (matrix) {
        matmul_nn(dx, dy, matrix, add, n, w->cols, w->rows);
        return;
    }
    size_t step = panel_rows(w);
    real *panel = xcalloc(step * w->cols, sizeof *panel);
    for (size_t r = 0; r < w->rows; r += step) {
        size_t count = size_min(step, w->rows - r);
        widen_rows(w, r, count, panel);
        matmul_strided(MATMUL_NN, dx, w->cols, dy + r, w->rows, panel, w->cols, 1, add || r > 0, n,
                       w->cols, count);
    }
    free(panel);
}

void weight_row(real *out, const struct weight *w, size_t row)
{
    tensor_widen(&w->stored, row * w->cols, w->cols, out);
}
