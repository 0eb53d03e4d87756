/* Directories in Hugging Face layout: where BOS, EOS and stops come from. */
#include "engine/model/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

static const char *const names[] = {"tokenizer.json", "tokenizer_config.json",
                                    "config.json", "generation_config.json"};

/* A directory with tokenizer.json of a kind and the other three, where not NULL. */
static char *make_directory(const char *kind, const char *tokenizer_config,
                            const char *config, const char *generation_config)
{
    char path[128], *json, *dir = xstrdup("/tmp/comprexit-XXXXXX");
    const char *texts[] = {NULL, tokenizer_config, config, generation_config};
    size_t length;
    struct err err = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "tests/golden-extra/tokenizers/%s.json", kind);
    if (!file_read(path, 1 << 24, &json, &length, &err))
        fail_msg("%s", err.text);
    texts[0] = json;
    for (size_t i = 0; i < 4; i++) {
        char *name = file_join(dir, names[i]);
        if (texts[i] && !file_replace(name, texts[i], strlen(texts[i]), &err))
            fail_msg("%s", err.text);
        free(name);
    }
    free(json);
    return dir;
}

static void remove_directory(char *dir)
{
    for (size_t i = 0; i < 4; i++) {
        char *name = file_join(dir, names[i]);
        unlink(name);
        free(name);
    }
    assert_int_equal(rmdir(dir), 0);
    free(dir);
}

static struct tokenizer *open_with(const char *kind, const char *tokenizer_config,
                                   const char *config, const char *generation_config)
{
    struct err err = {0};
    char *dir = make_directory(kind, tokenizer_config, config, generation_config);
    struct tokenizer *t = tokenizer_from_directory(dir, 4096, &err);
    if (!t)
        fail_msg("%s", err.text);
    remove_directory(dir);
    return t;
}

/* Ids that end a generation: exactly those of the list, which -1 ends. */
static void check_stops(const struct tokenizer *t, const int32_t *stops)
{
    for (int32_t id = 0; (size_t)id < tokenizer_vocab(t); id++) {
        bool expected = false;
        for (size_t i = 0; stops[i] >= 0; i++)
            expected = expected || stops[i] == id;
        if (tokenizer_is_stop(t, id) != expected)
            fail_msg("id %d: stop %d, expected %d", id, !expected, expected);
    }
}

static void without_other_files_the_template_speaks(void **state)
{
    (void)state;
    struct tokenizer *t = open_with("spm-legacy", NULL, NULL, NULL);
    assert_int_equal(tokenizer_bos(t), 1);
    assert_true(tokenizer_adds_bos(t));
    assert_int_equal(tokenizer_eos(t), -1);
    check_stops(t, (int32_t[]){2, -1}); /* "</s>", by its name */
    tokenizer_free(t);
}

static void the_llama_classes_write_the_template_anew(void **state)
{
    (void)state;
    struct tokenizer *t =
        open_with("spm-legacy",
                  "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":false,"
                  "\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"}}",
                  NULL, NULL);
    assert_int_equal(tokenizer_bos(t), 1);
    assert_false(tokenizer_adds_bos(t));
    assert_int_equal(tokenizer_eos(t), 2);
    tokenizer_free(t);
    t = open_with(
        "spm-legacy",
        "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"add_bos_token\":false,"
        "\"bos_token\":\"<s>\"}",
        NULL, NULL);
    assert_true(tokenizer_adds_bos(t));
    tokenizer_free(t);
}

static void the_tokenizer_config_goes_before_the_config(void **state)
{
    (void)state;
    static const char ids[] = "{\"bos_token_id\":3,\"eos_token_id\":[5,6]}";
    struct tokenizer *t =
        open_with("gpt-2", "{\"bos_token\":null,\"eos_token\":\"<|go|>\"}", ids, NULL);
    int32_t go = tokenizer_eos(t);
    size_t length;
    assert_int_equal(tokenizer_bos(t), -1);
    assert_memory_equal(tokenizer_piece(t, go, true, &length), "<|go|>", 6);
    check_stops(t, (int32_t[]){5, 6, go, -1});
    tokenizer_free(t);
    t = open_with("gpt-2", NULL, ids, "{\"eos_token_id\":[7,999999,-1,\"x\"]}");
    assert_int_equal(tokenizer_bos(t), 3);
    assert_false(tokenizer_adds_bos(t));
    assert_int_equal(tokenizer_eos(t), 5);
    check_stops(t, (int32_t[]){5, 6, 7, -1});
    tokenizer_free(t);
    t = open_with("gpt-2", "{\"add_bos_token\":true,\"bos_token\":\"<|go|>\"}", ids,
                  NULL);
    assert_true(tokenizer_adds_bos(t));
    assert_int_equal(tokenizer_bos(t), go);
    tokenizer_free(t);
}

static void check_refused(const char *tokenizer_config, const char *config,
                          const char *expected)
{
    struct err err = {0};
    char *dir = make_directory("gpt-2", tokenizer_config, config, NULL);
    assert_null(tokenizer_from_directory(dir, 4096, &err));
    if (!strstr(err.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
    remove_directory(dir);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    check_refused("{", NULL, "tokenizer_config.json: invalid JSON at byte");
    check_refused("[]", NULL, "tokenizer_config.json: not a JSON object");
    check_refused(NULL, "7", "config.json: not a JSON object");
    check_refused("{\"bos_token\":\"<nobody>\"}", NULL,
                  "tokenizer_config.json: bos_token is not an added token");
    check_refused("{\"eos_token\":7}", NULL,
                  "tokenizer_config.json: eos_token is not an added token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_other_files_the_template_speaks),
        cmocka_unit_test(the_llama_classes_write_the_template_anew),
        cmocka_unit_test(the_tokenizer_config_goes_before_the_config),
        cmocka_unit_test(bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
