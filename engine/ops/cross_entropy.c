#include "engine/ops/cross_entropy.h"

#include "engine/base/err.h"
#include "engine/base/size.h"
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

enum { TEACH_BLOCK = 512 };

/* log(q / p) = (t - l) - lse(t) + lse(l), so no logarithm of a probability is taken. */
static real row_teach(real *teacher, const real *logits, size_t V)
{
    real most_t = reduce_max(teacher, V), most_l = reduce_max(logits, V);
    double sum_t = 0, sum_l = 0, sum_difference = 0;
    for (size_t first = 0; first < V; first += TEACH_BLOCK) {
        size_t n = size_min(TEACH_BLOCK, V - first);
        real *t = teacher + first, block[TEACH_BLOCK];
        const real *l = logits + first;
        sum_l += reduce_exp(block, l, 1, most_l, n);
        for (size_t j = 0; j < n; j++)
            block[j] = (t[j] - most_t) - (l[j] - most_l);
        sum_t += reduce_exp(t, t, 1, most_t, n);
        sum_difference += (double)reduce_dot(t, block, n);
    }
    real inverse = (real)(1 / sum_t);
    for (size_t j = 0; j < V; j++)
        teacher[j] *= inverse;
    return (real)(sum_difference / sum_t - log(sum_t) + log(sum_l));
}

void cross_entropy_teach(real *kl, real *teacher, const real *logits, size_t n, size_t V)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        kl[i] = row_teach(teacher + i * V, logits + i * V, V);
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
