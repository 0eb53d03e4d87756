#include "engine/ops/attention.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile.h"

enum { QUERY_BLOCK = 48, PART_WORK = 1 << 16 };

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
        reduce_dots(p + i * step, q + i * head->q_step, head->k, head->kv_step, keys,
                    head->head_dim);
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
    size_t d = f->shape->head_dim, total = f->past + f->n, each = panel_reals(total, d);
    for (size_t kv = first; kv < last; kv++)
        tile_pack(f->panels + kv * each, f->k + kv * d, f->shape->kv_heads * d, total, d);
}

static void attend_task(const struct forward *f, real *p, size_t task)
{
    size_t total = f->past + f->n, heads = f->shape->heads, d = f->shape->head_dim;
    size_t group = heads / f->shape->kv_heads, each = heads / f->split;
    /* Late blocks see the most keys: they go first. */
    size_t first = (f->blocks - 1 - task / f->split) * QUERY_BLOCK;
    size_t count = size_min(QUERY_BLOCK, f->n - first), keys = f->past + first + count;
    for (size_t h = task % f->split * each; h < (task % f->split + 1) * each; h++) {
        const real *own = f->panels ? f->panels + h / group * panel_reals(total, d) : NULL;
        struct head head = head_at(f->q, f->k, f->v, own, h, f->shape);
        attend(f->out + first * head.q_step + h * d, p, score_step(total), &head, first, count,
               keys);
        if (f->mean)
            add_mean(f->mean + first * total, total, p, score_step(total), count, keys, heads);
    }
}

static void attend_tasks(const void *loop, size_t first, size_t last)
{
    const struct forward *f = loop;
    real *p = xmalloc(size_min(f->n, QUERY_BLOCK) * score_step(f->past + f->n) * sizeof *p);
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
                        .blocks = size_div_up(n, QUERY_BLOCK),
                        /* The mean is over heads, in their order: then one task has all heads
                           of a block. */
                        .split = mean ? 1 : shape->heads};
    if (n > 1) {
        f.panels = xmalloc(shape->kv_heads * panel_reals(total, d) * sizeof *f.panels);
        team_run(pack_heads, &f, shape->kv_heads, team_grain(total * d, PART_WORK));
    }
    size_t block = size_min(n, QUERY_BLOCK) * total * d * (shape->heads / f.split);
    team_run(attend_tasks, &f, f.blocks * f.split, team_grain(block, PART_WORK));
    free(f.panels);
}

/* ---- packed sequences ------------------------------------------------------------- */

static bool continues(const struct attention_pack *pack, size_t s)
{
    return pack->prefix && pack->prefix[s] != s;
}

/* Rows that sequence s sees before its own: [*from, *from + result). */
static size_t rows_before(const struct attention_pack *pack, size_t s, size_t *from)
{
    size_t p = continues(pack, s) ? pack->prefix[s] : s;
    *from = pack->starts[p];
    return p == s ? 0 : pack->starts[p + 1] - pack->starts[p];
}

/* The most rows that a sequence sees, those before it included. */
static size_t longest(const struct attention_pack *pack)
{
    size_t most = 0, from;
    for (size_t s = 0; s < pack->sequences; s++)
        most = size_max(most, rows_before(pack, s, &from) + pack->starts[s + 1] - pack->starts[s]);
    return most;
}

/* One thread's scratch for sequences that see at most `most` rows. */
struct packed_scratch {
    size_t step;
    real *p, *dp;              /* [QUERY_BLOCK, step] */
    real *k_panels, *v_panels; /* one head packed */
    real *k, *v, *dk, *dv;     /* [most, head_dim] of a sequence behind its prefix */
};

static struct packed_scratch scratch_new(size_t most, size_t head_dim)
{
    size_t step = score_step(most), block = QUERY_BLOCK * step, rows = most * head_dim;
    size_t panels = panel_reals(most, head_dim);
    real *all = xmalloc((2 * (block + panels) + 4 * rows) * sizeof *all);
    real *k = all + 2 * (block + panels);
    return (struct packed_scratch){.step = step,
                                   .p = all,
                                   .dp = all + block,
                                   .k_panels = all + 2 * block,
                                   .v_panels = all + 2 * block + panels,
                                   .k = k,
                                   .v = k + rows,
                                   .dk = k + 2 * rows,
                                   .dv = k + 3 * rows};
}

