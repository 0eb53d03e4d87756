#include "engine/model/gguf.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/gguf_impl.h"

enum {
    HEADER_BYTES = 24,     /* magic, version, two counts */
    KEY_BYTES_MIN = 14,    /* length, one character, type, one byte of value */
    TENSOR_BYTES_MIN = 25, /* length, one character, n_dims, type, offset */
};

static bool check_magic(const uint8_t *data, size_t size, struct err *err)
{
    if (size == 0)
        return err_set(err, ERR_INPUT, "empty file");
    if (size >= 4 && memcmp(data, "GGUF", 4) != 0)
        return err_set(err, ERR_INPUT, "not a GGUF file (magic %02x %02x %02x %02x)",
                       data[0], data[1], data[2], data[3]);
    if (size < HEADER_BYTES)
        return err_set(err, ERR_INPUT, "header truncated at byte %zu of %d", size,
                       HEADER_BYTES);
    return true;
}

static bool check_version(uint32_t version, struct err *err)
{
    if (version == 2 || version == 3)
        return true;
    if (version != 0 && (version & 0xffff) == 0)
        return err_set(err, ERR_INPUT, "big-endian GGUF not supported");
    return err_set(err, ERR_INPUT, "GGUF version %ju not supported (2–3)",
                   (uintmax_t)version);
}

static bool check_room(const char *what, uint64_t count, size_t least, size_t size,
                       struct err *err)
{
    if (count * least > size - HEADER_BYTES)
        return err_set(err, ERR_INPUT, "%s needs at least %ju bytes, file has %zu", what,
                       (uintmax_t)(count * least + HEADER_BYTES), size);
    return true;
}

static bool check_counts(uint64_t tensors, uint64_t keys, size_t size, struct err *err)
{
    char found[TEXT_NUMBER_MAX], limit[TEXT_NUMBER_MAX];
    text_grouped(GGUF_COUNT_LIMIT, limit);
    if (tensors > GGUF_COUNT_LIMIT)
        return err_set(err, ERR_INPUT, "tensor count %s over limit %s",
                       text_grouped(tensors, found), limit);
    if (keys > GGUF_COUNT_LIMIT)
        return err_set(err, ERR_INPUT, "metadata count over limit: %s keys, at most %s",
                       text_grouped(keys, found), limit);
    return check_room("metadata", keys, KEY_BYTES_MIN, size, err) &&
           check_room("tensor table", tensors, TENSOR_BYTES_MIN, size, err);
}

static bool read_header(struct gguf_cursor *c, uint64_t *tensors, uint64_t *keys,
                        struct err *err)
{
    uint32_t magic, version = 0;
    return check_magic(c->data, c->size, err) && gguf_take_u32(c, &magic) &&
           gguf_take_u32(c, &version) && check_version(version, err) &&
           gguf_take_u64(c, tensors) && gguf_take_u64(c, keys) &&
           check_counts(*tensors, *keys, c->size, err);
}

static bool read_part(struct gguf *g, const struct gguf_part *part,
                      struct gguf_keys *keys, struct err *err)
{
    struct gguf_cursor c = {part->data, part->size, 0};
    uint64_t tensors, key_count;
    size_t alignment;
    return read_header(&c, &tensors, &key_count, err) &&
           gguf_keys_read(keys, &c, (size_t)key_count, &g->arena, err) &&
           gguf_keys_alignment(keys, &alignment, err) &&
           gguf_tensors_read(g, &c, (size_t)tensors, alignment, err);
}

/* ---- opening -------------------------------------------------------------- */

static struct gguf *gguf_new(const char *path)
{
    struct gguf *g = xcalloc(1, sizeof *g);
    g->path = xstrdup(path);
    g->parts = xcalloc(1, sizeof *g->parts);
    g->part_count = 1;
    return g;
}

static bool open_part(struct gguf *g, size_t i, const char *path, struct gguf_keys *keys,
                      struct err *err)
{
    struct gguf_part *part = &g->parts[i];
    if (!mapped_file_open(&part->file, path, err))
        return false;
    part->data = part->file.data;
    part->size = part->file.size;
    return read_part(g, part, keys, err) || err_prefix(err, "%s: invalid GGUF", path);
}

/* "dir/name-00001-of-00003.gguf": the name of part i (from 0) of n, to be freed;
 * NULL when path is not the first part of n. */
