#include "engine/ops/attention.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/attention_head.h"
#include "engine/ops/attention_store.h"
#include "engine/ops/btile.h"
#include "engine/ops/half.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile.h"

/* PART_WORK, WEIGH_WORK: what a thread takes at a time. STEP_KEYS, STEP_COLUMNS: of a single
 * query. */
enum {
    PART_WORK = 1 << 16,
    WEIGH_WORK = 1 << 11,
    STEP_KEYS = 256,
    STEP_COLUMNS = 2 * TILE_PANEL
};

size_t attention_score_step(size_t keys)
{
    return (size_div_up(keys, TILE_PANEL) + 1) * TILE_PANEL;
}

size_t attention_panel_reals(size_t keys, size_t head_dim)
{
    return size_div_up(keys, TILE_PANEL) * TILE_PANEL * head_dim;
}

void attention_weigh(real *p, size_t step, real scale, size_t count, size_t keys)
{
    for (size_t i = 0; i < count; i++) {
        size_t visible = keys - (count - 1 - i);
        real *row = p + i * step;
        softmax_row(row, row, scale, visible);
        memset(row + visible, 0, (keys - visible) * sizeof *row);
    }
}

void attention_probabilities(real *p, size_t step, const struct attention_head *head, size_t first,
                             size_t count, size_t keys)
{
    tile_multiply_packed(p, step, head->q + first * head->q_step, head->q_step, head->k_panels,
                         count, keys, head->head_dim);
    attention_weigh(p, step, head->scale, count, keys);
}

void attention_attend(real *out, real *p, size_t step, const struct attention_head *head,
                      size_t first, size_t count, size_t keys)
{
    attention_probabilities(p, step, head, first, count, keys);
    /* 16 columns of the values at a time stay in the cache. */
    for (size_t c = 0; c < head->head_dim; c += TILE_PANEL)
        tile_multiply(out + c, head->q_step, false, p, step, 1,
                      head->v + c / TILE_PANEL * head->v_panel, head->kv_step, count,
                      size_min(TILE_PANEL, head->head_dim - c), keys);
}

static void add_mean(real *mean, size_t total, const real *p, size_t step, size_t count,
                     size_t keys, size_t heads)
{
    real share = 1 / (real)heads;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < keys; j++)
            mean[i * total + j] += share * p[i * step + j];
}

/* What queries of one head and their keys are multiplied in: scores and probabilities, and,
 * where the store is rounded, queries and probabilities as bfloats. */
struct rows {
    real *p;           /* [rows, score_step] */
    uint16_t *q, *p16; /* [rows, attention_pair_values], [rows, score_step]; or NULL */
};

/* The arguments of attention_forward, and what its tasks are. */
struct forward {
    real *out, *mean;
    const real *q;
    const struct attention_store *store;
    size_t n, past;
    const struct attention_shape *shape;
    size_t blocks, split; /* of queries; tasks of a block */
    struct rows rows;     /* of a single query: all heads */
};

static struct rows rows_new(const struct forward *f, size_t count)
{
    size_t step = attention_score_step(f->past + f->n);
    struct rows rows = {.p = xmalloc_aligned(count * step, sizeof *rows.p)};
    if (f->store->rounded) {
        rows.q = xcalloc(count * attention_pair_values(f->shape->head_dim), sizeof *rows.q);
        rows.p16 = xmalloc_aligned(count * step, sizeof *rows.p16);
    }
    return rows;
}

static void rows_free(struct rows *rows)
{
    free(rows->p);
    free(rows->q);
    free(rows->p16);
}

/* p[i] = softmax of the `visible` scores of row i, up to `keys` zeros; rounded too. */
static void weigh_row(const struct rows *rows, size_t i, size_t step, real scale, size_t visible,
                      size_t keys)
{
    real *row = rows->p + i * step;
    softmax_row(row, row, scale, visible);
    memset(row + visible, 0, (keys - visible) * sizeof *row);
    if (rows->p16)
        bfloats_from_reals(rows->p16 + i * step, row, keys);
}

/* ---- blocks of queries ------------------------------------------------------------- */

/* attention_attend with bfloats. */
static void attend_rounded(const struct forward *f, const struct rows *rows, size_t step, size_t h,
                           size_t first, size_t count, size_t keys)
{
    size_t d = f->shape->head_dim, pairs = attention_pair_values(d), q_step = f->shape->heads * d;
    size_t kv = h / (f->shape->heads / f->shape->kv_heads), even = attention_pair_values(keys);
    real scale = 1 / real_sqrt((real)d);
    for (size_t i = 0; i < count; i++)
        bfloats_from_reals(rows->q + i * pairs, f->q + (first + i) * q_step + h * d, d);
    btile_multiply(rows->p, step, rows->q, pairs, attention_keys_rounded(f->store, kv, 0, f->shape),
                   TILE_PANEL * pairs, count, size_div_up(keys, TILE_PANEL) * TILE_PANEL,
                   pairs / 2);
    for (size_t i = 0; i < count; i++)
        weigh_row(rows, i, step, scale, keys - (count - 1 - i), even);
    btile_multiply(f->out + first * q_step + h * d, q_step, rows->p16, step,
                   attention_values_rounded(f->store, kv, 0, f->shape),
                   TILE_PANEL * f->store->capacity, count, d, even / 2);
}

static void attend_exact(const struct forward *f, const struct rows *rows, size_t step, size_t h,
                         size_t first, size_t count, size_t keys)
{
    size_t d = f->shape->head_dim, kv = h / (f->shape->heads / f->shape->kv_heads);
    const struct attention_head head = {.q = f->q + h * d,
                              .v = attention_values(f->store, kv, 0, f->shape),
                              .k_panels = attention_keys(f->store, kv, 0, f->shape),
                              .q_step = f->shape->heads * d,
                              .kv_step = TILE_PANEL,
                              .v_panel = f->store->capacity * TILE_PANEL,
                              .head_dim = d,
                              .scale = 1 / real_sqrt((real)d)};
    attention_attend(f->out + first * head.q_step + h * d, rows->p, step, &head, first, count,
                     keys);
}

