/* The inner loops of bmatmul and of attention in bfloat16: a few panels of a matrix times a
 * few rows of x. Private to engine/ops and its tests. Layout of a panel: bmatmul.h. */
#ifndef ENGINE_OPS_BKERNEL_H
#define ENGINE_OPS_BKERNEL_H

#include "engine/ops/bmatmul.h"

/* Twelve sums hide the six cycles that one addition takes. */
enum { BTILE_ROWS = 6, BTILE_PANELS = 2 };

struct btile {
    const uint16_t *panels; /* the first */
    size_t panel_step;      /* values from one to the next */
    const uint16_t *x;      /* the first row */
    size_t x_step;          /* values from one row to the next */
    size_t n_panels, rows;
    size_t pairs;           /* that are multiplied */
};

/* out[panel][row of x][BPANEL] */
typedef float btile_sums[BTILE_PANELS][BTILE_ROWS][BPANEL];
typedef void bkernel(btile_sums out, const struct btile *tile);

/* One product after the other; the first two give the same bits. */
bkernel bkernel_portable;

/* NULL where the CPU or the compiler has none. */
bkernel *bkernel_avx2(void);
bkernel *bkernel_avx512(void);

/* The fastest for this CPU. */
bkernel *bkernel_best(void);

#endif
