/* Frozen models: GGUF files and Hugging Face directories. */
#include <stdlib.h>
#include <string.h>

#include "app/file_kind.h"
#include "app/kind_tensors.h"
#include "app/report.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/model/gguf.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"

static bool is_gguf(const char *path, const struct file_head *head)
{
    size_t length = strlen(path);
    bool named = length > 5 && strcmp(path + length - 5, ".gguf") == 0;
    return !head->directory && (named || (head->size >= 4 && memcmp(head->bytes, "GGUF", 4) == 0));
}

static json_t *config_json(const struct llama_config *c)
{
    static const char *const scaling[] = {
        [ROPE_SCALING_NONE] = "none",
        [ROPE_SCALING_LINEAR] = "linear",
        [ROPE_SCALING_LLAMA3] = "llama3",
    };
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:s, s:b}",
                     "architecture", c->architecture, "hidden_size", (json_int_t)c->hidden,
                     "layers", (json_int_t)c->layers, "heads", (json_int_t)c->heads, "kv_heads",
                     (json_int_t)c->kv_heads, "head_dim", (json_int_t)c->head_dim, "ffn",
                     (json_int_t)c->ffn, "vocab", (json_int_t)c->vocab, "positions",
                     (json_int_t)c->positions, "rms_eps", c->rms_eps, "rope_theta",
                     c->rope_theta, "rope_scaling", scaling[c->rope_scaling], "tied_embeddings",
                     (int)c->tied_embeddings);
}

static json_t *token_id(int32_t id)
{
    return id < 0 ? json_null() : json_integer(id);
}

static json_t *tokenizer_json(const struct tokenizer *t)
{
    return json_pack("{s:s, s:I, s:o, s:o, s:b}", "kind", tokenizer_kind(t), "vocab",
                     (json_int_t)tokenizer_vocab(t), "bos", token_id(tokenizer_bos(t)), "eos",
                     token_id(tokenizer_eos(t)), "adds_bos", (int)tokenizer_adds_bos(t));
}

static const struct tensor *gguf_at(const void *file, size_t i)
{
    return gguf_tensor_at(file, i);
}

static const struct tensor *safetensors_tensor_at(const void *file, size_t i)
{
    return safetensors_at(file, i);
}

static struct tensor_list tensors_of(const struct model *model)
{
    if (model->gguf)
        return (struct tensor_list){gguf_at, model->gguf, gguf_tensor_count(model->gguf)};
    return (struct tensor_list){safetensors_tensor_at, model->safetensors,
                                safetensors_count(model->safetensors)};
}

static json_t *gguf_keys(const struct gguf *gguf)
{
    json_t *keys = json_object();
    for (size_t i = 0; i < gguf_key_count(gguf); i++) {
        char value[160];
        const char *name = gguf_key_at(gguf, i, value, sizeof value);
        json_object_set_new(keys, name, report_text(value, strlen(value)));
    }
    return keys;
}

static json_t *describe(const char *path, struct err *err)
{
    struct model *model = model_open(path, NULL, 0, err);
    if (!model)
        return NULL;
    struct tensor_list tensors = tensors_of(model);
    char hash[65], embedding[65];
    model_sha256(model, hash);
    model_embedding_sha256(model, embedding);
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:o, s:I, s:o, s:s, s:s}", "format", model->format, "name",
        model->config.name, "file_type", model->file_type, "bytes",
        (json_int_t)model->file_bytes, "config", config_json(&model->config), "tokenizer",
        model->tokenizer ? tokenizer_json(model->tokenizer) : json_null(), "tensors",
        (json_int_t)tensors.count, "tensor_types", tensor_list_types(&tensors), "sha256", hash,
        "embedding_sha256", embedding);
    if (model->gguf)
        json_object_set_new(object, "keys", gguf_keys(model->gguf));
    model_close(model);
    return object;
}

static bool check(const char *path, const struct problem_sink *sink)
{
    struct err err = {0};
    struct model *model = model_open(path, NULL, 0, &err);
    if (!model)
        return problem_error(sink, &err);
    size_t problems = model_check(model, sink->report, sink->context);
    model_close(model);
    return problems == 0;
}

const struct file_kind file_kind_gguf = {
    .name = "model",
    .matches = is_gguf,
    .describe = describe,
    .check = check,
};

/* ---- directories ------------------------------------------------------------------ */

static bool is_directory(const char *path, const struct file_head *head)
{
    (void)path;
    return head->directory;
}

/* Does the directory hold a model? A published checkpoint may hold a compressor
 * alone. */
static bool holds_model(const char *path)
{
    if (!compressor_present(path))
        return true;
    struct safetensors *file = safetensors_open(path, NULL);
    bool model = file && safetensors_find(file, "lm.model.embed_tokens.weight");
    safetensors_close(file);
    return model;
}

static json_t *describe_directory(const char *path, struct err *err)
{
    json_t *object = holds_model(path) ? describe(path, err) : json_object();
    if (!object || !compressor_present(path))
        return object;
    json_t *compressor = compressor_json(path, err);
    if (compressor) {
        json_object_set_new(object, "compressor", compressor);
        return object;
    }
    json_decref(object);
    return NULL;
}

static bool check_directory(const char *path, const struct problem_sink *sink)
{
    bool ok = !holds_model(path) || check(path, sink);
    if (!compressor_present(path))
        return ok;
    bool tensors = check_tensors(path, true, sink);
    return tensors && check_compressor(path, sink) && ok;
}

const struct file_kind file_kind_directory = {
    .name = "model directory",
    .matches = is_directory,
    .describe = describe_directory,
    .check = check_directory,
};
