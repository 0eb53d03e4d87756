#include "engine/ops/qkernel.h"

#include <string.h>

#include "engine/ops/half.h"

static float float_at(const uint8_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static float half_at(const uint8_t *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return half_to_float(h);
}

/* ---- portable ------------------------------------------------------------------ */

/* Value i of row t of x. */
static int value_of(enum qformat format, const uint8_t *x, size_t rows, size_t t,
                    size_t i)
{
    const int8_t *parts = (const int8_t *)x + t * QBLOCK + i;
    int16_t wide;
    switch (format) {
    case QFORMAT_X_8:
    case QFORMAT_X_8_8:
        return *parts;
    case QFORMAT_X_15:
        return 128 * parts[0] + parts[rows * QBLOCK];
    default:
        i = i % 4 % 3 ? i ^ 3 : i; /* 0 2 1 3 */
        memcpy(&wide, x + 2 * (t * QBLOCK + i), sizeof wide);
        return wide;
    }
}

static void block_portable_4(float *out, const uint8_t *w, const uint8_t *x, size_t rows,
                             size_t t, enum qformat format)
{
    size_t parts = format == QFORMAT_X_15 ? 2 : 1;
    const uint8_t *scales = x + parts * rows * QBLOCK;
    float scale = float_at(scales + 4 * t), sum = float_at(scales + 4 * (rows + t));
    for (size_t r = 0; r < QPANEL; r++) {
        int dot = 0;
        for (size_t i = 0; i < QBLOCK / 2; i++) {
            int byte = w[4 * (i / 4 * QPANEL + r) + i % 4];
            dot += (byte & 15) * value_of(format, x, rows, t, i);
            dot += (byte >> 4) * value_of(format, x, rows, t, i + 16);
        }
        out[r] = out[r] + half_at(w + 256 + 2 * r) * scale * (float)dot;
        out[r] = out[r] + half_at(w + 288 + 2 * r) * sum;
    }
}

static void block_portable_8(float *out, const uint8_t *w, const uint8_t *x, size_t rows,
                             size_t t, enum qformat format)
{
    float scale = float_at(x + (format == QFORMAT_X_16 ? 2 : 1) * rows * QBLOCK + 4 * t);
    for (size_t r = 0; r < QPANEL; r++) {
        int dot = 0;
        for (size_t i = 0; i < QBLOCK; i++)
            dot += (int8_t)w[4 * (i / 4 * QPANEL + r) + i % 4] *
                   value_of(format, x, rows, t, i);
        out[r] = out[r] + half_at(w + 512 + 2 * r) * scale * (float)dot;
    }
}

static void multiply_portable(qtile_sums out, const struct qtile *tile,
                              enum qformat format)
{
    static const size_t x_bytes[QFORMATS] = {QROW_X_8_BYTES, QROW_X_15_BYTES,
                                             QROW_X_16_BYTES, QROW_X_8_8_BYTES};
    for (size_t p = 0; p < tile->n_panels; p++)
        for (size_t t = 0; t < tile->rows; t++) {
            const uint8_t *w = tile->panels + p * tile->panel_bytes, *x = tile->x;
            memset(out[p][t], 0, sizeof out[p][t]);
            for (size_t b = 0; b < tile->blocks; b++, x += tile->rows * x_bytes[format])
                if (format == QFORMAT_X_16 || format == QFORMAT_X_8_8)
                    block_portable_8(out[p][t], w + b * QBLOCK_8_BYTES, x, tile->rows, t,
                                     format);
                else
                    block_portable_4(out[p][t], w + b * QBLOCK_4_BYTES, x, tile->rows, t,
                                     format);
        }
}

static void portable_x_8(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_8);
}

static void portable_x_15(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_15);
}

static void portable_x_16(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_16);
}

static void portable_x_8_8(qtile_sums out, const struct qtile *tile)
{
    multiply_portable(out, tile, QFORMAT_X_8_8);
}

const struct qkernels qkernels_portable = {
    "portable", {portable_x_8, portable_x_15, portable_x_16, portable_x_8_8}};

/* ---- the choice ------------------------------------------------------------------ */

void qkernels_list(const struct qkernels *versions[QKERNELS_VERSIONS + 1])
{
    const struct qkernels *const all[QKERNELS_VERSIONS] = {
        &qkernels_portable, qkernels_avx2(), qkernels_avx512()};
    size_t count = 0;
    for (size_t i = 0; i < QKERNELS_VERSIONS; i++)
        if (all[i])
            versions[count++] = all[i];
    versions[count] = NULL;
}

const struct qkernels *qkernels_best(void)
{
    const struct qkernels *fast = qkernels_avx512();
    fast = fast ? fast : qkernels_avx2();
    return fast ? fast : &qkernels_portable;
}
