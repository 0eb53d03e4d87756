#include "engine/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/machine.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/base/text.h"
#include "engine/model/gguf.h"
#include "engine/model/kv_cache.h"
#include "engine/model/quant_pack.h"
#include "engine/model/safetensors.h"

enum { CONFIG_BYTES_LIMIT = 16 << 20, MEMORY_TOKENS = 512, HASH_BYTES = 512 << 10 };

/* ---- the two formats as one ----------------------------------------------- */

static const struct tensor *find_gguf(const void *file, const char *name)
{
    return gguf_tensor(file, name);
}

static const struct tensor *find_safetensors(const void *file, const char *name)
{
    return safetensors_find(file, name);
}

static size_t tensor_total(const struct model *m)
{
    return m->gguf ? gguf_tensor_count(m->gguf) : safetensors_count(m->safetensors);
}

static const struct tensor *tensor_at(const struct model *m, size_t i)
{
    return m->gguf ? gguf_tensor_at(m->gguf, i) : safetensors_at(m->safetensors, i);
}

static size_t file_total(const struct model *m)
{
    return m->gguf ? gguf_file_count(m->gguf) : safetensors_file_count(m->safetensors);
}

static const struct mapped_file *file_at(const struct model *m, size_t i)
{
    return m->gguf ? gguf_file_at(m->gguf, i) : safetensors_file_at(m->safetensors, i);
}

/* ---- opening -------------------------------------------------------------- */

/* The part of the free memory that widened weights may take when the caller does not
 * say: the rest is for the file's pages, activations, caches and training. */
static size_t default_memory(void)
{
    return machine_memory_available() / 10 * 6;
}

static void set_file_facts(struct model *m)
{
    size_t bytes[TENSOR_TYPE_COUNT] = {0}, most = 0;
    snprintf(m->format, sizeof m->format, "%s", m->gguf ? "gguf" : "safetensors");
    for (size_t i = 0; i < tensor_total(m); i++) {
        const struct tensor *t = tensor_at(m, i);
        if (t->n_dims > 1)
            bytes[t->type] += t->bytes;
    }
    for (size_t i = 1; i < TENSOR_TYPE_COUNT; i++)
        if (bytes[i] > bytes[most])
            most = i;
    snprintf(m->file_type, sizeof m->file_type, "%s",
             tensor_type_name((enum tensor_type)most));
}

/* What was read only to be hashed takes no memory afterwards. */
static void hash_bytes(struct sha256 *hash, const uint8_t *data, size_t size, bool mapped)
{
    for (size_t i = 0; i < size; i += HASH_BYTES) {
        size_t count = size_min(HASH_BYTES, size - i);
        sha256_add(hash, data + i, count);
        if (mapped)
            mapped_bytes_forget(data + i, count);
    }
}

static void hash_embedding(const struct model *m, char hex[65])
{
    const struct tensor *t = &m->weights.embedding.stored;
    struct sha256 hash;
    sha256_begin(&hash);
    hash_bytes(&hash, t->data, t->bytes, t->mapped);
    sha256_end(&hash, hex);
}

/* Reads through mapped files go as far as memory does: without room for their pages every
 * token would come from the disk. */
static bool check_memory(struct model *m, struct err *err)
{
    const double gib = 1073741824.0;
    for (size_t i = 0; i < file_total(m); i++)
        m->file_bytes += file_at(m, i)->size;
    m->memory = m->file_bytes + kv_cache_bytes(m, MEMORY_TOKENS) +
                MEMORY_TOKENS * (8 * m->config.hidden + 3 * m->config.ffn) * sizeof(real) +
                m->config.vocab * sizeof(real);
    size_t available = machine_memory_available();
    return m->memory <= available ||
           err_set(err, ERR_MEMORY,
                   "%s needs %.1f GiB of memory, %.1f GiB are free: take a smaller model, or one "
                   "in a smaller format (Q8_0, Q4_0)",
                   m->path, (double)m->memory / gib, (double)available / gib);
}

struct tokenizer_job {
    struct model *m;
    struct err *err;
};

/* The tokenizer, and beside it, where a core would be idle, the hash: it is needed as soon as
 * there is a compressor, and takes as long. */
static void read_or_hash(const void *loop, size_t first, size_t last)
{
    const struct tokenizer_job *job = loop;
    struct model *m = job->m;
    for (size_t i = first; i < last; i++)
        if (i == 0)
            m->tokenizer = tokenizer_from_gguf(m->gguf, m->config.vocab, job->err);
        else
            hash_embedding(m, m->embedding_sha256);
}

static bool open_gguf(struct model *m, size_t memory, struct err *err)
{
    m->gguf = gguf_open(m->path, err);
    if (!m->gguf || !llama_config_from_gguf(&m->config, m->gguf, err) || !check_memory(m, err))
        return false;
    const struct tensor_source source = {find_gguf, m->gguf, m->path};
    if (!llama_weights_from_gguf(&m->weights, &m->config, &source, memory, err))
        return false;
    struct tokenizer_job job = {m, err};
    team_run(read_or_hash, &job, team_threads() > 1 ? 2 : 1, 1);
    return m->tokenizer != NULL;
}

