#include "engine/model/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

struct candidate {
    double weight; /* exp((logit - largest) / temperature) */
    int32_t id;
};

static size_t largest(const real *logits, size_t vocab)
{
    size_t best = 0;
    for (size_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best] || isnan(logits[best]))
            best = i;
    return best;
}

static int by_weight(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* Candidates that can be drawn, the likeliest first when a limit is set. */
static size_t weigh(const struct sampler *sampler, const real *logits, size_t vocab,
                    struct candidate *candidates)
{
    double most = (double)logits[largest(logits, vocab)];
    size_t count = 0;
    for (size_t i = 0; i < vocab; i++) {
        double weight = exp(((double)logits[i] - most) / sampler->temperature);
        if (weight > 0) /* false for NaN too */
            candidates[count++] = (struct candidate){weight, (int32_t)i};
    }
    if (sampler->top_k == 0 && sampler->top_p >= 1)
        return count;
    qsort(candidates, count, sizeof *candidates, by_weight);
    return sampler->top_k ? size_min(count, sampler->top_k) : count;
}

/* How many of the likeliest reach the part top_p of the whole: at least one. */
static size_t nucleus(const struct candidate *candidates, size_t count, double top_p)
{
    double total = 0, reached = 0;
    for (size_t i = 0; i < count; i++)
        total += candidates[i].weight;
    for (size_t i = 0; i < count; i++) {
        reached += candidates[i].weight;
        if (reached >= top_p * total)
            return i + 1;
    }
    return count;
}

static int32_t draw(const struct candidate *candidates, size_t count, struct rng *rng)
{
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += candidates[i].weight;
    double left = rng_uniform(rng) * total;
    for (size_t i = 0; i + 1 < count; i++) {
        left -= candidates[i].weight;
        if (left < 0)
            return candidates[i].id;
    }
    return candidates[count - 1].id;
}

int32_t sampler_pick(struct sampler *sampler, const real *logits, size_t vocab)
{
    if (!(sampler->temperature > 0))
        return (int32_t)largest(logits, vocab);
    struct candidate *candidates = xcalloc(vocab, sizeof *candidates);
    size_t count = weigh(sampler, logits, vocab, candidates);
    if (count && sampler->top_p < 1)
        count = nucleus(candidates, count, sampler->top_p);
    int32_t id = count ? draw(candidates, count, &sampler->rng) : (int32_t)largest(logits, vocab);
    free(candidates);
    return id;
}
