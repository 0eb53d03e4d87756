#include "engine/model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/model/names.h"
#include "engine/model/safetensors_header.h"

#define GROUPED(n) text_grouped((n), (char[TEXT_NUMBER_MAX]){0})

enum {
    LENGTH_BYTES = 8, /* the number in front of the header */
    HEADER_LIMIT = 100000000,
};

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

/* ---- one file ------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct safetensors_span *x = *(const struct safetensors_span *const *)a;
    const struct safetensors_span *y = *(const struct safetensors_span *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Do the spans, in the order of their places, cover size bytes of data without hole,
 * overlap or rest? */
static bool check_places(const struct safetensors_span *const *sorted, size_t count,
                         size_t size, struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_span *span = sorted[i];
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

static bool check_tiling(const struct safetensors_header *header, size_t size,
                         struct err *err)
{
    const struct safetensors_span **sorted = xcalloc(header->count, sizeof *sorted);
    for (size_t i = 0; i < header->count; i++)
        sorted[i] = &header->spans[i];
    if (header->count > 1)
        qsort(sorted, header->count, sizeof *sorted, compare_places);
    bool ok = check_places(sorted, header->count, size, err);
    free(sorted);
    return ok;
}

/* Adds the tensors of one file; their data pointers are set only when all places are
 * known to be inside of it. */
static bool add_tensors(struct safetensors *f, const struct safetensors_header *header,
                        const uint8_t *data, size_t size, struct err *err)
{
    size_t first = f->count;
    MEM_GROW(f->tensors, f->capacity, first + header->count);
    for (size_t i = 0; i < header->count; i++) {
        f->tensors[first + i] = header->spans[i].tensor;
        names_add(&f->names, header->spans[i].tensor.name, first + i);
    }
    f->count += header->count;
    ptrdiff_t twice = names_sort(&f->names);
    if (twice != NAMES_NONE)
        return err_set(err, ERR_INPUT, "tensor %s listed twice", f->tensors[twice].name);
    if (!check_tiling(header, size, err))
        return false;
    for (size_t i = 0; i < header->count; i++)
        f->tensors[first + i].data = data + header->spans[i].begin;
    return true;
}

static void keep_metadata(struct safetensors *f, const struct safetensors_header *header)
{
    if (f->metadata)
        return;
    f->pairs = header->pair_count;
    f->metadata = arena_array(&f->arena, struct safetensors_pair, f->pairs);
    for (size_t i = 0; i < f->pairs; i++)
        f->metadata[i] = header->pairs[i];
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
    struct safetensors_header header = {0};
    const uint8_t *text = shard->data + LENGTH_BYTES, *data = text + length;
    size_t size = shard->size - LENGTH_BYTES - (size_t)length;
    bool ok = safetensors_header_parse(&header, (const char *)text, (size_t)length,
                                       &f->arena, err) &&
              add_tensors(f, &header, data, size, err);
    if (ok)
        keep_metadata(f, &header);
    safetensors_header_free(&header);
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
    size_t before = f->count;
    if (!mapped_file_open(&shard->file, path, err))
        return false;
    shard->data = shard->file.data;
    shard->size = shard->file.size;
    if (!read_shard(f, shard, err))
        return err_prefix(err, "%s: invalid safetensors", path);
    for (size_t t = before; t < f->count; t++)
        f->tensors[t].mapped = true;
    return true;
}

static struct safetensors *open_single(const char *path, struct err *err)
{
    struct safetensors *f = new_file(path, 1);
    if (open_shard(f, 0, path, err))
        return f;
    safetensors_close(f);
    return NULL;
}

struct safetensors *safetensors_open_buffer(const void *data, size_t size,
                                            const char *name, struct err *err)
{
    struct safetensors *f = new_file(name, 1);
    f->shards[0] = (struct shard){.data = data, .size = size};
    if (read_shard(f, &f->shards[0], err))
        return f;
    err_prefix(err, "%s: invalid safetensors", name);
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
    ok = ok && (check_map(f, &shards, map, err) || err_prefix(err, "%s", path));
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
