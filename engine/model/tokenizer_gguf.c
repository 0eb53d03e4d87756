/* Tokenizers from GGUF metadata (keys tokenizer.ggml.*). */
#include "engine/model/tokenizer_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

struct loader {
    const struct gguf *gguf;
    const char *name; /* of the file */
    struct tokenizer *t;
    struct text_span *texts;
    uint8_t *types;
    size_t count;
    struct err *err;
};

static bool complain(struct loader *l, const char *key, const char *what)
{
    return err_set(l->err, ERR_INPUT, "%s: tokenizer.ggml.%s %s", l->name, key, what);
}

/* ---- values that may be absent; all false only with *err set ---- */

static bool read_bool(struct loader *l, const char *key, bool fallback, bool *out)
{
    *out = fallback;
    return gguf_get_bool(l->gguf, key, out, l->err) != GGUF_WRONG;
}

static bool read_id(struct loader *l, const char *key, const char *what, int32_t *id)
{
    uint64_t value;
    *id = -1;
    enum gguf_found found = gguf_get_u64(l->gguf, key, &value, l->err);
    if (found != GGUF_FOUND)
        return found == GGUF_ABSENT;
    if (value >= l->count)
        return err_set(l->err, ERR_INPUT, "%s: %s token %llu outside vocabulary %zu",
                       l->name, what, (unsigned long long)value, l->count);
    *id = (int32_t)value;
    return true;
}

/* ---- tokens ---- */

static bool read_texts(struct loader *l, size_t vocab)
{
    const struct gguf_string *strings;
    enum gguf_found found =
        gguf_get_strings(l->gguf, "tokenizer.ggml.tokens", &strings, &l->count, l->err);
    if (found == GGUF_WRONG)
        return false;
    if (found == GGUF_ABSENT)
        return complain(l, "tokens", "is missing");
    if (l->count == 0)
        return err_set(l->err, ERR_INPUT, "%s: empty vocabulary", l->name);
    if (l->count > VOCAB_TOKENS_MAX)
        return err_set(l->err, ERR_INPUT, "%s: %zu tokens, at most %d", l->name, l->count,
                       VOCAB_TOKENS_MAX);
    if (l->count > vocab)
        return err_set(l->err, ERR_INPUT,
                       "%s: vocabulary of %zu tokens, embedding of %zu rows", l->name,
                       l->count, vocab);
    l->texts = xcalloc(l->count, sizeof *l->texts);
    for (size_t i = 0; i < l->count; i++)
        l->texts[i] = (struct text_span){strings[i].text, strings[i].length};
    return true;
}

static bool has_length(struct loader *l, const char *key, size_t length)
{
    return length == l->count ||
           err_set(l->err, ERR_INPUT,
                   "%s: tokenizer.ggml.%s has %zu entries, vocabulary %zu", l->name, key,
                   length, l->count);
}

static bool read_types(struct loader *l)
{
    const void *values;
    size_t length;
    l->types = xmalloc(l->count);
    memset(l->types, TOKEN_NORMAL, l->count);
    enum gguf_found found =
        gguf_get_i32s(l->gguf, "tokenizer.ggml.token_type", &values, &length, l->err);
    if (found != GGUF_FOUND)
        return found == GGUF_ABSENT;
    if (!has_length(l, "token_type", length))
        return false;
    for (size_t i = 0; i < length; i++) {
        int32_t type;
        memcpy(&type, (const char *)values + 4 * i, sizeof type);
        if (type < TOKEN_NORMAL || type > TOKEN_BYTE)
            return err_set(l->err, ERR_INPUT, "%s: token %zu: unknown token type %d",
                           l->name, i, type);
        l->types[i] = (uint8_t)type;
    }
    return true;
}

static bool read_added(struct loader *l)
{
    for (size_t i = 0; i < l->count; i++) {
        bool special = l->types[i] == TOKEN_CONTROL || l->types[i] == TOKEN_UNKNOWN;
        if (!special && l->types[i] != TOKEN_USER)
            continue;
        if (!added_set_put(&l->t->added, l->texts[i].text, l->texts[i].length, (int32_t)i,
                           special ? ADDED_SPECIAL : 0, l->name, i, l->err))
            return false;
    }
    added_set_finish(&l->t->added);
    return true;
}

/* ---- merges ---- */

static bool read_merges(struct loader *l)
{
    const struct gguf_string *merges;
    size_t count;
    enum gguf_found found =
        gguf_get_strings(l->gguf, "tokenizer.ggml.merges", &merges, &count, l->err);
    if (found == GGUF_WRONG)
        return false;
    if (found == GGUF_ABSENT)
        return complain(l, "merges", "is missing");
    bpe_init(&l->t->bpe, count);
    struct token_map map;
    token_map_init(&map, l->texts, l->count);
    for (size_t i = 0; i < l->count; i++)
        token_map_put(&map, (int32_t)i);
    bool ok = true;
    struct merge_list list = {.tokenizer = l->t, .map = &map, .name = l->name};
    for (size_t i = 0; ok && i < count; i++)
        ok = merge_list_add_joined(
            &list, (struct text_span){merges[i].text, merges[i].length}, l->err);
    ok = ok && merge_list_finish(&list, l->err);
    token_map_free(&map);
    return ok;
}

