/* What info and check share about files full of tensors. */
#ifndef APP_KIND_TENSORS_H
#define APP_KIND_TENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "app/file_kind.h"
#include "engine/model/tensor.h"

/* The tensors of any file format, by index. */
struct tensor_list {
    const struct tensor *(*at)(const void *file, size_t i);
    const void *file;
    size_t count;
};

/* {"Q4_1": {"tensors", "bytes"}, ...} */
json_t *tensor_list_types(const struct tensor_list *list);

/* What the compressor at path (a file or a checkpoint directory) is: its shape, the
 * settings and totals of its training. NULL and *err when it does not load. */
json_t *compressor_json(const char *path, struct err *err);

/* Loads it as a compressor; reports why it does not. */
bool check_compressor(const char *path, const struct problem_sink *sink);

/* Reports every tensor of the file or directory, or only of a compressor's
 * parameters in it, that holds values which are not finite. */
bool check_tensors(const char *path, bool parameters_only, const struct problem_sink *sink);

#endif
