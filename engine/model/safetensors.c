#include "engine/model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/names.h"

#define GROUPED(n) text_grouped((n), (char[TEXT_NUMBER_MAX]){0})

enum {
    LENGTH_BYTES = 8, /* the number in front of the header */
    HEADER_LIMIT = 100000000,
    NAME_LIMIT = 512, /* bytes of a tensor name */
};
#define OFFSET_LIMIT ((json_int_t)1 << 53) /* above, other readers lose digits */

struct shard {
    struct mapped_file file; /* path NULL: a buffer */
    const uint8_t *data;
    size_t size;
};

struct safetensors {
    char *path;
    struct shard *shards;
    size_t shard_count;
    struct tensor *tensors;
    size_t count, capacity;
    struct names names;
    struct safetensors_pair *metadata; /* of the first shard */
    size_t pairs;
    struct arena arena; /* strings */
};

/* ---- header --------------------------------------------------------------- */

static const char *keep_text(struct safetensors *f, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(arena_array(&f->arena, char, size), text, size);
}

static bool read_dtype(struct tensor *t, const json_t *dtype, struct err *err)
{
    const char *name = json_string_value(dtype);
    if (!name)
        return err_set(err, ERR_INPUT, "dtype missing");
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++) {
        t->type = (enum tensor_type)type;
        if (tensor_type_values(t->type) == 1 &&
            strcmp(name, tensor_type_name(t->type)) == 0)
            return true;
    }
    return err_set(err, ERR_INPUT, "unsupported dtype \"%s\"", name);
}

/* Reads the dimensions and sets bytes. */
static bool read_shape(struct tensor *t, const json_t *shape, struct err *err)
{
    if (!json_is_array(shape))
        return err_set(err, ERR_INPUT, "shape missing");
    if (json_array_size(shape) > TENSOR_DIMS_MAX)
        return err_set(err, ERR_INPUT, "%zu dimensions, at most %d",
                       json_array_size(shape), TENSOR_DIMS_MAX);
    t->n_dims = (unsigned)json_array_size(shape);
    t->bytes = tensor_type_bytes(t->type);
    for (unsigned i = 0; i < t->n_dims; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (json_is_real(dim) && json_real_value(dim) >= 0x1p63)
            return err_set(err, ERR_INPUT, "shape overflows");
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return err_set(err, ERR_INPUT, "bad shape: dimension %u is not a count", i);
        t->dims[i] = (size_t)json_integer_value(dim);
        if (!size_mul(t->bytes, t->dims[i], &t->bytes))
            return err_set(err, ERR_INPUT, "shape overflows");
    }
    return true;
}

static bool is_offset(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) <= OFFSET_LIMIT;
}

/* A tensor of the header with the place that the header gives it. */
struct span {
    struct tensor tensor;
    size_t begin, end;
};

static bool read_offsets(struct span *span, const json_t *offsets, struct err *err)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !is_offset(begin) || !is_offset(end) ||
        json_integer_value(begin) > json_integer_value(end))
        return err_set(err, ERR_INPUT,
                       "bad data_offsets: must be two integers, begin <= end");
    span->begin = (size_t)json_integer_value(begin);
    span->end = (size_t)json_integer_value(end);
    if (span->end - span->begin != span->tensor.bytes)
        return err_set(err, ERR_INPUT, "needs %zu bytes, range has %zu",
                       span->tensor.bytes, span->end - span->begin);
    return true;
}

static bool read_entry(struct safetensors *f, struct span *span, const char *name,
                       const json_t *entry, struct err *err)
{
    if (strlen(name) > NAME_LIMIT)
        return err_set(err, ERR_INPUT,
                       "tensor name of %zu bytes, at most %d: \"%.40s...\"", strlen(name),
                       NAME_LIMIT, name);
    span->tensor.name = keep_text(f, name);
    return (read_dtype(&span->tensor, json_object_get(entry, "dtype"), err) &&
            read_shape(&span->tensor, json_object_get(entry, "shape"), err) &&
            read_offsets(span, json_object_get(entry, "data_offsets"), err)) ||
           err_prefix(err, "tensor %s", name);
}

