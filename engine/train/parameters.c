#include "engine/train/parameters.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/ops/reduce.h"

#define LESS "a smaller model has a smaller compressor"

bool parameters_init(struct parameters *p, real *value, size_t count,
                     const struct compressor_tensor *tensors, size_t n_tensors, struct err *err)
{
    *p = (struct parameters){
        .value = value, .count = count, .tensors = tensors, .n_tensors = n_tensors};
    p->gradient = mem_try(count, sizeof(real), "gradients|" LESS, err);
    p->moment1 = p->gradient ? mem_try(count, sizeof(real), "first moments|" LESS, err) : NULL;
    p->moment2 = p->moment1 ? mem_try(count, sizeof(real), "second moments|" LESS, err) : NULL;
    if (p->moment2)
        return true;
    parameters_free(p);
    return false;
}

void parameters_free(struct parameters *p)
{
    free(p->gradient);
    free(p->moment1);
    free(p->moment2);
    free(p->average);
    *p = (struct parameters){0};
}

bool parameters_keep_average(struct parameters *p, struct err *err)
{
    p->average = mem_try(p->count, sizeof(real), "mean of the weights|average=0 does without it",
                         err);
    if (p->average)
        memcpy(p->average, p->value, p->count * sizeof *p->value);
    return p->average;
}

void parameters_average(struct parameters *p, double keep)
{
    for (size_t i = 0; p->average && i < p->count; i++)
        p->average[i] += (real)(1 - keep) * (p->value[i] - p->average[i]);
}

void parameters_swap_average(struct parameters *p)
{
    for (size_t i = 0; p->average && i < p->count; i++) {
        real value = p->value[i];
        p->value[i] = p->average[i];
        p->average[i] = value;
    }
}

real *parameters_result(const struct parameters *p)
{
    return p->average ? p->average : p->value;
}

size_t parameters_saved_bytes(const struct parameters *p)
{
    size_t blocks = p->average ? 4 : 3;
    return blocks * p->count * sizeof(real);
}

size_t parameters_bytes(const struct parameters *p)
{
    return parameters_saved_bytes(p) + p->count * sizeof(real);
}

void parameters_zero_gradient(struct parameters *p)
{
    memset(p->gradient, 0, p->count * sizeof *p->gradient);
}

double parameters_gradient_norm(const struct parameters *p)
{
    return sqrt(reduce_squares(p->gradient, p->count));
}

static bool all_finite(const real *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

bool parameters_finite(const struct parameters *p)
{
    return all_finite(p->value, p->count) && all_finite(p->moment1, p->count) &&
           all_finite(p->moment2, p->count) &&
           (!p->average || all_finite(p->average, p->count));
}