/* One sequence and one head of keys: what it sees, in one piece. */
struct packed_head {
    size_t start, n, past, from; /* own rows, and those before it */
    const real *k, *v;           /* first row that is seen */
    size_t kv_step;
};

static void copy_rows(real *to, const real *from, size_t step, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * d, from + i * step, d * sizeof *to);
}

/* Keys and values behind those of the prefix are copied; others are read in place. */
static struct packed_head packed_head_at(const struct attention_pack *pack, size_t s, size_t kv,
                                         const real *k, const real *v,
                                         const struct attention_shape *shape,
                                         const struct packed_scratch *scratch)
{
    size_t d = shape->head_dim, step = shape->kv_heads * d;
    struct packed_head h = {.start = pack->starts[s], .n = pack->starts[s + 1] - pack->starts[s]};
    h.past = rows_before(pack, s, &h.from);
    if (!h.past) {
        h.k = k + h.start * step + kv * d;
        h.v = v + h.start * step + kv * d;
        h.kv_step = step;
        return h;
    }
    copy_rows(scratch->k, k + h.from * step + kv * d, step, h.past, d);
    copy_rows(scratch->v, v + h.from * step + kv * d, step, h.past, d);
    copy_rows(scratch->k + h.past * d, k + h.start * step + kv * d, step, h.n, d);
    copy_rows(scratch->v + h.past * d, v + h.start * step + kv * d, step, h.n, d);
    h.k = scratch->k;
    h.v = scratch->v;
    h.kv_step = d;
    return h;
}

static struct head query_head(const struct packed_head *p, const real *q, const real *k_panels,
                              size_t h, const struct attention_shape *shape)
{
    size_t d = shape->head_dim, step = shape->heads * d;
    return (struct head){.q = q + p->start * step + h * d,
                         .k = p->k,
                         .v = p->v,
                         .k_panels = k_panels,
                         .q_step = step,
                         .kv_step = p->kv_step,
                         .head_dim = d,
                         .scale = 1 / real_sqrt((real)d)};
}

/* The arguments of the passes over packed sequences. A task is a sequence and a head of
 * keys. */
struct packed {
    real *out, *dq, *dk, *dv;
    const real *dout, *q, *k, *v;
    const struct attention_pack *pack;
    const struct attention_shape *shape;
    size_t most;
};

static void packed_tasks(const void *loop, size_t first_task, size_t last)
{
    const struct packed *a = loop;
    size_t d = a->shape->head_dim, q_step = a->shape->heads * d;
    size_t group = a->shape->heads / a->shape->kv_heads;
    struct packed_scratch scratch = scratch_new(a->most, d);
    for (size_t task = first_task; task < last; task++) {
        size_t kv = task % a->shape->kv_heads, s = task / a->shape->kv_heads;
        struct packed_head p = packed_head_at(a->pack, s, kv, a->k, a->v, a->shape, &scratch);
        tile_pack(scratch.k_panels, p.k, p.kv_step, p.past + p.n, d);
        for (size_t h = kv * group; h < (kv + 1) * group; h++) {
            struct head head = query_head(&p, a->q, scratch.k_panels, h, a->shape);
            for (size_t first = 0; first < p.n; first += QUERY_BLOCK) {
                size_t count = size_min(QUERY_BLOCK, p.n - first);
                attend(a->out + (p.start + first) * q_step + h * d, scratch.p, scratch.step,
                       &head, first, count, p.past + first + count);
            }
        }
    }
    free(scratch.p);
}

