#include "engine/model/llama.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/model/llama_block.h"
#include "engine/ops/norm.h"

enum { FORGET_ROWS = 16 };

/* One call's working memory. */
struct pass {
    struct llama_rows rows;
    int32_t *positions; /* [n] */
    real *x;            /* [n, H] residual stream */
    real *k, *v;        /* [n, K] of the block at hand */
    struct attention_store own; /* they and nothing else, when there is no cache */
    real *block;        /* owns them all but positions */
};

static bool check_ids(const struct llama_config *config, const int32_t *ids, size_t n,
                      struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= config->vocab)
            return err_set(err, ERR_INPUT,
                           "token id %d at place %zu is outside the vocabulary of %zu",
                           (int)ids[i], i, config->vocab);
    return true;
}

static bool check_input(const struct llama_config *config, const struct kv_cache *cache,
                        const struct llama_input *input, struct err *err)
{
    size_t used = cache ? cache->used : 0;
    if (cache && input->n > cache->capacity - used)
        return err_set(err, ERR_INPUT, "%zu tokens after %zu do not fit a context of %zu", input->n,
                       used, cache->capacity);
    for (size_t i = 0; input->positions && i < input->n; i++)
        if (input->positions[i] < 0)
            return err_set(err, ERR_INPUT, "position %d of token %zu is negative",
                           (int)input->positions[i], i);
    return !input->ids || check_ids(config, input->ids, input->n, err);
}

static void pass_free(struct pass *pass)
{
    free(pass->block);
    free(pass->positions);
}

static bool pass_init(struct pass *pass, const struct model *model, bool has_cache, size_t n,
                      struct err *err)
{
    const struct llama_config *config = &model->config;
    bool rounded = precision_rounds_attention(model->precision);
    *pass = (struct pass){0};
    size_t x_count = n * config->hidden;
    size_t K = config->kv_heads * config->head_dim;
    size_t room = has_cache ? 0 : size_div_up(n, ATTENTION_STORE_ROWS) * ATTENTION_STORE_ROWS;
    size_t scratch = llama_rows_layout(&pass->rows, config, n, NULL);
    const struct attention_shape shape = llama_attention_shape(config);
    size_t store = attention_store_bytes(rounded, room, &shape) / sizeof(real);
    size_t count = scratch + x_count + 2 * (n * K + store);
    pass->block = mem_try_raw(count, sizeof *pass->block, "activations|a shorter text needs less",
                                err);
    pass->positions = mem_try(n, sizeof *pass->positions, "positions|a shorter text needs less",
                              err);
    if (!pass->block || !pass->positions) {
        pass_free(pass);
        return false;
    }
    llama_rows_layout(&pass->rows, config, n, pass->block);
    real *own = pass->block + scratch;
    pass->own = (struct attention_store){rounded, own, own + store, room};
    pass->x = own + 2 * store;
    pass->k = pass->x + x_count;
    pass->v = pass->k + n * K;
    return true;
}

/* Rows lie all over the matrix, and the system maps many pages of a file around each: they are
 * given back while a text is read, not for single tokens. */
static void embed_rows(const struct model *model, const int32_t *ids, size_t n, real *out)
{
    const struct weight *embedding = &model->weights.embedding;
    for (size_t i = 0; i < n; i++) {
        weight_row(out + i * model->config.hidden, embedding, (size_t)ids[i]);
        if (i % FORGET_ROWS == FORGET_ROWS - 1 && !embedding->dense)
            tensor_forget(&embedding->stored);
    }
}

bool llama_embed(const struct model *model, const int32_t *ids, size_t n, real *out,
                 struct err *err)
{
    if (!check_ids(&model->config, ids, n, err))
        return false;
    embed_rows(model, ids, n, out);
    return true;
}

