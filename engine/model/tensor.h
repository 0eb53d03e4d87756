/* A named tensor inside a mapped file, whatever the file format. */
#ifndef ENGINE_MODEL_TENSOR_H
#define ENGINE_MODEL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/ops/real.h"

/* name in messages, values a block, bytes a block. The order is ours; gguf.c
 * and safetensors.c map their own codes to it. */
#define TENSOR_TYPES(X)                                                        \
    X(F32, "F32", 1, 4)                                                        \
    X(F16, "F16", 1, 2)                                                        \
    X(BF16, "BF16", 1, 2)                                                      \
    X(F64, "F64", 1, 8)                                                        \
    X(I64, "I64", 1, 8)                                                        \
    X(I32, "I32", 1, 4)                                                        \
    X(I16, "I16", 1, 2)                                                        \
    X(I8, "I8", 1, 1)                                                          \
    X(U8, "U8", 1, 1)                                                          \
    X(Q8_0, "Q8_0", 32, 34)                                                    \
    X(Q4_0, "Q4_0", 32, 18)                                                    \
    X(Q4_1, "Q4_1", 32, 20)                                                    \
    X(Q5_0, "Q5_0", 32, 22)                                                    \
    X(Q5_1, "Q5_1", 32, 24)                                                    \
    X(Q2_K, "Q2_K", 256, 84)                                                   \
    X(Q3_K, "Q3_K", 256, 110)                                                  \
    X(Q4_K, "Q4_K", 256, 144)                                                  \
    X(Q5_K, "Q5_K", 256, 176)                                                  \
    X(Q6_K, "Q6_K", 256, 210)                                                  \
    X(IQ4_NL, "IQ4_NL", 32, 18)

#define TENSOR_ENUM(id, name, values, bytes) TENSOR_##id,
enum tensor_type { TENSOR_TYPES(TENSOR_ENUM) TENSOR_TYPE_COUNT };
#undef TENSOR_ENUM

enum { TENSOR_DIMS_MAX = 4 };

struct tensor {
    const char *name; /* owned by the file's reader */
    enum tensor_type type;
    unsigned n_dims;              /* 0 = one value */
    size_t dims[TENSOR_DIMS_MAX]; /* outermost first (C order) */
    const void *data;             /* borrowed from the mapping */
    size_t bytes;
    bool mapped; /* data is part of a mapped file, and can be read from it again */
};

const char *tensor_type_name(enum tensor_type type);
size_t tensor_type_values(enum tensor_type type); /* values a block */
size_t tensor_type_bytes(enum tensor_type type);  /* bytes a block */

/* Product of the dims; the readers have checked that it does not overflow. */
size_t tensor_count(const struct tensor *tensor);

/* Widens `count` values from `first` on (both multiples of the block size)
 * into out: exact for F16 BF16 I8.., ggml's arithmetic for block types. */
void tensor_widen(const struct tensor *tensor, size_t first, size_t count, real *out);

/* Counts the values that are NaN or infinite. */
size_t tensor_count_nonfinite(const struct tensor *tensor);

/* Gives the memory back that the tensor's pages of a mapped file take; what reads it later
 * gets them again. */
void tensor_forget(const struct tensor *tensor);

#endif
