/* Rotary positions. Pair i of a head's vector is turned by the angle
 * position * frequency[i]; a pair is (i, i + head_dim / 2) in the halves layout of
 * Hugging Face files, (2i, 2i + 1) in GGUF files. pairs = head_dim / 2. */
#ifndef ENGINE_OPS_ROPE_H
#define ENGINE_OPS_ROPE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

/* frequency[i] = theta^(-i / pairs) */
void rope_frequencies(double *frequency, double theta, size_t pairs);

/* Longer contexts: all frequencies divided by factor; */
void rope_scale_linear(double *frequency, double factor, size_t pairs);

/* or only those whose wave is longer than original / low positions, with a ramp
 * down to original / high (Llama 3); */
void rope_scale_llama3(double *frequency, double factor, double low, double high, double original,
                       size_t pairs);

/* or each by a number of its own (rope_freqs.weight). */
void rope_divide(double *frequency, const real *divisors, size_t pairs);

/* cosine, sine [n, pairs] of the angles. */
void rope_table(real *cosine, real *sine, const double *frequency, const int32_t *positions,
                size_t n, size_t pairs);

enum rope_layout { ROPE_HALVES, ROPE_NEIGHBOURS };

/* Turns x [n, heads, 2 * pairs] in place; backward turns a gradient back. */
void rope_forward(real *x, const real *cosine, const real *sine, enum rope_layout layout, size_t n,
                  size_t heads, size_t pairs);
void rope_backward(real *dx, const real *cosine, const real *sine, enum rope_layout layout,
                   size_t n, size_t heads, size_t pairs);

#endif
