/* Tokenizers against reference ids: the small models in both of their forms and
 * the default model; then properties that hold for any text. */
#include "engine/model/tokenizer.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/text.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"

static struct tokenizer *open_gguf(const char *path)
{
    struct err err = {0};
    struct gguf *gguf = gguf_open(path, &err);
    struct tokenizer *t = gguf ? tokenizer_from_gguf(gguf, SIZE_MAX, &err) : NULL;
    if (!t)
        fail_msg("%s", err.text);
    gguf_close(gguf);
    return t;
}

static struct tokenizer *open_directory(const char *path)
{
    struct err err = {0};
    struct tokenizer *t = tokenizer_from_directory(path, SIZE_MAX, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void check_fixture(const struct tokenizer *t, const char *path)
{
    struct fixture f;
    fixture_open(&f, path);
    while (fixture_next(&f)) {
        struct token_list list = {0};
        tokenizer_encode(t, f.text, f.length,
                         TOKENIZER_ADD_SPECIAL | TOKENIZER_PARSE_SPECIAL, &list);
        fixture_check_ids(&f, "ids", &list);
        fixture_check_ranges(t, &list, f.length);
        token_list_free(&list);
    }
}

/* Every GGUF file of a model has the ids of its directory. */
static void check_model(const char *name)
{
    char *dir = golden_path(name), *fixture = file_join(dir, "tokenizer_fixture.jsonl"),
         *pattern = file_join(dir, "*.gguf");
    struct tokenizer *t = open_directory(dir);
    check_fixture(t, fixture);
    glob_t files;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct tokenizer *g = open_gguf(files.gl_pathv[i]);
        check_fixture(g, fixture);
        assert_int_equal(tokenizer_bos(g), tokenizer_bos(t));
        assert_int_equal(tokenizer_eos(g), tokenizer_eos(t));
        assert_int_equal(tokenizer_adds_bos(g), tokenizer_adds_bos(t));
        assert_int_equal(tokenizer_vocab(g), tokenizer_vocab(t));
        assert_string_equal(tokenizer_kind(g), tokenizer_kind(t));
        assert_true(tokenizer_is_stop(g, tokenizer_eos(g)));
        tokenizer_free(g);
    }
    globfree(&files);
    tokenizer_free(t);
    free(pattern);
    free(fixture);
    free(dir);
}

static void small_models_have_reference_ids(void **state)
{
    (void)state;
    check_model("modelA");
    check_model("modelB");
}

static struct tokenizer *open_default(void)
{
    char *path = fixture_default_model();
    struct tokenizer *t = open_gguf(path);
    free(path);
    return t;
}

/* Decodes a token at a time; to be freed. */
static char *stream_text(const struct tokenizer *t, const struct token_list *list,
                         size_t *length)
{
    struct token_stream stream = {0};
    char *text = xmalloc(1);
    *length = 0;
    for (size_t i = 0; i <= list->count; i++) {
        size_t n;
        const char *part = i < list->count
                               ? token_stream_feed(&stream, t, list->ids[i], &n)
                               : token_stream_flush(&stream, &n);
        text = xrealloc(text, *length + n + 1, 1);
        memcpy(text + *length, part, n);
        *length += n;
    }
    return text;
}

/* decode(encode(x)) = x, in one go and token by token, when nothing vanishes. */
static void check_round_trip(const struct tokenizer *t, const char *text, size_t length)
{
    struct token_list list = {0};
    size_t n, m;
    tokenizer_encode(t, text, length, 0, &list);
    fixture_check_ranges(t, &list, length);
    char *back = tokenizer_decode(t, list.ids, list.count, false, &n);
    char *streamed = stream_text(t, &list, &m);
    assert_int_equal(n, length);
    assert_memory_equal(back, text, length);
    assert_int_equal(m, length);
    assert_memory_equal(streamed, text, length);
    free(back);
    free(streamed);
    token_list_free(&list);
}

static void default_model_has_reference_ids(void **state)
{
    (void)state;
    struct tokenizer *t = open_default();
    char *path = golden_path("tokenizer_smollm.jsonl");
    struct fixture f;
    size_t lines = 0, plain = 0, lossy = 0;
    fixture_open(&f, path);
    for (; fixture_next(&f); lines++) {
        struct token_list list = {0};
        tokenizer_encode(t, f.text, f.length, TOKENIZER_PARSE_SPECIAL, &list);
        fixture_check_ids(&f, "ids", &list);
        fixture_check_ranges(t, &list, f.length);
        list.count = 0;
        tokenizer_encode(t, f.text, f.length, 0, &list);
        bool differs = json_object_get(f.json, "ids_plain") != NULL;
        fixture_check_ids(&f, differs ? "ids_plain" : "ids", &list);
        token_list_free(&list);
        plain += differs;
        if (json_is_true(json_object_get(f.json, "lossy")))
            lossy++;
        else
            check_round_trip(t, f.text, f.length);
    }
    print_message("%zu lines, %zu with special tokens as text, %zu lossy\n", lines, plain,
                  lossy);
    assert_true(lines > 1000 && plain > 0 && lossy > 0);
    free(path);
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_models_have_reference_ids),
        cmocka_unit_test(default_model_has_reference_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
