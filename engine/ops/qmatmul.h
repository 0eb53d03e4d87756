/* Products with matrices of 4 or 8 bits a weight, as quantised files hold them: y = x W^T
 * where x is rounded too, in blocks of 32 values, so that the sums are exact integers
 * inside a block. The same bits on every CPU, for any number of threads and however the
 * rows of x are divided among calls. */
#ifndef ENGINE_OPS_QMATMUL_H
#define ENGINE_OPS_QMATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* Values that share a scale, and rows that are interleaved. */
enum { QBLOCK = 32, QPANEL = 16 };

/* QMATRIX_4: w = d q + m with q in 0..15; QMATRIX_8: w = d q with q in -128..127. d and m
 * are half floats. A panel is QPANEL rows, block by block:
 *   4 bits: 4 x [row][4] bytes, low nibble value 4i + j, high nibble value 16 + 4i + j of
 *           row r in byte 4r + j of the i-th 64; d[row]; m[row]          (320 bytes)
 *   8 bits: 8 x [row][4] bytes; d[row]                                   (544 bytes)
 * The rows that fill the last panel up mean nothing. */
enum qmatrix_kind { QMATRIX_4, QMATRIX_8 };
struct qmatrix {
    enum qmatrix_kind kind;
    size_t rows, cols; /* cols: a multiple of QBLOCK */
    uint8_t *panels;   /* [qmatrix_bytes], aligned to 64 bytes, borrowed */
};
size_t qmatrix_bytes(enum qmatrix_kind kind, size_t rows, size_t cols);

/* Block `block` of row `row`. q: of 4 bits, value j in the low and j + 16 in the high
 * nibble of byte j. Rows of different panels may be set by different threads. */
void qmatrix_set_4(const struct qmatrix *w, size_t row, size_t block, const uint8_t q[16],
                   uint16_t d, uint16_t m);
void qmatrix_set_8(const struct qmatrix *w, size_t row, size_t block,
                   const int8_t q[QBLOCK], uint16_t d);

/* Bits of x beside weights of 4 bits. 15 make what is lost as small as in a product of
 * floats with sums of this length; 8 are twice as fast. MIXED is between: 15 where the
 * largest value of a block is more than QSTAND_OUT times the root mean square of its row,
 * 8 elsewhere, where a step is small beside those. Beside weights of 8 bits it is always 16,
 * but for BOTH_8, which is for those alone. */
enum qrounding { QROUNDING_8, QROUNDING_15, QROUNDING_MIXED, QROUNDING_BOTH_8 };
#define QSTAND_OUT REAL(3.0)

/* y[n, rows] = x[n, cols] W^T, or added to it, for each of `count` matrices with the same
 * cols. */
struct qproduct {
    const struct qmatrix *w;
    real *y;
    bool add;
};
void qmatmul(const struct qproduct *products, size_t count, const real *x, size_t n,
             enum qrounding rounding);

/* Are there kernels for this CPU? And are they faster for MIXED than for 15 bits? */
bool qmatmul_is_fast(void);
bool qmatmul_skips(void);

/* For `info` and `bench`. */
const char *qmatmul_kernels(void);

#endif
