#include "engine/ops/cross_entropy.h"

#include "engine/base/err.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
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

enum { PART_ELEMENTS = 1 << 14 };

struct rows {
    real *out, *logits;
    const real *reference;
    const int32_t *labels;
    real scale;
    size_t V;
};

static void forward_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first; i < last; i++) {
        CHECK(r->labels[i] >= 0 && (size_t)r->labels[i] < r->V);
        r->out[i] = row_forward(r->logits + i * r->V, (size_t)r->labels[i], r->V);
    }
}

void cross_entropy_forward(real *nll, real *logits, const int32_t *labels, size_t n, size_t V)
{
    const struct rows rows = {.out = nll, .logits = logits, .labels = labels, .V = V};
    team_run(forward_rows, &rows, n, team_grain(V, PART_ELEMENTS));
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

static void teach_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first; i < last; i++)
        r->out[i] = row_teach(r->logits + i * r->V, r->reference + i * r->V, r->V);
}

void cross_entropy_teach(real *kl, real *teacher, const real *logits, size_t n, size_t V)
{
    const struct rows rows = {.out = kl, .logits = teacher, .reference = logits, .V = V};
    team_run(teach_rows, &rows, n, team_grain(V, PART_ELEMENTS));
}

static void backward_rows(const void *loop, size_t first, size_t last)
{
    const struct rows *r = loop;
    for (size_t i = first; i < last; i++) {
        real *row = r->logits + i * r->V;
        for (size_t j = 0; j < r->V; j++)
            row[j] *= r->scale;
        row[r->labels[i]] -= r->scale;
    }
}

void cross_entropy_backward(real *probabilities, const int32_t *labels, real scale, size_t n,
                            size_t V)
{
    const struct rows rows = {
        .logits = probabilities, .labels = labels, .scale = scale, .V = V};
    team_run(backward_rows, &rows, n, team_grain(V, PART_ELEMENTS));
}
