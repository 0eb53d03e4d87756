#include "engine/ops/attention_store.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/half.h"
#include "engine/ops/tile.h"

enum {
    PANEL = ATTENTION_STORE_ROWS,
    WRITE_WORK = 1 << 13 /* values that a thread takes at a time */
};
_Static_assert((int)PANEL == (int)TILE_PANEL, "a store holds whole panels");

size_t attention_pair_values(size_t d)
{
    return size_div_up(d, 2) * 2;
}

/* Columns of a head's values, the last panel filled up; the keys have as much room. */
static size_t panel_columns(const struct attention_shape *shape)
{
    return size_div_up(shape->head_dim, PANEL) * PANEL;
}

size_t attention_store_bytes(bool rounded, size_t capacity, const struct attention_shape *shape)
{
    size_t each = rounded ? sizeof(uint16_t) : sizeof(real);
    return shape->kv_heads * capacity * panel_columns(shape) * each;
}

/* Where a head begins in both. */
static size_t head_at(const struct attention_store *store, size_t kv,
                      const struct attention_shape *shape)
{
    return kv * store->capacity * panel_columns(shape);
}

const real *attention_keys(const struct attention_store *store, size_t kv, size_t token,
                           const struct attention_shape *shape)
{
    return (const real *)store->keys + head_at(store, kv, shape) + token * shape->head_dim;
}

const real *attention_values(const struct attention_store *store, size_t kv, size_t column,
                             const struct attention_shape *shape)
{
    return (const real *)store->values + head_at(store, kv, shape) + column * store->capacity;
}

const uint16_t *attention_keys_rounded(const struct attention_store *store, size_t kv,
                                       size_t token, const struct attention_shape *shape)
{
    return (const uint16_t *)store->keys + head_at(store, kv, shape) +
           token * attention_pair_values(shape->head_dim);
}

const uint16_t *attention_values_rounded(const struct attention_store *store, size_t kv,
                                         size_t column, const struct attention_shape *shape)
{
    return (const uint16_t *)store->values + head_at(store, kv, shape) + column * store->capacity;
}

/* ---- writing ------------------------------------------------------------------------ */

struct writing {
    const struct attention_store *store;
    const real *k, *v;
    size_t first, n;
    const struct attention_shape *shape;
};

/* Key and value of one head, [head_dim] each, to the place of a token. */
static void write_head(const struct writing *w, size_t kv, size_t place, const real *k,
                       const real *v)
{
    size_t d = w->shape->head_dim, capacity = w->store->capacity;
    size_t head = head_at(w->store, kv, w->shape);
    real *keys = (real *)w->store->keys + head + place / PANEL * PANEL * d + place % PANEL;
    real *values = (real *)w->store->values + head + place * PANEL;
    for (size_t c = 0; c < d; c++)
        keys[c * PANEL] = k[c];
    for (size_t c = 0; c < d; c += PANEL, values += capacity * PANEL)
        memcpy(values, v + c, size_min(PANEL, d - c) * sizeof *values);
}

/* The same rounded. Where the last token is the first of its pair, the other is 0: it is
 * multiplied with a probability of 0, which a NaN would survive. */
static void write_head_rounded(const struct writing *w, size_t kv, size_t place, const real *k,
                               const real *v)
{
    size_t d = w->shape->head_dim, even = attention_pair_values(d), capacity = w->store->capacity;
    size_t head = head_at(w->store, kv, w->shape);
    bool alone = place + 1 == w->first + w->n && place % 2 == 0;
    uint16_t *keys = (uint16_t *)w->store->keys + head + place / PANEL * PANEL * even +
                     place % PANEL * 2;
    uint16_t *values = (uint16_t *)w->store->values + head + place / 2 * 2 * PANEL + place % 2;
    for (size_t c = 0; c < even; c++)
        keys[c / 2 * 2 * PANEL + c % 2] = c < d ? bfloat_from_float((float)k[c]) : 0;
    for (size_t c = 0; c < d; c += PANEL, values += capacity * PANEL)
        for (size_t r = 0; r < size_min(PANEL, d - c); r++) {
            values[2 * r] = bfloat_from_float((float)v[c + r]);
            if (alone)
                values[2 * r + 1] = 0;
        }
}

static void write_rows(const void *loop, size_t first, size_t last)
{
    const struct writing *w = loop;
    size_t d = w->shape->head_dim, K = w->shape->kv_heads * d;
    for (size_t i = first; i < last; i++)
        for (size_t kv = 0; kv < w->shape->kv_heads; kv++)
            (w->store->rounded ? write_head_rounded : write_head)(
                w, kv, w->first + i, w->k + i * K + kv * d, w->v + i * K + kv * d);
}

void attention_store_write(const struct attention_store *store, const real *k, const real *v,
                           size_t first, size_t n, const struct attention_shape *shape)
{
    CHECK(store->capacity % PANEL == 0 && first + n <= store->capacity);
    const struct writing writing = {store, k, v, first, n, shape};
    team_run(write_rows, &writing, n, team_grain(shape->kv_heads * shape->head_dim, WRITE_WORK));
}
