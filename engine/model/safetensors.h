/* safetensors: reader for files and sharded directories, and a writer.
 * A file is u64 header length, a JSON header {name: {dtype, shape,
 * data_offsets}, "__metadata__": {string: string}}, then the data, which the
 * tensors must tile without hole, overlap or rest. */
#ifndef ENGINE_MODEL_SAFETENSORS_H
#define ENGINE_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/model/tensor.h"

struct safetensors;

/* path: a .safetensors file, a model.safetensors.index.json, or a directory that
 * holds model.safetensors or such an index. NULL and *err on failure. */
struct safetensors *safetensors_open(const char *path, struct err *err);
struct safetensors *safetensors_open_buffer(const void *data, size_t size,
                                            const char *name, struct err *err);
void safetensors_close(struct safetensors *file);

const char *safetensors_path(const struct safetensors *file);

/* The mapped files: one, or the shards in the order of their names. */
size_t safetensors_file_count(const struct safetensors *file);
const struct mapped_file *safetensors_file_at(const struct safetensors *file, size_t i);

/* Tensors in the order of the header, shard by shard. */
size_t safetensors_count(const struct safetensors *file);
const struct tensor *safetensors_at(const struct safetensors *file, size_t i);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);

/* Metadata value or NULL; with index for listing (borrowed). */
const char *safetensors_metadata(const struct safetensors *file, const char *key);
size_t safetensors_metadata_count(const struct safetensors *file);
const char *safetensors_metadata_at(const struct safetensors *file, size_t i,
                                    const char **value);

/* One entry of a file to be written; data in C order, little endian. */
struct safetensors_entry {
    const char *name;
    enum tensor_type type; /* not a block type */
    unsigned n_dims;
    size_t dims[TENSOR_DIMS_MAX];
    const void *data;
};
struct safetensors_pair {
    const char *key, *value;
};

/* Writes atomically (base/file.h). The bytes do not depend on the order of the entries:
 * they are placed by falling size of their type, then by name. */
bool safetensors_write(const char *path, const struct safetensors_entry *entries,
                       size_t count, const struct safetensors_pair *metadata,
                       size_t pairs, struct err *err);

#endif