static void attend_task(const struct forward *f, const struct rows *rows, size_t task)
{
    size_t total = f->past + f->n, heads = f->shape->heads, each = heads / f->split;
    size_t step = attention_score_step(total);
    /* Late blocks see the most keys: they go first. */
    size_t first = (f->blocks - 1 - task / f->split) * ATTENTION_BLOCK;
    size_t count = size_min(ATTENTION_BLOCK, f->n - first), keys = f->past + first + count;
    for (size_t h = task % f->split * each; h < (task % f->split + 1) * each; h++) {
        (f->store->rounded ? attend_rounded : attend_exact)(f, rows, step, h, first, count, keys);
        if (f->mean)
            add_mean(f->mean + first * total, total, rows->p, step, count, keys, heads);
    }
}

static void attend_tasks(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    struct rows rows = rows_new(f, size_min(f->n, ATTENTION_BLOCK));
    for (size_t task = first; task < last; task++)
        attend_task(f, &rows, task);
    rows_free(&rows);
}

static void attend_blocks(struct forward *f)
{
    const struct attention_shape *shape = f->shape;
    size_t block = size_min(f->n, ATTENTION_BLOCK) * (f->past + f->n) * shape->head_dim;
    f->blocks = size_div_up(f->n, ATTENTION_BLOCK);
    /* The mean is over heads, in their order: then one task has all heads of a block. */
    f->split = f->mean ? 1 : shape->heads;
    team_run(attend_tasks, f, f->blocks * f->split,
             team_grain(block * (shape->heads / f->split), PART_WORK));
}

/* ---- a single query --------------------------------------------------------------- */

/* Scores of the heads that share keys, for some of these; a part is read by one thread. */
static void score_keys(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t d = f->shape->head_dim, pairs = attention_pair_values(d), total = f->past + 1;
    size_t step = attention_score_step(total), parts = size_div_up(total, STEP_KEYS);
    size_t group = f->shape->heads / f->shape->kv_heads;
    for (size_t i = first; i < last; i++) {
        size_t kv = i / parts, key = i % parts * STEP_KEYS;
        size_t count = size_min(STEP_KEYS, total - key);
        real *p = f->rows.p + kv * group * step + key;
        if (f->store->rounded)
            btile_multiply(p, step, f->rows.q + kv * group * pairs, pairs,
                           attention_keys_rounded(f->store, kv, key, f->shape), TILE_PANEL * pairs,
                           group, size_div_up(count, TILE_PANEL) * TILE_PANEL, pairs / 2);
        else
            tile_multiply_packed(p, step, f->q + kv * group * d, d,
                                 attention_keys(f->store, kv, key, f->shape), group, count, d);
    }
}

static void weigh_heads(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t total = f->past + 1, step = attention_score_step(total);
    real scale = 1 / real_sqrt((real)f->shape->head_dim);
    for (size_t h = first; h < last; h++)
        weigh_row(&f->rows, h, step, scale, total, attention_pair_values(total));
}

/* Some columns of the values that heads share, times the probabilities of each. */
static void sum_values(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t d = f->shape->head_dim, total = f->past + 1, step = attention_score_step(total);
    size_t group = f->shape->heads / f->shape->kv_heads, parts = size_div_up(d, STEP_COLUMNS);
    size_t panel = f->store->capacity * TILE_PANEL;
    for (size_t i = first; i < last; i++) {
        size_t kv = i / parts, from = i % parts * STEP_COLUMNS;
        size_t to = size_min(d, from + STEP_COLUMNS);
        real *out = f->out + kv * group * d;
        if (f->store->rounded)
            btile_multiply(out + from, d, f->rows.p16 + kv * group * step, step,
                           attention_values_rounded(f->store, kv, from, f->shape), panel, group,
                           to - from, size_div_up(total, 2));
        for (size_t c = from; c < to && !f->store->rounded; c += TILE_PANEL)
            tile_multiply(out + c, d, false, f->rows.p + kv * group * step, step, 1,
                          attention_values(f->store, kv, c, f->shape), TILE_PANEL, group,
                          size_min(TILE_PANEL, d - c), total);
    }
}

static void attend_step(struct forward *f)
{
    const struct attention_shape *shape = f->shape;
    size_t total = f->past + 1, step = attention_score_step(total), d = shape->head_dim;
    f->rows = rows_new(f, shape->heads);
    for (size_t h = 0; f->rows.q && h < shape->heads; h++)
        bfloats_from_reals(f->rows.q + h * attention_pair_values(d), f->q + h * d, d);
    team_run(score_keys, f, shape->kv_heads * size_div_up(total, STEP_KEYS), 1);
    team_run(weigh_heads, f, shape->heads, team_grain(total, WEIGH_WORK));
    team_run(sum_values, f, shape->kv_heads * size_div_up(d, STEP_COLUMNS), 1);
    for (size_t h = 0; f->mean && h < shape->heads; h++)
        add_mean(f->mean, total, f->rows.p + h * step, step, 1, total, shape->heads);
    rows_free(&f->rows);
}

void attention_forward(real *out, real *mean, const real *q, const struct attention_store *store,
                       size_t n, size_t past, const struct attention_shape *shape)
{
    struct forward f = {.out = out,
                        .mean = mean,
                        .q = q,
                        .store = store,
                        .n = n,
                        .past = past,
                        .shape = shape};
    if (n == 1)
        attend_step(&f);
    else
        attend_blocks(&f);
}
