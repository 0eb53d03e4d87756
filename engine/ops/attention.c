#include "engine/ops/attention.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile.h"

enum { QUERY_BLOCK = 48, PARALLEL_WORK = 1 << 16 };

/* One head of one sequence: first rows and row strides. */
struct head {
    const real *q, *k, *v;
    const real *k_panels; /* the keys packed, or NULL for a single query */
    size_t q_step, kv_step, head_dim;
    real scale;
};

/* Row stride of a block's scores. Whole panels are written; the odd one keeps rows
 * from falling on the same cache sets. */
static size_t score_step(size_t keys)
{
    return (size_div_up(keys, TILE_PANEL) + 1) * TILE_PANEL;
}

static size_t panel_reals(size_t keys, size_t head_dim)
{
    return size_div_up(keys, TILE_PANEL) * TILE_PANEL * head_dim;
}

static struct head head_at(const real *q, const real *k, const real *v, const real *k_panels,
                           size_t h, const struct attention_shape *shape)
{
    size_t kv = h / (shape->heads / shape->kv_heads), d = shape->head_dim;
    return (struct head){.q = q + h * d,
                         .k = k + kv * d,
                         .v = v + kv * d,
                         .k_panels = k_panels,
                         .q_step = shape->heads * d,
                         .kv_step = shape->kv_heads * d,
                         .head_dim = d,
                         .scale = 1 / real_sqrt((real)d)};
}

static void scores(real *p, size_t step, const struct head *head, size_t first, size_t count,
                   size_t keys)
{
    const real *q = head->q + first * head->q_step;
    if (head->k_panels) {
        tile_multiply_packed(p, step, q, head->q_step, head->k_panels, count, keys, head->head_dim);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < keys; j++)
            p[i * step + j] =
                reduce_dot(q + i * head->q_step, head->k + j * head->kv_step, head->head_dim);
}

/* Rows of p: probabilities of queries first..first + count - 1, of which the last
 * sees all `keys`. */
static void probabilities(real *p, size_t step, const struct head *head, size_t first, size_t count,
                          size_t keys)
{
    scores(p, step, head, first, count, keys);
    for (size_t i = 0; i < count; i++) {
        size_t visible = keys - (count - 1 - i);
        real *row = p + i * step;
        softmax_row(row, row, head->scale, visible);
        memset(row + visible, 0, (keys - visible) * sizeof *row);
    }
}

/* out: this head of row `first`, with the stride of q. */
static void attend(real *out, real *p, size_t step, const struct head *head, size_t first,
                   size_t count, size_t keys)
{
    probabilities(p, step, head, first, count, keys);
    tile_multiply(out, head->q_step, false, p, step, 1, head->v, head->kv_step, count,
                  head->head_dim, keys);
}

static void add_mean(real *mean, size_t total, const real *p, size_t step, size_t count,
                     size_t keys, size_t heads)
{
    real share = 1 / (real)heads;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < keys; j++)
            mean[i * total + j] += share * p[i * step + j];
}

/* The keys of every head packed; NULL for a single query, which reads them once. */
static real *pack_keys(const real *k, size_t n, size_t total, const struct attention_shape *shape)
{
    if (n == 1)
        return NULL;
    size_t d = shape->head_dim, each = panel_reals(total, d);
    real *panels = xmalloc(shape->kv_heads * each * sizeof *panels);
#pragma omp parallel for schedule(static) if (total * shape->kv_heads * d > PARALLEL_WORK)
    for (size_t kv = 0; kv < shape->kv_heads; kv++)
        tile_pack(panels + kv * each, k + kv * d, shape->kv_heads * d, total, d);
    return panels;
}

void attention_forward(real *out, real *mean, const real *q, const real *k, const real *v, size_t n,
                       size_t past, const struct attention_shape *shape)
{
    size_t total = past + n, blocks = size_div_up(n, QUERY_BLOCK), d = shape->head_dim;
    /* The mean is over heads, in their order: then one task has all heads of a block. */
    size_t split = mean ? 1 : shape->heads, each = shape->heads / split;
    size_t group = shape->heads / shape->kv_heads, step = score_step(total);
    real *panels = pack_keys(k, n, total, shape);
#pragma omp parallel if (n * total * shape->heads * d > PARALLEL_WORK)
    {
        real *p = xmalloc(size_min(n, QUERY_BLOCK) * step * sizeof *p);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < blocks * split; task++) {
            /* Late blocks see the most keys: they go first. */
            size_t first = (blocks - 1 - task / split) * QUERY_BLOCK;
            size_t count = size_min(QUERY_BLOCK, n - first), keys = past + first + count;
            for (size_t h = task % split * each; h < (task % split + 1) * each; h++) {
                const real *own = panels ? panels + h / group * panel_reals(total, d) : NULL;
                struct head head = head_at(q, k, v, own, h, shape);
                attend(out + first * head.q_step + h * d, p, step, &head, first, count, keys);
                if (mean)
                    add_mean(mean + first * total, total, p, step, count, keys, shape->heads);
            }
        }
        free(p);
    }
    free(panels);
}

