#include "engine/ops/cross_entropy.h"

#include "engine/base/err.h"
#include "engine/ops/reduce.h"

/* In double: a loss of 1e-4 is the difference of two numbers near 20. */
static real row_forward(real *logits, size_t label, size_t V)
{
    real most = reduce_max(logits, V), chosen = logits[label];
    double sum = reduce_exp(logits, logits, 1, most, V);
    real inverse = (real)(1 / sum);
    for (size_t j = 0; j < V; j++)
        logits[j] *= inverse;
    return (real)(log(sum) + ((double)most - (double)chosen));
}

void cross_entropy_forward(real *nll, real *logits, const int32_t *labels, size_t n, size_t V)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        CHECK(labels[i] >= 0 && (size_t)labels[i] < V);
        nll[i] = row_forward(logits + i * V, (size_t)labels[i], V);
    }
}

void cross_entropy_backward(real *probabilities, const int32_t *labels, real scale, size_t n,
                            size_t V)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        real *row = probabilities + i * V;
        for (size_t j = 0; j < V; j++)
            row[j] *= scale;
        row[labels[i]] -= scale;
    }
}
