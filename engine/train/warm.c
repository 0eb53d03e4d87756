#include "engine/train/warm.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/model/llama.h"

/* Tokens for moments of embeddings alone, and for a regression on hidden states
 * (some 14 for each channel of the default model). */
enum { EMBEDDING_TOKENS = 50000, STATE_TOKENS = 8192 };

/* The first tokens of each text, the same number of each; at most n. */
static size_t running_text(const struct stream *s, int32_t *ids, size_t n)
{
    size_t have = 0;
    for (size_t d = 0; d < s->n_datasets; d++) {
        const struct dataset *set = s->datasets[d];
        size_t take = size_min(n / s->n_datasets, set->n_tokens);
        memcpy(ids + have, set->tokens, take * sizeof *ids);
        have += take;
    }
    return have;
}

/* mixture [n, H]: hidden states of every segment of the text, weighted by layer. */
static bool mix_states(struct model *model, const int32_t *ids, size_t n, size_t segment,
                       const double *weights, real *mixture, struct err *err)
{
    size_t H = model->config.hidden, M = model->config.layers + 1;
    real *hidden = mem_try(M * segment * H, sizeof *hidden, "warm start", err);
    bool ok = hidden;
    for (size_t at = 0; ok && at < n; at += segment) {
        size_t count = size_min(segment, n - at);
        struct llama_input input = {.n = count, .ids = ids + at};
        struct llama_output output = {.hidden = hidden};
        ok = llama_forward(model, NULL, LLAMA_ALL, &input, &output, NULL, err);
        for (size_t l = 0; ok && l < M; l++)
            for (size_t i = 0; i < count * H; i++)
                mixture[at * H + i] += (real)weights[l] * hidden[l * count * H + i];
    }
    free(hidden);
    return ok;
}

static bool fit(struct compressor *c, struct model *model, const int32_t *ids, size_t n,
                const struct train_config *config, struct rng *rng, struct err *err)
{
    struct block_shape shapes[STREAM_SHAPES_MAX];
    size_t H = c->shape.H, M = c->shape.M;
    real *embeddings = mem_try(n * H, sizeof *embeddings, "warm start", err);
    real *mixture = embeddings ? mem_try(n * H, sizeof *mixture, "warm start", err) : NULL;
    double *weights = xcalloc(M, sizeof *weights);
    bool ok = mixture && llama_embed(model, ids, n, embeddings, err);
    compressor_warm_weights(config->warm_spread, M, weights);
    train_config_shapes(config->blocks, shapes);
    if (ok && config->warm_spread > 0)
        ok = mix_states(model, ids, n, shapes[0].context, weights, mixture, err);
    struct warm_start start = {.embeddings = embeddings, .mixture = mixture, .n = n,
                               .gate = config->warm_gate, .spread = config->warm_spread};
    if (ok)
        compressor_init_warm(c, &start, rng);
    free(embeddings);
    free(mixture);
    free(weights);
    return ok;
}

bool warm_start(struct compressor *c, struct model *model, const struct stream *stream,
                const struct train_config *config, struct rng *rng, struct err *err)
{
    size_t n = config->warm_spread > 0 ? STATE_TOKENS : EMBEDDING_TOKENS;
    int32_t *ids = xcalloc(n, sizeof *ids);
    n = running_text(stream, ids, n);
    bool ok = n ? fit(c, model, ids, n, config, rng, err)
                : err_set(err, ERR_USAGE, "init warm needs text in the data, found none");
    free(ids);
    return ok;
}
