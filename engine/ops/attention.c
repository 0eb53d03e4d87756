#include "engine/ops/attention.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/ops/matmul.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"

enum { QUERY_BLOCK = 64, PARALLEL_WORK = 1 << 16 };

/* One head of one sequence: first rows and row strides. */
struct head {
    const real *q, *k, *v;
    size_t q_step, kv_step, head_dim;
    real scale;
};

static struct head head_at(const real *q, const real *k, const real *v, size_t h,
                           const struct attention_shape *shape)
{
    size_t kv = h / (shape->heads / shape->kv_heads), d = shape->head_dim;
    return (struct head){q + h * d,
                         k + kv * d,
                         v + kv * d,
                         shape->heads * d,
                         shape->kv_heads * d,
                         d,
                         1 / real_sqrt((real)d)};
}

/* p [count, keys]: probabilities of queries first..first + count - 1, of which the
 * last sees all `keys`. */
static void probabilities(real *p, const struct head *head, size_t first, size_t count, size_t keys)
{
    matmul_strided(MATMUL_NT, p, keys, head->q + first * head->q_step, head->q_step, head->k,
                   head->kv_step, 1, 0, count, keys, head->head_dim);
    for (size_t i = 0; i < count; i++) {
        size_t visible = keys - (count - 1 - i);
        real *row = p + i * keys;
        softmax_forward(row, row, head->scale, 1, visible);
        memset(row + visible, 0, (keys - visible) * sizeof *row);
    }
}

/* out: row `first` of this head, with the stride of q. */
static void attend(real *out, real *p, const struct head *head, size_t first, size_t count,
                   size_t keys)
{
    probabilities(p, head, first, count, keys);
    matmul_strided(MATMUL_NN, out, head->q_step, p, keys, head->v, head->kv_step, 1, 0, count,
                   head->head_dim, keys);
}

/* mean [count, keys] in rows of `step` += p / heads */
static void add_mean(real *mean, size_t step, const real *p, size_t count, size_t keys,
                     size_t heads)
{
    real share = 1 / (real)heads;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < keys; j++)
            mean[i * step + j] += share * p[i * keys + j];
}

void attention_forward(real *out, real *mean, const real *q, const real *k, const real *v, size_t n,
                       size_t past, const struct attention_shape *shape)
{
    size_t total = past + n, blocks = size_div_up(n, QUERY_BLOCK);
    /* The mean is over heads, in their order: then one task has all heads of a block. */
    size_t split = mean ? 1 : shape->heads, each = shape->heads / split;
#pragma omp parallel if (n * total * shape->heads * shape->head_dim > PARALLEL_WORK)
    {
        real *p = xcalloc(size_min(n, QUERY_BLOCK) * total, sizeof *p);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < blocks * split; task++) {
            /* Late blocks see the most keys: they go first. */
            size_t first = (blocks - 1 - task / split) * QUERY_BLOCK;
            size_t count = size_min(QUERY_BLOCK, n - first), keys = past + first + count;
            for (size_t h = task % split * each; h < (task % split + 1) * each; h++) {
                struct head head = head_at(q, k, v, h, shape);
                attend(out + first * head.q_step + h * head.head_dim, p, &head, first, count, keys);
                if (mean)
                    add_mean(mean + first * total, total, p, count, keys, shape->heads);
            }
        }
        free(p);
    }
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
    size_t q_step = shape->heads * shape->head_dim, kv_step = shape->kv_heads * shape->head_dim;
    size_t most = longest(starts, sequences);
#pragma omp parallel
    {
        real *p = xcalloc(size_min(most, QUERY_BLOCK) * most, sizeof *p);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < sequences * shape->heads; task++) {
            size_t s = task / shape->heads, h = task % shape->heads, start = starts[s];
            size_t n = starts[s + 1] - start;
            struct head head =
                head_at(q + start * q_step, k + start * kv_step, v + start * kv_step, h, shape);
            for (size_t first = 0; first < n; first += QUERY_BLOCK) {
                size_t count = size_min(QUERY_BLOCK, n - first);
                attend(out + (start + first) * q_step + h * head.head_dim, p, &head, first, count,
                       first + count);
            }
        }
        free(p);
    }
}

/* dp [count, keys]: gradient of the probabilities, becomes that of the scores. */
static void scores_backward(real *dp, const real *p, real scale, size_t count, size_t keys)
{
    for (size_t i = 0; i < count; i++) {
        real *drow = dp + i * keys;
        const real *row = p + i * keys;
        real mean = reduce_dot(row, drow, keys);
        for (size_t j = 0; j < keys; j++)
            drow[j] = scale * (row[j] * (drow[j] - mean));
    }
}

/* One block of queries of one head. dq, dout: its first row; dk, dv: key 0.
 * scratch [2, count, keys]. */
static void attend_backward(real *dq, real *dk, real *dv, const real *dout, real *scratch,
                            const struct head *head, size_t first, size_t count, size_t keys)
{
    real *p = scratch, *dp = scratch + count * keys;
    size_t d = head->head_dim;
    probabilities(p, head, first, count, keys);
    matmul_strided(MATMUL_NT, dp, keys, dout, head->q_step, head->v, head->kv_step, 1, 0, count,
                   keys, d);
    matmul_strided(MATMUL_TN, dv, head->kv_step, p, keys, dout, head->q_step, 1, 1, keys, d, count);
    scores_backward(dp, p, head->scale, count, keys);
    matmul_strided(MATMUL_NN, dq, head->q_step, dp, keys, head->k, head->kv_step, 1, 1, count, d,
                   keys);
    matmul_strided(MATMUL_TN, dk, head->kv_step, dp, keys, head->q + first * head->q_step,
                   head->q_step, 1, 1, keys, d, count);
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
        real *scratch = xcalloc(2 * size_min(most, QUERY_BLOCK) * most, sizeof *scratch);
#pragma omp for schedule(dynamic)
        for (size_t task = 0; task < sequences * shape->kv_heads; task++) {
            size_t s = task / shape->kv_heads, kv = task % shape->kv_heads;
            size_t start = starts[s], n = starts[s + 1] - start;
            real *dk_head = dk + start * kv_step + kv * d, *dv_head = dv + start * kv_step + kv * d;
            for (size_t h = kv * group; h < (kv + 1) * group; h++) {
                struct head head =
                    head_at(q + start * q_step, k + start * kv_step, v + start * kv_step, h, shape);
                for (size_t first = 0; first < n; first += QUERY_BLOCK) {
                    size_t count = size_min(QUERY_BLOCK, n - first);
                    size_t row = (start + first) * q_step + h * d;
                    attend_backward(dq + row, dk_head, dv_head, dout + row, scratch, &head, first,
                                    count, first + count);
                }
            }
        }
        free(scratch);
    }
}