/* Nobody needs the texts of a vocabulary in the file once they are in the tokenizer. */
static void forget_pages(const struct model *m)
{
    for (size_t i = 0; i < file_total(m); i++)
        mapped_bytes_forget(file_at(m, i)->data, file_at(m, i)->size);
}

static bool has_tokenizer(const char *dir)
{
    char *path = file_join(dir, "tokenizer.json");
    bool found = file_exists(path);
    free(path);
    return found;
}

static bool open_tokenizer(struct model *m, const char *tokenizer_dir, struct err *err)
{
    const char *dir = has_tokenizer(m->path) ? m->path : tokenizer_dir;
    if (!dir)
        return true;
    m->tokenizer = tokenizer_from_directory(dir, m->config.vocab, err);
    return m->tokenizer != NULL;
}

/* A published checkpoint has the frozen model's configuration inside its own. */
static bool read_config(struct model *m, const char **prefix, struct err *err)
{
    char *path = file_join(m->path, "config.json");
    json_t *json = json_parse_file(path, CONFIG_BYTES_LIMIT, err);
    const json_t *backbone = json_object_get(json, "backbone_config_dict");
    *prefix = backbone ? "lm." : "";
    bool ok =
        json && llama_config_from_json(&m->config, backbone ? backbone : json, path, err);
    json_decref(json);
    free(path);
    return ok;
}

static bool open_directory(struct model *m, const char *tokenizer_dir, size_t memory,
                           struct err *err)
{
    const char *prefix;
    if (!read_config(m, &prefix, err))
        return false;
    m->safetensors = safetensors_open(m->path, err);
    if (!m->safetensors || !check_memory(m, err))
        return false;
    const struct tensor_source source = {find_safetensors, m->safetensors, m->path};
    return llama_weights_from_hf(&m->weights, &m->config, &source, prefix, memory, err) &&
           open_tokenizer(m, tokenizer_dir, err);
}

struct model *model_open(const char *path, const char *tokenizer_dir, size_t memory,
                         struct err *err)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->path = xstrdup(path);
    if (memory == 0)
        memory = default_memory();
    bool ok = file_is_directory(path) ? open_directory(m, tokenizer_dir, memory, err)
                                      : open_gguf(m, memory, err);
    if (!ok) {
        model_close(m);
        return NULL;
    }
    set_file_facts(m);
    forget_pages(m);
    return m;
}

size_t model_pending_bytes(const struct model *m)
{
    size_t copies = llama_weights_pending(&m->weights, &m->config);
    /* Without a copy that was made, nobody has read the file yet. */
    return copies || !m->weights.block ? copies + m->file_bytes : 0;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    llama_weights_free(&m->weights, &m->config);
    tokenizer_free(m->tokenizer);
    gguf_close(m->gguf);
    safetensors_close(m->safetensors);
    free(m->path);
    free(m);
}

enum precision model_auto_precision(const struct model *m)
{
    bool kept = quant_pack_keeps(m->weights.layers[0].q.stored.type);
    if (!kept)
        return PRECISION_F32;
    return qmatmul_skips() ? PRECISION_MIXED : qmatmul_is_fast() ? PRECISION_Q16 : PRECISION_F32;
}

bool model_set_precision(struct model *m, enum precision precision, struct err *err)
{
    if (!llama_weights_set_precision(&m->weights, &m->config, precision, err))
        return false;
    m->precision = precision;
    return true;
}

/* ---- identity and checks -------------------------------------------------- */

void model_sha256(const struct model *m, char hex[65])
{
    struct sha256 hash;
    sha256_begin(&hash);
    for (size_t i = 0; i < file_total(m); i++)
        hash_bytes(&hash, file_at(m, i)->data, file_at(m, i)->size, true);
    sha256_end(&hash, hex);
}

size_t model_bytes(const struct model *m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < file_total(m); i++)
        bytes += file_at(m, i)->size;
    return bytes;
}

void model_embedding_sha256(const struct model *m, char hex[65])
{
    if (m->embedding_sha256[0])
        memcpy(hex, m->embedding_sha256, sizeof m->embedding_sha256);
    else
        hash_embedding(m, hex);
}

const char *model_file(const struct model *m, size_t i)
{
    return i < file_total(m) ? file_at(m, i)->path : NULL;
}

size_t model_check(const struct model *m, void (*problem)(void *, const char *line),
                   void *ctx)
{
    size_t problems = 0;
    for (size_t i = 0; i < tensor_total(m); i++) {
        const struct tensor *t = tensor_at(m, i);
        size_t bad = tensor_count_nonfinite(t);
        struct err line = {0};
        if (bad == 0)
            continue;
        problems++;
        err_set(&line, ERR_INPUT, "%s: tensor %s holds %zu non-finite value%s", m->path,
                t->name, bad, text_plural(bad));
        problem(ctx, line.text);
    }
    return problems;
}
