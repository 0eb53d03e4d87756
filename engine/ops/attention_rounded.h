/* One head of a packed sequence with products in bfloat16, block of queries by block; softmax
 * and sums stay in float. Internal to attention_packed.c. */
#ifndef ENGINE_OPS_ATTENTION_ROUNDED_H
#define ENGINE_OPS_ATTENTION_ROUNDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* Is there a kernel for this CPU and heads of this size? */
bool attention_rounds(size_t head_dim);

/* Rows of a head in both layouts of a product (tile_bfloat.h), attention_rounded_words each. */
struct rounded_rows {
    uint32_t *by_row;    /* panels of 16 rows, pairs along a row */
    uint32_t *by_column; /* panels of 16 columns, pairs of rows; or NULL: not wanted */
};
size_t attention_rounded_words(size_t n, size_t head_dim);
void attention_round_rows(const struct rounded_rows *out, const real *x, size_t step, size_t n,
                          size_t head_dim);

/* What all blocks of a head share. Rows of q, out and their gradients are `step` apart. */
struct rounded_head {
    struct rounded_rows k, v; /* of `seen` keys; forwards k.by_row and v.by_column, backwards
                                 both of k and v.by_row */
    size_t seen, step, head_dim;
    real scale;
};

/* Scratch for blocks of so many queries that see so many keys. */
struct rounded_scratch;
struct rounded_scratch *rounded_scratch_new(size_t queries, size_t keys, size_t head_dim);
void rounded_scratch_free(struct rounded_scratch *s);

/* q, out: `count` rows, of which the last sees `keys` keys. */
void attention_rounded_forward(real *out, const real *q, const struct rounded_head *head,
                               size_t count, size_t keys, struct rounded_scratch *s);

/* Adds to dq, and to dk, dv [seen, head_dim]. */
void attention_rounded_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                                const struct rounded_head *head, size_t count, size_t keys,
                                struct rounded_scratch *s);

#endif
