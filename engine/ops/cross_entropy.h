/* Cross-entropy of rows of logits [n, V] with labels [n]:
 *   nll[i] = log sum_j exp(logits[i][j]) - logits[i][label[i]]. */
#ifndef ENGINE_OPS_CROSS_ENTROPY_H
#define ENGINE_OPS_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* Turns logits into probabilities in place, for the backward pass. A label
 * outside of 0..V-1 is the caller's bug. */
void cross_entropy_forward(real *nll, real *logits, const int32_t *labels, size_t n, size_t V);

/* kl[i] = KL(softmax(teacher[i]) || softmax(logits[i])); turns the teacher's logits
 * into its probabilities in place. logits as they are before cross_entropy_forward. */
void cross_entropy_teach(real *kl, real *teacher, const real *logits, size_t n, size_t V);

/* Turns probabilities into gradients in place: scale * (p - onehot). */
void cross_entropy_backward(real *probabilities, const int32_t *labels, real scale, size_t n,
                            size_t V);

#endif
