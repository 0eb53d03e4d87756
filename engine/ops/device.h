/* A second place where numbers live and are worked on: the memory and the processors of
 * a GPU. A table of operations, the same as those of engine/ops for the host, so that
 * passes are put together from them without knowing whose device it is: CUDA
 * (device_cuda.cu) or, in tests, plain loops on the host (tests/support/device_host.c),
 * which are the twins that every kernel is compared with.
 *
 * Operations are queued and run in order; only `download` and `device_finish` wait. None
 * returns an error: the first failure is kept, what follows it does nothing, and
 * device_finish tells. All pointers are to the device's memory unless they are called
 * host; matrices are row-major and dense. Gradients are added to where the text says
 * "adds", else overwritten. Results are the same bits in each run: no atomics. */
#ifndef ENGINE_OPS_DEVICE_H
#define ENGINE_OPS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/ops/attention.h"
#include "engine/ops/matmul.h"
#include "engine/ops/real.h"
#include "engine/ops/rope.h"

struct device;
struct device_transport; /* device_transport.h */

/* attention_pack for a device: what row t sees is rows begin[t]..t and, before them,
 * rows prefix[t]..prefix_end[t]-1 (equal: none). For tile i, rows 64 i .. 64 i + 63: low[i]
 * is the first row that one of them sees, high[i] one behind the last row that sees one
 * of them. */
enum { DEVICE_PACK_ROWS = 64 };
struct device_pack {
    size_t n;
    const int32_t *begin, *prefix, *prefix_end; /* [n] */
    const int32_t *low, *high;                  /* [ceil(n / DEVICE_PACK_ROWS)] */
};

struct device_ops {
    const char *name; /* "cuda" */
    void (*close)(struct device *d);
    void (*wait)(struct device *d); /* until everything queued is done */

    /* Memory. `take` gives memory that is not cleared, aligned to 256 bytes, from a
     * region that `release` cuts back to where `mark` stood. */
    void *(*take)(struct device *d, size_t bytes);
    size_t (*mark)(struct device *d);
    void (*release)(struct device *d, size_t mark);
    void (*upload)(struct device *d, void *to, const void *host, size_t bytes);
    void (*download)(struct device *d, void *host, const void *from, size_t bytes);
    void (*copy)(struct device *d, real *to, const real *from, size_t count);
    void (*zero)(struct device *d, real *x, size_t count);

    /* C = alpha A B + beta C, shapes by kind as in matmul.h, row strides ld*. reduced: A and
     * B may be rounded to TF32 (10 bits of mantissa), for the products of the frozen model. */
    void (*matmul)(struct device *d, enum matmul_kind kind, real *c, size_t ldc, const real *a,
                   size_t lda, const real *b, size_t ldb, real alpha, real beta, size_t m, size_t n,
                   size_t k, bool reduced);

    /* y = a x + b y */
    void (*combine)(struct device *d, real *y, real a, const real *x, real b, size_t count);
    /* y [n, width] += bias in every row; adds the sums of the columns of x [n, width] */
    void (*bias)(struct device *d, real *y, const real *bias, size_t n, size_t width);
    void (*column_sums)(struct device *d, real *sums, const real *x, size_t n, size_t width);
    /* out[r] = sum of x[index[i]], i in starts[r]..starts[r+1]-1; rows of `width` */
    void (*gather_sums)(struct device *d, real *out, const real *x, const int32_t *starts,
                        const int32_t *index, size_t n, size_t width);

    /* norm.h; the statistics are always saved. dweight, dbias NULL: not wanted. Adds. */
    void (*rmsnorm_forward)(struct device *d, real *y, real *rstd, const real *x,
                            const real *weight, real eps, size_t n, size_t H);
    void (*rmsnorm_backward)(struct device *d, real *dx, const real *dy, const real *x,
                             const real *weight, const real *rstd, size_t n, size_t H);
    void (*layernorm_forward)(struct device *d, real *y, real *mean, real *rstd, const real *x,
                              const real *weight, const real *bias, real eps, size_t n, size_t H);
    void (*layernorm_backward)(struct device *d, real *dx, real *dweight, real *dbias,
                               const real *dy, const real *x, const real *weight, const real *mean,
                               const real *rstd, size_t n, size_t H);
    void (*l2norm_forward)(struct device *d, real *y, real *norm, const real *x, real eps, size_t n,
                           size_t H);
    void (*l2norm_backward)(struct device *d, real *dx, const real *dy, const real *y,
                            const real *norm, real eps, size_t n, size_t H);

