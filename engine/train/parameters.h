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
    real *average; /* running mean of the values, owned; NULL unless one is kept */
    size_t count;
    const struct compressor_tensor *tensors; /* borrowed */
    size_t n_tensors;
};

bool parameters_init(struct parameters *p, real *value, size_t count,
                     const struct compressor_tensor *tensors, size_t n_tensors, struct err *err);
void parameters_free(struct parameters *p);

/* Keeps a running mean of the values from now on, which begins with what they are. */
bool parameters_keep_average(struct parameters *p, struct err *err);

/* One step of the mean, if one is kept: average = keep average + (1 - keep) value. */
void parameters_average(struct parameters *p, double keep);

/* Exchanges the values and their mean, if one is kept; a second call undoes it. */
void parameters_swap_average(struct parameters *p);

/* What a run gives away: the mean, if one is kept, else the values. Borrowed. */
real *parameters_result(const struct parameters *p);

/* Bytes of everything, and of what a checkpoint holds (all but the gradients). */
size_t parameters_bytes(const struct parameters *p);
size_t parameters_saved_bytes(const struct parameters *p);

void parameters_zero_gradient(struct parameters *p);

/* Euclidean norm of the whole gradient; NaN or infinite when it is not finite. */
double parameters_gradient_norm(const struct parameters *p);

/* Are all values, moments and means finite? */
bool parameters_finite(const struct parameters *p);

#endif
