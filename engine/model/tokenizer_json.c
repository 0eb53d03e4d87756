/* Tokenizers from tokenizer.json: vocabulary, merges and added tokens. How text
 * is cut is in tokenizer_pipeline.c; nothing that the file contains is executed. */
#include "engine/model/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"

struct loader {
    const json_t *root, *model;
    const char *name; /* of the file */
    size_t limit;     /* ids must stay below */
    struct tokenizer *t;
    struct text_span *texts; /* by id, borrowed from the JSON */
    uint8_t *types;
    size_t count;
    struct token_map map; /* texts to ids */
    struct err *err;
};

static struct text_span span_of(const json_t *string)
{
    return (struct text_span){json_string_value(string), json_string_length(string)};
}

static int shown(struct text_span text)
{
    return (int)size_min(text.length, 64);
}

/* ---- vocabulary ---- */

/* The id in *at, when it is one that can be. */
static bool read_id(struct loader *l, struct text_span text, const json_t *id, size_t *at)
{
    *at = 0;
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        (uint64_t)json_integer_value(id) >= l->limit)
        return err_set(l->err, ERR_INPUT,
                       "%s: token \"%.*s\": id out of range (0 to %zu)", l->name,
                       shown(text), text.text, l->limit - 1);
    *at = (size_t)json_integer_value(id);
    return true;
}

static void place_token(struct loader *l, size_t at, struct text_span text, uint8_t type)
{
    l->texts[at] = text;
    l->types[at] = type;
    l->count = size_max(l->count, at + 1);
}

static bool read_vocab(struct loader *l)
{
    json_t *vocab = json_object_get(l->model, "vocab"), *id;
    if (!json_is_object(vocab))
        return err_set(l->err, ERR_INPUT, "%s: model.vocab is missing or not an object",
                       l->name);
    bool bytes = tokenizer_json_flag(l->model, "byte_fallback", false);
    struct text_span text = {0};
    json_object_keylen_foreach(vocab, text.text, text.length, id)
    {
        bool byte = bytes && vocab_looks_like_byte(text.text, text.length);
        size_t at;
        if (!read_id(l, text, id, &at))
            return false;
        if (l->texts[at].text)
            return err_set(l->err, ERR_INPUT, "%s: token id %zu used twice (\"%.*s\")",
                           l->name, at, shown(text), text.text);
        place_token(l, at, text, byte ? TOKEN_BYTE : TOKEN_NORMAL);
    }
    return true;
}

/* An added token either names one of the vocabulary or follows behind it. */
static bool place_added(struct loader *l, size_t i, const json_t *token)
{
    struct text_span text = span_of(json_object_get(token, "content"));
    size_t at;
    if (text.length == 0)
        return err_set(l->err, ERR_INPUT, "%s: added token %zu: empty content", l->name,
                       i);
    if (!read_id(l, text, json_object_get(token, "id"), &at))
        return false;
    struct text_span old = l->texts[at];
    if (old.text &&
        (old.length != text.length || memcmp(old.text, text.text, text.length) != 0))
        return err_set(l->err, ERR_INPUT,
                       "%s: added token %zu (\"%.*s\"): id %zu is already \"%.*s\"",
                       l->name, i, shown(text), text.text, at, shown(old), old.text);
    bool special = tokenizer_json_flag(token, "special", false);
    place_token(l, at, text, special ? TOKEN_CONTROL : TOKEN_USER);
    return true;
}

/* Every id below the count has a token, and no text has two ids. */
static bool check_vocab(struct loader *l)
{
    if (l->count == 0)
        return err_set(l->err, ERR_INPUT, "%s: the vocabulary is empty", l->name);
    for (size_t id = 0; id < l->count; id++)
        if (!l->texts[id].text)
            return err_set(l->err, ERR_INPUT, "%s: token id %zu missing", l->name, id);
    token_map_init(&l->map, l->texts, l->count);
    for (size_t id = 0; id < l->count; id++) {
        int32_t first = token_map_put(&l->map, (int32_t)id);
        if (first != (int32_t)id)
            return err_set(l->err, ERR_INPUT,
                           "%s: token \"%.*s\" has two ids, %d and %zu", l->name,
                           shown(l->texts[id]), l->texts[id].text, first, id);
    }
    return true;
}

static bool read_tokens(struct loader *l)
{
    l->texts = xcalloc(l->limit, sizeof *l->texts);
    l->types = xcalloc(l->limit, 1);
    if (!read_vocab(l))
        return false;
    const json_t *added = json_object_get(l->root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++)
        if (!place_added(l, i, json_array_get(added, i)))
            return false;
    return check_vocab(l);
}

/* ---- added tokens ---- */

static unsigned added_flags(const json_t *token)
{
    bool special = tokenizer_json_flag(token, "special", false);
    return (special ? ADDED_SPECIAL : 0) |
           (tokenizer_json_flag(token, "lstrip", false) ? ADDED_LSTRIP : 0) |
           (tokenizer_json_flag(token, "rstrip", false) ? ADDED_RSTRIP : 0) |
           (tokenizer_json_flag(token, "single_word", false) ? ADDED_SINGLE_WORD : 0);
}

/* Enters what the text is searched for: the content, normalised where the token
 * asks for that. */
