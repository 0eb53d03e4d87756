/* Compressors on disk.
 *
 * Our file: one safetensors file, the tensors under their published names, and
 * string metadata (all optional but the first two, so that any file with the right
 * tensors loads):
 *     format "comprexit compressor", version "1"
 *     name, note                                   for people
 *     base_architecture, base_hidden, base_layers, base_sha256   the frozen model
 *     window, ratio, eps, iters, align, gate_tau, source_tau, lambda_floor,
 *     ablations                                    what it was trained with
 *     steps, samples, tokens, seconds              what it was trained on
 *
 * Published layout: a directory with config.json and model.safetensors or shards,
 * which may hold the frozen model as well (METHOD section 8, published_config.c). */
#ifndef ENGINE_COMPRESS_CHECKPOINT_IO_H
#define ENGINE_COMPRESS_CHECKPOINT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/compress/compressor.h"
#include "engine/model/tensor.h"

/* Strings are sanitised; an empty string or 0 is "not known". */
struct compressor_info {
    char name[64];   /* of the file, or what it calls itself */
    char note[512];  /* what it was trained on and reaches */
    bool published;  /* the published layout */
    char base_architecture[32];
    size_t base_hidden, base_layers;
    char base_sha256[65]; /* of the frozen model's embedding */
    struct compress_settings settings;
    size_t segment; /* tokens that were compressed at a time */
    uint64_t steps, samples, tokens, seconds;
};

/* path: our file, any safetensors file with the tensors, a published directory, or
 * a run directory with a compressor.safetensors. On failure *c is empty. */
bool compressor_load(struct compressor *c, struct compressor_info *info, const char *path,
                     struct err *err);

/* What a file says of itself, without its weights: what a list of files shows. */
bool compressor_peek(struct compressor_info *info, struct compressor_shape *shape,
                     const char *path, struct err *err);

/* type: TENSOR_F32 or TENSOR_BF16 (and TENSOR_F64 in the double build). */
bool compressor_save(const char *path, const struct compressor *c,
                     const struct compressor_info *info, enum tensor_type type, struct err *err);

/* Does path hold a compressor's tensors? Files that cannot be read do not. */
bool compressor_present(const char *path);

#endif
