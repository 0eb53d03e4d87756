/* Causal attention with grouped heads: head h reads the keys and values of head
 * h / (heads / kv_heads). Rows of q and out are [heads * head_dim], rows of k and v
 * [kv_heads * head_dim]; scores are scaled by 1 / sqrt(head_dim).
 *
 * Works on blocks of queries: the scores of one block and one head are all that
 * is ever in memory. */
#ifndef ENGINE_OPS_ATTENTION_H
#define ENGINE_OPS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/ops/real.h"

struct attention_shape {
    size_t heads, kv_heads, head_dim;
};

/* Keys and values of one sequence, in the order in which queries read them: head by head, the
 * keys of a head in panels of 16 tokens, the values in panels of 16 columns. As reals the panels
 * are those of tile.h, [head_dim][16] and [capacity][16]. Rounded to bfloats (half.h) they are
 * those of bmatmul.h, whose pairs are of columns and of tokens; then queries and probabilities
 * are rounded too, and the store takes half the memory. */
struct attention_store {
    bool rounded;
    void *keys, *values; /* attention_store_bytes each, aligned to 64 bytes, borrowed */
    size_t capacity;     /* tokens, a multiple of ATTENTION_STORE_ROWS */
};
enum { ATTENTION_STORE_ROWS = 16 };

/* Bytes of the keys, and of the values, of so many tokens. */
size_t attention_store_bytes(bool rounded, size_t capacity, const struct attention_shape *shape);

/* Puts k, v [n, kv_heads * head_dim] into the places of tokens first..first + n - 1. */
void attention_store_write(const struct attention_store *store, const real *k, const real *v,
                           size_t first, size_t n, const struct attention_shape *shape);

/* n queries behind `past` earlier tokens: query i sees keys 0..past + i of the store. mean
 * [n, past + n] (NULL: not wanted) has the probabilities, averaged over the heads, added.
 * A query gives the same bits alone as among others. */
void attention_forward(real *out, real *mean, const real *q, const struct attention_store *store,
                       size_t n, size_t past, const struct attention_shape *shape);

/* Sequences behind each other: rows starts[s]..starts[s + 1]-1 of all arrays are one. They
 * see each other only where one goes on from another: sequence s sees all of prefix[s]
 * before itself. A prefix is a sequence of its own (prefix[p] = p), and what continues it
 * follows it at once, one after the other. prefix NULL: none does. */
struct attention_pack {
    size_t sequences;
    const size_t *starts; /* [sequences + 1] */
    const size_t *prefix; /* [sequences], prefix[s] = s: no prefix */
};

/* rounds: products in bfloat16, where the CPU has a kernel for heads of this size. */
void attention_packed_forward(real *out, const real *q, const real *k, const real *v,
                              const struct attention_pack *pack,
                              const struct attention_shape *shape, bool rounds);

/* Adds to dq, dk, dv; the probabilities are computed again. Takes 2 * ATTENTION_PACKED_PARTS
 * + 2 arrays like k of scratch (4 when there are prefixes), whose rows are all that each
 * sequence sees. */
enum { ATTENTION_PACKED_PARTS = 4 };
void attention_packed_backward(real *dq, real *dk, real *dv, const real *dout, const real *q,
                               const real *k, const real *v, const struct attention_pack *pack,
                               const struct attention_shape *shape, bool rounds);

#endif
