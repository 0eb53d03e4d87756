#include "tests/support/tiny_llama.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"

const struct tiny_llama_options tiny_llama_default = {
    .config = {.architecture = "llama",
               .name = "tiny",
               .hidden = 24,
               .layers = 3,
               .heads = 4,
               .kv_heads = 2,
               .head_dim = 10,
               .ffn = 32,
               .vocab = 50,
               .positions = 512,
               .rms_eps = 1e-5,
               .rope_theta = 10000},
    .biases = true,
};

/* Matrices are carved out of one block, scaled so that activations keep their size. */
struct maker {
    struct rng rng;
    float *next;
    bool biases;
};

static struct weight make_weight(struct maker *maker, size_t rows, size_t cols)
{
    struct weight w = {.rows = rows, .cols = cols};
#ifndef REAL_DOUBLE
    w.dense = maker->next;
#endif
    w.stored = (struct tensor){.name = "tiny",
                               .type = TENSOR_F32,
                               .n_dims = 2,
                               .dims = {rows, cols},
                               .data = maker->next,
                               .bytes = rows * cols * sizeof(float)};
    for (size_t i = 0; i < rows * cols; i++)
        maker->next[i] = (float)(rng_normal(&maker->rng) / sqrt((double)cols));
    maker->next += rows * cols;
    return w;
}

static real *make_vector(struct maker *maker, size_t n, double centre, double spread)
{
    real *v = xcalloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)(float)(centre + spread * rng_normal(&maker->rng));
    return v;
}

static real *make_bias(struct maker *maker, size_t n)
{
    return maker->biases ? make_vector(maker, n, 0, 0.1) : NULL;
}

static void make_layer(struct maker *maker, const struct llama_config *c, struct llama_layer *layer)
{
    size_t Q = c->heads * c->head_dim, K = c->kv_heads * c->head_dim;
    layer->attention_norm = make_vector(maker, c->hidden, 1, 0.2);
    layer->ffn_norm = make_vector(maker, c->hidden, 1, 0.2);
    layer->q = make_weight(maker, Q, c->hidden);
    layer->k = make_weight(maker, K, c->hidden);
    layer->v = make_weight(maker, K, c->hidden);
    layer->o = make_weight(maker, c->hidden, Q);
    layer->gate = make_weight(maker, c->ffn, c->hidden);
    layer->up = make_weight(maker, c->ffn, c->hidden);
    layer->down = make_weight(maker, c->hidden, c->ffn);
    layer->q_bias = make_bias(maker, Q);
    layer->k_bias = make_bias(maker, K);
    layer->v_bias = make_bias(maker, K);
    layer->o_bias = make_bias(maker, c->hidden);
    layer->gate_bias = make_bias(maker, c->ffn);
    layer->up_bias = make_bias(maker, c->ffn);
    layer->down_bias = make_bias(maker, c->hidden);
}

void tiny_llama_init(struct tiny_llama *tiny, const struct tiny_llama_options *options,
                     unsigned seed)
{
    const struct llama_config *c = &options->config;
    size_t Q = c->heads * c->head_dim, K = c->kv_heads * c->head_dim;
    size_t layer = c->hidden * (2 * Q + 2 * K + 3 * c->ffn);
    *tiny = (struct tiny_llama){.model = {.config = *c}};
    tiny->block = xcalloc(c->layers * layer + 2 * c->vocab * c->hidden, sizeof *tiny->block);
    struct maker maker = {.next = tiny->block, .biases = options->biases};
    rng_seed(&maker.rng, seed);
    struct llama_weights *w = &tiny->model.weights;
    w->embedding = make_weight(&maker, c->vocab, c->hidden);
    w->output = w->embedding;
    if (!c->tied_embeddings)
        w->output = make_weight(&maker, c->vocab, c->hidden);
    w->output_norm = make_vector(&maker, c->hidden, 1, 0.2);
    w->layers = xcalloc(c->layers, sizeof *w->layers);
    for (size_t l = 0; l < c->layers; l++)
        make_layer(&maker, c, &w->layers[l]);
}

void tiny_llama_free(struct tiny_llama *tiny)
{
    llama_weights_free(&tiny->model.weights, &tiny->model.config);
    free(tiny->block);
}
