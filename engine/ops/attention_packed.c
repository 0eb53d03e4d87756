/* Attention over packed sequences, forwards and backwards, in three rounds: what a sequence
 * sees of a head of keys is gathered and packed; blocks of its queries go through it; and,
 * backwards, the gradients of keys and values are added up. One sequence has few heads of
 * keys, so the first and the third take keys and values apart, and the second
 * divides blocks into parts: of each head forwards; of those that share keys backwards, where
 * parts have sums of their own. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/attention.h"
#include "engine/ops/attention_head.h"
#include "engine/ops/attention_rounded.h"
#include "engine/ops/reduce.h"
#include "engine/ops/tile.h"

/* Block b of B belongs to part (B - 1 - b) mod PARTS: the first part sees the most keys. */
enum { PARTS = ATTENTION_PACKED_PARTS };

/* The arguments of a pass, and its memory. A unit is a sequence and a head of keys. */
struct packed {
    real *out, *dq, *dk, *dv;
    const real *dout, *q, *k, *v;
    const struct attention_pack *pack;
    const struct attention_shape *shape;
    size_t *at;                /* [sequences + 1] rows seen so far, in whole panels */
    bool rounds;               /* multiplies in bfloat16: */
    struct rounded_rows k_rounded, v_rounded; /* of all units */
    real *k_panels, *v_panels; /* of all units, otherwise */
    real *k_rows, *v_rows;     /* what stands behind a prefix, in one piece; or NULL */
    real *dk_parts, *dv_parts; /* [PARTS] times all units */
};

/* A unit: what it sees, in one piece. */
struct unit {
    size_t start, n, past, from; /* own rows, and those before it */
    size_t blocks;               /* of its queries */
    size_t offset;               /* in the arrays of all units */
    size_t kv;
    const real *k, *v; /* first row that is seen */
    size_t kv_step;
};

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

static size_t units(const struct packed *a)
{
    return a->pack->sequences * a->shape->kv_heads;
}

/* Reals of one of the arrays of all units. */
static size_t unit_reals(const struct packed *a)
{
    return a->at[a->pack->sequences] * a->shape->kv_heads * a->shape->head_dim;
}

static struct unit unit_at(const struct packed *a, size_t index)
{
    size_t d = a->shape->head_dim, step = a->shape->kv_heads * d, s = index / a->shape->kv_heads;
    const struct attention_pack *pack = a->pack;
    struct unit u = {.start = pack->starts[s],
                     .n = pack->starts[s + 1] - pack->starts[s],
                     .kv = index % a->shape->kv_heads,
                     .kv_step = step};
    u.past = rows_before(pack, s, &u.from);
    u.blocks = size_div_up(u.n, ATTENTION_BLOCK);
    u.offset = (a->at[s] * a->shape->kv_heads + u.kv * (a->at[s + 1] - a->at[s])) * d;
    u.k = a->k + u.start * step + u.kv * d;
    u.v = a->v + u.start * step + u.kv * d;
    if (u.past) {
        u.k = a->k_rows + u.offset;
        u.v = a->v_rows + u.offset;
        u.kv_step = d;
    }
    return u;
}

static void copy_rows(real *to, const real *from, size_t step, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * d, from + i * step, d * sizeof *to);
}

/* What belongs to a unit. */
static struct rounded_rows rounded_at(const struct rounded_rows *all, const struct unit *u)
{
    size_t words = u->offset / 2;
    return (struct rounded_rows){all->by_row ? all->by_row + words : NULL,
                                 all->by_column ? all->by_column + words : NULL};
}

/* x: keys or values of a unit. panels: NULL where they are not wanted. */
static void pack_unit(const struct packed *a, const struct unit *u, const real *x,
                      const struct rounded_rows *rounded, real *panels)
{
    size_t d = a->shape->head_dim, seen = u->past + u->n;
    if (a->rounds) {
        struct rounded_rows own = rounded_at(rounded, u);
        attention_round_rows(&own, x, u->kv_step, seen, d);
    } else if (panels) {
        tile_pack(panels + u->offset, x, u->kv_step, seen, d);
    }
}