static bool enter_added(struct loader *l, size_t i, const json_t *token)
{
    struct tokenizer *t = l->t;
    struct text_span text = span_of(json_object_get(token, "content"));
    int32_t id = (int32_t)json_integer_value(json_object_get(token, "id"));
    unsigned flags = added_flags(token);
    struct nfc_text nfc = {0};
    struct added_set *set = &t->added;
    if (t->nfc && tokenizer_json_flag(token, "normalized", !(flags & ADDED_SPECIAL))) {
        set = &t->added_normalised;
        if (nfc_apply(&nfc, text.text, text.length))
            text = (struct text_span){nfc.text, nfc.length};
    }
    bool ok = added_set_put(set, text.text, text.length, id, flags, l->name, i, l->err);
    nfc_free(&nfc);
    return ok;
}

static bool read_added(struct loader *l)
{
    const json_t *added = json_object_get(l->root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++)
        if (!enter_added(l, i, json_array_get(added, i)))
            return false;
    added_set_finish(&l->t->added);
    added_set_finish(&l->t->added_normalised);
    return true;
}

/* ---- the model ---- */

static bool read_merge(struct merge_list *list, const json_t *merge, struct err *err)
{
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right))
        return merge_list_add(list, span_of(left), span_of(right), err);
    /* What is no text at all is no two tokens either. */
    return merge_list_add_joined(list, span_of(merge), err);
}

static bool read_merges(struct loader *l)
{
    const json_t *merges = json_object_get(l->model, "merges");
    if (!json_is_array(merges))
        return err_set(l->err, ERR_INPUT, "%s: model.merges is missing or not a list",
                       l->name);
    size_t count = json_array_size(merges);
    struct merge_list list = {.tokenizer = l->t, .map = &l->map, .name = l->name};
    bpe_init(&l->t->bpe, count);
    for (size_t i = 0; i < count; i++)
        if (!read_merge(&list, json_array_get(merges, i), l->err))
            return false;
    return merge_list_finish(&list, l->err);
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value) && !tokenizer_json_is(value, "");
}

/* Files of the first years leave the type of a BPE model out. */
static bool check_model(struct loader *l)
{
    static const char *const unsupported[] = {"dropout", "continuing_subword_prefix",
                                              "end_of_word_suffix"};
    const json_t *type = json_object_get(l->model, "type");
    if (!json_is_object(l->model))
        return err_set(l->err, ERR_INPUT, "%s: \"model\" is missing", l->name);
    if (type && !tokenizer_json_is(type, "BPE"))
        return err_set(
            l->err, ERR_INPUT, "%s: tokenizer model %s not supported (BPE)", l->name,
            json_is_string(type) ? json_string_value(type) : "of unknown type");
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (is_set(json_object_get(l->model, unsupported[i])))
            return err_set(l->err, ERR_INPUT, "%s: model.%s not supported", l->name,
                           unsupported[i]);
    return true;
}

static bool read_unknown(struct loader *l)
{
    const json_t *unknown = json_object_get(l->model, "unk_token");
    if (!is_set(unknown))
        return true;
    struct text_span text = span_of(unknown);
    l->t->unknown = text.text ? token_map_find(&l->map, text.text, text.length) : -1;
    l->t->fuse_unknown = tokenizer_json_flag(l->model, "fuse_unk", false);
    if (l->t->unknown < 0)
        return err_set(l->err, ERR_INPUT, "%s: model.unk_token is not in the vocabulary",
                       l->name);
    return true;
}

static bool read_model(struct loader *l)
{
    struct tokenizer *t = l->t;
    enum vocab_alphabet alphabet;
    if (!check_model(l) ||
        !tokenizer_read_pipeline(t, &alphabet, l->root, l->name, l->err))
        return false;
    bool bytes = tokenizer_json_flag(l->model, "byte_fallback", false);
    if (bytes != (alphabet == VOCAB_SENTENCEPIECE))
        return err_set(l->err, ERR_INPUT, "%s: model.byte_fallback %s not supported here",
                       l->name, bytes ? "true" : "false");
    t->ignore_merges = tokenizer_json_flag(l->model, "ignore_merges", false);
    if (!read_tokens(l) ||
        !tokenizer_read_vocab(t, alphabet, l->texts, l->types, l->count, l->name, l->err) ||
        !read_merges(l) || !read_unknown(l) || !read_added(l))
        return false;
    if (alphabet == VOCAB_SENTENCEPIECE)
        tokenizer_spm_finish(t);
    return true;
}

struct tokenizer *tokenizer_from_root(const json_t *root, const char *name, size_t vocab,
                                      bool *templated, struct err *err)
{
    struct loader l = {
        .root = root,
        .model = json_object_get(root, "model"),
        .name = name,
        .limit = size_min(vocab, VOCAB_TOKENS_MAX),
        .t = tokenizer_new(),
        .err = err,
    };
    bool ok = read_model(&l) && tokenizer_read_template(l.t, root, name, templated, err);
    token_map_free(&l.map);
    free(l.texts);
    free(l.types);
    if (!ok) {
        tokenizer_free(l.t);
        return NULL;
    }
    tokenizer_find_stops(l.t);
    return l.t;
}

struct tokenizer *tokenizer_from_json(const char *json, size_t length, const char *name,
                                      size_t vocab, struct err *err)
{
    bool templated;
    json_t *root = json_parse(json, length, name, err);
    struct tokenizer *t =
        root ? tokenizer_from_root(root, name, vocab, &templated, err) : NULL;
    json_decref(root);
    return t;
}
