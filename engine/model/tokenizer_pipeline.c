/* Recognises the pipeline of a tokenizer.json. Each part is compared with what is
 * known; one that differs is an error, because a guess would silently give other
 * ids. */
#include "engine/model/tokenizer_json.h"

#include <string.h>

#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */

struct pipeline {
    struct tokenizer *t;
    const char *name;
    bool space_marks; /* the normalizer writes spaces as U+2581 */
    struct err *err;
};

bool tokenizer_json_is(const json_t *value, const char *text)
{
    return json_is_string(value) && json_string_length(value) == strlen(text) &&
           memcmp(json_string_value(value), text, strlen(text)) == 0;
}

bool tokenizer_json_flag(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static bool type_is(const json_t *part, const char *type)
{
    return tokenizer_json_is(json_object_get(part, "type"), type);
}

static bool unsupported(const struct pipeline *p, const char *what, const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    return err_set(p->err, ERR_INPUT, "%s: %s not supported: %s", p->name, what,
                   type ? type : "none");
}

/* A Sequence's parts, or the part itself, or none for null. */
static size_t parts_count(const json_t *part, const char *list)
{
    if (!json_is_object(part))
        return 0;
    return type_is(part, "Sequence") ? json_array_size(json_object_get(part, list)) : 1;
}

static const json_t *part_at(const json_t *part, const char *list, size_t i)
{
    return type_is(part, "Sequence") ? json_array_get(json_object_get(part, list), i)
                                     : part;
}

/* ---- normalizer ---- */

/* Replaces `from`, a plain string, with `to`? */
static bool is_replace(const json_t *part, const char *from, const char *to)
{
    const json_t *pattern = json_object_get(part, "pattern");
    return type_is(part, "Replace") &&
           tokenizer_json_is(json_object_get(pattern, "String"), from) &&
           tokenizer_json_is(json_object_get(part, "content"), to);
}

static bool read_normalizer(struct pipeline *p, const json_t *normalizer)
{
    size_t count = parts_count(normalizer, "normalizers");
    if (count == 0 && normalizer && !json_is_null(normalizer) &&
        !type_is(normalizer, "Sequence"))
        return unsupported(p, "normalizer", normalizer);
    for (size_t i = 0; i < count; i++) {
        const json_t *part = part_at(normalizer, "normalizers", i);
        if (type_is(part, "NFC"))
            p->t->nfc = true;
        else if (type_is(part, "Prepend") &&
                 tokenizer_json_is(json_object_get(part, "prepend"), SPACE_MARK))
            p->t->prefix = SPM_PREFIX_EVERY;
        else if (is_replace(part, " ", SPACE_MARK))
            p->space_marks = true;
        else
            return unsupported(p, "normalizer", part);
    }
    if (p->t->nfc && (p->space_marks || p->t->prefix))
        return unsupported(p, "normalizer", normalizer);
    return true;
}

/* ---- pre-tokenizer ---- */

static bool is_byte_level(const json_t *part, bool regex)
{
    return type_is(part, "ByteLevel") &&
           !tokenizer_json_flag(part, "add_prefix_space", true) &&
           tokenizer_json_flag(part, "use_regex", true) == regex;
}

/* The pattern of a Split that keeps what it matches as words of their own, or
 * NULL. Dropping everything that does not match comes to the same for the known
 * patterns, since they match any text. */
static const json_t *split_pattern(const json_t *part)
{
    const json_t *behaviour = json_object_get(part, "behavior");
    bool invert = tokenizer_json_flag(part, "invert", false);
    if (!type_is(part, "Split") ||
        !tokenizer_json_is(behaviour, invert ? "Removed" : "Isolated"))
        return NULL;
    return json_object_get(json_object_get(part, "pattern"), "Regex");
}

static bool isolates(const json_t *part, const char *pattern)
{
    return !tokenizer_json_flag(part, "invert", false) &&
           tokenizer_json_is(split_pattern(part), pattern);
}

static enum split_kind recognise_split(const json_t *pre)
{
    const json_t *part[4];
    size_t count = parts_count(pre, "pretokenizers");
    for (size_t i = 0; i < count && i < 4; i++)
        part[i] = part_at(pre, "pretokenizers", i);
    if (count == 1 && is_byte_level(part[0], true))
        return SPLIT_GPT2;
    if (count == 2 && type_is(part[0], "Digits") &&
        tokenizer_json_flag(part[0], "individual_digits", false) &&
        is_byte_level(part[1], true))
        return SPLIT_SMOLLM;
    if (count == 2 && split_pattern(part[0]) && is_byte_level(part[1], false)) {
        const json_t *pattern = split_pattern(part[0]);
        return split_from_pattern(json_string_value(pattern),
                                  json_string_length(pattern));
    }
    if (count == 4 && isolates(part[0], "[\\p{P}\\$\\+<=>\\^~\\|]+") &&
        is_byte_level(part[1], true) && isolates(part[2], "\\p{N}+") &&
        isolates(part[3], "[0-9][0-9][0-9]"))
        return SPLIT_DEFAULT;
    return SPLIT_NONE;
}

/* Metaspace does what the normalizer of other files does, and may cut words. */
static bool read_metaspace(struct pipeline *p, const json_t *pre)
{
    const json_t *scheme = json_object_get(pre, "prepend_scheme");
    bool known = true;
    if (p->space_marks || p->t->prefix ||
        !tokenizer_json_is(json_object_get(pre, "replacement"), SPACE_MARK))
        return unsupported(p, "pre-tokenizer", pre);
    if (scheme ? tokenizer_json_is(scheme, "always")
               : tokenizer_json_flag(pre, "add_prefix_space", true))
        p->t->prefix = SPM_PREFIX_EVERY;
    else if (tokenizer_json_is(scheme, "first"))
        p->t->prefix = SPM_PREFIX_FIRST;
    else
        known = !scheme || tokenizer_json_is(scheme, "never");
    p->t->prefix_unless_space = true;
    p->t->split_at_spaces = tokenizer_json_flag(pre, "split", true);
    p->space_marks = true;
    return known || unsupported(p, "pre-tokenizer", pre);
}

static bool read_pre_tokenizer(struct pipeline *p, const json_t *pre)
{
    if ((!pre || json_is_null(pre)) && p->space_marks)
        return true;
    if (type_is(pre, "Metaspace"))
        return read_metaspace(p, pre);
    p->t->split = recognise_split(pre);
    if (p->t->split == SPLIT_NONE || p->space_marks || p->t->prefix)
        return unsupported(p, "pre-tokenizer", pre);
    return true;
}

/* ---- decoder ---- */

static bool strips_one_space(const json_t *part)
{
    return type_is(part, "Strip") &&
           tokenizer_json_is(json_object_get(part, "content"), " ") &&
           json_integer_value(json_object_get(part, "start")) == 1 &&
           json_integer_value(json_object_get(part, "stop")) == 0;
}

static bool read_space_decoder(struct pipeline *p, const json_t *decoder)
{
    bool spaces = false;
    for (size_t i = 0; i < parts_count(decoder, "decoders"); i++) {
        const json_t *part = part_at(decoder, "decoders", i);
        if (type_is(part, "Metaspace")) {
            spaces = true;
            p->t->strip_space = p->t->prefix != SPM_PREFIX_NONE;
        } else if (is_replace(part, SPACE_MARK, " ")) {
            spaces = true;
        } else if (strips_one_space(part)) {
            p->t->strip_space = true;
        } else if (!type_is(part, "ByteFallback") && !type_is(part, "Fuse")) {
            return unsupported(p, "decoder", part);
        }
    }
    return spaces || unsupported(p, "decoder", decoder);
}

static bool read_decoder(struct pipeline *p, const json_t *decoder)
{
    if (p->space_marks)
        return read_space_decoder(p, decoder);
    return type_is(decoder, "ByteLevel") || unsupported(p, "decoder", decoder);
}

bool tokenizer_read_pipeline(struct tokenizer *t, enum vocab_alphabet *alphabet,
                             const json_t *root, const char *name, struct err *err)
{
    struct pipeline p = {.t = t, .name = name, .err = err};
    if (!read_normalizer(&p, json_object_get(root, "normalizer")) ||
        !read_pre_tokenizer(&p, json_object_get(root, "pre_tokenizer")) ||
        !read_decoder(&p, json_object_get(root, "decoder")))
        return false;
    *alphabet = p.space_marks ? VOCAB_SENTENCEPIECE : VOCAB_BYTE_LEVEL;
    return true;
}

/* ---- post-processor ---- */

/* The one id of a special token that a template names, or -1. */
static int32_t template_id(const struct tokenizer *t, const json_t *template,
                           const json_t *item)
{
    const char *id = json_string_value(json_object_get(item, "id"));
    const json_t *tokens = json_object_get(template, "special_tokens");
    const json_t *ids = id ? json_object_get(json_object_get(tokens, id), "ids") : NULL;
    const json_t *value = json_array_get(ids, 0);
    if (json_array_size(ids) != 1 || !json_is_integer(value))
        return -1;
    json_int_t n = json_integer_value(value);
    return n >= 0 && (size_t)n < t->vocab.count ? (int32_t)n : -1;
}

/* "single": at most one token in front of the text and one behind it. */
static bool read_single(struct pipeline *p, const json_t *template)
{
    const json_t *single = json_object_get(template, "single");
    struct tokenizer *t = p->t;
    bool text_seen = false;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        bool *adds = text_seen ? &t->adds_eos : &t->adds_bos;
        int32_t *id = text_seen ? &t->eos : &t->bos;
        if (!special && !text_seen && json_object_get(item, "Sequence")) {
            text_seen = true;
            continue;
        }
        *id = template_id(t, template, special);
        if (*adds || *id < 0)
            return unsupported(p, "post_processor", template);
        *adds = true;
    }
    return text_seen || unsupported(p, "post_processor", template);
}

bool tokenizer_read_template(struct tokenizer *t, const json_t *root, const char *name,
                             bool *found, struct err *err)
{
    struct pipeline p = {.t = t, .name = name, .err = err};
    const json_t *post = json_object_get(root, "post_processor");
    *found = false;
    for (size_t i = 0; i < parts_count(post, "processors"); i++) {
        const json_t *part = part_at(post, "processors", i);
        if (type_is(part, "TemplateProcessing") && !*found) {
            *found = true;
            if (!read_single(&p, part))
                return false;
        } else if (!type_is(part, "ByteLevel")) {
            return unsupported(&p, "post_processor", part);
        }
    }
    return true;
}