    /* softmax.h: rows of k; backward adds scale * p * (dp - sum(p dp)) */
    void (*softmax_forward)(struct device *d, real *p, const real *x, real scale, size_t n,
                            size_t k);
    void (*softmax_backward)(struct device *d, real *dx, const real *dp, const real *p, real scale,
                             size_t n, size_t k);

    /* sign 1 turns forward, -1 back */
    void (*rope)(struct device *d, real *x, const real *cosine, const real *sine,
                 enum rope_layout layout, int sign, size_t n, size_t heads, size_t pairs);
    void (*swiglu_forward)(struct device *d, real *y, const real *gate, const real *up, size_t n);
    void (*swiglu_backward)(struct device *d, real *dgate, real *dup, const real *dy,
                            const real *gate, const real *up, size_t n); /* overwrites */
    void (*gelu_forward)(struct device *d, real *y, const real *x, size_t n);
    void (*gelu_backward)(struct device *d, real *dx, const real *dy, const real *x,
                          size_t n); /* overwrites; dx may be dy */

    /* attention.h; lse [n, heads]: log-sum-exp of each row of scores, for the way back,
     * which overwrites dq, dk, dv. scratch [n, heads]. head_dim is at most 128. */
    void (*attention_forward)(struct device *d, real *out, real *lse, const real *q, const real *k,
                              const real *v, const struct device_pack *pack,
                              const struct attention_shape *shape);
    void (*attention_backward)(struct device *d, real *dq, real *dk, real *dv, const real *dout,
                               const real *out, const real *lse, const real *q, const real *k,
                               const real *v, real *scratch, const struct device_pack *pack,
                               const struct attention_shape *shape);

    /* nll[i] of row i of logits [n, V]; turns the row into its gradient times weight[i] */
    void (*cross_entropy)(struct device *d, real *nll, real *logits, const int32_t *labels,
                          const real *weight, size_t n, size_t V);

    /* kl[i] = KL(softmax(taught[i]) || softmax(logits[i])) of rows [n, V]; turns taught[i]
     * into the gradient of weight[i] kl[i] to the logits, which stay as they are */
    void (*teach)(struct device *d, real *kl, real *taught, const real *logits, const real *weight,
                  size_t n, size_t V);

    const struct device_transport *transport; /* the compressor's own operations */
};

/* What all devices begin with. */
struct device {
    const struct device_ops *ops;
    bool failed;
    struct err err; /* of the first failure */
};

/* The CUDA device of this machine. ERR_USAGE when the program was built without (make
 * CUDA=1), ERR_OTHER with the reason when there is none. */
struct device *device_open(struct err *err);
void device_close(struct device *d); /* NULL: nothing */

/* Waits for everything queued; the first failure since the last call. */
bool device_finish(struct device *d, struct err *err);

/* count reals, int32s on the device; the second form holds a copy of a host array. */
real *device_reals(struct device *d, size_t count);
real *device_reals_of(struct device *d, const real *host, size_t count);
int32_t *device_ints_of(struct device *d, const int32_t *host, size_t count);

/* out [n, width] = for each row r the sum of those rows i of x [count, width] that go there,
 * to[i] == r, in their order; what goes outside of 0..n-1 is left out. `to` is the host's. */
void device_sum_rows(struct device *d, real *out, const real *x, const int32_t *to, size_t count,
                     size_t n, size_t width);

/* Packs rows [0, n) as attention.h describes them; the arrays live until the mark. */
void device_pack_init(struct device *d, struct device_pack *out, const struct attention_pack *pack);

#endif
