/* Stored matrices in the layout that engine/ops/qmatmul.h multiplies with: formats of
 * four bits as they are, all others with eight bits a value. */
#ifndef ENGINE_MODEL_QUANT_PACK_H
#define ENGINE_MODEL_QUANT_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/model/tensor.h"
#include "engine/ops/qmatmul.h"

/* Q4_0, Q4_1 and Q4_K keep their values (scales of Q4_K are rounded to half floats, 2^-11
 * of each), Q8_0 as well; the others are rounded to 1/127 of the largest of 32 values. */
enum qmatrix_kind quant_pack_kind(enum tensor_type type);

/* Are they among those that keep their values? */
bool quant_pack_keeps(enum tensor_type type);

/* Fills `w` [rows, cols] from the tensor, rows in parallel. False where a scale is too
 * large for a half float: `w` must not be used then. */
bool quant_pack(const struct qmatrix *w, const struct tensor *tensor);

/* The same with the transpose of the tensor, all values rounded: w [cols, rows] is QMATRIX_8,
 * and 32 rows share a scale in each column. */
bool quant_pack_transposed(const struct qmatrix *w, const struct tensor *tensor);

#endif