static bool read_metadata(struct safetensors *f, const json_t *metadata, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return err_set(err, ERR_INPUT, "__metadata__ must map strings to strings");
    bool first = !f->metadata;
    if (first)
        f->metadata =
            arena_array(&f->arena, struct safetensors_pair, json_object_size(metadata));
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return err_set(err, ERR_INPUT,
                           "__metadata__ must map strings to strings (key %s)", key);
        if (first)
            f->metadata[f->pairs++] = (struct safetensors_pair){
                keep_text(f, key), keep_text(f, json_string_value(value))};
    }
    return true;
}

static bool read_entries(struct safetensors *f, struct span *spans, size_t *count,
                         json_t *header, struct err *err)
{
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry)
    {
        bool ok = strcmp(name, "__metadata__") == 0
                      ? read_metadata(f, entry, err)
                      : read_entry(f, &spans[(*count)++], name, entry, err);
        if (!ok)
            return false;
    }
    return true;
}

static json_t *parse_header(const char *text, size_t length, struct err *err)
{
    size_t bad, start = 0;
    while (start < length && strchr(" \t\r\n", text[start]) && text[start])
        start++;
    if (!text_valid(text, length, &bad))
        err_set(err, ERR_INPUT, "header is not UTF-8 at byte %zu", bad + 1);
    else if (start == length || text[start] != '{')
        err_set(err, ERR_INPUT, "header is not a JSON object at byte %zu", start + 1);
    else
        return json_parse(text, length, "header", err);
    return NULL;
}

/* ---- data ----------------------------------------------------------------- */

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Sorts by place; the tensors must cover size bytes of data without hole, overlap
 * or rest. */
static bool check_tiling(struct span *spans, size_t count, size_t size, struct err *err)
{
    size_t at = 0;
    if (count > 1)
        qsort(spans, count, sizeof *spans, compare_spans);
    for (size_t i = 0; i < count; i++) {
        const struct span *span = &spans[i];
        if (span->begin < at)
            return err_set(err, ERR_INPUT, "tensors overlap at %s (data byte %s)",
                           span->tensor.name, GROUPED(span->begin));
        if (span->begin > at)
            return err_set(err, ERR_INPUT,
                           "gap at data byte %s: %s bytes in front of tensor %s",
                           GROUPED(at), GROUPED(span->begin - at), span->tensor.name);
        if (span->end > size)
            return err_set(err, ERR_INPUT,
                           "missing bytes at data byte %s: tensor %s ends at %s. "
                           "Re-download the file.",
                           GROUPED(size), span->tensor.name, GROUPED(span->end));
        at = span->end;
    }
    return at == size || err_set(err, ERR_INPUT,
                                 "extra bytes at data byte %s: %s behind the last tensor",
                                 GROUPED(at), GROUPED(size - at));
}

static bool add_tensors(struct safetensors *f, json_t *header, const uint8_t *data,
                        size_t size, struct err *err)
{
    size_t count = 0;
    struct span *spans = xcalloc(json_object_size(header), sizeof *spans);
    bool ok = read_entries(f, spans, &count, header, err) &&
              check_tiling(spans, count, size, err);
    MEM_GROW(f->tensors, f->capacity, f->count + count);
    for (size_t i = 0; ok && i < count; i++) {
        spans[i].tensor.data = data + spans[i].begin;
        f->tensors[f->count++] = spans[i].tensor;
    }
    free(spans);
    return ok;
}

