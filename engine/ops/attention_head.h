/* One head of one sequence, block of queries by block. Internal to attention*.c. */
#ifndef ENGINE_OPS_ATTENTION_HEAD_H
#define ENGINE_OPS_ATTENTION_HEAD_H

#include <stddef.h>

#include "engine/ops/real.h"

/* Queries of a block. */
enum { ATTENTION_BLOCK = 48 };

/* First rows and row strides. */
struct attention_head {
    const real *q, *k, *v;
    const real *k_panels;   /* the keys packed (tile.h) */
    size_t q_step, kv_step; /* kv_step: of v, and of k where there is one */
    size_t v_panel;         /* from 16 columns of v to the next */
    size_t head_dim;
    real scale;
};

/* Row stride of a block's scores. Whole panels are written; the odd one keeps rows from
 * falling on the same cache sets. */
size_t attention_score_step(size_t keys);

/* Reals that the packed keys of a head take. */
size_t attention_panel_reals(size_t keys, size_t head_dim);

/* Scores of `count` queries, of which the last sees all `keys`, become probabilities. */
void attention_weigh(real *p, size_t step, real scale, size_t count, size_t keys);

/* dp: gradient of the probabilities p, becomes that of the scores before they were scaled. */
void attention_scores_backward(real *dp, const real *p, size_t step, real scale, size_t count,
                               size_t keys);

/* Rows of p: probabilities of queries first..first + count - 1, of which the last sees all
 * `keys`. */
void attention_probabilities(real *p, size_t step, const struct attention_head *head, size_t first,
                             size_t count, size_t keys);

/* out: this head of row `first`, with the stride of q; p [count, step] is scratch. */
void attention_attend(real *out, real *p, size_t step, const struct attention_head *head,
                      size_t first, size_t count, size_t keys);

#endif