void attention_packed_forward(real *out, const real *q, const real *k, const real *v,
                              const struct attention_pack *pack,
                              const struct attention_shape *shape)
{
    const struct packed loop = {.out = out,
                                .q = q,
                                .k = k,
                                .v = v,
                                .pack = pack,
                                .shape = shape,
                                .most = longest(pack)};
    team_run(packed_tasks, &loop, pack->sequences * shape->kv_heads, 1);
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

/* One block of queries of one head, of which the last sees `keys`. dq, dout: its first
 * row; dk, dv: key 0, with the stride of head->k. */
static void attend_backward(real *dq, real *dk, real *dv, const real *dout,
                            const struct packed_scratch *s, const struct head *head, size_t first,
                            size_t count, size_t keys)
{
    size_t d = head->head_dim;
    const real *q = head->q + first * head->q_step;
    probabilities(s->p, s->step, head, first, count, keys);
    tile_multiply_packed(s->dp, s->step, dout, head->q_step, s->v_panels, count, keys, d);
    tile_multiply(dv, head->kv_step, true, s->p, 1, s->step, dout, head->q_step, keys, d, count);
    scores_backward(s->dp, s->p, s->step, head->scale, count, keys);
    tile_multiply(dq, head->q_step, true, s->dp, s->step, 1, head->k, head->kv_step, count, d,
                  keys);
    tile_multiply(dk, head->kv_step, true, s->dp, 1, s->step, q, head->q_step, keys, d, count);
}

static void add_rows(real *to, size_t step, const real *from, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            to[i * step + j] += from[i * d + j];
}

/* All heads that read the keys kv of sequence s. */
static void sequence_backward(const struct packed *a, size_t s, size_t kv,
                              const struct packed_scratch *scratch)
{
    const struct attention_shape *shape = a->shape;
    size_t d = shape->head_dim, q_step = shape->heads * d, kv_step = shape->kv_heads * d;
    size_t group = shape->heads / shape->kv_heads;
    struct packed_head p = packed_head_at(a->pack, s, kv, a->k, a->v, shape, scratch);
    size_t seen = p.past + p.n, own = p.start * kv_step + kv * d;
    real *dk_seen = p.past ? scratch->dk : a->dk + own;
    real *dv_seen = p.past ? scratch->dv : a->dv + own;
    if (p.past) {
        memset(scratch->dk, 0, seen * d * sizeof(real));
        memset(scratch->dv, 0, seen * d * sizeof(real));
    }
    tile_pack(scratch->k_panels, p.k, p.kv_step, seen, d);
    tile_pack(scratch->v_panels, p.v, p.kv_step, seen, d);
    for (size_t h = kv * group; h < (kv + 1) * group; h++) {
        struct head head = query_head(&p, a->q, scratch->k_panels, h, shape);
        for (size_t first = 0; first < p.n; first += QUERY_BLOCK) {
            size_t row = (p.start + first) * q_step + h * d;
            size_t count = size_min(QUERY_BLOCK, p.n - first);
            attend_backward(a->dq + row, dk_seen, dv_seen, a->dout + row, scratch, &head, first,
                            count, p.past + first + count);
        }
    }
    if (!p.past)
        return;
    size_t before = p.from * kv_step + kv * d;
    add_rows(a->dk + before, kv_step, scratch->dk, p.past, d);
    add_rows(a->dv + before, kv_step, scratch->dv, p.past, d);
    add_rows(a->dk + own, kv_step, scratch->dk + p.past * d, p.n, d);
    add_rows(a->dv + own, kv_step, scratch->dv + p.past * d, p.n, d);
}

/* A task owns the keys and values that it adds to: all heads of their group, and all
 * sequences that go on from them. */
static void packed_tasks_backward(const void *loop, size_t first_task, size_t last)
{
    const struct packed *a = loop;
    const struct attention_pack *pack = a->pack;
    struct packed_scratch scratch = scratch_new(a->most, a->shape->head_dim);
    for (size_t task = first_task; task < last; task++) {
        size_t first = task / a->shape->kv_heads, kv = task % a->shape->kv_heads;
        if (continues(pack, first))
            continue;
        for (size_t s = first; s < pack->sequences && (s == first || continues(pack, s)); s++)
            sequence_backward(a, s, kv, &scratch);
    }
    free(scratch.p);
}

void attention_packed_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                               const real *k, const real *v, const struct attention_pack *pack,
                               const struct attention_shape *shape)
{
    const struct packed loop = {.dq = dq,
                                .dk = dk,
                                .dv = dv,
                                .dout = dout,
                                .q = q,
                                .k = k,
                                .v = v,
                                .pack = pack,
                                .shape = shape,
                                .most = longest(pack)};
    team_run(packed_tasks_backward, &loop, pack->sequences * shape->kv_heads, 1);
}