static void read_input(struct pass *pass, const struct model *model, const struct kv_cache *cache,
                       const struct llama_input *input)
{
    size_t H = model->config.hidden, used = cache ? cache->used : 0;
    if (input->ids)
        embed_rows(model, input->ids, input->n, pass->x);
    else
        memcpy(pass->x, input->embeddings, input->n * H * sizeof *pass->x);
    for (size_t i = 0; i < input->n; i++)
        pass->positions[i] = input->positions ? input->positions[i] : (int32_t)(used + i);
}

static void tap(const struct llama_output *output, size_t layer, const real *x, size_t n, size_t H)
{
    size_t stride = output->hidden_stride ? output->hidden_stride : n;
    if (output->hidden)
        llama_copy(output->hidden + layer * stride * H, x, n * H);
}

/* Block `l`. Keys and values go to their place in the cache at once, where they do not exist
 * before cache->used says so. */
static void run_block(struct model *model, size_t l, const struct kv_cache *cache,
                      struct pass *pass, real *attention)
{
    const struct llama_config *config = &model->config;
    struct llama_layer *layer = &model->weights.layers[l];
    const struct attention_shape shape = llama_attention_shape(config);
    size_t n = pass->rows.n, used = cache ? cache->used : 0;
    const struct attention_store store = cache ? kv_cache_layer(cache, l) : pass->own;
    llama_block_project(layer, config, &pass->rows, pass->x, pass->k, pass->v);
    attention_store_write(&store, pass->k, pass->v, used, n, &shape);
    attention_forward(pass->rows.attended, attention, pass->rows.q, &store, n, used, &shape);
    llama_block_attended(layer, &pass->rows, pass->x);
    llama_block_ffn(layer, config, &pass->rows, pass->x, NULL, NULL);
}

/* The last hidden state and the logits. */
static void finish(struct model *model, size_t blocks, struct pass *pass,
                   const struct llama_output *output)
{
    const struct llama_config *config = &model->config;
    size_t n = pass->rows.n, H = config->hidden;
    if (!output->hidden && !output->logits)
        return;
    rmsnorm_forward(pass->rows.normed, NULL, pass->x, model->weights.output_norm,
                    (real)config->rms_eps, n, H);
    tap(output, blocks, pass->rows.normed, n, H);
    if (output->logits)
        weight_forward(output->logits, pass->rows.normed + output->first_logit * H,
                       &model->weights.output, NULL, n - output->first_logit);
}

static bool run_blocks(struct model *model, const struct kv_cache *cache, size_t blocks,
                       struct pass *pass, const struct llama_output *output,
                       const struct progress *progress, struct err *err)
{
    size_t n = pass->rows.n, seen = n + (cache ? cache->used : 0);
    if (output->attention)
        memset(output->attention, 0, n * seen * sizeof *output->attention);
    for (size_t l = 0; l < blocks; l++) {
        tap(output, l, pass->x, n, model->config.hidden);
        run_block(model, l, cache, pass, output->attention);
        if (!progress_tick(progress, "layers", l + 1, blocks, err))
            return false;
    }
    for (size_t i = 0; output->attention && blocks && i < n * seen; i++)
        output->attention[i] /= (real)blocks;
    return true;
}

bool llama_forward(struct model *model, struct kv_cache *cache, size_t blocks,
                   const struct llama_input *input, const struct llama_output *output,
                   const struct progress *progress, struct err *err)
{
    const struct llama_config *config = &model->config;
    size_t n = input->n;
    blocks = blocks == LLAMA_ALL ? config->layers : blocks;
    CHECK(blocks <= config->layers && (!output->logits || output->first_logit <= n));
    if (!check_input(config, cache, input, err))
        return false;
    struct pass pass;
    if (!pass_init(&pass, model, cache != NULL, n, err))
        return false;
    read_input(&pass, model, cache, input);
    llama_rows_turns(&pass.rows, config, &model->weights, pass.positions);
    bool done = run_blocks(model, cache, blocks, &pass, output, progress, err);
    if (done) {
        finish(model, blocks, &pass, output);
        if (cache) {
            memcpy(cache->positions + cache->used, pass.positions, n * sizeof *pass.positions);
            cache->used += n;
        }
    }
    pass_free(&pass);
    return done;
}
