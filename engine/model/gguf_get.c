/* GGUF metadata: the typed getters, and a printable form for people. */
#include <stdio.h>

#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/gguf_impl.h"

#define TYPE_NAME(id, name, bytes) [GGUF_##id] = name,
static const char *const type_names[GGUF_TYPE_COUNT] = {GGUF_TYPES(TYPE_NAME)};

static const struct gguf_key *find_key(const struct gguf *g, const char *name)
{
    ptrdiff_t i = names_find(&g->keys.names, name);
    return i == NAMES_NONE ? NULL : &g->keys.items[i];
}

static bool is_signed(enum gguf_type type)
{
    return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
}

static bool is_unsigned(enum gguf_type type)
{
    return type == GGUF_U8 || type == GGUF_U16 || type == GGUF_U32 || type == GGUF_U64;
}

/* The bits of an integer, sign-extended to 64. */
static uint64_t integer_of(const struct gguf_key *key)
{
    uint64_t bits = 0;
    size_t bytes = gguf_type_bytes(key->type);
    memcpy(&bits, key->value, bytes);
    if (is_signed(key->type) && bytes < sizeof bits && bits >> (8 * bytes - 1))
        bits |= UINT64_MAX << 8 * bytes;
    return bits;
}

static double float_of(const struct gguf_key *key)
{
    double wide;
    float narrow;
    if (key->type == GGUF_F64) {
        memcpy(&wide, key->value, sizeof wide);
        return wide;
    }
    memcpy(&narrow, key->value, sizeof narrow);
    return (double)narrow;
}

static void value_text(const struct gguf_key *key, char *out, size_t size)
{
    if (key->type == GGUF_ARRAY) {
        snprintf(out, size, "%s array of %zu", type_names[key->element], key->count);
    } else if (key->type == GGUF_STRING) {
        char text[256];
        text_sanitize(text, sizeof text, key->strings->text,
                      size_min(key->strings->length, sizeof text));
        snprintf(out, size, "\"%s\"", text);
    } else if (key->type == GGUF_BOOL) {
        snprintf(out, size, "%s", *key->value ? "true" : "false");
    } else if (is_signed(key->type)) {
        snprintf(out, size, "%jd", (intmax_t)integer_of(key));
    } else if (is_unsigned(key->type)) {
        snprintf(out, size, "%ju", (uintmax_t)integer_of(key));
    } else {
        snprintf(out, size, "%g", float_of(key));
    }
}

const char *gguf_key_text(const struct gguf_key *key, char *out, size_t size)
{
    char value[300];
    value_text(key, value, sizeof value);
    if (key->type == GGUF_ARRAY)
        snprintf(out, size, "%s", value);
    else
        snprintf(out, size, "%s %s", type_names[key->type], value);
    return out;
}

static enum gguf_found wrong(const struct gguf *g, const struct gguf_key *key,
                             const char *wanted, struct err *err)
{
    char found[320];
    err_set(err, ERR_INPUT, "%s: invalid GGUF: key %s must be %s, is %s", g->path,
            key->name, wanted, gguf_key_text(key, found, sizeof found));
    return GGUF_WRONG;
}

enum gguf_found gguf_get_u64(const struct gguf *g, const char *name, uint64_t *out,
                             struct err *err)
{
    const struct gguf_key *key = find_key(g, name);
    if (!key)
        return GGUF_ABSENT;
    if (!is_unsigned(key->type) &&
        (!is_signed(key->type) || (int64_t)integer_of(key) < 0))
        return wrong(g, key, "a non-negative integer", err);
    *out = integer_of(key);
    return GGUF_FOUND;
}

enum gguf_found gguf_get_f64(const struct gguf *g, const char *name, double *out,
                             struct err *err)
{
    const struct gguf_key *key = find_key(g, name);
    if (!key)
        return GGUF_ABSENT;
    if (key->type != GGUF_F32 && key->type != GGUF_F64)
        return wrong(g, key, "f32 or f64", err);
    *out = float_of(key);
    return GGUF_FOUND;
}

enum gguf_found gguf_get_bool(const struct gguf *g, const char *name, bool *out,
                              struct err *err)
{
    const struct gguf_key *key = find_key(g, name);
    if (!key)
        return GGUF_ABSENT;
    if (key->type != GGUF_BOOL)
        return wrong(g, key, "bool", err);
    *out = *key->value != 0;
    return GGUF_FOUND;
}

enum gguf_found gguf_get_string(const struct gguf *g, const char *name,
                                struct gguf_string *out, struct err *err)
{
    const struct gguf_key *key = find_key(g, name);
    if (!key)
        return GGUF_ABSENT;
    if (key->type != GGUF_STRING)
        return wrong(g, key, "string", err);
    *out = *key->strings;
    return GGUF_FOUND;
}

static enum gguf_found find_array(const struct gguf *g, const char *name,
                                  enum gguf_type element, const struct gguf_key **key,
                                  struct err *err)
{
    char wanted[32];
    *key = find_key(g, name);
    if (!*key)
        return GGUF_ABSENT;
    if ((*key)->type == GGUF_ARRAY && (*key)->element == element)
        return GGUF_FOUND;
    snprintf(wanted, sizeof wanted, "%s array", type_names[element]);
    return wrong(g, *key, wanted, err);
}

enum gguf_found gguf_get_strings(const struct gguf *g, const char *name,
                                 const struct gguf_string **out, size_t *count,
                                 struct err *err)
{
    const struct gguf_key *key;
    enum gguf_found found = find_array(g, name, GGUF_STRING, &key, err);
    if (found == GGUF_FOUND) {
        *out = key->strings;
        *count = key->count;
    }
    return found;
}

static enum gguf_found get_numbers(const struct gguf *g, const char *name,
                                   enum gguf_type element, const void **out,
                                   size_t *count, struct err *err)
{
    const struct gguf_key *key;
    enum gguf_found found = find_array(g, name, element, &key, err);
    if (found == GGUF_FOUND) {
        *out = key->value;
        *count = key->count;
    }
    return found;
}

enum gguf_found gguf_get_i32s(const struct gguf *g, const char *name, const void **out,
                              size_t *count, struct err *err)
{
    return get_numbers(g, name, GGUF_I32, out, count, err);
}

enum gguf_found gguf_get_f32s(const struct gguf *g, const char *name, const void **out,
                              size_t *count, struct err *err)
{
    return get_numbers(g, name, GGUF_F32, out, count, err);
}

size_t gguf_key_count(const struct gguf *g)
{
    return g->keys.count;
}

const char *gguf_key_at(const struct gguf *g, size_t i, char *out, size_t size)
{
    value_text(&g->keys.items[i], out, size);
    return g->keys.items[i].name;
}

const char *gguf_value(const struct gguf *g, const char *name, char *out, size_t size)
{
    const struct gguf_key *key = find_key(g, name);
    snprintf(out, size, "(absent)");
    if (key)
        value_text(key, out, size);
    return out;
}
