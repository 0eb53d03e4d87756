#include "engine/model/weights.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/model/weights_room.h"

enum { NAME_MAX_BYTES = 160, LAYERS_LIMIT = 512 };

/* The widths that the shapes of a Llama model are made of. */
enum width { HIDDEN, QUERIES, KEYS, FEED_FORWARD };

static size_t width_of(const struct llama_config *c, enum width width)
{
    switch (width) {
    case QUERIES:
        return c->heads * c->head_dim;
    case KEYS:
        return c->kv_heads * c->head_dim;
    case FEED_FORWARD:
        return c->ffn;
    default:
        return c->hidden;
    }
}

/* What a layer consists of: the members of struct llama_layer, the names of the tensors
 * (behind "blk.7." and "model.layers.7.", in front of ".weight"), the shapes. */
static const struct matrix {
    size_t weight, bias;
    const char *gguf, *hf;
    enum width rows, cols;
} matrices[] = {
/* clang-format off */
#define AT(member) offsetof(struct llama_layer, member)
#define MATRIX(member, gguf, hf, rows, cols) {AT(member), AT(member##_bias), gguf, hf, rows, cols}
    /* clang-format on */
    MATRIX(q, "attn_q", "self_attn.q_proj", QUERIES, HIDDEN),
    MATRIX(k, "attn_k", "self_attn.k_proj", KEYS, HIDDEN),
    MATRIX(v, "attn_v", "self_attn.v_proj", KEYS, HIDDEN),
    MATRIX(o, "attn_output", "self_attn.o_proj", HIDDEN, QUERIES),
    MATRIX(gate, "ffn_gate", "mlp.gate_proj", FEED_FORWARD, HIDDEN),
    MATRIX(up, "ffn_up", "mlp.up_proj", FEED_FORWARD, HIDDEN),
    MATRIX(down, "ffn_down", "mlp.down_proj", HIDDEN, FEED_FORWARD),
#undef MATRIX
#undef AT
};
static const struct norm {
    size_t member;
    const char *gguf, *hf;
} norms[] = {
    {offsetof(struct llama_layer, attention_norm), "attn_norm", "input_layernorm"},
    {offsetof(struct llama_layer, ffn_norm), "ffn_norm", "post_attention_layernorm"},
};
enum {
    N_MATRICES = sizeof matrices / sizeof *matrices,
    N_NORMS = sizeof norms / sizeof *norms,
    N_REQUIRED_BIASES = 3, /* q, k and v, where the configuration says so */
};

static struct weight *weight_of(struct llama_layer *layer, const struct matrix *m)
{
    return (struct weight *)((char *)layer + m->weight);
}

static real **vector_of(struct llama_layer *layer, size_t member)
{
    return (real **)((char *)layer + member);
}

/* ---- loading -------------------------------------------------------------- */

struct loader {
    const struct tensor_source *source;
    const struct llama_config *config;
    bool gguf;          /* names and order of dimensions in messages */
    const char *prefix; /* of Hugging Face names */
    size_t missing;
    char first_missing[NAME_MAX_BYTES];
    struct err *err;
};

static void missing(struct loader *l, const char *name)
{
    if (l->missing++ == 0)
        snprintf(l->first_missing, sizeof l->first_missing, "%s", name);
}

/* "[577,49152]", innermost first in GGUF as its tools print it. */
static void shape_text(const struct loader *l, const size_t *dims, unsigned n, char *out,
                       size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (unsigned i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%zu", i ? "," : "",
                                 dims[l->gguf ? n - 1 - i : i]);
    snprintf(out + used, size - used, "]");
}

static bool check_tensor(const struct loader *l, const struct tensor *t,
                         const size_t *dims, unsigned n)
{
    if (t->n_dims != n || memcmp(t->dims, dims, n * sizeof *dims) != 0) {
        char got[112], want[112];
        shape_text(l, t->dims, t->n_dims, got, sizeof got);
        shape_text(l, dims, n, want, sizeof want);
        return err_set(l->err, ERR_INPUT, "%s: %s is %s, expected %s", l->source->path,
                       t->name, got, want);
    }
    bool plain = t->type == TENSOR_F32 || t->type == TENSOR_F16 ||
                 t->type == TENSOR_BF16 || t->type == TENSOR_F64;
    return plain || tensor_type_values(t->type) > 1 ||
           err_set(l->err, ERR_INPUT,
                   "%s: tensor %s has type %s, expected a type of weights",
                   l->source->path, t->name, tensor_type_name(t->type));
}