static bool read_byte_level(struct loader *l)
{
    struct tokenizer *t = l->t;
    struct gguf_string pre;
    enum gguf_found found = gguf_get_string(l->gguf, "tokenizer.ggml.pre", &pre, l->err);
    if (found == GGUF_WRONG)
        return false;
    if (found == GGUF_ABSENT)
        return complain(l, "pre", "is missing: pre-tokenizer not supported");
    t->split = split_from_name(pre.text, pre.length);
    if (t->split == SPLIT_NONE)
        return err_set(l->err, ERR_INPUT, "%s: pre-tokenizer not supported: \"%.*s\"",
                       l->name, (int)(pre.length < 64 ? pre.length : 64), pre.text);
    t->nfc = t->split == SPLIT_QWEN2;
    t->ignore_merges = t->split == SPLIT_LLAMA3;
    return tokenizer_read_vocab(t, VOCAB_BYTE_LEVEL, l->texts, l->types, l->count, l->name,
                                l->err) &&
           read_merges(l) &&
           read_bool(l, "tokenizer.ggml.add_bos_token", t->split == SPLIT_LLAMA3,
                     &t->adds_bos);
}

/* Scores order the merges, and NaN has no place in an order. */
static bool check_scores(struct loader *l, const void *scores, size_t length)
{
    if (!has_length(l, "scores", length))
        return false;
    for (size_t i = 0; i < length; i++) {
        float score;
        memcpy(&score, (const char *)scores + i * sizeof score, sizeof score);
        if (!isfinite(score))
            return err_set(l->err, ERR_INPUT, "%s: score of token %zu is not finite",
                           l->name, i);
    }
    return true;
}

static bool read_sentencepiece(struct loader *l)
{
    struct tokenizer *t = l->t;
    const void *scores;
    size_t length;
    enum gguf_found found =
        gguf_get_f32s(l->gguf, "tokenizer.ggml.scores", &scores, &length, l->err);
    if (found == GGUF_WRONG)
        return false;
    if (found == GGUF_ABSENT)
        return complain(l, "scores", "is missing");
    bool space;
    if (!check_scores(l, scores, length) ||
        !read_bool(l, "tokenizer.ggml.add_space_prefix", true, &space) ||
        !read_bool(l, "tokenizer.ggml.add_bos_token", true, &t->adds_bos) ||
        !tokenizer_read_vocab(t, VOCAB_SENTENCEPIECE, l->texts, l->types, l->count, l->name,
                              l->err))
        return false;
    t->prefix = space ? SPM_PREFIX_EVERY : SPM_PREFIX_NONE;
    t->strip_space = space;
    bpe_init(&t->bpe, l->count);
    tokenizer_spm_merges(t, l->texts, scores);
    tokenizer_spm_finish(t);
    return true;
}

static bool read_model(struct loader *l)
{
    struct gguf_string model;
    enum gguf_found found =
        gguf_get_string(l->gguf, "tokenizer.ggml.model", &model, l->err);
    if (found == GGUF_WRONG)
        return false;
    if (found == GGUF_ABSENT)
        return complain(l, "model", "is missing");
    if (model.length == 4 && memcmp(model.text, "gpt2", 4) == 0)
        return read_byte_level(l);
    if (model.length == 5 && memcmp(model.text, "llama", 5) == 0)
        return read_sentencepiece(l);
    return err_set(l->err, ERR_INPUT,
                   "%s: tokenizer model \"%.*s\" not supported (gpt2, llama)", l->name,
                   (int)(model.length < 64 ? model.length : 64), model.text);
}

/* BOS, EOS and the other ids at which a turn ends. */
static bool read_specials(struct loader *l)
{
    struct tokenizer *t = l->t;
    int32_t turn, message;
    if (!read_id(l, "tokenizer.ggml.bos_token_id", "bos", &t->bos) ||
        !read_id(l, "tokenizer.ggml.eos_token_id", "eos", &t->eos) ||
        !read_id(l, "tokenizer.ggml.eot_token_id", "eot", &turn) ||
        !read_id(l, "tokenizer.ggml.eom_token_id", "eom", &message) ||
        !read_bool(l, "tokenizer.ggml.add_eos_token", false, &t->adds_eos))
        return false;
    tokenizer_find_stops(t);
    if (turn >= 0)
        t->stops[turn] = true;
    if (message >= 0)
        t->stops[message] = true;
    return true;
}

struct tokenizer *tokenizer_from_gguf(const struct gguf *gguf, size_t vocab,
                                      struct err *err)
{
    struct loader l = {
        .gguf = gguf, .name = gguf_path(gguf), .t = tokenizer_new(), .err = err};
    bool ok = read_texts(&l, vocab) && read_types(&l) && read_model(&l) &&
              read_added(&l) && read_specials(&l);
    free(l.texts);
    free(l.types);
    if (ok)
        return l.t;
    tokenizer_free(l.t);
    return NULL;
}
