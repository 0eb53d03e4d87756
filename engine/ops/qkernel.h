/* The inner loops of qmatmul: a few panels of a matrix times a few rows of x, quantised.
 * Private to qmatmul.c and its tests. Layout of the matrix: qmatmul.h. */
#ifndef ENGINE_OPS_QKERNEL_H
#define ENGINE_OPS_QKERNEL_H

#include "engine/ops/qmatmul.h"

/* Rows of x and panels that are multiplied together: their sums fit the registers. */
enum { QTILE_ROWS = 4, QTILE_PANELS = 2 };

enum {
    QBLOCK_4_BYTES = 320, /* of a panel: nibbles, d, m */
    QBLOCK_8_BYTES = 544,
};

/* How rows of x are rounded, and what a block of one takes in a tile, where each of these
 * stands for all rows of the tile together:
 *   X_8   [32] values of 8 bits; float scale; float scale * sum of the values
 *   X_15  [32] high and [32] low parts, value = 128 high + low; scale; scale * sum
 *   X_16  [32] values of 16 bits, of four the second and third exchanged; scale
 *   X_8_8 [32] values of 8 bits; scale; sum of the values, int32
 * The first two are for matrices of 4 bits, the last two for those of 8. */
enum qformat { QFORMAT_X_8, QFORMAT_X_15, QFORMAT_X_16, QFORMAT_X_8_8, QFORMATS };
enum { QROW_X_8_BYTES = 40, QROW_X_15_BYTES = 72, QROW_X_16_BYTES = 68, QROW_X_8_8_BYTES = 40 };

struct qtile {
    const uint8_t *panels; /* the first; the next one panel_bytes behind */
    size_t panel_bytes, n_panels;
    const uint8_t *x;
    size_t rows; /* of x */
    size_t blocks;
};

/* out[panel][row of x][QPANEL]: for block after block out = out + (d scale) sum, then, of
 * QMATRIX_4, out = out + m (scale sum of x); never fused, so that all versions agree. */
typedef float qtile_sums[QTILE_PANELS][QTILE_ROWS][QPANEL];
typedef void qkernel(qtile_sums out, const struct qtile *tile);

struct qkernels {
    const char *name;
    qkernel *multiply[QFORMATS];
};
extern const struct qkernels qkernels_portable;

/* Those that this CPU can run, slowest first; NULL behind the last. */
enum { QKERNELS_VERSIONS = 3 };
void qkernels_list(const struct qkernels *versions[QKERNELS_VERSIONS + 1]);

/* The fastest for this CPU. */
const struct qkernels *qkernels_best(void);

/* The parts of the list; NULL where the CPU or the compiler has none. */
const struct qkernels *qkernels_avx2(void);
const struct qkernels *qkernels_avx512(void);

#endif