/* Is the stored matrix one of aligned reals already? */
static bool is_real(const struct tensor *t)
{
    return t->type == (sizeof(real) == sizeof(double) ? TENSOR_F64 : TENSOR_F32) &&
           (uintptr_t)t->data % sizeof(real) == 0;
}

static bool load_matrix(struct loader *l, struct weight *w, const char *name, size_t rows,
                        size_t cols)
{
    const struct tensor *t = l->source->find(l->source->file, name);
    const size_t dims[2] = {rows, cols};
    if (!t) {
        missing(l, name);
        return true;
    }
    *w = (struct weight){.stored = *t, .rows = rows, .cols = cols};
    if (is_real(t))
        w->dense = t->data;
    return check_tensor(l, t, dims, 2);
}

static bool load_vector(struct loader *l, real **out, const char *name, size_t n,
                        bool required)
{
    const struct tensor *t = l->source->find(l->source->file, name);
    if (!t && required)
        missing(l, name);
    if (!t)
        return true;
    if (!check_tensor(l, t, &n, 1))
        return false;
    size_t bad = tensor_count_nonfinite(t);
    if (bad > 0)
        return err_set(l->err, ERR_INPUT, "%s: tensor %s holds %zu non-finite value%s",
                       l->source->path, name, bad, text_plural(bad));
    *out = xcalloc(n, sizeof **out);
    tensor_widen(t, 0, n, *out);
    return true;
}

/* part: "weight" or "bias". */
static const char *layer_name(const struct loader *l, size_t layer, const char *gguf,
                              const char *hf, const char *part, char name[NAME_MAX_BYTES])
{
    if (l->gguf)
        snprintf(name, NAME_MAX_BYTES, "blk.%zu.%s.%s", layer, gguf, part);
    else
        snprintf(name, NAME_MAX_BYTES, "%smodel.layers.%zu.%s.%s", l->prefix, layer, hf,
                 part);
    return name;
}

static bool load_layer(struct loader *l, struct llama_layer *layer, size_t number)
{
    const struct llama_config *c = l->config;
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < N_NORMS; i++) {
        layer_name(l, number, norms[i].gguf, norms[i].hf, "weight", name);
        if (!load_vector(l, vector_of(layer, norms[i].member), name, c->hidden, true))
            return false;
    }
    for (size_t i = 0; i < N_MATRICES; i++) {
        const struct matrix *m = &matrices[i];
        size_t rows = width_of(c, m->rows), cols = width_of(c, m->cols);
        layer_name(l, number, m->gguf, m->hf, "weight", name);
        if (!load_matrix(l, weight_of(layer, m), name, rows, cols))
            return false;
        bool required = c->qkv_bias && i < N_REQUIRED_BIASES;
        layer_name(l, number, m->gguf, m->hf, "bias", name);
        if (!load_vector(l, vector_of(layer, m->bias), name, rows, required))
            return false;
    }
    return true;
}

/* The names outside of the layers. */
struct outer_names {
    char embedding[NAME_MAX_BYTES], norm[NAME_MAX_BYTES], output[NAME_MAX_BYTES];
};

static struct outer_names outer_names(const struct loader *l)
{
    struct outer_names names = {"token_embd.weight", "output_norm.weight",
                                "output.weight"};
    if (!l->gguf) {
        snprintf(names.embedding, NAME_MAX_BYTES, "%smodel.embed_tokens.weight",
                 l->prefix);
        snprintf(names.norm, NAME_MAX_BYTES, "%smodel.norm.weight", l->prefix);
        snprintf(names.output, NAME_MAX_BYTES, "%slm_head.weight", l->prefix);
    }
    return names;
}

