#include "tests/support/device_host.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/gelu.h"
#include "engine/ops/linear.h"
#include "engine/ops/norm.h"
#include "engine/ops/softmax.h"
#include "engine/ops/swiglu.h"
#include "tests/support/device_transport_host.h"

/* Every piece is an allocation of its own, so that a sanitizer sees what leaves it. */
struct device_host {
    struct device base;
    void **pieces;
    size_t used, room;
};

static void *host_take(struct device *d, size_t bytes)
{
    struct device_host *h = (struct device_host *)d;
    MEM_GROW(h->pieces, h->room, h->used + 1);
    void *piece = mem_try_raw(bytes ? bytes : 1, 1, "a device of the test", NULL);
    CHECK(piece);
    memset(piece, 0xff, bytes); /* NaN: nobody may count on what is there */
    h->pieces[h->used++] = piece;
    return piece;
}

static size_t host_mark(struct device *d)
{
    return ((struct device_host *)d)->used;
}

static void host_release(struct device *d, size_t mark)
{
    struct device_host *h = (struct device_host *)d;
    while (h->used > mark)
        free(h->pieces[--h->used]);
}

static void host_close(struct device *d)
{
    host_release(d, 0);
    free(((struct device_host *)d)->pieces);
    free(d);
}

static void host_wait(struct device *d)
{
    (void)d;
}

static void host_move(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    memcpy(to, from, bytes);
}

static void host_copy(struct device *d, real *to, const real *from, size_t count)
{
    host_move(d, to, from, count * sizeof *to);
}

static void host_zero(struct device *d, real *x, size_t count)
{
    (void)d;
    memset(x, 0, count * sizeof *x);
}

static void host_matmul(struct device *d, enum matmul_kind kind, real *c, size_t ldc, const real *a,
                        size_t lda, const real *b, size_t ldb, real alpha, real beta, size_t m,
                        size_t n, size_t k, bool reduced)
{
    (void)d;
    (void)reduced;
    matmul_strided(kind, c, ldc, a, lda, b, ldb, alpha, beta, m, n, k);
}

static void host_combine(struct device *d, real *y, real a, const real *x, real b, size_t count)
{
    (void)d;
    for (size_t i = 0; i < count; i++)
        y[i] = a * x[i] + b * y[i];
}

static void host_bias(struct device *d, real *y, const real *bias, size_t n, size_t width)
{
    (void)d;
    linear_add_bias(y, bias, n, width);
}

static void host_column_sums(struct device *d, real *sums, const real *x, size_t n, size_t width)
{
    (void)d;
    for (size_t j = 0; j < width; j++)
        for (size_t i = 0; i < n; i++)
            sums[j] += x[i * width + j];
}

static void host_gather_sums(struct device *d, real *out, const real *x, const int32_t *starts,
                             const int32_t *index, size_t n, size_t width)
{
    host_zero(d, out, n * width);
    for (size_t r = 0; r < n; r++)
        for (int32_t i = starts[r]; i < starts[r + 1]; i++)
            for (size_t j = 0; j < width; j++)
                out[r * width + j] += x[(size_t)index[i] * width + j];
}

static void host_rmsnorm_forward(struct device *d, real *y, real *rstd, const real *x,
                                 const real *weight, real eps, size_t n, size_t H)
{
    (void)d;
    rmsnorm_forward(y, rstd, x, weight, eps, n, H);
}

static void host_rmsnorm_backward(struct device *d, real *dx, const real *dy, const real *x,
                                  const real *weight, const real *rstd, size_t n, size_t H)
{
    (void)d;
    rmsnorm_backward(dx, NULL, dy, x, weight, rstd, n, H);
}

static void host_layernorm_forward(struct device *d, real *y, real *mean, real *rstd, const real *x,
                                   const real *weight, const real *bias, real eps, size_t n,
                                   size_t H)
{
    (void)d;
    layernorm_forward(y, mean, rstd, x, weight, bias, eps, n, H);
}

