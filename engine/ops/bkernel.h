/* The inner loops of bmatmul: a few panels times a few rows of x. Private to bmatmul.c and
 * its tests. Layout of the matrix: bmatmul.h. */
#ifndef ENGINE_OPS_BKERNEL_H
#define ENGINE_OPS_BKERNEL_H

#include "engine/ops/bmatmul.h"

/* Twelve sums hide the six cycles that one addition takes. */
enum { BTILE_ROWS = 6, BTILE_PANELS = 2 };

struct btile {
    const uint16_t *panels; /* the first; the next one 2 BPANEL stride behind */
    const uint16_t *x;      /* rows of 2 stride */
    size_t n_panels, rows;
    size_t pairs, stride; /* that are multiplied; that a row has */
};

/* out[panel][row of x][BPANEL] */
typedef float btile_sums[BTILE_PANELS][BTILE_ROWS][BPANEL];
typedef void bkernel(btile_sums out, const struct btile *tile);

bkernel bkernel_portable;

/* NULL where the CPU or the compiler has none. */
bkernel *bkernel_avx512(void);

#endif