static bool read_shard(struct safetensors *f, const struct shard *shard, struct err *err)
{
    uint64_t length;
    if (shard->size < LENGTH_BYTES)
        return err_set(err, ERR_INPUT, "header length truncated: the file has %zu bytes",
                       shard->size);
    memcpy(&length, shard->data, sizeof length);
    if (length > shard->size - LENGTH_BYTES)
        return err_set(err, ERR_INPUT, "header of %ju bytes exceeds file of %zu bytes",
                       (uintmax_t)length, shard->size);
    if (length > HEADER_LIMIT)
        return err_set(err, ERR_INPUT, "header of %ju bytes exceeds limit of %d bytes",
                       (uintmax_t)length, HEADER_LIMIT);
    const uint8_t *text = shard->data + LENGTH_BYTES;
    json_t *header = parse_header((const char *)text, (size_t)length, err);
    bool ok = header && add_tensors(f, header, text + length,
                                    shard->size - LENGTH_BYTES - (size_t)length, err);
    json_decref(header);
    return ok;
}

/* ---- opening -------------------------------------------------------------- */

static struct safetensors *new_file(const char *path, size_t shards)
{
    struct safetensors *f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->shards = xcalloc(shards, sizeof *f->shards);
    f->shard_count = shards;
    return f;
}

static bool open_shard(struct safetensors *f, size_t i, const char *path, struct err *err)
{
    struct shard *shard = &f->shards[i];
    if (!mapped_file_open(&shard->file, path, err))
        return false;
    shard->data = shard->file.data;
    shard->size = shard->file.size;
    return read_shard(f, shard, err) || err_prefix(err, "%s: invalid safetensors", path);
}

static bool index_names(struct safetensors *f, struct err *err)
{
    for (size_t i = 0; i < f->count; i++)
        names_add(&f->names, f->tensors[i].name, i);
    ptrdiff_t twice = names_sort(&f->names);
    return twice == NAMES_NONE ||
           err_set(err, ERR_INPUT, "%s: invalid safetensors: tensor %s listed twice",
                   f->path, f->tensors[twice].name);
}

static struct safetensors *open_single(const char *path, struct err *err)
{
    struct safetensors *f = new_file(path, 1);
    if (open_shard(f, 0, path, err) && index_names(f, err))
        return f;
    safetensors_close(f);
    return NULL;
}

struct safetensors *safetensors_open_buffer(const void *data, size_t size,
                                            const char *name, struct err *err)
{
    struct safetensors *f = new_file(name, 1);
    f->shards[0] = (struct shard){.data = data, .size = size};
    if (!read_shard(f, &f->shards[0], err))
        err_prefix(err, "%s: invalid safetensors", name);
    else if (index_names(f, err))
        return f;
    safetensors_close(f);
    return NULL;
}

/* ---- sharded -------------------------------------------------------------- */

/* Is `name` the plain name of a file, which cannot lead out of its directory? */
static bool is_plain_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Lists every shard once, in the order of the names. */
static bool collect_shards(struct names *shards, const json_t *map, struct err *err)
{
    const char *tensor;
    json_t *value;
    struct names all = {0};
    bool ok = true;
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (!name || !is_plain_name(name)) {
            ok = err_set(err, ERR_INPUT,
                         "shard path leaves the model directory: tensor %s in \"%s\"",
                         tensor, name ? name : "(not a string)");
            break;
        }
        names_add(&all, name, all.count);
    }
    names_sort(&all);
    for (size_t i = 0; ok && i < all.count; i++)
        if (i == 0 || strcmp(all.entries[i - 1].name, all.entries[i].name) != 0)
            names_add(shards, all.entries[i].name, shards->count);
    names_free(&all);
    return ok;
}

/* Does every tensor lie in the shard that the index names? */
static bool check_map(const struct safetensors *f, const struct names *shards,
                      const json_t *map, struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        const struct tensor *t = safetensors_find(f, name);
        ptrdiff_t i = names_find(shards, json_string_value(value));
        const uint8_t *start = f->shards[i].data, *data = t ? t->data : NULL;
        if (!data || data < start || data > start + f->shards[i].size)
            return err_set(err, ERR_INPUT, "tensor %s is not in %s", name,
                           json_string_value(value));
    }
    return true;
}

