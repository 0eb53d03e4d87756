/* Tokenizers from GGUF metadata: they equal those from the tokenizer.json that the
 * metadata was made of; BOS, EOS and stop rules; metadata that is wrong. */
#include "engine/model/tokenizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "tests/support/fixture.h"
#include "tests/support/gguf_builder.h"

/* ---- metadata ---- */

struct metadata {
    struct bytes bytes;
    uint64_t keys; /* written so far; the header is patched when all are */
};

static void begin(struct metadata *m)
{
    *m = (struct metadata){0};
    gguf_put_header(&m->bytes, 3, 0, 0);
}

static void put_string(struct metadata *m, const char *key, const char *value)
{
    gguf_put_key(&m->bytes, key, CODE_STRING);
    gguf_put_string(&m->bytes, value);
    m->keys++;
}

static void put_bool(struct metadata *m, const char *key, bool value)
{
    gguf_put_key(&m->bytes, key, CODE_BOOL);
    bytes_u8(&m->bytes, value);
    m->keys++;
}

static void put_u32(struct metadata *m, const char *key, uint32_t value)
{
    gguf_put_key_u32(&m->bytes, key, value);
    m->keys++;
}

static void put_strings(struct metadata *m, const char *key, const char *const *values,
                        size_t count)
{
    gguf_put_array(&m->bytes, key, CODE_STRING, count);
    for (size_t i = 0; i < count; i++)
        gguf_put_string(&m->bytes, values[i]);
    m->keys++;
}

static void put_i32s(struct metadata *m, const char *key, const int32_t *values,
                     size_t count)
{
    gguf_put_array(&m->bytes, key, CODE_I32, count);
    bytes_put(&m->bytes, values, count * sizeof *values);
    m->keys++;
}

static void put_f32s(struct metadata *m, const char *key, const float *values,
                     size_t count)
{
    gguf_put_array(&m->bytes, key, CODE_F32, count);
    bytes_put(&m->bytes, values, count * sizeof *values);
    m->keys++;
}

static struct tokenizer *open_metadata(struct metadata *m, size_t vocab, struct err *err)
{
    memcpy(m->bytes.data + 16, &m->keys, sizeof m->keys);
    struct gguf *gguf = gguf_open_buffer(m->bytes.data, m->bytes.size, "t.gguf", err);
    if (!gguf)
        fail_msg("%s", err->text);
    struct tokenizer *t = tokenizer_from_gguf(gguf, vocab, err);
    gguf_close(gguf);
    bytes_free(&m->bytes);
    return t;
}

/* ---- the same vocabulary in both formats ---- */

static json_t *read_root(const char *kind)
{
    char path[256];
    struct err err = {0};
    snprintf(path, sizeof path, "tests/golden-extra/tokenizers/%s.json", kind);
    json_t *root = json_parse_file(path, 1 << 24, &err);
    if (!root)
        fail_msg("%s", err.text);
    return root;
}

/* GGUF has no place for the flags of added tokens: without them both can say it. */
static void clear_flags(json_t *root)
{
    static const char *const flags[] = {"lstrip", "rstrip", "single_word", "normalized"};
    json_t *added = json_object_get(root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++)
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            json_object_set_new(json_array_get(added, i), flags[k], json_false());
}

struct tokens {
    const char *texts[1024];
    int32_t types[1024];
    float scores[1024];
    size_t count;
};

static void list_tokens(const json_t *root, struct tokens *list)
{
    json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab"), *id;
    json_t *added = json_object_get(root, "added_tokens");
    const char *text;
    list->count = 0;
    json_object_foreach(vocab, text, id)
    {
        size_t at = (size_t)json_integer_value(id);
        list->texts[at] = text;
        list->types[at] = strncmp(text, "<0x", 3) == 0 ? 6 : 1;
        list->count++;
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_t *token = json_array_get(added, i);
        size_t at = (size_t)json_integer_value(json_object_get(token, "id"));
        list->texts[at] = json_string_value(json_object_get(token, "content"));
        list->types[at] = json_is_true(json_object_get(token, "special")) ? 3 : 4;
        list->count = at + 1 > list->count ? at + 1 : list->count;
    }
    assert_true(list->count <= 1024);
    for (size_t i = 0; i < list->count; i++)
        list->scores[i] = -(float)i;
}

