/* Where training starts from: the published initialisation and our warm start.
 *
 * The warm start makes a slot an average of token embeddings, which the frozen
 * model can read from the first step on:
 *   gate       bq = 0.5, bk = 0, Wq and Wk default times 0.01, and e[0] raised so
 *              that the embedding layer's score leads by G; Wv = I, bv = 0
 *   metric     Wc = Q S^(-1/2), Q random orthonormal rows, S the covariance of the
 *              normalised embeddings plus 0.05 of its mean eigenvalue, LN_c's bias
 *              minus their mean: an unrelated pair of tokens is about orthogonal
 *   value      Wu = I, bu = 0
 *   projector  W1 = I, b1 = 3 (GELU is nearly linear there), W2 = sigma I,
 *              b2 = -3 sigma, sigma 7/6 of the mean deviation of an embedding's
 *              entries: at ratio 1 a slot is about its token's embedding, and as
 *              long, although it holds a little of other tokens
 * With a spread s the gate gives 1 - s to the embedding and the rest to the layers
 * above it, e^(-2/3) times less from each to the next; Wv and bv are then the ridge
 * regression from such mixtures to the embeddings, in units of each channel's
 * deviation (a few channels are a hundred times longer than the others), and the
 * metric's moments are those of the anchors.
 * S^(-1/2) needs no eigenvectors: with S = L L^T, L^-1 = O S^(-1/2) for some
 * orthogonal O, and Q O is as random as Q. So Wc = Q L^-1, a triangular solve. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/compress/compressor.h"
#include "engine/compress/ridge.h"
#include "engine/compress/whiten.h"
#include "engine/ops/matmul.h"
#include "engine/ops/norm.h"

static const double layer_embedding_std = 0.02, projector_gain = 0.4;
static const double warm_shrink = 0.01, warm_query = 0.5, warm_shift = 3, warm_ridge = 0.05;
static const double warm_stretch = 7.0 / 6;
static const double spread_fall = 2.0 / 3, spread_ridge = 1e-3, spread_least = 1e-6;

enum { PANEL = 1024 };

static void fill(real *x, size_t n, double value)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)value;
}

static void fill_uniform(real *x, size_t n, double bound, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(bound * (2 * rng_uniform(rng) - 1));
}

static void fill_normal(real *x, size_t n, double std, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(std * rng_normal(rng));
}

static void fill_identity(real *x, size_t n, double scale)
{
    fill(x, n * n, 0);
    for (size_t i = 0; i < n; i++)
        x[i * n + i] = (real)scale;
}

enum init_kind { INIT_ZERO, INIT_ONE, INIT_LINEAR, INIT_LINEAR_BIAS, INIT_NORMAL };

static void init_tensor(real *x, size_t count, size_t inputs, enum init_kind kind, struct rng *rng)
{
    switch (kind) {
    case INIT_ZERO:
    case INIT_ONE:
        fill(x, count, kind == INIT_ONE);
        break;
    case INIT_LINEAR:
    case INIT_LINEAR_BIAS: /* torch.nn.Linear: both within 1 / sqrt(inputs) */
        fill_uniform(x, count, 1 / sqrt((double)inputs), rng);
        break;
    case INIT_NORMAL:
        fill_normal(x, count, layer_embedding_std, rng);
        break;
    }
}

void compressor_init_published(struct compressor *c, struct rng *rng)
{
    const size_t H = c->shape.H;
    const struct compressor_tensor *t = c->tensors;
#define INIT(member, name, rows, cols, kind)                                                   \
    init_tensor(c->params.member, t->count, H, INIT_##kind, rng);                              \
    t++;
    COMPRESSOR_PARAMS(INIT)
#undef INIT
    for (size_t i = 0; i < c->shape.depth; i++) {
        fill_uniform(c->params.projector_w[i], H * H, projector_gain * sqrt(3.0 / (double)H), rng);
        fill(c->params.projector_b[i], H, 0);
    }
}

void compressor_warm_weights(double spread, size_t M, double *weights)
{
    double sum = 0;
    for (size_t l = 1; l < M; l++)
        sum += weights[l] = exp(-spread_fall * (double)(l - 1));
    for (size_t l = 1; l < M; l++)
        weights[l] *= spread / sum;
    weights[0] = M > 1 ? 1 - spread : 1;
}

/* Raises every layer's embedding so that its score differs by scores[l]. */
static void warm_layer_scores(struct compressor *c, const double *scores)
{
    const size_t D = c->shape.D;
    double unit = compress_settings_default.gate_tau * sqrt((double)D) / (warm_query * (double)D);
    for (size_t l = 0; l < c->shape.M; l++)
        for (size_t i = 0; i < D; i++)
            c->params.layer_embedding[l * D + i] += (real)(scores[l] * unit);
}

static void warm_gate(struct compressor *c, const struct warm_start *start)
{
    const size_t D = c->shape.D, H = c->shape.H, M = c->shape.M;
    struct compressor_params *p = &c->params;
    for (size_t i = 0; i < D * H; i++) {
        p->wq[i] *= (real)warm_shrink;
        p->wk[i] *= (real)warm_shrink;
    }
    fill(p->bq, D, warm_query);
    fill(p->bk, D, 0);
    double *scores = xcalloc(M, sizeof *scores);
    if (start->spread > 0) {
        compressor_warm_weights(start->spread, M, scores);
        for (size_t l = 0; l < M; l++)
            scores[l] = log(fmax(scores[l], spread_least));
    } else {
        scores[0] = start->gate;
    }
    warm_layer_scores(c, scores);
    free(scores);
}

/* Wv and bv; returns the anchors of the text, [n, H], to be freed. */
static real *warm_anchors(struct compressor *c, const struct warm_start *start)
{
    const size_t H = c->shape.H, n = start->n;
    struct compressor_params *p = &c->params;
    real *anchors = xcalloc(n * H, sizeof *anchors);
    if (start->spread <= 0) {
        fill_identity(p->wv, H, 1);
        fill(p->bv, H, 0);
        memcpy(anchors, start->embeddings, n * H * sizeof *anchors);
        return anchors;
    }
    ridge_fit(p->wv, p->bv, start->mixture, start->embeddings, n, H, spread_ridge);
    matmul_nt(anchors, start->mixture, p->wv, 0, n, H, H);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++)
            anchors[t * H + i] += p->bv[i];
    return anchors;
}

