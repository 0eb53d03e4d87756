#include "engine/ops/attention_rounded.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/ops/attention_head.h"
#include "engine/ops/softmax.h"
#include "engine/ops/tile_bfloat.h"

enum { PANEL = TILE_BFLOAT_PANEL };

bool attention_rounds(size_t head_dim)
{
    return bfloat_tiles() && head_dim % PANEL == 0;
}

static size_t whole_panels(size_t n)
{
    return size_div_up(n, PANEL) * PANEL;
}

size_t attention_rounded_words(size_t n, size_t head_dim)
{
    return whole_panels(n) * head_dim / 2;
}

/* Panels of 16 rows: the pairs of row r go to column r of its panel. */
static void round_by_row(uint32_t *out, const real *x, size_t step, size_t n, size_t d)
{
    uint32_t *row = xmalloc(d / 2 * sizeof *row);
    memset(out, 0, attention_rounded_words(n, d) * sizeof *out);
    for (size_t r = 0; r < n; r++) {
        uint32_t *panel = out + r / PANEL * PANEL * (d / 2) + r % PANEL;
        bfloat_tiles()->pair_along(row, x + r * step, d);
        for (size_t p = 0; p < d / 2; p++)
            panel[p * PANEL] = row[p];
    }
    free(row);
}

/* Words from a panel of columns of n rows to the next. */
static size_t column_panel(size_t n)
{
    return whole_panels(n) / 2 * PANEL;
}

static void round_by_column(uint32_t *out, const real *x, size_t step, size_t n, size_t d)
{
    for (size_t r = 0; r < n; r += 2)
        for (size_t c = 0; c < d; c += PANEL) {
            const real *first = x + r * step + c, *second = r + 1 < n ? first + step : NULL;
            bfloat_tiles()->pair_across(out + c / PANEL * column_panel(n) + r / 2 * PANEL, first,
                                        second, PANEL);
        }
}

void attention_round_rows(const struct rounded_rows *out, const real *x, size_t step, size_t n,
                          size_t head_dim)
{
    if (out->by_row)
        round_by_row(out->by_row, x, step, n, head_dim);
    if (out->by_column)
        round_by_column(out->by_column, x, step, n, head_dim);
}

/* A block's probabilities and their gradients, in floats and in pairs. Rows of `step` are
 * whole panels of keys; `pairs` of queries. */
struct rounded_scratch {
    size_t step, pairs;
    real *p, *dp;              /* [queries, step] */
    uint32_t *along;           /* [queries, max(step, d) / 2] of what is multiplied next */
    uint32_t *across;          /* [pairs, step] */
    struct rounded_rows q, dout; /* by column alone */
};

struct rounded_scratch *rounded_scratch_new(size_t queries, size_t keys, size_t head_dim)
{
    struct rounded_scratch *s = xcalloc(1, sizeof *s);
    size_t own = attention_rounded_words(queries, head_dim);
    s->step = attention_score_step(keys);
    s->pairs = size_div_up(queries, 2);
    s->p = xmalloc_aligned(2 * queries * s->step, sizeof *s->p);
    s->dp = s->p + queries * s->step;
    size_t along = queries * size_max(s->step, head_dim) / 2, across = s->pairs * s->step;
    s->along = xmalloc_aligned(along + across + 2 * own, sizeof *s->along);
    s->across = s->along + along;
    s->q.by_column = s->across + across;
    s->dout.by_column = s->q.by_column + own;
    return s;
}

void rounded_scratch_free(struct rounded_scratch *s)
{
    if (!s)
        return;
    free(s->p);
    free(s->along);
    free(s);
}

/* c[count, keys] = x rows^T, rows by row. */
static void multiply_rows(real *c, const real *x, const uint32_t *rows,
                          const struct rounded_head *head, size_t count, size_t keys,
                          struct rounded_scratch *s)
{
    const struct bfloat_tiles *tiles = bfloat_tiles();
    size_t pairs = head->head_dim / 2;
    for (size_t i = 0; i < count; i++)
        tiles->pair_along(s->along + i * pairs, x + i * head->step, head->head_dim);
    const struct bfloat_operands o = {s->along, rows, pairs, 1, PANEL * pairs, pairs};
    tiles->multiply(c, s->step, false, &o, count, whole_panels(keys));
}

/* out[count, d] = c rows or added to it, rows by column; c [count, keys]. */
static void multiply_columns(real *out, bool add, const real *c, const uint32_t *rows,
                             const struct rounded_head *head, size_t count, size_t keys,
                             struct rounded_scratch *s)
{
    const struct bfloat_tiles *tiles = bfloat_tiles();
    for (size_t i = 0; i < count; i++)
        tiles->pair_along(s->along + i * s->step / 2, c + i * s->step, keys);
    const struct bfloat_operands o = {s->along, rows, s->step / 2, 1, column_panel(head->seen),
                                      size_div_up(keys, 2)};
    tiles->multiply(out, head->step, add, &o, count, head->head_dim);
}

/* sums[keys, d] += c^T rows, rows [count, d] by column. */
static void add_transposed(real *sums, const real *c, const uint32_t *rows, size_t d, size_t count,
                           size_t keys, struct rounded_scratch *s)
{
    const struct bfloat_tiles *tiles = bfloat_tiles();
    for (size_t i = 0; i < count; i += 2)
        tiles->pair_across(s->across + i / 2 * s->step, c + i * s->step,
                           i + 1 < count ? c + (i + 1) * s->step : NULL, keys);
    const struct bfloat_operands o = {s->across, rows, 1, s->step, column_panel(count),
                                      size_div_up(count, 2)};
    tiles->multiply(sums, d, true, &o, keys, d);
}

static void probabilities(const real *q, const struct rounded_head *head, size_t count,
                          size_t keys, struct rounded_scratch *s)
{
    multiply_rows(s->p, q, head->k.by_row, head, count, keys, s);
    attention_weigh(s->p, s->step, head->scale, count, keys);
}

void attention_rounded_forward(real *out, const real *q, const struct rounded_head *head,
                               size_t count, size_t keys, struct rounded_scratch *s)
{
    probabilities(q, head, count, keys, s);
    multiply_columns(out, false, s->p, head->v.by_column, head, count, keys, s);
}

void attention_rounded_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                                const struct rounded_head *head, size_t count, size_t keys,
                                struct rounded_scratch *s)
{
    size_t d = head->head_dim;
    attention_round_rows(&s->q, q, head->step, count, d);
    attention_round_rows(&s->dout, dout, head->step, count, d);
    probabilities(q, head, count, keys, s);
    multiply_rows(s->dp, dout, head->v.by_row, head, count, keys, s);
    add_transposed(dv, s->p, s->dout.by_column, d, count, keys, s);
    attention_scores_backward(s->dp, s->p, s->step, head->scale, count, keys);
    multiply_columns(dq, true, s->dp, head->k.by_column, head, count, keys, s);
    add_transposed(dk, s->dp, s->q.by_column, d, count, keys, s);
}