/* First round: the keys of each unit, and its values. Those behind a prefix are copied; others
 * are read in place. */
static void gather(const void *loop, size_t first, size_t last)
{
    const struct packed *a = loop;
    size_t d = a->shape->head_dim, step = a->shape->kv_heads * d;
    for (size_t i = first; i < last; i++) {
        struct unit u = unit_at(a, i / 2);
        bool keys = i % 2 == 0;
        size_t before = u.from * step + u.kv * d, own = u.start * step + u.kv * d;
        const real *all = keys ? a->k : a->v;
        if (u.past) {
            real *rows = (keys ? a->k_rows : a->v_rows) + u.offset;
            copy_rows(rows, all + before, step, u.past, d);
            copy_rows(rows + u.past * d, all + own, step, u.n, d);
        }
        pack_unit(a, &u, keys ? u.k : u.v, keys ? &a->k_rounded : &a->v_rounded,
                  keys ? a->k_panels : a->v_panels);
    }
}

static void take_panels(struct packed *a, bool backward)
{
    size_t each = unit_reals(a), words = each / 2;
    if (!a->rounds) {
        a->k_panels = xmalloc_aligned((1 + backward) * each, sizeof(real));
        a->v_panels = backward ? a->k_panels + each : NULL;
        return;
    }
    uint32_t *all = xmalloc_aligned((2 + backward) * words, sizeof *all);
    a->k_rounded.by_row = all;
    if (backward) {
        a->k_rounded.by_column = all + words;
        a->v_rounded.by_row = all + 2 * words;
    } else {
        a->v_rounded.by_column = all + words;
    }
}

/* Takes the memory of a pass and gathers. */
static void packed_begin(struct packed *a, bool backward)
{
    const struct attention_pack *pack = a->pack;
    size_t from;
    a->at = xcalloc(pack->sequences + 1, sizeof *a->at);
    for (size_t s = 0; s < pack->sequences; s++) {
        size_t seen = rows_before(pack, s, &from) + pack->starts[s + 1] - pack->starts[s];
        a->at[s + 1] = a->at[s] + size_div_up(seen, TILE_PANEL) * TILE_PANEL;
    }
    size_t each = unit_reals(a);
    take_panels(a, backward);
    if (pack->prefix) {
        a->k_rows = xmalloc(2 * each * sizeof(real));
        a->v_rows = a->k_rows + each;
    }
    if (backward) {
        a->dk_parts = xmalloc_aligned(2 * PARTS * each, sizeof(real));
        a->dv_parts = a->dk_parts + PARTS * each;
    }
    team_run(gather, a, 2 * units(a), 1);
}

static void packed_end(struct packed *a)
{
    free(a->at);
    free(a->k_panels);
    free(a->k_rounded.by_row);
    free(a->k_rows);
    free(a->dk_parts);
}

static struct rounded_head rounded_head(const struct packed *a, const struct unit *u)
{
    size_t d = a->shape->head_dim;
    return (struct rounded_head){.k = rounded_at(&a->k_rounded, u),
                                 .v = rounded_at(&a->v_rounded, u),
                                 .seen = u->past + u->n,
                                 .step = a->shape->heads * d,
                                 .head_dim = d,
                                 .scale = 1 / real_sqrt((real)d)};
}

static struct attention_head query_head(const struct packed *a, const struct unit *u, size_t h)
{
    size_t d = a->shape->head_dim, step = a->shape->heads * d;
    return (struct attention_head){.q = a->q + u->start * step + h * d,
                                   .k = u->k,
                                   .v = u->v,
                                   .k_panels = a->k_panels + u->offset,
                                   .q_step = step,
                                   .kv_step = u->kv_step,
                                   .v_panel = TILE_PANEL,
                                   .head_dim = d,
                                   .scale = 1 / real_sqrt((real)d)};
}

/* A block's place among the queries of a unit. */
struct block {
    size_t first, count, keys;
};