static void warm_projector(struct compressor *c, double sigma)
{
    const size_t H = c->shape.H, last = c->shape.depth - 1;
    for (size_t i = 0; i <= last; i++) {
        fill_identity(c->params.projector_w[i], H, i == last ? sigma : 1);
        fill(c->params.projector_b[i], H, i == 0 && last > 0 ? warm_shift : 0);
    }
    if (last > 0)
        fill(c->params.projector_b[last], H, -warm_shift * sigma);
}

/* Mean over the rows of x [n, H] of the deviation of a row's entries. */
static double mean_deviation(const real *x, size_t n, size_t H)
{
    double sum = 0;
    for (size_t r = 0; r < n; r++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < H; i++)
            mean += (double)x[r * H + i] / (double)H;
        for (size_t i = 0; i < H; i++) {
            double d = (double)x[r * H + i] - mean;
            square += d * d;
        }
        sum += sqrt(square / (double)H);
    }
    return sum / (double)n;
}

/* Moments of the rows of x after a LayerNorm: adds their mean [H] and sets their
 * covariance [H, H]. */
static void normalised_moments(const real *x, size_t n, size_t H, double *mean, double *covariance)
{
    real *panel = xcalloc(PANEL * H, sizeof *panel), *product = xcalloc(H * H, sizeof *product);
    real *one = xcalloc(H, sizeof *one), *zero = xcalloc(H, sizeof *zero);
    fill(one, H, 1);
    for (size_t first = 0; first < n; first += PANEL) {
        size_t rows = size_min(PANEL, n - first);
        layernorm_forward(panel, NULL, NULL, x + first * H, one, zero, REAL(1e-12), rows, H);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < H; i++)
                mean[i] += (double)panel[r * H + i] / (double)n;
        matmul_tn(product, panel, panel, 1, H, H, rows);
    }
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < H; j++)
            covariance[i * H + j] = (double)product[i * H + j] / (double)n - mean[i] * mean[j];
    free(panel);
    free(product);
    free(one);
    free(zero);
}

/* covariance [H, H] is used up. */
static void warm_metric(struct compressor *c, const double *mean, double *covariance,
                        struct rng *rng)
{
    const size_t E = c->shape.E, H = c->shape.H;
    double trace = 0;
    for (size_t i = 0; i < H; i++)
        trace += covariance[i * H + i];
    for (size_t i = 0; i < H; i++)
        covariance[i * H + i] += warm_ridge * trace / (double)H;
    double *rows = xcalloc(E * H, sizeof *rows);
    whiten_orthonormal_rows(rows, E, H, rng);
    /* Not definite only when all embeddings are the same: then nothing to whiten. */
    if (whiten_cholesky(covariance, H))
        whiten_rows(rows, E, covariance, H);
    for (size_t i = 0; i < E * H; i++)
        c->params.wc[i] = (real)rows[i];
    fill(c->params.bc, E, 0);
    for (size_t i = 0; i < H; i++)
        c->params.metric_ln_b[i] = (real)-mean[i];
    free(rows);
}

void compressor_init_warm(struct compressor *c, const struct warm_start *start, struct rng *rng)
{
    const size_t H = c->shape.H;
    double *mean = xcalloc(H, sizeof *mean), *covariance = xcalloc(H * H, sizeof *covariance);
    compressor_init_published(c, rng);
    warm_gate(c, start);
    real *anchors = warm_anchors(c, start);
    normalised_moments(anchors, start->n, H, mean, covariance);
    warm_metric(c, mean, covariance, rng);
    fill_identity(c->params.wu, H, 1);
    fill(c->params.bu, H, 0);
    warm_projector(c, warm_stretch * mean_deviation(start->embeddings, start->n, H));
    free(anchors);
    free(mean);
    free(covariance);
}
