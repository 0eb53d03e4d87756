#include "engine/model/safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/names.h"

enum { NAME_LIMIT = 512 };               /* bytes of a tensor name */
#define OFFSET_LIMIT ((uint64_t)1 << 53) /* above it other readers lose digits */

/* Where the parser stands, and the string that it read last. */
struct reader {
    const char *text;
    size_t length, at;
    char *string; /* NUL-terminated */
    size_t string_length, string_capacity;
    struct err *err;
};

/* ---- words of JSON -------------------------------------------------------- */

static bool expected(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INPUT,
                   "header is not a JSON object at byte %zu: expected %s", r->at + 1,
                   what);
}

static bool bad_string(struct reader *r)
{
    return err_set(r->err, ERR_INPUT, "header: invalid string at byte %zu", r->at + 1);
}

/* The next character that is not white space, or NUL at the end. */
static char peek(struct reader *r)
{
    while (r->at < r->length && (r->text[r->at] == ' ' || r->text[r->at] == '\t' ||
                                 r->text[r->at] == '\n' || r->text[r->at] == '\r'))
        r->at++;
    return r->at < r->length ? r->text[r->at] : '\0';
}

/* Takes c when it comes next. */
static bool accept(struct reader *r, char c)
{
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool take(struct reader *r, char c)
{
    return accept(r, c) || expected(r, (char[]){'\'', c, '\'', '\0'});
}

static void append(struct reader *r, const char *bytes, size_t count)
{
    MEM_GROW(r->string, r->string_capacity, r->string_length + count + 1);
    memcpy(r->string + r->string_length, bytes, count);
    r->string_length += count;
}

/* Four hexadecimal digits, or UINT32_MAX. */
static uint32_t read_hex(struct reader *r)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        static const char digits[] = "0123456789abcdef";
        char c = r->at < r->length ? r->text[r->at] : '\0';
        const char *digit =
            c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
        if (!digit)
            return UINT32_MAX;
        value = value << 4 | (uint32_t)(digit - digits);
    }
    return value;
}

/* Behind "\u": a code point, two escapes for one above U+FFFF. Lone surrogates and U+0000
 * are refused. */
static bool read_code_point(struct reader *r)
{
    char bytes[4];
    uint32_t c = read_hex(r);
    if (c >= 0xd800 && c < 0xdc00 && r->length - r->at > 2 &&
        memcmp(r->text + r->at, "\\u", 2) == 0) {
        r->at += 2;
        uint32_t low = read_hex(r);
        c = low >= 0xdc00 && low < 0xe000
                ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00)
                : 0;
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return bad_string(r);
    append(r, bytes, text_encode(c, bytes));
    return true;
}

static bool read_escape(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->length ? r->text[r->at] : '\0';
    const char *name = c ? strchr(names, c) : NULL;
    if (!name && c != 'u')
        return bad_string(r);
    r->at++;
    if (c == 'u')
        return read_code_point(r);
    append(r, &values[name - names], 1);
    return true;
}

/* Reads a string into r->string. The whole header is valid UTF-8 already. */
static bool read_string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    r->string_length = 0;
    append(r, "", 0);
    while (r->at < r->length && r->text[r->at] != '"') {
        size_t start = r->at;
        while (r->at < r->length && (unsigned char)r->text[r->at] >= 0x20 &&
               r->text[r->at] != '"' && r->text[r->at] != '\\')
            r->at++;
        append(r, r->text + start, r->at - start);
        if (r->at == r->length || r->text[r->at] == '"')
            break;
        if (r->text[r->at] != '\\')
            return bad_string(r);
        r->at++;
        if (!read_escape(r))
            return false;
    }
    r->string[r->string_length] = '\0';
    return r->at++ < r->length || bad_string(r);
}

/* Takes the rest of an object member by member: false when it ends ('}'), and on an
 * error, which sets *ok. */
static bool next_member(struct reader *r, bool first, bool *ok)
{
    if (accept(r, '}'))
        return false;
    *ok = (first || take(r, ',')) && read_string(r) && take(r, ':');
    return *ok;
}

