/* The inner loops of qmatmul: a few panels of a matrix times a few rows of x, quantised.
 * Private to qmatmul.c and its tests. Layout of the matrix: qmatmul.h. */
#ifndef ENGINE_OPS_QKERNEL_H
#define ENGINE_OPS_QKERNEL_H

#include "engine/ops/qmatmul.h"

/* Rows of x and panels that are multiplied together: their sums fit the registers. */
enum { QTILE_ROWS = 4, QTILE_PANELS = 2 };

enum {
    QBLOCK_4_BYTES = 160, /* of a panel: nibbles, d, m */
    QBLOCK_8_BYTES = 272,
    QROW_4_BYTES = 40, /* of a block of a row of x: 32 bytes, scale, scale * sum */
    QROW_8_BYTES = 68, /* 32 values of 16 bits, scale */
};

struct qtile {
    const uint8_t *panels; /* the first; the next one panel_bytes behind */
    size_t panel_bytes, n_panels;
    /* Block by block [rows][32] values of 8 bits (QMATRIX_4) or 16 (QMATRIX_8), float
     * scale[rows], and for QMATRIX_4 float scale * sum of the values [rows]. */
    const uint8_t *x;
    size_t rows, blocks;
};

/* out[panel][row of x][QPANEL]: for block after block out = out + (d scale) sum, then, of
 * QMATRIX_4, out = out + m (scale sum of x); never fused, so that all versions agree. */
typedef float qtile_sums[QTILE_PANELS][QTILE_ROWS][QPANEL];
typedef void qkernel(qtile_sums out, const struct qtile *tile);

struct qkernels {
    const char *name;
    qkernel *multiply_4, *multiply_8;
};
extern const struct qkernels qkernels_portable;

/* The fastest for this CPU. */
const struct qkernels *qkernels_best(void);

#endif
