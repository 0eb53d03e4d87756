/* safetensors: the writer. Tensors are placed by falling size of their type, then by
 * name, so that all of them are aligned and the bytes do not depend on the order of
 * the arguments. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/model/safetensors.h"

enum { ALIGNMENT = 8 };

static int compare_entries(const void *a, const void *b)
{
    const struct safetensors_entry *x = *(const struct safetensors_entry *const *)a;
    const struct safetensors_entry *y = *(const struct safetensors_entry *const *)b;
    size_t p = tensor_type_bytes(x->type), q = tensor_type_bytes(y->type);
    return p != q ? (p < q) - (p > q) : strcmp(x->name, y->name);
}

static bool entry_bytes(const struct safetensors_entry *entry, size_t *bytes)
{
    *bytes = tensor_type_bytes(entry->type);
    CHECK(tensor_type_values(entry->type) == 1 && entry->n_dims <= TENSOR_DIMS_MAX);
    for (unsigned i = 0; i < entry->n_dims; i++)
        if (!size_mul(*bytes, entry->dims[i], bytes))
            return false;
    return true;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]} */
static json_t *entry_json(const struct safetensors_entry *entry, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (unsigned i = 0; i < entry->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)entry->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor_type_name(entry->type),
                     "shape", shape, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* Sets a key of the header; false for a name that is taken or not UTF-8. */
static bool add_key(json_t *object, const char *key, json_t *value)
{
    bool fresh = !json_object_get(object, key);
    return json_object_set_new(object, key, value) == 0 && fresh;
}

static json_t *header_json(const struct safetensors_entry **sorted, size_t count,
                           const struct safetensors_pair *metadata, size_t pairs,
                           size_t *data, const char *path, struct err *err)
{
    json_t *header = json_object(), *strings = json_object();
    bool ok = true;
    for (size_t i = 0; ok && i < pairs; i++)
        ok = add_key(strings, metadata[i].key, json_string(metadata[i].value)) ||
             err_set(err, ERR_INPUT, "%s: cannot write metadata \"%s\"", path,
                     metadata[i].key);
    if (pairs > 0)
        json_object_set(header, "__metadata__", strings);
    json_decref(strings);
    *data = 0;
    for (size_t i = 0; ok && i < count; i++) {
        size_t bytes, begin = *data;
        ok = entry_bytes(sorted[i], &bytes) && size_add(begin, bytes, data) &&
             add_key(header, sorted[i]->name, entry_json(sorted[i], begin, *data));
        if (!ok)
            err_set(err, ERR_INPUT, "%s: cannot write tensor \"%s\"", path,
                    sorted[i]->name);
    }
    if (ok)
        return header;
    json_decref(header);
    return NULL;
}

/* The header as it stands in the file: length, JSON, spaces up to the alignment. */
static char *header_text(const json_t *header, size_t *size)
{
    size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT), padded;
    CHECK(length > 0 && size_round_up(length, ALIGNMENT, &padded));
    char *text = xmalloc(sizeof(uint64_t) + padded);
    uint64_t stated = padded;
    memcpy(text, &stated, sizeof stated);
    json_dumpb(header, text + sizeof stated, length, JSON_COMPACT);
    memset(text + sizeof stated + length, ' ', padded - length);
    *size = sizeof stated + padded;
    return text;
}

static bool write_all(const char *path, const char *header, size_t header_size,
                      size_t data, const struct safetensors_entry **sorted, size_t count,
                      struct err *err)
{
    struct atomic_file file;
    if (!atomic_file_open(&file, path, header_size + data, err))
        return false;
    bool ok = atomic_file_write(&file, header, header_size, err);
    for (size_t i = 0; ok && i < count; i++) {
        size_t bytes;
        ok = entry_bytes(sorted[i], &bytes) &&
             atomic_file_write(&file, sorted[i]->data, bytes, err);
    }
    if (ok)
        return atomic_file_commit(&file, err);
    atomic_file_abort(&file);
    return false;
}

bool safetensors_write(const char *path, const struct safetensors_entry *entries,
                       size_t count, const struct safetensors_pair *metadata,
                       size_t pairs, struct err *err)
{
    const struct safetensors_entry **sorted = xcalloc(count, sizeof *sorted);
    size_t data = 0, header_size = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &entries[i];
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, compare_entries);
    json_t *header = header_json(sorted, count, metadata, pairs, &data, path, err);
    char *text = header ? header_text(header, &header_size) : NULL;
    json_decref(header);
    bool ok = text && write_all(path, text, header_size, data, sorted, count, err);
    free(text);
    free(sorted);
    return ok;
}
