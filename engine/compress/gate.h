/* Depth-wise transmission (METHOD section 1): which layer each token is taken
 * from, in factored form. With p = softmax(query_fusion):
 *
 *     g[t]       = sum_l p[l] h[l][t]                         [H]  pooled
 *     q[t]       = Wq g[t] + bq                               [D]  query
 *     s[t][l]    = (Wk^T q[t]) . h[l][t] + q[t] . (bk + e[l])
 *     alpha[t]   = softmax_l(s[t] / (sqrt(D) tau))            [M]
 *     mixed[t]   = sum_l alpha[t][l] h[l][t]                  [H]
 *     anchor[t]  = Wv mixed[t] + bv                           [H]
 *
 * The hidden states are by far the largest thing here and are read in blocks of
 * tokens that stay in the cache between the first read (pooled) and the second
 * (scores, mixed). The gradient of bk is zero: a softmax ignores a constant. */
#ifndef ENGINE_COMPRESS_GATE_H
#define ENGINE_COMPRESS_GATE_H

#include "engine/compress/compressor.h"

struct gate_saved {
    real *pooled; /* [T, H] */
    real *query;  /* [T, D] */
    real *alpha;  /* [T, M] */
    real *mixed;  /* [T, H] */
};

/* The arrays of saved are the caller's. With ABLATE_DEPTH the gate is shut: alpha
 * is 1 at the last hidden state; pooled and query are not touched. */
void gate_forward_saved(const struct compressor *c, const struct compress_settings *s,
                        const real *hidden, size_t stride, size_t T,
                        const struct gate_saved *saved, real *anchors, struct arena *scratch);

void gate_backward(const struct compressor *c, const struct compress_settings *s,
                   const real *hidden, size_t stride, size_t T, const struct gate_saved *saved,
                   const real *danchors, const struct compressor_params *grads,
                   struct arena *scratch);

#endif