static void host_layernorm_backward(struct device *d, real *dx, real *dweight, real *dbias,
                                    const real *dy, const real *x, const real *weight,
                                    const real *mean, const real *rstd, size_t n, size_t H)
{
    (void)d;
    layernorm_backward(dx, dweight, dbias, dy, x, weight, mean, rstd, n, H);
}

static void host_l2norm_forward(struct device *d, real *y, real *norm, const real *x, real eps,
                                size_t n, size_t H)
{
    (void)d;
    l2norm_forward(y, norm, x, eps, n, H);
}

static void host_l2norm_backward(struct device *d, real *dx, const real *dy, const real *y,
                                 const real *norm, real eps, size_t n, size_t H)
{
    (void)d;
    l2norm_backward(dx, dy, y, norm, eps, n, H);
}

static void host_softmax_forward(struct device *d, real *p, const real *x, real scale, size_t n,
                                 size_t k)
{
    (void)d;
    softmax_forward(p, x, scale, n, k);
}

static void host_softmax_backward(struct device *d, real *dx, const real *dp, const real *p,
                                  real scale, size_t n, size_t k)
{
    (void)d;
    softmax_backward(dx, dp, p, scale, n, k);
}

static void host_rope(struct device *d, real *x, const real *cosine, const real *sine,
                      enum rope_layout layout, int sign, size_t n, size_t heads, size_t pairs)
{
    (void)d;
    if (sign > 0)
        rope_forward(x, cosine, sine, layout, n, heads, pairs);
    else
        rope_backward(x, cosine, sine, layout, n, heads, pairs);
}

static void host_swiglu_forward(struct device *d, real *y, const real *gate, const real *up,
                                size_t n)
{
    (void)d;
    swiglu_forward(y, gate, up, n);
}

static void host_swiglu_backward(struct device *d, real *dgate, real *dup, const real *dy,
                                 const real *gate, const real *up, size_t n)
{
    (void)d;
    swiglu_backward(dgate, dup, dy, gate, up, n);
}

static void host_gelu_forward(struct device *d, real *y, const real *x, size_t n)
{
    (void)d;
    gelu_forward(y, x, n);
}

static void host_gelu_backward(struct device *d, real *dx, const real *dy, const real *x, size_t n)
{
    (void)d;
    for (size_t i = 0; i < n; i++) {
        real dyi = dy[i];
        dx[i] = 0;
        gelu_backward(dx + i, &dyi, x + i, 1);
    }
}

/* ---- attention ------------------------------------------------------------------- */

static bool sees(const struct device_pack *p, size_t t, size_t k)
{
    int32_t key = (int32_t)k;
    return (key >= p->begin[t] && k <= t) || (key >= p->prefix[t] && key < p->prefix_end[t]);
}

