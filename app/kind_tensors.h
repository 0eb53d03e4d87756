/* What info and check share about files full of tensors. */
#ifndef APP_KIND_TENSORS_H
#define APP_KIND_TENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "app/file_kind.h"
#include "engine/model/safetensors.h"
#include "engine/model/tensor.h"

/* The tensors of any file format, by index. */
struct tensor_list {
    const struct tensor *(*at)(const void *file, size_t i);
    const void *file;
    size_t count;
};

/* {"Q4_1": {"tensors", "bytes"}, ...} */
json_t *tensor_list_types(const struct tensor_list *list);

/* Does the file hold a compressor's parameters? */
bool tensor_list_is_compressor(const struct safetensors *file);

/* Its shape, parameter count and metadata. */
json_t *compressor_json(const struct safetensors *file);

/* Opens it as a compressor and looks for values that are not finite. */
bool check_compressor(const struct safetensors *file, const struct problem_sink *sink);

#endif
