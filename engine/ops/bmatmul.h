/* Products with matrices in bfloat16, which keep the range of floats and 8 bits of their
 * precision: y = x W^T, with x rounded too and sums in float. Two products of an output are
 * added by one instruction where the CPU has AVX512_BF16; how those round is the CPU's, so
 * results are near and not equal between CPUs. On one of them they are the same bits for
 * any number of threads and however the rows of x are divided among calls. */
#ifndef ENGINE_OPS_BMATMUL_H
#define ENGINE_OPS_BMATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* Rows that are interleaved. */
enum { BPANEL = 16 };

/* A panel is BPANEL rows, pair of columns by pair: [ceil(cols / 2)][row][2]. What fills the
 * last pair is 0; the rows that fill the last panel up mean nothing. */
struct bmatrix {
    size_t rows, cols;
    uint16_t *panels; /* [bmatrix_bytes], zeroed, aligned to 64 bytes, borrowed */
};
size_t bmatrix_bytes(size_t rows, size_t cols);

/* Rounds one row [cols] or one column [rows]. Different threads may set what does not share
 * a panel (rows) or a pair (columns). */
void bmatrix_set_row(const struct bmatrix *w, size_t row, const real *values);
void bmatrix_set_column(const struct bmatrix *w, size_t column, const real *values);

/* y[n, rows] = x[n, cols] W^T, or added to it, for each of `count` matrices with the same
 * cols. */
struct bproduct {
    const struct bmatrix *w;
    real *y;
    bool add;
};
void bmatmul(const struct bproduct *products, size_t count, const real *x, size_t n);

/* Is there a kernel for this CPU? */
bool bmatmul_is_fast(void);

#endif
