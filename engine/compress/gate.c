#include "engine/compress/gate.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/linear.h"
#include "engine/ops/matmul.h"
#include "engine/ops/reduce.h"
#include "engine/ops/simd.h"
#include "engine/ops/softmax.h"

/* Tokens at a time: their hidden states of all layers are still in the last cache when they
 * are read for the second time. */
enum { TOKEN_BLOCK = 64 };

/* Sums that stay in registers while all layers pass. */
enum { MIX_LANES = 8 };

/* Tokens that a thread takes at a time. */
enum { PART_TOKENS = 8 };

/* The hidden states of a block of tokens. */
struct states {
    const real *h;    /* state of layer 0, first token */
    size_t layer;     /* reals from layer to layer */
    size_t M, H, count;
};

/* A token's states are M short rows far apart, which a CPU does not fetch ahead by itself:
 * while one token's are read, the next one's, H further on, are asked for, line by line. */
enum { LINE = 64 / sizeof(real) };

SIMD_BODY void fetch_line(const real *next)
{
    __builtin_prefetch(next, 0, 2);
}

/* out [vectors LANES] = sum_l weight[l] h[l], h[l] = h + l * layer */
SIMD_BODY void mix_columns(real *out, const real *weight, const real *h, size_t layer, size_t M,
                           size_t H, const size_t vectors)
{
    lanes sum[MIX_LANES];
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; v++)
        sum[v] = (lanes){0};
    for (size_t l = 0; l < M; l++, h += layer) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++) {
            sum[v] += weight[l] * LANES_OF(h + v * LANES);
            if (v * LANES % LINE == 0)
                fetch_line(h + v * LANES + H);
        }
    }
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; v++)
        LANES_AT(out + v * LANES) = sum[v];
}

SIMD_BODY void mix_body(real *out, const real *weight, const real *h, size_t layer, size_t M,
                        size_t H)
{
    size_t i = 0;
    for (; i + MIX_LANES * LANES <= H; i += MIX_LANES * LANES)
        mix_columns(out + i, weight, h + i, layer, M, H, MIX_LANES);
    for (; i + LANES <= H; i += LANES)
        mix_columns(out + i, weight, h + i, layer, M, H, 1);
    for (; i < H; i++) {
        out[i] = 0;
        for (size_t l = 0; l < M; l++)
            out[i] += weight[l] * h[l * layer + i];
    }
}
SIMD_DISPATCH(mix,
              (real *out, const real *weight, const real *h, size_t layer, size_t M, size_t H),
              (out, weight, h, layer, M, H))

/* out[t] = sum_l weights[l] h[l][t] */
struct mixing {
    real *out;
    const real *weights;
    const struct states *s;
};

static void mix_tokens(const void *loop, size_t first, size_t last)
{
    const struct mixing *m = loop;
    for (size_t t = first, H = m->s->H; t < last; t++)
        mix(m->out + t * H, m->weights, m->s->h + t * H, m->s->layer, m->s->M, H);
}

static void mix_layers(real *out, const real *weights, const struct states *s)
{
    const struct mixing mixing = {out, weights, s};
    team_run(mix_tokens, &mixing, s->count, PART_TOKENS);
}

/* out[l] += vector . h[l], in the order of reduce_dot */
SIMD_BODY void dots_body(real *out, const real *vector, const real *h, size_t layer, size_t M,
                         size_t H)
{
    for (size_t l = 0; l < M; l++, h += layer) {
        lanes s0 = {0}, s1 = {0};
        size_t i = 0;
        for (; i + 2 * LANES <= H; i += 2 * LANES) {
            fetch_line(h + i + H);
            s0 += LANES_OF(vector + i) * LANES_OF(h + i);
            s1 += LANES_OF(vector + i + LANES) * LANES_OF(h + i + LANES);
        }
        s0 += s1;
        real sum = LANES_SUM(s0);
        for (; i < H; i++)
            sum += vector[i] * h[i];
        out[l] += sum;
    }
}
SIMD_DISPATCH(dots,
              (real *out, const real *vector, const real *h, size_t layer, size_t M, size_t H),
              (out, vector, h, layer, M, H))

/* out[l] += vector . h[l][t] */
static void dot_token(real *out, const real *vector, const struct states *s, size_t t)
{
    dots(out, vector, s->h + t * s->H, s->layer, s->M, s->H);
}

static struct states states_of(const struct compressor *c, const real *hidden, size_t stride,
                               size_t first, size_t T)
{
    size_t H = c->shape.H;
    return (struct states){
        .h = hidden + first * H,
        .layer = stride * H,
        .M = c->shape.M,
        .H = H,
        .count = size_min(TOKEN_BLOCK, T - first),
    };
}

/* [M, D]: bk + e[l] */
static real *layer_keys(const struct compressor *c, struct arena *scratch)
{
    size_t M = c->shape.M, D = c->shape.D;
    real *keys = arena_array(scratch, real, M * D);
    memcpy(keys, c->params.layer_embedding, M * D * sizeof *keys);
    linear_add_bias(keys, c->params.bk, M, D);
    return keys;
}