static void put_merges(struct metadata *m, const json_t *root)
{
    json_t *merges = json_object_get(json_object_get(root, "model"), "merges");
    gguf_put_array(&m->bytes, "tokenizer.ggml.merges", CODE_STRING,
                   json_array_size(merges));
    for (size_t i = 0; i < json_array_size(merges); i++) {
        json_t *merge = json_array_get(merges, i);
        char text[256];
        snprintf(text, sizeof text, "%s %s", json_string_value(json_array_get(merge, 0)),
                 json_string_value(json_array_get(merge, 1)));
        gguf_put_string(&m->bytes, text);
    }
    m->keys++;
}

/* pre NULL: SentencePiece, where a later token was merged later. */
static struct tokenizer *convert(const json_t *root, const char *pre, int32_t bos)
{
    struct metadata m;
    struct tokens list;
    struct err err = {0};
    begin(&m);
    list_tokens(root, &list);
    put_string(&m, "tokenizer.ggml.model", pre ? "gpt2" : "llama");
    put_strings(&m, "tokenizer.ggml.tokens", list.texts, list.count);
    put_i32s(&m, "tokenizer.ggml.token_type", list.types, list.count);
    if (pre) {
        put_string(&m, "tokenizer.ggml.pre", pre);
        put_merges(&m, root);
    } else {
        put_f32s(&m, "tokenizer.ggml.scores", list.scores, list.count);
    }
    if (bos >= 0)
        put_u32(&m, "tokenizer.ggml.bos_token_id", (uint32_t)bos);
    struct tokenizer *t = open_metadata(&m, list.count, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void check_same(const struct tokenizer *a, const struct tokenizer *b,
                       const char *kind)
{
    char path[256];
    struct fixture f;
    snprintf(path, sizeof path, "tests/golden-extra/tokenizers/%s.jsonl", kind);
    fixture_open(&f, path);
    while (fixture_next(&f)) {
        for (unsigned flags = 0; flags < 4; flags++) {
            struct token_list x = {0}, y = {0};
            tokenizer_encode(a, f.text, f.length, flags, &x);
            tokenizer_encode(b, f.text, f.length, flags, &y);
            if (x.count != y.count ||
                (x.count && memcmp(x.ids, y.ids, x.count * sizeof *x.ids) != 0))
                fail_msg("%s line %zu, flags %u: ids differ", path, f.number, flags);
            token_list_free(&x);
            token_list_free(&y);
        }
    }
}

static void equal_the_json_of_the_same_vocabulary(void **state)
{
    static const char *const kinds[] = {"gpt-2",     "smollm", "default",
                                        "llama-bpe", "qwen2",  "spm-legacy"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err err = {0};
        json_t *root = read_root(kinds[i]);
        clear_flags(root);
        char *text = json_dumps(root, 0);
        struct tokenizer *a =
            tokenizer_from_json(text, strlen(text), kinds[i], 4096, &err);
        if (!a)
            fail_msg("%s", err.text);
        bool spm = strncmp(kinds[i], "spm", 3) == 0;
        struct tokenizer *b = convert(root, spm ? NULL : kinds[i], tokenizer_bos(a));
        assert_int_equal(tokenizer_adds_bos(a), tokenizer_adds_bos(b));
        assert_string_equal(tokenizer_kind(a), tokenizer_kind(b));
        assert_string_equal(tokenizer_kind(a), spm ? "spm" : kinds[i]);
        check_same(a, b, kinds[i]);
        tokenizer_free(a);
        tokenizer_free(b);
        free(text);
        json_decref(root);
    }
}

/* ---- a vocabulary of five tokens ---- */

static const char *const few[] = {"a", "b", "ab", "<|s|>", "<|eot_id|>"};
static const int32_t few_types[] = {1, 1, 1, 3, 3};
static const char *const few_merges[] = {"a b"};

/* Without the key `but`. */
static void put_few(struct metadata *m, const char *but)
{
    begin(m);
    if (strcmp(but, "model") != 0)
        put_string(m, "tokenizer.ggml.model", "gpt2");
    if (strcmp(but, "pre") != 0)
        put_string(m, "tokenizer.ggml.pre", "gpt-2");
    if (strcmp(but, "tokens") != 0)
        put_strings(m, "tokenizer.ggml.tokens", few, 5);
    if (strcmp(but, "token_type") != 0)
        put_i32s(m, "tokenizer.ggml.token_type", few_types, 5);
    if (strcmp(but, "merges") != 0)
        put_strings(m, "tokenizer.ggml.merges", few_merges, 1);
}

static void know_where_text_begins_and_ends(void **state)
{
    struct metadata m;
    struct err err = {0};
    struct token_list list = {0};
    (void)state;
    put_few(&m, "");
    put_u32(&m, "tokenizer.ggml.bos_token_id", 3);
    put_u32(&m, "tokenizer.ggml.eos_token_id", 2);
    put_u32(&m, "tokenizer.ggml.eom_token_id", 1);
    put_u32(&m, "tokenizer.ggml.eot_token_id", 0);
    put_bool(&m, "tokenizer.ggml.add_bos_token", true);
    put_bool(&m, "tokenizer.ggml.add_eos_token", true);
    struct tokenizer *t = open_metadata(&m, 5, &err);
    assert_non_null(t);
    tokenizer_encode(t, "abb", 3, TOKENIZER_ADD_SPECIAL, &list);
    assert_int_equal(list.count, 4);
    assert_memory_equal(list.ids, ((int32_t[]){3, 2, 1, 2}), 4 * sizeof(int32_t));
    assert_memory_equal(list.start, ((uint32_t[]){0, 0, 2, 3}), 4 * sizeof(uint32_t));
    assert_memory_equal(list.end, ((uint32_t[]){0, 2, 3, 3}), 4 * sizeof(uint32_t));
    for (int32_t id = -1; id < 6; id++) {
        assert_int_equal(tokenizer_is_stop(t, id),
                         id == 0 || id == 1 || id == 2 || id == 4);
        assert_int_equal(tokenizer_is_control(t, id), id == 3 || id == 4);
    }
    token_list_free(&list);
    tokenizer_free(t);
}

static void without_ids_there_is_no_bos_and_no_eos(void **state)
{
    struct metadata m;
    struct err err = {0};
    (void)state;
    put_few(&m, "");
    struct tokenizer *t = open_metadata(&m, 5, &err);
    assert_non_null(t);
    assert_int_equal(tokenizer_bos(t), -1);
    assert_int_equal(tokenizer_eos(t), -1);
    assert_false(tokenizer_adds_bos(t));
    assert_true(tokenizer_is_stop(t, 4));
    tokenizer_free(t);
}

/* GGUF allows two tokens of one text; merges give the first, though the other one is where the
 * product of the next merge would be expected. */
static void merge_into_the_first_of_equal_texts(void **state)
{
    static const char *const texts[] = {"a", "b", "c", "bc", "ab", "bc"};
    static const char *const merges[] = {"a b", "b c"};
    struct metadata m;
    struct err err = {0};
    struct token_list list = {0};
    (void)state;
    begin(&m);
    put_string(&m, "tokenizer.ggml.model", "gpt2");
    put_string(&m, "tokenizer.ggml.pre", "gpt-2");
    put_strings(&m, "tokenizer.ggml.tokens", texts, 6);
    put_strings(&m, "tokenizer.ggml.merges", merges, 2);
    struct tokenizer *t = open_metadata(&m, 6, &err);
    assert_non_null(t);
    tokenizer_encode(t, "bc", 2, 0, &list);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.ids[0], 3);
    token_list_free(&list);
    tokenizer_free(t);
}

/* ---- metadata that is wrong ---- */

static void refuses(struct metadata *m, size_t vocab, const char *expected)
{
    struct err err = {0};
    struct tokenizer *t = open_metadata(m, vocab, &err);
    assert_null(t);
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

/* Merges are looked up many at a time; what is wrong first is told first all the same. */
static void name_the_first_wrong_merge(void **state)
{
    enum { COUNT = 100 };
    const char *merges[COUNT];
    struct metadata m;
    (void)state;
    for (size_t wrong = 0; wrong < COUNT - 1; wrong += 33) {
        char expected[80];
        for (size_t i = 0; i < COUNT; i++)
            merges[i] = i < wrong ? "a b" : i == wrong ? "a q" : "ab";
        put_few(&m, "merges");
        put_strings(&m, "tokenizer.ggml.merges", merges, COUNT);
        snprintf(expected, sizeof expected, "merge %zu: unknown token (\"a\" + \"q\")", wrong);
        refuses(&m, 5, expected);
        merges[wrong] = "ab";
        put_few(&m, "merges");
        put_strings(&m, "tokenizer.ggml.merges", merges, COUNT);
        snprintf(expected, sizeof expected, "merge %zu is not two tokens", wrong);
        refuses(&m, 5, expected);
    }
}

static void name_what_is_missing(void **state)
{
    struct metadata m;
    (void)state;
    put_few(&m, "model");
    refuses(&m, 5, "t.gguf: tokenizer.ggml.model is missing");
    put_few(&m, "tokens");
    refuses(&m, 5, "tokenizer.ggml.tokens is missing");
    put_few(&m, "tokens");
    put_strings(&m, "tokenizer.ggml.tokens", few, 0);
    refuses(&m, 5, "t.gguf: empty vocabulary");
    put_few(&m, "merges");
    refuses(&m, 5, "tokenizer.ggml.merges is missing");
    put_few(&m, "pre");
    refuses(&m, 5, "tokenizer.ggml.pre is missing: pre-tokenizer not supported");
    put_few(&m, "pre");
    put_string(&m, "tokenizer.ggml.pre", "bloom\n");
    refuses(&m, 5, "pre-tokenizer not supported: \"bloom^J\"");
    put_few(&m, "model");
    put_string(&m, "tokenizer.ggml.model", "rwkv");
    refuses(&m, 5, "tokenizer model \"rwkv\" not supported (gpt2, llama)");
}

static void name_what_is_out_of_range(void **state)
{
    struct metadata m;
    (void)state;
    put_few(&m, "");
    refuses(&m, 4, "vocabulary of 5 tokens, embedding of 4 rows");
    put_few(&m, "");
    put_u32(&m, "tokenizer.ggml.bos_token_id", 50000);
    refuses(&m, 5, "bos token 50000 outside vocabulary 5");
    put_few(&m, "");
    put_u32(&m, "tokenizer.ggml.eos_token_id", 5);
    refuses(&m, 5, "eos token 5 outside vocabulary 5");
    put_few(&m, "token_type");
    put_i32s(&m, "tokenizer.ggml.token_type", few_types, 4);
    refuses(&m, 5, "token_type has 4 entries, vocabulary 5");
    put_few(&m, "token_type");
    put_i32s(&m, "tokenizer.ggml.token_type", (int32_t[]){1, 1, 7, 3, 3}, 5);
    refuses(&m, 5, "token 2: unknown token type 7");
}

static void name_bad_tokens_and_merges(void **state)
{
    struct metadata m;
    (void)state;
    put_few(&m, "merges");
    put_strings(&m, "tokenizer.ggml.merges", (const char *const[]){"a b", "ab"}, 2);
    refuses(&m, 5, "merge 1 is not two tokens");
    put_few(&m, "merges");
    put_strings(&m, "tokenizer.ggml.merges", (const char *const[]){"a b", "b a"}, 2);
    refuses(&m, 5, "merge 1: unknown token (\"b\" + \"a\")");
    put_few(&m, "token_type");
    put_i32s(&m, "tokenizer.ggml.token_type", (int32_t[]){6, 1, 1, 3, 3}, 5);
    refuses(&m, 5, "token 0: byte token malformed: \"a\"");
    put_few(&m, "tokens");
    put_strings(&m, "tokenizer.ggml.tokens",
                (const char *const[]){"a", "b", "ab", "", "x"}, 5);
    refuses(&m, 5, "added token 3: empty content");
}

static void want_all_bytes_and_sound_scores(void **state)
{
    struct metadata m;
    float scores[5] = {0, -1, -2, -3, -4};
    (void)state;
    put_few(&m, "model");
    put_string(&m, "tokenizer.ggml.model", "llama");
    refuses(&m, 5, "tokenizer.ggml.scores is missing");
    put_few(&m, "model");
    put_string(&m, "tokenizer.ggml.model", "llama");
    put_f32s(&m, "tokenizer.ggml.scores", scores, 4);
    refuses(&m, 5, "scores has 4 entries, vocabulary 5");
    put_few(&m, "model");
    put_string(&m, "tokenizer.ggml.model", "llama");
    put_f32s(&m, "tokenizer.ggml.scores", scores, 5);
    refuses(&m, 5, "byte token <0x00> is missing");
    scores[3] = NAN;
    put_few(&m, "model");
    put_string(&m, "tokenizer.ggml.model", "llama");
    put_f32s(&m, "tokenizer.ggml.scores", scores, 5);
    refuses(&m, 5, "score of token 3 is not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_the_json_of_the_same_vocabulary),
        cmocka_unit_test(know_where_text_begins_and_ends),
        cmocka_unit_test(without_ids_there_is_no_bos_and_no_eos),
        cmocka_unit_test(merge_into_the_first_of_equal_texts),
        cmocka_unit_test(name_the_first_wrong_merge),
        cmocka_unit_test(name_what_is_missing),
        cmocka_unit_test(name_what_is_out_of_range),
        cmocka_unit_test(name_bad_tokens_and_merges),
        cmocka_unit_test(want_all_bytes_and_sound_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
