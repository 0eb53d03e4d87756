/* What an optimizer trains: one block of numbers described by a list of tensors,
 * with gradients and two moments of the same layout. Made from a compressor, or
 * for a soft prompt. */
#ifndef ENGINE_TRAIN_PARAMETERS_H
#define ENGINE_TRAIN_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/compress/compressor.h"

struct parameters {
    real *value; /* borrowed: the compressor's block, or the soft prompt */
    real *gradient, *moment1, *moment2; /* owned */
    size_t count;
    const struct compressor_tensor *tensors; /* borrowed */
    size_t n_tensors;
};

bool parameters_init(struct parameters *p, real *value, size_t count,
                     const struct compressor_tensor *tensors, size_t n_tensors, struct err *err);
void parameters_free(struct parameters *p);

void parameters_zero_gradient(struct parameters *p);

/* Euclidean norm of the whole gradient; NaN or infinite when it is not finite. */
double parameters_gradient_norm(const struct parameters *p);

/* Are all values and moments finite? */
bool parameters_finite(const struct parameters *p);

#endif