/* A whole number in decimal digits; above uint64 its maximum. False for anything else. */
static bool read_number(struct reader *r, uint64_t *out)
{
    char first = peek(r);
    size_t start = r->at;
    *out = 0;
    for (; r->at < r->length && r->text[r->at] >= '0' && r->text[r->at] <= '9'; r->at++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(r->text[r->at] - '0'), out))
            *out = UINT64_MAX;
    size_t digits = r->at - start;
    return digits == 1 || (digits > 1 && first != '0');
}

/* A list of whole numbers. *count is how many there are; limit + 1 when there are more,
 * of which nothing is read. False when it is anything else. */
static bool read_numbers(struct reader *r, uint64_t *out, size_t limit, size_t *count)
{
    *count = 0;
    if (!accept(r, '['))
        return false;
    while (!accept(r, ']')) {
        if (*count > 0 && !accept(r, ','))
            return false;
        if ((*count)++ == limit)
            return true;
        if (!read_number(r, &out[*count - 1]))
            return false;
    }
    return true;
}

/* ---- tensors and metadata -------------------------------------------------- */

static const char *keep_string(const struct reader *r, struct arena *arena)
{
    return memcpy(arena_array(arena, char, r->string_length + 1), r->string,
                  r->string_length + 1);
}

static bool read_dtype(struct reader *r, struct tensor *t)
{
    if (!read_string(r))
        return false;
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++) {
        t->type = (enum tensor_type)type;
        if (tensor_type_values(t->type) == 1 &&
            strcmp(r->string, tensor_type_name(t->type)) == 0)
            return true;
    }
    return err_set(r->err, ERR_INPUT, "tensor %s: unsupported dtype \"%s\"", t->name,
                   r->string);
}

static bool read_shape(struct reader *r, struct tensor *t)
{
    uint64_t dims[TENSOR_DIMS_MAX];
    size_t count;
    if (!read_numbers(r, dims, TENSOR_DIMS_MAX, &count))
        return err_set(r->err, ERR_INPUT,
                       "tensor %s: bad shape at byte %zu: must be whole numbers", t->name,
                       r->at + 1);
    if (count > TENSOR_DIMS_MAX)
        return err_set(r->err, ERR_INPUT, "tensor %s: more than %d dimensions", t->name,
                       TENSOR_DIMS_MAX);
    t->n_dims = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        if (dims[i] > INT64_MAX)
            return err_set(r->err, ERR_INPUT, "tensor %s: shape overflows", t->name);
        t->dims[i] = (size_t)dims[i];
    }
    return true;
}

static bool read_offsets(struct reader *r, struct safetensors_span *span)
{
    uint64_t offsets[2];
    size_t count;
    if (!read_numbers(r, offsets, 2, &count) || count != 2 || offsets[0] > offsets[1] ||
        offsets[1] > OFFSET_LIMIT)
        return err_set(
            r->err, ERR_INPUT,
            "tensor %s: bad data_offsets at byte %zu: must be two whole numbers, "
            "begin <= end",
            span->tensor.name, r->at + 1);
    span->begin = (size_t)offsets[0];
    span->end = (size_t)offsets[1];
    return true;
}

/* Type and shape against the place. */
static bool check_size(struct reader *r, struct safetensors_span *span)
{
    struct tensor *t = &span->tensor;
    t->bytes = tensor_type_bytes(t->type);
    for (unsigned i = 0; i < t->n_dims; i++)
        if (!size_mul(t->bytes, t->dims[i], &t->bytes))
            return err_set(r->err, ERR_INPUT, "tensor %s: shape overflows", t->name);
    return t->bytes == span->end - span->begin ||
           err_set(r->err, ERR_INPUT, "tensor %s: needs %zu bytes, range has %zu",
                   t->name, t->bytes, span->end - span->begin);
}