static real dot(const real *x, const real *y, size_t n)
{
    real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void add_scaled(real *x, real a, const real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += a * y[i];
}

/* score [t + 1] of row t and head h: -infinity where it does not see. */
static void row_scores(real *score, const real *q, const real *k, const struct device_pack *pack,
                       const struct attention_shape *s, size_t t, size_t h)
{
    size_t d = s->head_dim, kv = h / (s->heads / s->kv_heads);
    for (size_t key = 0; key <= t; key++)
        score[key] = sees(pack, t, key) ? dot(q + (t * s->heads + h) * d,
                                              k + (key * s->kv_heads + kv) * d, d) /
                                              real_sqrt((real)d)
                                        : (real)-INFINITY;
}

static void host_attention_forward(struct device *d, real *out, real *lse, const real *q,
                                   const real *k, const real *v, const struct device_pack *pack,
                                   const struct attention_shape *s)
{
    size_t dim = s->head_dim, group = s->heads / s->kv_heads;
    real *score = xcalloc(2 * pack->n, sizeof *score), *scratch = score + pack->n;
    host_zero(d, out, pack->n * s->heads * dim);
    for (size_t t = 0; t < pack->n; t++)
        for (size_t h = 0; h < s->heads; h++) {
            row_scores(score, q, k, pack, s, t, h);
            real total = softmax_logsumexp(score, scratch, t + 1);
            lse[t * s->heads + h] = total;
            for (size_t key = 0; key <= t; key++)
                add_scaled(out + (t * s->heads + h) * dim, real_exp(score[key] - total),
                           v + (key * s->kv_heads + h / group) * dim, dim);
        }
    free(score);
}

static void host_attention_backward(struct device *d, real *dq, real *dk, real *dv,
                                    const real *dout, const real *out, const real *lse,
                                    const real *q, const real *k, const real *v, real *scratch,
                                    const struct device_pack *pack,
                                    const struct attention_shape *s)
{
    size_t dim = s->head_dim, group = s->heads / s->kv_heads;
    real *score = xcalloc(pack->n, sizeof *score);
    host_zero(d, dq, pack->n * s->heads * dim);
    host_zero(d, dk, pack->n * s->kv_heads * dim);
    host_zero(d, dv, pack->n * s->kv_heads * dim);
    for (size_t t = 0; t < pack->n; t++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t row = t * s->heads + h;
            row_scores(score, q, k, pack, s, t, h);
            scratch[row] = dot(dout + row * dim, out + row * dim, dim);
            for (size_t key = 0; key <= t; key++) {
                size_t at = (key * s->kv_heads + h / group) * dim;
                real p = real_exp(score[key] - lse[row]);
                real ds = p * (dot(dout + row * dim, v + at, dim) - scratch[row]) /
                          real_sqrt((real)dim);
                add_scaled(dv + at, p, dout + row * dim, dim);
                add_scaled(dk + at, ds, q + row * dim, dim);
                add_scaled(dq + row * dim, ds, k + at, dim);
            }
        }
    free(score);
}

static void host_cross_entropy(struct device *d, real *nll, real *logits, const int32_t *labels,
                               const real *weight, size_t n, size_t V)
{
    (void)d;
    cross_entropy_forward(nll, logits, labels, n, V);
    for (size_t i = 0; i < n; i++)
        cross_entropy_backward(logits + i * V, labels + i, weight[i], 1, V);
}

static void host_teach(struct device *d, real *kl, real *taught, const real *logits,
                       const real *weight, size_t n, size_t V)
{
    (void)d;
    cross_entropy_teach(kl, taught, logits, n, V);
    real *p = xcalloc(V, sizeof *p);
    for (size_t i = 0; i < n; i++) {
        softmax_row(p, logits + i * V, 1, V);
        for (size_t j = 0; j < V; j++)
            taught[i * V + j] = weight[i] * (p[j] - taught[i * V + j]);
    }
    free(p);
}

static const struct device_ops host_ops = {
    .name = "host",
    .close = host_close,
    .wait = host_wait,
    .take = host_take,
    .mark = host_mark,
    .release = host_release,
    .upload = host_move,
    .download = host_move,
    .copy = host_copy,
    .zero = host_zero,
    .matmul = host_matmul,
    .combine = host_combine,
    .bias = host_bias,
    .column_sums = host_column_sums,
    .gather_sums = host_gather_sums,
    .rmsnorm_forward = host_rmsnorm_forward,
    .rmsnorm_backward = host_rmsnorm_backward,
    .layernorm_forward = host_layernorm_forward,
    .layernorm_backward = host_layernorm_backward,
    .l2norm_forward = host_l2norm_forward,
    .l2norm_backward = host_l2norm_backward,
    .softmax_forward = host_softmax_forward,
    .softmax_backward = host_softmax_backward,
    .rope = host_rope,
    .swiglu_forward = host_swiglu_forward,
    .swiglu_backward = host_swiglu_backward,
    .gelu_forward = host_gelu_forward,
    .gelu_backward = host_gelu_backward,
    .attention_forward = host_attention_forward,
    .attention_backward = host_attention_backward,
    .cross_entropy = host_cross_entropy,
    .teach = host_teach,
    .transport = &device_transport_host,
};

struct device *device_host_new(void)
{
    struct device_host *h = xcalloc(1, sizeof *h);
    h->base.ops = &host_ops;
    return &h->base;
}
