#include "engine/ops/attention.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/attention_head.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile.h"

/* PART_WORK, WRITE_WORK, WEIGH_WORK: what a thread takes at a time. STEP_KEYS: of a
 * single query. */
enum {
    PART_WORK = 1 << 16,
    WRITE_WORK = 1 << 13,
    WEIGH_WORK = 1 << 11,
    STEP_KEYS = 256
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

/* ---- the store -------------------------------------------------------------------- */

_Static_assert((int)ATTENTION_STORE_ROWS == (int)TILE_PANEL, "a store holds whole panels");

/* Columns of a head's values, the last panel filled up; the keys have as much room. */
static size_t panel_columns(const struct attention_shape *shape)
{
    return size_div_up(shape->head_dim, TILE_PANEL) * TILE_PANEL;
}

size_t attention_store_reals(size_t capacity, const struct attention_shape *shape)
{
    return shape->kv_heads * capacity * panel_columns(shape);
}

/* Where a head begins in both. */
static size_t store_head(const struct attention_store *store, size_t kv,
                         const struct attention_shape *shape)
{
    return kv * store->capacity * panel_columns(shape);
}

struct writing {
    const struct attention_store *store;
    const real *k, *v;
    size_t first;
    const struct attention_shape *shape;
};

static void write_rows(const void *loop, size_t first, size_t last)
{
    const struct writing *w = loop;
    size_t d = w->shape->head_dim, K = w->shape->kv_heads * d;
    for (size_t i = first; i < last; i++) {
        size_t place = w->first + i, panel = place / TILE_PANEL, row = place % TILE_PANEL;
        for (size_t kv = 0; kv < w->shape->kv_heads; kv++) {
            size_t head = store_head(w->store, kv, w->shape);
            const real *k = w->k + i * K + kv * d, *v = w->v + i * K + kv * d;
            real *keys = w->store->keys + head + panel * TILE_PANEL * d + row;
            real *values = w->store->values + head + place * TILE_PANEL;
            for (size_t c = 0; c < d; c++)
                keys[c * TILE_PANEL] = k[c];
            for (size_t c = 0; c < d; c += TILE_PANEL, values += w->store->capacity * TILE_PANEL)
                memcpy(values, v + c, size_min(TILE_PANEL, d - c) * sizeof *values);
        }
    }
}

void attention_store_write(const struct attention_store *store, const real *k, const real *v,
                           size_t first, size_t n, const struct attention_shape *shape)
{
    CHECK(store->capacity % TILE_PANEL == 0 && first + n <= store->capacity);
    const struct writing writing = {store, k, v, first, shape};
    team_run(write_rows, &writing, n, team_grain(shape->kv_heads * shape->head_dim, WRITE_WORK));
}

/* The arguments of attention_forward, and what its tasks are. */
struct forward {
    real *out, *mean;
    const real *q;
    const struct attention_store *store;
    size_t n, past;
    const struct attention_shape *shape;
    size_t blocks, split; /* of queries; tasks of a block */
    real *p;              /* of a single query: [heads, score_step] */
};

/* ---- blocks of queries ------------------------------------------------------------- */

static void attend_task(const struct forward *f, real *p, size_t task)
{
    size_t total = f->past + f->n, heads = f->shape->heads, d = f->shape->head_dim;
    size_t group = heads / f->shape->kv_heads, each = heads / f->split;
    size_t step = attention_score_step(total);
    /* Late blocks see the most keys: they go first. */
    size_t first = (f->blocks - 1 - task / f->split) * ATTENTION_BLOCK;
    size_t count = size_min(ATTENTION_BLOCK, f->n - first), keys = f->past + first + count;
    for (size_t h = task % f->split * each; h < (task % f->split + 1) * each; h++) {
        size_t own = store_head(f->store, h / group, f->shape);
        const struct attention_head head = {.q = f->q + h * d,
                                  .v = f->store->values + own,
                                  .k_panels = f->store->keys + own,
                                  .q_step = heads * d,
                                  .kv_step = TILE_PANEL,
                                  .v_panel = f->store->capacity * TILE_PANEL,
                                  .head_dim = d,
                                  .scale = 1 / real_sqrt((real)d)};
        attention_attend(f->out + first * head.q_step + h * d, p, step, &head, first, count, keys);
        if (f->mean)
            add_mean(f->mean + first * total, total, p, step, count, keys, heads);
    }
}

static void attend_tasks(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t step = attention_score_step(f->past + f->n);
    real *p = xmalloc(size_min(f->n, ATTENTION_BLOCK) * step * sizeof *p);
    for (size_t task = first; task < last; task++)
        attend_task(f, p, task);
    free(p);
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
    size_t d = f->shape->head_dim, total = f->past + 1, step = attention_score_step(total);
    size_t group = f->shape->heads / f->shape->kv_heads, parts = size_div_up(total, STEP_KEYS);
    for (size_t i = first; i < last; i++) {
        size_t kv = i / parts, key = i % parts * STEP_KEYS;
        const real *panels = f->store->keys + store_head(f->store, kv, f->shape) + key * d;
        tile_multiply_packed(f->p + kv * group * step + key, step, f->q + kv * group * d, d,
                             panels, group, size_min(STEP_KEYS, total - key), d);
    }
}

static void weigh_heads(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t total = f->past + 1, step = attention_score_step(total);
    real scale = 1 / real_sqrt((real)f->shape->head_dim);
    for (size_t h = first; h < last; h++)
        softmax_row(f->p + h * step, f->p + h * step, scale, total);
}

/* A panel of the values that heads share, times the probabilities of each. */
static void sum_values(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t d = f->shape->head_dim, total = f->past + 1, step = attention_score_step(total);
    size_t group = f->shape->heads / f->shape->kv_heads, panels = size_div_up(d, TILE_PANEL);
    for (size_t i = first; i < last; i++) {
        size_t kv = i / panels, panel = i % panels, column = panel * TILE_PANEL;
        const real *v = f->store->values + store_head(f->store, kv, f->shape) +
                        panel * f->store->capacity * TILE_PANEL;
        tile_multiply(f->out + kv * group * d + column, d, false, f->p + kv * group * step, step,
                      1, v, TILE_PANEL, group, size_min(TILE_PANEL, d - column), total);
    }
}

static void attend_step(struct forward *f)
{
    const struct attention_shape *shape = f->shape;
    size_t total = f->past + 1, step = attention_score_step(total);
    f->p = xmalloc(shape->heads * step * sizeof *f->p);
    team_run(score_keys, f, shape->kv_heads * size_div_up(total, STEP_KEYS), 1);
    team_run(weigh_heads, f, shape->heads, team_grain(total, WEIGH_WORK));
    team_run(sum_values, f, shape->kv_heads * size_div_up(shape->head_dim, TILE_PANEL), 1);
    for (size_t h = 0; f->mean && h < shape->heads; h++)
        add_mean(f->mean, total, f->p + h * step, step, 1, total, shape->heads);
    free(f->p);
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
