#include "engine/ops/attention.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/attention_head.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile.h"

enum { PART_WORK = 1 << 16 };

size_t attention_score_step(size_t keys)
{
    return (size_div_up(keys, TILE_PANEL) + 1) * TILE_PANEL;
}

size_t attention_panel_reals(size_t keys, size_t head_dim)
{
    return size_div_up(keys, TILE_PANEL) * TILE_PANEL * head_dim;
}

static struct attention_head head_at(const real *q, const real *k, const real *v,
                                     const real *k_panels, size_t h,
                                     const struct attention_shape *shape)
{
    size_t kv = h / (shape->heads / shape->kv_heads), d = shape->head_dim;
    return (struct attention_head){.q = q + h * d,
                                   .k = k + kv * d,
                                   .v = v + kv * d,
                                   .k_panels = k_panels,
                                   .q_step = shape->heads * d,
                                   .kv_step = shape->kv_heads * d,
                                   .head_dim = d,
                                   .scale = 1 / real_sqrt((real)d)};
}

static void scores(real *p, size_t step, const struct attention_head *head, size_t first,
                   size_t count, size_t keys)
{
    const real *q = head->q + first * head->q_step;
    if (head->k_panels) {
        tile_multiply_packed(p, step, q, head->q_step, head->k_panels, count, keys, head->head_dim);
        return;
    }
    for (size_t i = 0; i < count; i++)
        reduce_dots(p + i * step, q + i * head->q_step, head->k, head->kv_step, keys,
                    head->head_dim);
}

void attention_probabilities(real *p, size_t step, const struct attention_head *head, size_t first,
                             size_t count, size_t keys)
{
    scores(p, step, head, first, count, keys);
    for (size_t i = 0; i < count; i++) {
        size_t visible = keys - (count - 1 - i);
        real *row = p + i * step;
        softmax_row(row, row, head->scale, visible);
        memset(row + visible, 0, (keys - visible) * sizeof *row);
    }
}

void attention_attend(real *out, real *p, size_t step, const struct attention_head *head,
                      size_t first, size_t count, size_t keys)
{
    attention_probabilities(p, step, head, first, count, keys);
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

/* The arguments of attention_forward, and what its tasks are. */
struct forward {
    real *out, *mean;
    const real *q, *k, *v;
    size_t n, past;
    const struct attention_shape *shape;
    real *panels; /* the keys of every head packed; NULL for a single query, which reads
                     them once */
    size_t blocks;
    size_t split; /* tasks of a block */
};

static void pack_heads(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    size_t d = f->shape->head_dim, total = f->past + f->n;
    size_t each = attention_panel_reals(total, d);
    for (size_t kv = first; kv < last; kv++)
        tile_pack(f->panels + kv * each, f->k + kv * d, f->shape->kv_heads * d, total, d);
}

static void attend_task(const struct forward *f, real *p, size_t task)
{
    size_t total = f->past + f->n, heads = f->shape->heads, d = f->shape->head_dim;
    size_t group = heads / f->shape->kv_heads, each = heads / f->split;
    size_t step = attention_score_step(total), panel = attention_panel_reals(total, d);
    /* Late blocks see the most keys: they go first. */
    size_t first = (f->blocks - 1 - task / f->split) * ATTENTION_BLOCK;
    size_t count = size_min(ATTENTION_BLOCK, f->n - first), keys = f->past + first + count;
    for (size_t h = task % f->split * each; h < (task % f->split + 1) * each; h++) {
        const real *own = f->panels ? f->panels + h / group * panel : NULL;
        struct attention_head head = head_at(f->q, f->k, f->v, own, h, f->shape);
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

void attention_forward(real *out, real *mean, const real *q, const real *k, const real *v, size_t n,
                       size_t past, const struct attention_shape *shape)
{
    size_t total = past + n, d = shape->head_dim;
    struct forward f = {.out = out,
                        .mean = mean,
                        .q = q,
                        .k = k,
                        .v = v,
                        .n = n,
                        .past = past,
                        .shape = shape,
                        .blocks = size_div_up(n, ATTENTION_BLOCK),
                        /* The mean is over heads, in their order: then one task has all heads
                           of a block. */
                        .split = mean ? 1 : shape->heads};
    if (n > 1) {
        f.panels = xmalloc(shape->kv_heads * attention_panel_reals(total, d) * sizeof *f.panels);
        team_run(pack_heads, &f, shape->kv_heads, team_grain(total * d, PART_WORK));
    }
    size_t block = size_min(n, ATTENTION_BLOCK) * total * d * (shape->heads / f.split);
    team_run(attend_tasks, &f, f.blocks * f.split, team_grain(block, PART_WORK));
    free(f.panels);
}
