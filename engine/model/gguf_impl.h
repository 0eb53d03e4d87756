/* Private to gguf*.c: the structures behind gguf.h and the cursor that reads a
 * file. Functions here set messages without the path; gguf.c puts it in front. */
#ifndef ENGINE_MODEL_GGUF_IMPL_H
#define ENGINE_MODEL_GGUF_IMPL_H

#include <string.h>

#include "engine/base/arena.h"
#include "engine/model/gguf.h"
#include "engine/model/names.h"

/* The limits that SECURITY.md states. */
enum {
    GGUF_COUNT_LIMIT = 65536, /* keys, and tensors of one file */
    GGUF_KEY_LIMIT = 65535,   /* bytes of a key */
    GGUF_NAME_LIMIT = 63,     /* bytes of a tensor name */
    GGUF_STRING_LIMIT = 16 << 20,
    GGUF_ARRAY_LIMIT = 1 << 26,
    GGUF_ALIGNMENT_MIN = 8,
    GGUF_ALIGNMENT_MAX = 4096,
    GGUF_ALIGNMENT_DEFAULT = 32,
};
#define GGUF_VALUES_LIMIT ((size_t)1 << 48) /* of one tensor */

/* Types of metadata values in the order of their codes; bytes of the fixed ones. */
#define GGUF_TYPES(X)                                                                    \
    X(U8, "u8", 1)                                                                       \
    X(I8, "i8", 1)                                                                       \
    X(U16, "u16", 2)                                                                     \
    X(I16, "i16", 2)                                                                     \
    X(U32, "u32", 4)                                                                     \
    X(I32, "i32", 4)                                                                     \
    X(F32, "f32", 4)                                                                     \
    X(BOOL, "bool", 1)                                                                   \
    X(STRING, "string", 0)                                                               \
    X(ARRAY, "array", 0)                                                                 \
    X(U64, "u64", 8)                                                                     \
    X(I64, "i64", 8)                                                                     \
    X(F64, "f64", 8)

#define GGUF_ENUM(id, name, bytes) GGUF_##id,
enum gguf_type { GGUF_TYPES(GGUF_ENUM) GGUF_TYPE_COUNT };
#undef GGUF_ENUM

struct gguf_key {
    const char *name;
    enum gguf_type type;
    enum gguf_type element;      /* of an array */
    size_t count;                /* of an array */
    const uint8_t *value;        /* the number, or the first of an array */
    struct gguf_string *strings; /* one, or those of an array */
};

struct gguf_keys {
    struct gguf_key *items;
    size_t count;
    struct names names;
};

struct gguf_part {
    struct mapped_file file; /* path NULL: a buffer */
    const uint8_t *data;
    size_t size;
};

struct gguf {
    char *path;
    struct gguf_part *parts;
    size_t part_count;
    struct gguf_keys keys; /* of the first part */
    struct tensor *tensors;
    size_t tensor_count, tensor_capacity;
    struct names tensor_names;
    struct arena arena; /* names and string tables */
};

struct gguf_cursor {
    const uint8_t *data;
    size_t size, at;
};

static inline size_t gguf_left(const struct gguf_cursor *c)
{
    return c->size - c->at;
}

/* The next n bytes, or NULL when there are fewer. */
static inline const uint8_t *gguf_take(struct gguf_cursor *c, size_t n)
{
    if (n > gguf_left(c))
        return NULL;
    const uint8_t *p = c->data + c->at;
    c->at += n;
    return p;
}

static inline bool gguf_take_u32(struct gguf_cursor *c, uint32_t *out)
{
    const uint8_t *p = gguf_take(c, sizeof *out);
    if (p)
        memcpy(out, p, sizeof *out);
    return p != NULL;
}

static inline bool gguf_take_u64(struct gguf_cursor *c, uint64_t *out)
{
    const uint8_t *p = gguf_take(c, sizeof *out);
    if (p)
        memcpy(out, p, sizeof *out);
    return p != NULL;
}

bool gguf_truncated(const struct gguf_cursor *c, struct err *err);

/* A NUL-terminated copy of text in the arena, or NULL when it has a character
 * that is not printable ASCII. */
const char *gguf_copy_name(const uint8_t *text, size_t length, struct arena *arena);

size_t gguf_type_bytes(enum gguf_type type); /* 0 for strings and arrays */

/* Type and value in a few printable words: "u32 7", "string \"llama\"", "i8 array of 3".
 */
const char *gguf_key_text(const struct gguf_key *key, char *out, size_t size);

/* Reads `count` keys. The values point into the file. */
bool gguf_keys_read(struct gguf_keys *keys, struct gguf_cursor *c, size_t count,
                    struct arena *arena, struct err *err);
void gguf_keys_free(struct gguf_keys *keys);
bool gguf_keys_alignment(const struct gguf_keys *keys, size_t *alignment,
                         struct err *err);

/* Reads `count` tensors behind the keys of a part, checks that their data lie
 * inside the file and apart, and appends them to g->tensors. */
bool gguf_tensors_read(struct gguf *g, struct gguf_cursor *c, size_t count,
                       size_t alignment, struct err *err);

#endif