static struct block block_at(const struct unit *u, size_t index)
{
    size_t first = index * ATTENTION_BLOCK, count = size_min(ATTENTION_BLOCK, u->n - first);
    return (struct block){first, count, u->past + first + count};
}

/* Keys that a part sees: those of its latest block. */
static size_t part_keys(const struct unit *u, size_t part)
{
    return part < u->blocks ? block_at(u, u->blocks - 1 - part).keys : 0;
}

/* One head. */
static void attend_part(const struct packed *a, const struct unit *u, size_t h, size_t part)
{
    size_t d = a->shape->head_dim;
    size_t keys = part_keys(u, part), step = attention_score_step(keys);
    const struct rounded_head rounded = rounded_head(a, u);
    struct rounded_scratch *s = a->rounds ? rounded_scratch_new(ATTENTION_BLOCK, keys, d) : NULL;
    real *p = a->rounds ? NULL : xmalloc_aligned(ATTENTION_BLOCK * step, sizeof *p);
    struct attention_head head = query_head(a, u, h);
    for (size_t left = u->blocks - part; left > 0 && left <= u->blocks; left -= PARTS) {
        struct block b = block_at(u, left - 1);
        size_t at = (u->start + b.first) * head.q_step + h * d;
        if (s)
            attention_rounded_forward(a->out + at, a->q + at, &rounded, b.count, b.keys, s);
        else
            attention_attend(a->out + at, p, step, &head, b.first, b.count, b.keys);
    }
    rounded_scratch_free(s);
    free(p);
}

static void attend_parts(const void *loop, size_t first, size_t last)
{
    const struct packed *a = loop;
    size_t group = a->shape->heads / a->shape->kv_heads, heads = units(a) * group;
    for (size_t task = first; task < last; task++) {
        struct unit u = unit_at(a, task % heads / group);
        if (task / heads < u.blocks)
            attend_part(a, &u, u.kv * group + task % group, task / heads);
    }
}

void attention_packed_forward(real *out, const real *q, const real *k, const real *v,
                              const struct attention_pack *pack,
                              const struct attention_shape *shape, bool rounds)
{
    struct packed a = {.out = out,
                       .q = q,
                       .k = k,
                       .v = v,
                       .pack = pack,
                       .shape = shape,
                       .rounds = rounds && attention_rounds(shape->head_dim)};
    packed_begin(&a, false);
    team_run(attend_parts, &a, PARTS * pack->sequences * shape->heads, 1);
    packed_end(&a);
}

/* ---- backward ----------------------------------------------------------------------- */