static real *fusion_weights(const struct compressor *c, struct arena *scratch)
{
    real *p = arena_array(scratch, real, c->shape.M);
    softmax_forward(p, c->params.query_fusion, 1, 1, c->shape.M);
    return p;
}

static real score_scale(const struct compressor *c, const struct compress_settings *s)
{
    return (real)(1 / (sqrt((double)c->shape.D) * s->gate_tau));
}

static void shut_gate(const struct compressor *c, const real *hidden, size_t stride, size_t T,
                      const struct gate_saved *saved)
{
    size_t M = c->shape.M, H = c->shape.H;
    memset(saved->alpha, 0, T * M * sizeof *saved->alpha);
    for (size_t t = 0; t < T; t++)
        saved->alpha[t * M + M - 1] = 1;
    memcpy(saved->mixed, hidden + (M - 1) * stride * H, T * H * sizeof *saved->mixed);
}

struct weighing {
    real scale;
    const struct states *s;
    const bool *off;
    const real *pull;
    real *alpha, *mixed;
};

static void weigh_part(const void *loop, size_t first, size_t last)
{
    const struct weighing *w = loop;
    const struct states *s = w->s;
    for (size_t t = first, M = s->M, H = s->H; t < last; t++) {
        real *weights = w->alpha + t * M;
        dot_token(weights, w->pull + t * H, s, t);
        for (size_t l = 0; w->off && l < M; l++)
            if (w->off[l])
                weights[l] = (real)-INFINITY;
        softmax_row(weights, weights, w->scale, M);
        mix(w->mixed + t * H, weights, s->h + t * H, s->layer, M, H);
    }
}

/* alpha [n, M]: the part of the scores that does not depend on the states in, the
 * weights out. A token's states are read twice while they are near. */
static void weigh_tokens(real scale, const struct states *s, const bool *off, const real *pull,
                         real *alpha, real *mixed)
{
    const struct weighing weighing = {scale, s, off, pull, alpha, mixed};
    team_run(weigh_part, &weighing, s->count, PART_TOKENS);
}

/* pull: [TOKEN_BLOCK, H] of scratch for Wk^T q. */
static void gate_block(const struct compressor *c, const struct compress_settings *settings,
                       const real *fusion, const real *keys, const struct states *s, real *pooled,
                       real *query, real *alpha, real *mixed, real *pull)
{
    const bool *off = settings->edits ? settings->edits->layer_off : NULL;
    const struct compressor_params *w = &c->params;
    size_t n = s->count, M = s->M, H = s->H, D = c->shape.D;
    mix_layers(pooled, fusion, s);
    linear_forward(query, pooled, w->wq, w->bq, n, H, D);
    matmul_nn(pull, query, w->wk, 0, n, H, D);
    matmul_nt(alpha, query, keys, 0, n, M, D);
    weigh_tokens(score_scale(c, settings), s, off, pull, alpha, mixed);
}

void gate_forward_saved(const struct compressor *c, const struct compress_settings *s,
                        const real *hidden, size_t stride, size_t T,
                        const struct gate_saved *saved, real *anchors, struct arena *scratch)
{
    size_t M = c->shape.M, H = c->shape.H, D = c->shape.D;
    struct arena_mark mark = arena_mark(scratch);
    if (s->ablations & ABLATE_DEPTH) {
        shut_gate(c, hidden, stride, T, saved);
    } else {
        const real *fusion = fusion_weights(c, scratch), *keys = layer_keys(c, scratch);
        real *pull = arena_raw(scratch, real, TOKEN_BLOCK * H);
        for (size_t first = 0; first < T; first += TOKEN_BLOCK) {
            struct states h = states_of(c, hidden, stride, first, T);
            gate_block(c, s, fusion, keys, &h, saved->pooled + first * H, saved->query + first * D,
                       saved->alpha + first * M, saved->mixed + first * H, pull);
        }
    }
    linear_forward(anchors, saved->mixed, c->params.wv, c->params.bv, T, H, H);
    arena_release(scratch, mark);
}

void gate_forward(const struct compressor *c, const struct compress_settings *s,
                  const real *hidden, size_t stride, size_t T, real *alpha, real *mixed,
                  real *anchors, struct arena *scratch)
{
    struct arena_mark mark = arena_mark(scratch);
    struct gate_saved saved = {
        .pooled = arena_raw(scratch, real, T * c->shape.H),
        .query = arena_raw(scratch, real, T * c->shape.D),
        .alpha = alpha,
        .mixed = mixed ? mixed : arena_raw(scratch, real, T * c->shape.H),
    };
    gate_forward_saved(c, s, hidden, stride, T, &saved, anchors, scratch);
    arena_release(scratch, mark);
}

/* What the backward pass of a block works with, beside the states. */
struct gate_gradients {
    real *dmixed;  /* [n, H] in */
    real *dalpha;  /* [n, M] scratch */
    real *dscore;  /* [n, M] scratch */
    real *dpull;   /* [n, H] scratch: gradient of Wk^T q, then of pooled */
    real *dquery;  /* [n, D] scratch */
    real *dfusion; /* [n, M] out: pooled's gradient . h[l][t] */
};