static size_t longest(const size_t *starts, size_t sequences)
{
    size_t most = 0;
    for (size_t s = 0; s < sequences; s++)
        most = size_max(most, starts[s + 1] - starts[s]);
    return most;
}

void attention_packed_forward(real *out, const real *q, const real *k, const real *v,
                              const size_t *starts, size_t sequences,
                              const struct attention_shape *shape)
{
    size_t d = shape->head_dim, q_step = shape->heads * d, kv_step = shape->kv_heads * d;
    size_t most = longest(starts, sequences), step = score_step(most);
    size_t group = shape->heads / shape->kv_heads;
#pragma omp parallel
    {
        real *p = xmalloc(QUERY_BLOCK * step * sizeof *p);
        real *panels = xmalloc(panel_reals(most, d) * sizeof *panels);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < sequences * shape->kv_heads; task++) {
            size_t s = task / shape->kv_heads, kv = task % shape->kv_heads;
            size_t start = starts[s], n = starts[s + 1] - start;
            const real *k_first = k + start * kv_step, *v_first = v + start * kv_step;
            tile_pack(panels, k_first + kv * d, kv_step, n, d);
            for (size_t h = kv * group; h < (kv + 1) * group; h++) {
                struct head head = head_at(q + start * q_step, k_first, v_first, panels, h, shape);
                for (size_t first = 0; first < n; first += QUERY_BLOCK) {
                    size_t count = size_min(QUERY_BLOCK, n - first);
                    attend(out + (start + first) * q_step + h * d, p, step, &head, first, count,
                           first + count);
                }
            }
        }
        free(p);
        free(panels);
    }
}

/* One thread's scratch of the backward pass, for sequences of at most `most`. */
struct backward_scratch {
    size_t step;
    real *p, *dp;              /* [QUERY_BLOCK, step] */
    real *k_panels, *v_panels; /* one head packed */
};

static struct backward_scratch scratch_new(size_t most, size_t head_dim)
{
    size_t step = score_step(most), block = QUERY_BLOCK * step;
    size_t panels = panel_reals(most, head_dim);
    real *all = xmalloc(2 * (block + panels) * sizeof *all);
    return (struct backward_scratch){step, all, all + block, all + 2 * block,
                                     all + 2 * block + panels};
}

/* dp [count, keys]: gradient of the probabilities, becomes that of the scores. */
static void scores_backward(real *dp, const real *p, size_t step, real scale, size_t count,
                            size_t keys)
{
    for (size_t i = 0; i < count; i++) {
        real *drow = dp + i * step;
        const real *row = p + i * step;
        real mean = reduce_dot(row, drow, keys);
        for (size_t j = 0; j < keys; j++)
            drow[j] = scale * (row[j] * (drow[j] - mean));
    }
}

/* One block of queries of one head. dq, dout: its first row; dk, dv: key 0. */
static void attend_backward(real *dq, real *dk, real *dv, const real *dout,
                            const struct backward_scratch *s, const struct head *head, size_t first,
                            size_t count)
{
    size_t d = head->head_dim, keys = first + count;
    const real *q = head->q + first * head->q_step;
    probabilities(s->p, s->step, head, first, count, keys);
    tile_multiply_packed(s->dp, s->step, dout, head->q_step, s->v_panels, count, keys, d);
    tile_multiply(dv, head->kv_step, true, s->p, 1, s->step, dout, head->q_step, keys, d, count);
    scores_backward(s->dp, s->p, s->step, head->scale, count, keys);
    tile_multiply(dq, head->q_step, true, s->dp, s->step, 1, head->k, head->kv_step, count, d,
                  keys);
    tile_multiply(dk, head->kv_step, true, s->dp, 1, s->step, q, head->q_step, keys, d, count);
}

void attention_packed_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                               const real *k, const real *v, const size_t *starts,
                               size_t sequences, const struct attention_shape *shape)
{
    size_t d = shape->head_dim, q_step = shape->heads * d, kv_step = shape->kv_heads * d;
    size_t group = shape->heads / shape->kv_heads, most = longest(starts, sequences);
    /* A task owns the keys and values that it adds to: all heads of their group. */
#pragma omp parallel
    {
        struct backward_scratch scratch = scratch_new(most, d);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < sequences * shape->kv_heads; task++) {
            size_t s = task / shape->kv_heads, kv = task % shape->kv_heads;
            size_t start = starts[s], n = starts[s + 1] - start;
            const real *k_first = k + start * kv_step, *v_first = v + start * kv_step;
            tile_pack(scratch.k_panels, k_first + kv * d, kv_step, n, d);
            tile_pack(scratch.v_panels, v_first + kv * d, kv_step, n, d);
            for (size_t h = kv * group; h < (kv + 1) * group; h++) {
                struct head head =
                    head_at(q + start * q_step, k_first, v_first, scratch.k_panels, h, shape);
                for (size_t first = 0; first < n; first += QUERY_BLOCK) {
                    size_t row = (start + first) * q_step + h * d;
                    size_t kv_row = start * kv_step + kv * d;
                    attend_backward(dq + row, dk + kv_row, dv + kv_row, dout + row, &scratch, &head,
                                    first, size_min(QUERY_BLOCK, n - first));
                }
            }
        }
        free(scratch.p);
    }
}