static struct safetensors *open_shards(const char *path, const json_t *map,
                                       struct err *err)
{
    struct names shards = {0};
    struct safetensors *f = NULL;
    char *dir = xstrndup(path, (size_t)(file_name(path) - path));
    bool ok = collect_shards(&shards, map, err) || err_prefix(err, "%s", path);
    if (ok)
        f = new_file(path, shards.count);
    for (size_t i = 0; ok && i < shards.count; i++) {
        char *shard = file_join(dir, shards.entries[i].name);
        ok = open_shard(f, i, shard, err);
        free(shard);
    }
    ok = ok && index_names(f, err) &&
         (check_map(f, &shards, map, err) || err_prefix(err, "%s", path));
    names_free(&shards);
    free(dir);
    if (ok)
        return f;
    safetensors_close(f);
    return NULL;
}

static struct safetensors *open_index(const char *path, struct err *err)
{
    struct safetensors *f = NULL;
    json_t *index = json_parse_file(path, HEADER_LIMIT, err);
    if (!index)
        return NULL;
    const json_t *map = json_object_get(index, "weight_map");
    if (json_is_object(map))
        f = open_shards(path, map, err);
    else
        err_set(err, ERR_INPUT, "%s: weight_map missing", path);
    json_decref(index);
    return f;
}

static struct safetensors *open_directory(const char *dir, struct err *err)
{
    struct safetensors *f = NULL;
    char *single = file_join(dir, "model.safetensors");
    char *index = file_join(dir, "model.safetensors.index.json");
    if (file_exists(single))
        f = open_single(single, err);
    else if (file_exists(index))
        f = open_index(index, err);
    else
        err_set(err, ERR_INPUT, "%s: holds neither model.safetensors nor its index.json",
                dir);
    free(single);
    free(index);
    return f;
}

struct safetensors *safetensors_open(const char *path, struct err *err)
{
    static const char suffix[] = ".index.json";
    size_t length = strlen(path), tail = sizeof suffix - 1;
    if (file_is_directory(path))
        return open_directory(path, err);
    if (length > tail && strcmp(path + length - tail, suffix) == 0)
        return open_index(path, err);
    return open_single(path, err);
}

void safetensors_close(struct safetensors *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->shard_count; i++)
        mapped_file_close(&f->shards[i].file);
    names_free(&f->names);
    arena_free(&f->arena);
    free(f->tensors);
    free(f->shards);
    free(f->path);
    free(f);
}

/* ---- what is inside ------------------------------------------------------- */

const char *safetensors_path(const struct safetensors *f)
{
    return f->path;
}

size_t safetensors_file_count(const struct safetensors *f)
{
    return f->shard_count;
}

const struct mapped_file *safetensors_file_at(const struct safetensors *f, size_t i)
{
    return &f->shards[i].file;
}

size_t safetensors_count(const struct safetensors *f)
{
    return f->count;
}

const struct tensor *safetensors_at(const struct safetensors *f, size_t i)
{
    return &f->tensors[i];
}

const struct tensor *safetensors_find(const struct safetensors *f, const char *name)
{
    ptrdiff_t i = names_find(&f->names, name);
    return i == NAMES_NONE ? NULL : &f->tensors[i];
}

const char *safetensors_metadata(const struct safetensors *f, const char *key)
{
    for (size_t i = 0; i < f->pairs; i++)
        if (strcmp(f->metadata[i].key, key) == 0)
            return f->metadata[i].value;
    return NULL;
}

size_t safetensors_metadata_count(const struct safetensors *f)
{
    return f->pairs;
}

const char *safetensors_metadata_at(const struct safetensors *f, size_t i,
                                    const char **value)
{
    *value = f->metadata[i].value;
    return f->metadata[i].key;
}
