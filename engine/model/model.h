/* A frozen model, opened: configuration, weights, tokenizer and identity. */
#ifndef ENGINE_MODEL_MODEL_H
#define ENGINE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/model/config.h"
#include "engine/model/tokenizer.h"
#include "engine/model/weights.h"

struct model {
    char *path;
    char format[16];    /* "gguf" or "safetensors" */
    char file_type[24]; /* of most weights: "Q4_1", "BF16" ... */
    size_t file_bytes;
    size_t memory; /* that running it needs at least: files, one segment, one answer */
    struct llama_config config;
    struct llama_weights weights;
    enum precision precision; /* of the forward pass: model_set_precision */
    struct tokenizer *tokenizer; /* or NULL: see model_open */
    char embedding_sha256[65];   /* or "": ask model_embedding_sha256 */
    struct gguf *gguf;           /* one of the two is open: it owns the mapping */
    struct safetensors *safetensors;
};

/* path: a .gguf file or a directory in Hugging Face layout; a published checkpoint
 * directory (tensors under lm.*) opens as a model too. A directory without a
 * tokenizer.json gets the tokenizer of the directory `tokenizer_dir`; when that is NULL,
 * model->tokenizer is NULL, and only token ids can be used. memory: bytes for widened
 * weights, 0 = a part of what the machine has left. A model that the machine has no
 * memory for is refused before its weights are read. */
struct model *model_open(const char *path, const char *tokenizer_dir, size_t memory,
                         struct err *err);
void model_close(struct model *model);

/* How the forward pass multiplies from now on (PRECISION_F32 at first). */
/* What "auto" stands for where the file is quantised and this CPU has kernels: MIXED where
 * that is the faster, else Q16. F32 otherwise. */
enum precision model_auto_precision(const struct model *model);
bool model_set_precision(struct model *model, enum precision precision, struct err *err);

/* Bytes that the model will take beside what is resident: copies of weights that are made
 * when first used, and the file behind them. */
size_t model_pending_bytes(const struct model *model);

/* SHA-256 of the model file's bytes (of all shards, in order), 64 hex digits. */
void model_sha256(const struct model *model, char hex[65]);

/* Bytes of its files together. */
size_t model_bytes(const struct model *model);

/* SHA-256 of the embedding matrix as stored: the identity that a compressor is
 * made for. */
void model_embedding_sha256(const struct model *model, char hex[65]);

/* Path of its i-th file, borrowed; NULL behind the last. */
const char *model_file(const struct model *model, size_t i);

/* `check`: reads every tensor and reports each non-finite one through
 * problem(); returns the number of problems. */
size_t model_check(const struct model *model, void (*problem)(void *, const char *line),
                   void *ctx);

#endif
