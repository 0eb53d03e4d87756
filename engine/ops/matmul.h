/* Matrix products; the only module that calls a BLAS. All matrices are
 * row-major and dense; C never overlaps A or B. beta is 0 (C is overwritten) or
 * 1 (added to). Bit-identical for any number of threads. */
#ifndef ENGINE_OPS_MATMUL_H
#define ENGINE_OPS_MATMUL_H

#include <stddef.h>

#include "engine/ops/real.h"

/* C[m,n] = A[m,k] B[n,k]^T + beta C: a linear layer y = x W^T. */
void matmul_nt(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k);

/* C[m,n] = A[m,k] B[k,n] + beta C: its gradient to x. */
void matmul_nn(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k);

/* C[m,n] = A[k,m]^T B[k,n] + beta C: its gradient to W. */
void matmul_tn(real *c, const real *a, const real *b, real beta, size_t m, size_t n, size_t k);

/* The three with row strides lda, ldb, ldc (elements), for heads and panels
 * inside larger arrays. */
enum matmul_kind { MATMUL_NT, MATMUL_NN, MATMUL_TN };
void matmul_strided(enum matmul_kind kind, real *c, size_t ldc, const real *a, size_t lda,
                    const real *b, size_t ldb, real alpha, real beta, size_t m, size_t n, size_t k);

/* y[n] = W[n,k] x[k], rows in parallel, each row in a fixed order. */
void matmul_vec(real *y, const real *w, const real *x, size_t n, size_t k);

/* Bytes of address space that OpenBLAS holds for each thread that is in a product. */
enum { MATMUL_AREA_BYTES = 128 << 20 };

/* Makes OpenBLAS take those of `threads` threads now: where there is no room later it asks for
 * ever. The caller has made sure that there is. */
void matmul_reserve(size_t threads);

/* For `info` and `bench`: the library and the kernel that it picked, borrowed. */
const char *matmul_backend(void);

#endif