/* s, and what the parts of the backward pass read and add to. */
struct weighing_back {
    real scale;
    const struct states *s;
    const real *alpha;
    const struct gate_gradients *d;
};

/* From the gradient of mixed to those of the scores and of Wk^T q. */
static void weigh_part_backward(const void *loop, size_t first, size_t last)
{
    const struct weighing_back *w = loop;
    const struct states *s = w->s;
    const struct gate_gradients *d = w->d;
    for (size_t t = first, M = s->M, H = s->H; t < last; t++) {
        real *dscore = d->dscore + t * M;
        dot_token(d->dalpha + t * M, d->dmixed + t * H, s, t);
        softmax_backward(dscore, d->dalpha + t * M, w->alpha + t * M, w->scale, 1, M);
        mix(d->dpull + t * H, dscore, s->h + t * H, s->layer, M, H);
    }
}

static void weigh_tokens_backward(real scale, const struct states *s, const real *alpha,
                                  const struct gate_gradients *d)
{
    memset(d->dalpha, 0, s->count * s->M * sizeof *d->dalpha);
    memset(d->dscore, 0, s->count * s->M * sizeof *d->dscore);
    const struct weighing_back weighing = {scale, s, alpha, d};
    team_run(weigh_part_backward, &weighing, s->count, PART_TOKENS);
}

static void fuse_part_backward(const void *loop, size_t first, size_t last)
{
    const struct weighing_back *w = loop;
    for (size_t t = first; t < last; t++)
        dot_token(w->d->dfusion + t * w->s->M, w->d->dpull + t * w->s->H, w->s, t);
}

static void gate_block_backward(const struct compressor *c, real scale, const real *keys,
                                const struct states *s, const real *pooled, const real *query,
                                const real *alpha, const struct gate_gradients *d,
                                const struct compressor_params *grads)
{
    const struct compressor_params *w = &c->params;
    size_t n = s->count, M = s->M, H = s->H, D = c->shape.D;
    weigh_tokens_backward(scale, s, alpha, d);
    matmul_nn(d->dquery, d->dscore, keys, 0, n, D, M);
    matmul_nt(d->dquery, d->dpull, w->wk, 1, n, D, H);
    matmul_tn(grads->layer_embedding, d->dscore, query, 1, M, D, n);
    matmul_tn(grads->wk, query, d->dpull, 1, D, H, n);
    memset(d->dpull, 0, n * H * sizeof *d->dpull);
    linear_backward(d->dpull, grads->wq, grads->bq, d->dquery, pooled, w->wq, n, H, D);
    const struct weighing_back weighing = {.s = s, .d = d};
    team_run(fuse_part_backward, &weighing, n, PART_TOKENS);
}

/* dfusion [T, M]: the gradients of the M weights, token by token. */
static void fusion_backward(const struct compressor *c, const real *dfusion, size_t T,
                            const struct compressor_params *grads, struct arena *scratch)
{
    size_t M = c->shape.M;
    const real *p = fusion_weights(c, scratch);
    real *dp = arena_array(scratch, real, M);
    for (size_t t = 0; t < T; t++)
        for (size_t l = 0; l < M; l++)
            dp[l] += dfusion[t * M + l];
    softmax_backward(grads->query_fusion, dp, p, 1, 1, M);
}

void gate_backward(const struct compressor *c, const struct compress_settings *s,
                   const real *hidden, size_t stride, size_t T, const struct gate_saved *saved,
                   const real *danchors, const struct compressor_params *grads,
                   struct arena *scratch)
{
    size_t M = c->shape.M, H = c->shape.H, D = c->shape.D;
    bool shut = s->ablations & ABLATE_DEPTH;
    struct arena_mark mark = arena_mark(scratch);
    real *dmixed = shut ? NULL : arena_array(scratch, real, T * H);
    linear_backward(dmixed, grads->wv, grads->bv, danchors, saved->mixed, c->params.wv, T, H, H);
    if (shut) {
        arena_release(scratch, mark);
        return;
    }
    const real *keys = layer_keys(c, scratch);
    struct gate_gradients d = {
        .dalpha = arena_raw(scratch, real, TOKEN_BLOCK * M),
        .dscore = arena_raw(scratch, real, TOKEN_BLOCK * M),
        .dpull = arena_raw(scratch, real, TOKEN_BLOCK * H),
        .dquery = arena_raw(scratch, real, TOKEN_BLOCK * D),
    };
    real *dfusion = arena_array(scratch, real, T * M);
    for (size_t first = 0; first < T; first += TOKEN_BLOCK) {
        struct states h = states_of(c, hidden, stride, first, T);
        d.dmixed = dmixed + first * H;
        d.dfusion = dfusion + first * M;
        gate_block_backward(c, score_scale(c, s), keys, &h, saved->pooled + first * H,
                            saved->query + first * D, saved->alpha + first * M, &d, grads);
    }
    fusion_backward(c, dfusion, T, grads, scratch);
    arena_release(scratch, mark);
}