void attention_scores_backward(real *dp, const real *p, size_t step, real scale, size_t count,
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

/* The sums of a part: dk, dv [keys, d]; scratch: p, dp [ATTENTION_BLOCK, step], or rounded. */
struct part_sums {
    real *dk, *dv, *p, *dp;
    size_t step;
    struct rounded_scratch *rounded;
};

static struct part_sums part_sums_new(const struct packed *a, size_t place, size_t keys)
{
    size_t d = a->shape->head_dim, step = attention_score_step(keys);
    struct part_sums s = {.dk = a->dk_parts + place, .dv = a->dv_parts + place, .step = step};
    memset(s.dk, 0, keys * d * sizeof *s.dk);
    memset(s.dv, 0, keys * d * sizeof *s.dv);
    if (a->rounds) {
        s.rounded = rounded_scratch_new(ATTENTION_BLOCK, keys, d);
    } else {
        s.p = xmalloc_aligned(2 * ATTENTION_BLOCK * step, sizeof *s.p);
        s.dp = s.p + ATTENTION_BLOCK * step;
    }
    return s;
}

/* One block of one head. dq, dout: its first row. */
static void block_backward(const struct part_sums *s, real *dq, const real *dout,
                           const real *v_panels, const struct attention_head *head,
                           const struct block *b)
{
    size_t d = head->head_dim, step = s->step;
    const real *q = head->q + b->first * head->q_step;
    attention_probabilities(s->p, step, head, b->first, b->count, b->keys);
    tile_multiply_packed(s->dp, step, dout, head->q_step, v_panels, b->count, b->keys, d);
    tile_multiply(s->dv, d, true, s->p, 1, step, dout, head->q_step, b->keys, d, b->count);
    attention_scores_backward(s->dp, s->p, step, head->scale, b->count, b->keys);
    tile_multiply(dq, head->q_step, true, s->dp, step, 1, head->k, head->kv_step, b->count, d,
                  b->keys);
    tile_multiply(s->dk, d, true, s->dp, 1, step, q, head->q_step, b->keys, d, b->count);
}

static void backward_part(const struct packed *a, const struct unit *u, size_t part)
{
    size_t d = a->shape->head_dim, group = a->shape->heads / a->shape->kv_heads;
    size_t keys = part_keys(u, part), place = part * unit_reals(a) + u->offset;
    const struct rounded_head rounded = rounded_head(a, u);
    struct part_sums s = part_sums_new(a, place, keys);
    for (size_t h = u->kv * group; h < (u->kv + 1) * group; h++) {
        struct attention_head head = query_head(a, u, h);
        for (size_t left = u->blocks - part; left > 0 && left <= u->blocks; left -= PARTS) {
            struct block b = block_at(u, left - 1);
            size_t at = (u->start + b.first) * head.q_step + h * d;
            if (s.rounded)
                attention_rounded_backward(a->dq + at, s.dk, s.dv, a->dout + at, a->q + at,
                                           &rounded, b.count, b.keys, s.rounded);
            else
                block_backward(&s, a->dq + at, a->dout + at, a->v_panels + u->offset, &head, &b);
        }
    }
    rounded_scratch_free(s.rounded);
    free(s.p);
}

static void backward_parts(const void *loop, size_t first, size_t last)
{
    const struct packed *a = loop;
    for (size_t task = first; task < last; task++) {
        struct unit u = unit_at(a, task % units(a));
        if (task / units(a) < u.blocks)
            backward_part(a, &u, task / units(a));
    }
}

static void add_rows(real *to, size_t step, const real *from, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            to[i * step + j] += from[i * d + j];
}

/* The sums of all parts of a unit, to what it sees: to rows before it, then to its own. */
static void add_parts(const struct packed *a, const struct unit *u, real *total, const real *parts)
{
    size_t d = a->shape->head_dim, step = a->shape->kv_heads * d;
    for (size_t part = 0; part < PARTS; part++) {
        const real *sums = parts + part * unit_reals(a) + u->offset;
        size_t keys = part_keys(u, part), past = size_min(keys, u->past);
        add_rows(total + u->from * step + u->kv * d, step, sums, past, d);
        add_rows(total + u->start * step + u->kv * d, step, sums + past * d, keys - past, d);
    }
}

/* Third round. A task owns the keys, or the values, that it adds to: those of a sequence and of
 * all that go on from it. */
static void add_up(const void *loop, size_t first, size_t last)
{
    const struct packed *a = loop;
    size_t heads = a->shape->kv_heads;
    for (size_t task = first; task < last; task++) {
        size_t owner = task / 2 / heads;
        if (continues(a->pack, owner))
            continue;
        for (size_t s = owner;
             s < a->pack->sequences && (s == owner || continues(a->pack, s)); s++) {
            struct unit u = unit_at(a, s * heads + task / 2 % heads);
            if (task % 2 == 0)
                add_parts(a, &u, a->dk, a->dk_parts);
            else
                add_parts(a, &u, a->dv, a->dv_parts);
        }
    }
}

void attention_packed_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                               const real *k, const real *v, const struct attention_pack *pack,
                               const struct attention_shape *shape, bool rounds)
{
    struct packed a = {.dq = dq,
                       .dk = dk,
                       .dv = dv,
                       .dout = dout,
                       .q = q,
                       .k = k,
                       .v = v,
                       .pack = pack,
                       .shape = shape,
                       .rounds = rounds && attention_rounds(shape->head_dim)};
    packed_begin(&a, true);
    team_run(backward_parts, &a, PARTS * units(&a), 1);
    team_run(add_up, &a, 2 * units(&a), 1);
    packed_end(&a);
}
