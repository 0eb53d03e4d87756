/* Times the frozen model alone: bench_model MODEL [THREADS [REPEAT [PRECISION...]]]
 * Prefill of 512 random ids with all hidden states, then 128 tokens of decoding; medians and
 * least times in ms (of a token, when decoding). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/team.h"
#include "engine/model/llama.h"

enum { CONTEXT = 512, PREDICT = 128, REPEAT_MAX = 99 };

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool once(struct model *m, const int32_t *ids, real *hidden, real *logits, double *prefill,
                 double *decode, struct err *err)
{
    struct kv_cache cache;
    if (!kv_cache_init(&cache, m, CONTEXT + PREDICT, err))
        return false;
    struct llama_input input = {.n = CONTEXT, .ids = ids};
    struct llama_output output = {.hidden = hidden};
    double start = clock_ms();
    bool ok = llama_forward(m, &cache, LLAMA_ALL, &input, &output, NULL, err);
    *prefill = clock_ms() - start;
    output = (struct llama_output){.logits = logits};
    start = clock_ms();
    for (size_t i = 0; ok && i < PREDICT; i++) {
        input = (struct llama_input){.n = 1, .ids = ids + CONTEXT + i};
        ok = llama_forward(m, &cache, LLAMA_ALL, &input, &output, NULL, err);
    }
    *decode = (clock_ms() - start) / PREDICT;
    kv_cache_free(&cache);
    return ok;
}

static bool time_precision(struct model *m, enum precision precision, size_t repeat,
                           const int32_t *ids, struct err *err)
{
    const struct llama_config *c = &m->config;
    double prefill[REPEAT_MAX], decode[REPEAT_MAX];
    real *hidden = xcalloc((c->layers + 1) * CONTEXT * c->hidden, sizeof *hidden);
    real *logits = xcalloc(c->vocab, sizeof *logits);
    bool ok = model_set_precision(m, precision, err) &&
              once(m, ids, hidden, logits, prefill, decode, err); /* prepares the weights */
    for (size_t i = 0; ok && i < repeat; i++)
        ok = once(m, ids, hidden, logits, prefill + i, decode + i, err);
    free(hidden);
    free(logits);
    if (!ok)
        return false;
    qsort(prefill, repeat, sizeof *prefill, order);
    qsort(decode, repeat, sizeof *decode, order);
    printf("%-6s prefill %7.1f %7.1f   decode %6.2f %6.2f\n", precision_name(precision),
           prefill[repeat / 2], prefill[0], decode[repeat / 2], decode[0]);
    return true;
}

static bool wanted(enum precision precision, char *const *names)
{
    for (char *const *name = names; *name; name++)
        if (strcmp(*name, precision_name(precision)) == 0)
            return true;
    return !*names;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    size_t threads = argc > 2 ? (size_t)atoi(argv[2]) : team_threads();
    size_t repeat = argc > 3 ? (size_t)atoi(argv[3]) % REPEAT_MAX : 3;
    team_set_threads(threads);
    struct err err;
    struct model *m = model_open(argv[1], NULL, 0, &err);
    bool ok = m != NULL;
    int32_t ids[CONTEXT + PREDICT];
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; ok && i < CONTEXT + PREDICT; i++)
        ids[i] = (int32_t)rng_below(&rng, m->config.vocab);
    for (enum precision p = 0; ok && p < PRECISION_COUNT; p++)
        if (wanted(p, argc > 4 ? argv + 4 : argv + argc))
            ok = time_precision(m, p, repeat, ids, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    model_close(m);
    return !ok;
}
