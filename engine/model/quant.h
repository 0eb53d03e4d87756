/* The block formats of GGUF: groups of 32 or 256 values that share scales. Each
 * formula is evaluated in float in a fixed order, so that the values equal
 * ggml's C code bit for bit, also where `real` is double.
 *
 *   Q8_0           d q                     q in -128..127
 *   Q4_0 Q5_0      d (q - 2^(bits-1))      q unsigned
 *   Q4_1 Q5_1      d q + m
 *   Q2_K Q4_K Q5_K (d s) q - (dmin t)      s, t: 4 or 6 bits for 16 or 32 values
 *   Q3_K Q6_K      (d s) q                 s: signed, for 16 values; q signed
 *   IQ4_NL         d table[q]              16 levels, denser around zero
 *
 * d, m and dmin are half floats, one for the whole block. */
#ifndef ENGINE_MODEL_QUANT_H
#define ENGINE_MODEL_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model/tensor.h"
#include "engine/ops/real.h"

/* Widens one block of tensor_type_values(type) values. */
typedef void quant_widen_fn(const uint8_t *block, real *out);

/* The function for a block type; NULL for the plain types. */
quant_widen_fn *quant_widener(enum tensor_type type);

/* Scale s and offset t (6 bits each) of group i (0..7) in the 12 bytes of Q4_K and Q5_K. */
void quant_q4_k_scale(const uint8_t *p, int i, int *s, int *t);

#endif