static bool read_tensor(struct reader *r, struct safetensors_span *span)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    bool seen[3] = {false}, ok = take(r, '{');
    for (bool first = true; ok && next_member(r, first, &ok); first = false) {
        size_t key = 0;
        while (key < 3 && strcmp(r->string, keys[key]) != 0)
            key++;
        if (key == 3 || seen[key])
            return err_set(r->err, ERR_INPUT, "tensor %s: key \"%s\" %s",
                           span->tensor.name, r->string,
                           key == 3 ? "is not known" : "listed twice");
        seen[key] = true;
        ok = key == 0   ? read_dtype(r, &span->tensor)
             : key == 1 ? read_shape(r, &span->tensor)
                        : read_offsets(r, span);
    }
    for (size_t key = 0; ok && key < 3; key++)
        if (!seen[key])
            return err_set(r->err, ERR_INPUT, "tensor %s: %s missing", span->tensor.name,
                           keys[key]);
    return ok && check_size(r, span);
}

static bool check_pairs(struct reader *r, const struct safetensors_header *h)
{
    struct names names = {0};
    for (size_t i = 0; i < h->pair_count; i++)
        names_add(&names, h->pairs[i].key, i);
    ptrdiff_t twice = names_sort(&names);
    names_free(&names);
    return twice == NAMES_NONE ||
           err_set(r->err, ERR_INPUT, "__metadata__: key \"%s\" listed twice",
                   h->pairs[twice].key);
}

static bool read_metadata(struct reader *r, struct safetensors_header *h,
                          struct arena *arena)
{
    static const char wrong[] = "__metadata__ must map strings to strings";
    bool ok = accept(r, '{') || err_set(r->err, ERR_INPUT, "%s", wrong);
    for (bool first = true; ok && next_member(r, first, &ok); first = false) {
        const char *key = keep_string(r, arena);
        if (peek(r) != '"')
            return err_set(r->err, ERR_INPUT, "%s (key %s)", wrong, key);
        if (!read_string(r))
            return false;
        MEM_GROW(h->pairs, h->pair_capacity, h->pair_count + 1);
        h->pairs[h->pair_count++] = (struct safetensors_pair){key, keep_string(r, arena)};
    }
    return ok && check_pairs(r, h);
}

/* Adds the tensor whose name was read. */
static bool add_tensor(struct reader *r, struct safetensors_header *h,
                       struct arena *arena)
{
    if (r->string_length > NAME_LIMIT)
        return err_set(r->err, ERR_INPUT,
                       "tensor name of %zu bytes, at most %d: \"%.40s...\"",
                       r->string_length, NAME_LIMIT, r->string);
    MEM_GROW(h->spans, h->capacity, h->count + 1);
    struct safetensors_span *span = &h->spans[h->count++];
    *span = (struct safetensors_span){.tensor.name = keep_string(r, arena)};
    return read_tensor(r, span);
}

static bool read_header(struct reader *r, struct safetensors_header *h,
                        struct arena *arena)
{
    bool metadata = false, ok = take(r, '{');
    for (bool first = true; ok && next_member(r, first, &ok); first = false) {
        if (strcmp(r->string, "__metadata__") != 0) {
            ok = add_tensor(r, h, arena);
        } else {
            ok = metadata ? err_set(r->err, ERR_INPUT, "__metadata__ listed twice")
                          : read_metadata(r, h, arena);
            metadata = true;
        }
    }
    peek(r);
    return ok && (r->at == r->length || expected(r, "its end"));
}

bool safetensors_header_parse(struct safetensors_header *header, const char *text,
                              size_t length, struct arena *arena, struct err *err)
{
    size_t bad;
    if (!text_valid(text, length, &bad))
        return err_set(err, ERR_INPUT, "header is not UTF-8 at byte %zu", bad + 1);
    struct reader r = {.text = text, .length = length, .err = err};
    bool ok = read_header(&r, header, arena);
    free(r.string);
    return ok;
}

void safetensors_header_free(struct safetensors_header *header)
{
    free(header->spans);
    free(header->pairs);
    *header = (struct safetensors_header){0};
}