static char *part_path(const char *path, size_t i, size_t n)
{
    char suffix[64];
    size_t length = strlen(path);
    size_t tail = (size_t)snprintf(suffix, sizeof suffix, "-00001-of-%05zu.gguf", n);
    if (length <= tail || strcmp(path + length - tail, suffix) != 0)
        return NULL;
    char *name = xstrdup(path);
    snprintf(suffix, sizeof suffix, "-%05zu-of-%05zu.gguf", i + 1, n);
    memcpy(name + length - tail, suffix, tail);
    return name;
}

static bool open_sibling(struct gguf *g, size_t i, struct err *err)
{
    struct gguf_keys keys = {0};
    char *path = part_path(g->path, i, g->part_count);
    bool ok = path ? open_part(g, i, path, &keys, err)
                   : err_set(err, ERR_INPUT,
                             "%s: invalid GGUF: the first of %zu parts must be called "
                             "...-00001-of-%05zu.gguf; open that one",
                             g->path, g->part_count, g->part_count);
    free(path);
    gguf_keys_free(&keys);
    return ok;
}

/* Opens the other parts when the keys of the first one say that there are any. */
static bool open_siblings(struct gguf *g, struct err *err)
{
    uint64_t count = 1, expected;
    if (gguf_get_u64(g, "split.count", &count, err) == GGUF_WRONG)
        return false;
    if (count <= 1)
        return true;
    if (count > UINT16_MAX)
        return err_set(err, ERR_INPUT,
                       "%s: invalid GGUF: key split.count: %ju parts, at most %d",
                       g->path, (uintmax_t)count, UINT16_MAX);
    g->parts = xrealloc(g->parts, (size_t)count, sizeof *g->parts);
    memset(g->parts + 1, 0, ((size_t)count - 1) * sizeof *g->parts);
    g->part_count = (size_t)count;
    for (size_t i = 1; i < g->part_count; i++)
        if (!open_sibling(g, i, err))
            return false;
    enum gguf_found found = gguf_get_u64(g, "split.tensors.count", &expected, err);
    if (found == GGUF_FOUND && expected != g->tensor_count)
        return err_set(err, ERR_INPUT,
                       "%s: invalid GGUF: the parts hold %zu tensors, expected %ju",
                       g->path, g->tensor_count, (uintmax_t)expected);
    return found != GGUF_WRONG;
}

static bool index_tensors(struct gguf *g, struct err *err)
{
    for (size_t i = 0; i < g->tensor_count; i++)
        names_add(&g->tensor_names, g->tensors[i].name, i);
    ptrdiff_t twice = names_sort(&g->tensor_names);
    if (twice == NAMES_NONE)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: invalid GGUF: tensor %td: bad or duplicate name \"%s\"", g->path,
                   twice, g->tensors[twice].name);
}

struct gguf *gguf_open(const char *path, struct err *err)
{
    struct gguf *g = gguf_new(path);
    if (open_part(g, 0, path, &g->keys, err) && open_siblings(g, err) &&
        index_tensors(g, err)) {
        for (size_t i = 0; i < g->tensor_count; i++)
            g->tensors[i].mapped = true;
        return g;
    }
    gguf_close(g);
    return NULL;
}

struct gguf *gguf_open_buffer(const void *data, size_t size, const char *name,
                              struct err *err)
{
    struct gguf *g = gguf_new(name);
    g->parts[0] = (struct gguf_part){.data = data, .size = size};
    if (!read_part(g, &g->parts[0], &g->keys, err))
        err_prefix(err, "%s: invalid GGUF", name);
    else if (index_tensors(g, err))
        return g;
    gguf_close(g);
    return NULL;
}

void gguf_close(struct gguf *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->part_count; i++)
        mapped_file_close(&g->parts[i].file);
    gguf_keys_free(&g->keys);
    names_free(&g->tensor_names);
    arena_free(&g->arena);
    free(g->tensors);
    free(g->parts);
    free(g->path);
    free(g);
}

/* ---- what is inside ------------------------------------------------------- */

const char *gguf_path(const struct gguf *g)
{
    return g->path;
}

size_t gguf_file_count(const struct gguf *g)
{
    return g->part_count;
}

const struct mapped_file *gguf_file_at(const struct gguf *g, size_t i)
{
    return &g->parts[i].file;
}

size_t gguf_tensor_count(const struct gguf *g)
{
    return g->tensor_count;
}

const struct tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
    return &g->tensors[i];
}

const struct tensor *gguf_tensor(const struct gguf *g, const char *name)
{
    ptrdiff_t i = names_find(&g->tensor_names, name);
    return i == NAMES_NONE ? NULL : &g->tensors[i];
}
