/* GGUF metadata: reads the keys; every length is compared with what is left of the
 * file before anything is allocated for it. */
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/gguf_impl.h"

#define TYPE_BYTES(id, name, bytes) [GGUF_##id] = bytes,
static const size_t type_bytes[GGUF_TYPE_COUNT] = {GGUF_TYPES(TYPE_BYTES)};

size_t gguf_type_bytes(enum gguf_type type)
{
    return type_bytes[type];
}

const char *gguf_copy_name(const uint8_t *text, size_t length, struct arena *arena)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return NULL;
    char *copy = arena_array(arena, char, length + 1);
    memcpy(copy, text, length);
    return copy;
}

bool gguf_truncated(const struct gguf_cursor *c, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "truncated: the file ends at byte %zu. Re-download the file.",
                   c->size);
}

static bool read_key_name(struct gguf_key *key, struct gguf_cursor *c,
                          struct arena *arena, struct err *err)
{
    uint64_t length;
    if (!gguf_take_u64(c, &length))
        return gguf_truncated(c, err);
    if (length > gguf_left(c))
        return err_set(err, ERR_INPUT, "length %ju exceeds the %zu bytes left",
                       (uintmax_t)length, gguf_left(c));
    if (length == 0)
        return err_set(err, ERR_INPUT, "empty");
    if (length > GGUF_KEY_LIMIT)
        return err_set(err, ERR_INPUT, "too long: %ju bytes, at most %d",
                       (uintmax_t)length, GGUF_KEY_LIMIT);
    const uint8_t *text = gguf_take(c, (size_t)length);
    key->name = gguf_copy_name(text, (size_t)length, arena);
    return key->name || err_set(err, ERR_INPUT, "not printable ASCII: \"%.*s\"",
                                (int)size_min(length, 40), text);
}

static bool read_type(enum gguf_type *type, struct gguf_cursor *c, struct err *err)
{
    uint32_t code;
    if (!gguf_take_u32(c, &code))
        return gguf_truncated(c, err);
    if (code >= GGUF_TYPE_COUNT)
        return err_set(err, ERR_INPUT, "unknown type %d", (int)code);
    *type = (enum gguf_type)code;
    return true;
}

static bool read_string(struct gguf_string *string, struct gguf_cursor *c,
                        struct err *err)
{
    uint64_t length;
    if (!gguf_take_u64(c, &length))
        return gguf_truncated(c, err);
    if (length > gguf_left(c))
        return err_set(err, ERR_INPUT, "string length exceeds file: %ju, %zu bytes left",
                       (uintmax_t)length, gguf_left(c));
    if (length > GGUF_STRING_LIMIT)
        return err_set(err, ERR_INPUT, "string length %ju over limit %d",
                       (uintmax_t)length, GGUF_STRING_LIMIT);
    string->length = (size_t)length;
    string->text = (const char *)gguf_take(c, string->length);
    return true;
}

static bool read_strings(struct gguf_key *key, size_t count, struct gguf_cursor *c,
                         struct arena *arena, struct err *err)
{
    key->strings = arena_array(arena, struct gguf_string, count);
    for (size_t i = 0; i < count; i++)
        if (!read_string(&key->strings[i], c, err))
            return false;
    return true;
}

static bool read_array(struct gguf_key *key, struct gguf_cursor *c, struct arena *arena,
                       struct err *err)
{
    uint64_t count;
    if (!read_type(&key->element, c, err))
        return false;
    if (key->element == GGUF_ARRAY)
        return err_set(err, ERR_INPUT, "nested arrays not supported");
    if (!gguf_take_u64(c, &count))
        return gguf_truncated(c, err);
    if (count > GGUF_ARRAY_LIMIT)
        return err_set(err, ERR_INPUT, "array too large: %ju elements, at most %d",
                       (uintmax_t)count, GGUF_ARRAY_LIMIT);
    key->count = (size_t)count;
    bool strings = key->element == GGUF_STRING;
    size_t least = key->count * (strings ? sizeof(uint64_t) : type_bytes[key->element]);
    if (least > gguf_left(c))
        return err_set(err, ERR_INPUT, "needs at least %s, file has %s",
                       text_bytes(least, (char[TEXT_NUMBER_MAX]){0}),
                       text_bytes(c->size, (char[TEXT_NUMBER_MAX]){0}));
    if (strings)
        return read_strings(key, key->count, c, arena, err);
    key->value = gguf_take(c, least);
    return true;
}

static bool read_value(struct gguf_key *key, struct gguf_cursor *c, struct arena *arena,
                       struct err *err)
{
    if (!read_type(&key->type, c, err))
        return false;
    if (key->type == GGUF_STRING)
        return read_strings(key, 1, c, arena, err);
    if (key->type == GGUF_ARRAY)
        return read_array(key, c, arena, err);
    key->value = gguf_take(c, type_bytes[key->type]);
    if (!key->value)
        return gguf_truncated(c, err);
    if (key->type == GGUF_BOOL && *key->value > 1)
        return err_set(err, ERR_INPUT, "bool is %d, must be 0 or 1", *key->value);
    return true;
}

bool gguf_keys_read(struct gguf_keys *keys, struct gguf_cursor *c, size_t count,
                    struct arena *arena, struct err *err)
{
    keys->items = arena_array(arena, struct gguf_key, count);
    keys->count = count;
    for (size_t i = 0; i < count; i++) {
        struct gguf_key *key = &keys->items[i];
        if (!read_key_name(key, c, arena, err))
            return err_prefix(err, "key %zu", i);
        if (!read_value(key, c, arena, err))
            return err_prefix(err, "key %s", key->name);
        names_add(&keys->names, key->name, i);
    }
    ptrdiff_t twice = names_sort(&keys->names);
    if (twice != NAMES_NONE)
        return err_set(err, ERR_INPUT, "key %s appears twice", keys->items[twice].name);
    return true;
}

void gguf_keys_free(struct gguf_keys *keys)
{
    names_free(&keys->names);
    *keys = (struct gguf_keys){0};
}

bool gguf_keys_alignment(const struct gguf_keys *keys, size_t *alignment, struct err *err)
{
    *alignment = GGUF_ALIGNMENT_DEFAULT;
    ptrdiff_t i = names_find(&keys->names, "general.alignment");
    if (i == NAMES_NONE)
        return true;
    const struct gguf_key *key = &keys->items[i];
    uint32_t value = 0;
    if (key->type == GGUF_U32)
        memcpy(&value, key->value, sizeof value);
    if (value < GGUF_ALIGNMENT_MIN || value > GGUF_ALIGNMENT_MAX ||
        (value & (value - 1)) != 0) {
        char found[80];
        return err_set(
            err, ERR_INPUT,
            "key general.alignment: alignment must be u32 power of two 8–4096, is %s",
            gguf_key_text(key, found, sizeof found));
    }
    *alignment = value;
    return true;
}