static bool load_all(struct loader *l, struct llama_weights *w)
{
    const struct llama_config *c = l->config;
    const struct outer_names names = outer_names(l);
    if (!load_matrix(l, &w->embedding, names.embedding, c->vocab, c->hidden) ||
        !load_vector(l, &w->output_norm, names.norm, c->hidden, true))
        return false;
    if (l->gguf &&
        !load_vector(l, &w->rope_divisors, "rope_freqs.weight", c->head_dim / 2, false))
        return false;
    w->layers = xcalloc(c->layers, sizeof *w->layers);
    for (size_t i = 0; i < c->layers; i++)
        if (!load_layer(l, &w->layers[i], i))
            return false;
    if (c->tied_embeddings)
        w->output = w->embedding;
    else if (!load_matrix(l, &w->output, names.output, c->vocab, c->hidden))
        return false;
    return true;
}

struct weight *weights_matrix_at(struct llama_weights *w, const struct llama_config *c, size_t i)
{
    if (i < c->layers * N_MATRICES)
        return weight_of(&w->layers[i / N_MATRICES], &matrices[i % N_MATRICES]);
    return i == c->layers * N_MATRICES ? &w->output : NULL;
}

static bool load(struct loader *l, struct llama_weights *weights, size_t memory)
{
    *weights = (struct llama_weights){0};
    bool ok = load_all(l, weights);
    if (ok && l->missing > 1)
        ok = err_set(l->err, ERR_INPUT, "%s: missing %s (and %zu more)", l->source->path,
                     l->first_missing, l->missing - 1);
    else if (ok && l->missing == 1)
        ok = err_set(l->err, ERR_INPUT, "%s: missing %s", l->source->path,
                     l->first_missing);
    if (ok)
        weights_reserve_copies(weights, l->config, memory);
    else
        llama_weights_free(weights, l->config);
    return ok;
}

bool llama_weights_from_gguf(struct llama_weights *weights,
                             const struct llama_config *config,
                             const struct tensor_source *source, size_t memory,
                             struct err *err)
{
    struct loader l = {source, config, true, "", 0, "", err};
    return load(&l, weights, memory);
}

/* Adapts the configuration of a published checkpoint to the tensors that are there. */
static void adapt_config(const struct loader *l, struct llama_config *config)
{
    char name[NAME_MAX_BYTES];
    const struct tensor_source *s = l->source;
    snprintf(name, sizeof name, "%slm_head.weight", l->prefix);
    config->tied_embeddings = config->tied_embeddings || !s->find(s->file, name);
    while (config->layers < LAYERS_LIMIT &&
           s->find(s->file, layer_name(l, config->layers, norms[0].gguf, norms[0].hf,
                                       "weight", name)))
        config->layers++;
}

bool llama_weights_from_hf(struct llama_weights *weights, struct llama_config *config,
                           const struct tensor_source *source, const char *prefix,
                           size_t memory, struct err *err)
{
    struct loader l = {source, config, false, prefix, 0, "", err};
    if (*prefix)
        adapt_config(&l, config);
    return load(&l, weights, memory);
}

void llama_weights_free(struct llama_weights *weights, const struct llama_config *config)
{
    for (size_t i = 0; weights->layers && i < config->layers; i++) {
        struct llama_layer *layer = &weights->layers[i];
        for (size_t j = 0; j < N_NORMS; j++)
            free(*vector_of(layer, norms[j].member));
        for (size_t j = 0; j < N_MATRICES; j++)
            free(*vector_of(layer, matrices[j].bias));
    }
    free(weights->layers);
    free(weights->block);
    free(weights->packed);
    free(weights->rounded);
    for (size_t i = 0; i < GRADIENT_KINDS; i++)
        free(weights->transposed[i]);
    free(weights->output_norm);
    free(weights->rope_divisors);
    *weights = (struct llama_weights){0};
}

size_t llama_weights_bytes(const struct llama_config *config)
{
    size_t values = 0;
    for (size_t i = 0; i < N_MATRICES; i++)
        values += width_of(config, matrices[i].rows) * width_of(config, matrices[i].cols);
    return (values * config->layers + config->vocab * config->hidden) * sizeof(real);
}
