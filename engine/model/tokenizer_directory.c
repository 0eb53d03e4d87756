/* Tokenizers from a Hugging Face directory: tokenizer.json gives the ids, the
 * other files say which of them begin and end a text.
 *
 * BOS: what the template of tokenizer.json puts in front of a text; without that
 * tokenizer_config.json's bos_token (null there means that there is none), and
 * without that file config.json's bos_token_id. It is added when the template
 * does; tokenizer_config.json's add_bos_token counts where there is no template,
 * and over it for the Llama classes, which write the template anew from it. EOS
 * likewise. Generation stops at EOS and at every eos_token_id of config.json and
 * generation_config.json. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/tokenizer_json.h"

/* Bytes of a tokenizer.json, and of the small files beside it. */
enum { TOKENIZER_FILE_MAX = 256 << 20, CONFIG_FILE_MAX = 16 << 20 };

/* A file that need not be there: NULL in *json then. False when it is bad. */
static bool read_optional(const char *dir, const char *name, json_t **json,
                          struct err *err)
{
    char *path = file_join(dir, name);
    bool ok = true;
    *json = NULL;
    if (file_exists(path)) {
        *json = json_parse_file(path, CONFIG_FILE_MAX, err);
        ok = *json != NULL;
        if (ok && !json_is_object(*json))
            ok = err_set(err, ERR_INPUT, "%s: not a JSON object", path);
    }
    free(path);
    return ok;
}

struct rules {
    json_t *tokenizer_config, *config, *generation_config;
};

/* The id of a token that is given as "text" or as {"content": "text"}; -1 for null. */
static bool named_token(const struct tokenizer *t, const json_t *rules, const char *key,
                        const char *dir, int32_t *id, struct err *err)
{
    const json_t *value = json_object_get(rules, key);
    if (json_is_object(value))
        value = json_object_get(value, "content");
    *id = -1;
    if (!value || json_is_null(value))
        return true;
    if (json_is_string(value))
        *id =
            tokenizer_find_added(t, json_string_value(value), json_string_length(value));
    if (*id < 0)
        return err_set(err, ERR_INPUT,
                       "%s/tokenizer_config.json: %s is not an added token", dir, key);
    return true;
}

/* The first id of an id or list of ids at `key`; every one of them becomes a stop
 * when `stops`. Absent, null or outside of the vocabulary: none. */
static int32_t read_ids(struct tokenizer *t, const json_t *config, const char *key,
                        bool stops)
{
    const json_t *value = json_object_get(config, key);
    int32_t first = -1;
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        json_int_t id = json_is_integer(item) ? json_integer_value(item) : -1;
        if (id < 0 || (size_t)id >= t->vocab.count)
            continue;
        if (first < 0)
            first = (int32_t)id;
        if (stops)
            t->stops[id] = true;
    }
    return first;
}

static bool is_llama_class(const json_t *tokenizer_config)
{
    const char *name =
        json_string_value(json_object_get(tokenizer_config, "tokenizer_class"));
    return name && (strcmp(name, "LlamaTokenizer") == 0 ||
                    strcmp(name, "LlamaTokenizerFast") == 0);
}

static bool apply_rules(struct tokenizer *t, const struct rules *r, bool templated,
                        const char *dir, struct err *err)
{
    if (r->tokenizer_config) {
        const json_t *config = r->tokenizer_config;
        if ((!t->adds_bos && !named_token(t, config, "bos_token", dir, &t->bos, err)) ||
            (!t->adds_eos && !named_token(t, config, "eos_token", dir, &t->eos, err)))
            return false;
        if (!templated || is_llama_class(config)) {
            t->adds_bos = tokenizer_json_flag(config, "add_bos_token", t->adds_bos);
            t->adds_eos = tokenizer_json_flag(config, "add_eos_token", t->adds_eos);
        }
    } else if (t->bos < 0) {
        t->bos = read_ids(t, r->config, "bos_token_id", false);
    }
    int32_t eos = read_ids(t, r->config, "eos_token_id", true);
    if (t->eos < 0)
        t->eos = eos;
    read_ids(t, r->generation_config, "eos_token_id", true);
    if (t->eos >= 0)
        t->stops[t->eos] = true;
    return true;
}

struct tokenizer *tokenizer_from_directory(const char *dir, size_t vocab, struct err *err)
{
    struct rules r = {0};
    bool templated;
    char *path = file_join(dir, "tokenizer.json");
    json_t *root = json_parse_file(path, TOKENIZER_FILE_MAX, err);
    struct tokenizer *t =
        root ? tokenizer_from_root(root, path, vocab, &templated, err) : NULL;
    bool ok = t &&
              read_optional(dir, "tokenizer_config.json", &r.tokenizer_config, err) &&
              read_optional(dir, "config.json", &r.config, err) &&
              read_optional(dir, "generation_config.json", &r.generation_config, err) &&
              apply_rules(t, &r, templated, dir, err);
    json_decref(root);
    json_decref(r.tokenizer_config);
    json_decref(r.config);
    json_decref(r.generation_config);
    free(path);
    if (ok)
        return t;
    tokenizer_free(t);
    return NULL;
}
