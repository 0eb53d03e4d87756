#include "engine/compress/gate_device.h"

#include "engine/compress/linear_device.h"
#include "engine/ops/device_transport.h"

static real score_scale(const struct compressor_shape *shape, const struct compress_settings *s)
{
    return (real)(1 / (sqrt((double)shape->D) * s->gate_tau));
}

static void take_saved(struct device *d, const struct compressor_shape *shape, size_t n,
                       struct gate_device_saved *saved)
{
    *saved = (struct gate_device_saved){
        .fusion = device_reals(d, shape->M),
        .keys = device_reals(d, shape->M * shape->D),
        .pooled = device_reals(d, n * shape->H),
        .query = device_reals(d, n * shape->D),
        .alpha = device_reals(d, n * shape->M),
        .mixed = device_reals(d, n * shape->H),
    };
}

/* From the query to alpha: (Wk^T q) . h[l] + q . (bk + e[l]), softmax. */
static void weigh(struct device *d, const struct compressor_device *c,
                  const struct compress_settings *s, const real *hidden, size_t n,
                  const struct gate_device_saved *saved)
{
    const struct compressor_shape *shape = &c->host->shape;
    const size_t M = shape->M, H = shape->H, D = shape->D;
    const struct device_ops *ops = d->ops;
    size_t mark = ops->mark(d);
    real *pull = device_reals(d, n * H);
    ops->matmul(d, MATMUL_NN, pull, H, saved->query, D, c->params.wk, H, 1, 0, n, H, D, false);
    ops->matmul(d, MATMUL_NT, saved->alpha, M, saved->query, D, saved->keys, D, 1, 0, n, M, D,
                false);
    ops->transport->dot_layers(d, saved->alpha, pull, hidden, true, n, M, H);
    ops->softmax_forward(d, saved->alpha, saved->alpha, score_scale(shape, s), n, M);
    ops->release(d, mark);
}

void gate_device_forward(struct device *d, const struct compressor_device *c,
                         const struct compress_settings *s, const real *hidden, size_t n,
                         struct gate_device_saved *saved, real *anchors)
{
    const struct compressor_shape *shape = &c->host->shape;
    const struct compressor_params *w = &c->params;
    const size_t M = shape->M, H = shape->H, D = shape->D;
    const struct device_ops *ops = d->ops;
    take_saved(d, shape, n, saved);
    ops->softmax_forward(d, saved->fusion, w->query_fusion, 1, 1, M);
    ops->copy(d, saved->keys, w->layer_embedding, M * D);
    ops->bias(d, saved->keys, w->bk, M, D);
    ops->transport->mix_layers(d, saved->pooled, saved->fusion, 0, hidden, n, M, H);
    linear_device_forward(d, saved->query, saved->pooled, w->wq, w->bq, n, H, D);
    weigh(d, c, s, hidden, n, saved);
    ops->transport->mix_layers(d, saved->mixed, saved->alpha, M, hidden, n, M, H);
    linear_device_forward(d, anchors, saved->mixed, w->wv, w->bv, n, H, H);
}

/* dpull [n, H], the gradient of Wk^T q, and dquery [n, D] from dscore [n, M]. */
static void query_backward(struct device *d, const struct compressor_device *c, const real *hidden,
                           size_t n, const struct gate_device_saved *saved, const real *dscore,
                           real *dpull, real *dquery, const struct compressor_params *grads)
{
    const struct compressor_shape *shape = &c->host->shape;
    const size_t M = shape->M, H = shape->H, D = shape->D;
    const struct device_ops *ops = d->ops;
    ops->transport->mix_layers(d, dpull, dscore, M, hidden, n, M, H);
    ops->matmul(d, MATMUL_NN, dquery, D, dscore, M, saved->keys, D, 1, 0, n, D, M, false);
    ops->matmul(d, MATMUL_NT, dquery, D, dpull, H, c->params.wk, H, 1, 1, n, D, H, false);
    ops->matmul(d, MATMUL_TN, grads->layer_embedding, D, dscore, M, saved->query, D, 1, 1, M, D, n,
                false);
    ops->matmul(d, MATMUL_TN, grads->wk, H, saved->query, D, dpull, H, 1, 1, D, H, n, false);
}

/* From the gradient of pooled to that of the fusion weights; by_token [n, M] is scratch. */
static void fusion_backward(struct device *d, const struct compressor_device *c, const real *hidden,
                            size_t n, const struct gate_device_saved *saved, const real *dpooled,
                            real *by_token, const struct compressor_params *grads)
{
    const size_t M = c->host->shape.M;
    real *dfusion = device_reals(d, M);
    d->ops->transport->dot_layers(d, by_token, dpooled, hidden, false, n, M, c->host->shape.H);
    d->ops->zero(d, dfusion, M);
    d->ops->column_sums(d, dfusion, by_token, n, M);
    d->ops->softmax_backward(d, grads->query_fusion, dfusion, saved->fusion, 1, 1, M);
}

void gate_device_backward(struct device *d, const struct compressor_device *c,
                          const struct compress_settings *s, const real *hidden, size_t n,
                          const struct gate_device_saved *saved, const real *danchors,
                          const struct compressor_params *grads)
{
    const struct compressor_shape *shape = &c->host->shape;
    const struct compressor_params *w = &c->params;
    const size_t M = shape->M, H = shape->H, D = shape->D;
    const struct device_ops *ops = d->ops;
    size_t mark = ops->mark(d);
    real *dmixed = device_reals(d, n * H), *dalpha = device_reals(d, n * M);
    real *dscore = device_reals(d, n * M), *dquery = device_reals(d, n * D);
    linear_device_backward(d, dmixed, grads->wv, grads->bv, danchors, saved->mixed, w->wv, n, H, H);
    ops->transport->dot_layers(d, dalpha, dmixed, hidden, false, n, M, H);
    ops->zero(d, dscore, n * M);
    ops->softmax_backward(d, dscore, dalpha, saved->alpha, score_scale(shape, s), n, M);
    real *dpull = dmixed, *dpooled = dmixed; /* one after the other */
    query_backward(d, c, hidden, n, saved, dscore, dpull, dquery, grads);
    linear_device_backward(d, dpooled, grads->wq, grads->bq, dquery, saved->pooled, w->wq, n, H, D);
    fusion_backward(d, c, hidden, n, saved, dpooled, dalpha, grads);
    ops->release(d, mark);
}
