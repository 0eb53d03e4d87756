/* All kinds of tokenizer.json against ids of the reference implementation:
 * tests/golden-extra/tokenizers, made by tests/gen/make_tokenizers.py. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buffer.h"
#include "engine/base/file.h"
#include "engine/base/sha256.h"
#include "engine/model/tokenizer.h"
#include "tests/support/fixture.h"

/* $COMPREXIT_GOLDEN_EXTRA: another set of this layout, for longer comparisons. */
static char *kinds_path(const char *name)
{
    const char *root = getenv("COMPREXIT_GOLDEN_EXTRA");
    return file_join(root ? root : "tests/golden-extra/tokenizers", name);
}

/* The reference shows bytes that are no UTF-8 as U+FFFD; there is nothing to
 * compare then. */
static void check_decoded(const struct tokenizer *t, const struct fixture *f,
                          const struct token_list *list)
{
    const json_t *want = json_object_get(f->json, "decoded");
    want = want ? want : json_object_get(f->json, "text");
    if (memmem(json_string_value(want), json_string_length(want), "\xef\xbf\xbd", 3))
        return;
    size_t length;
    char *text = tokenizer_decode(t, list->ids, list->count, true, &length);
    if (length != json_string_length(want) ||
        memcmp(text, json_string_value(want), length) != 0)
        fail_msg("%s line %zu: decoded as \"%s\", expected \"%s\"", f->path, f->number,
                 text, json_string_value(want));
    free(text);
}

/* The ids of both lists as the sum of a line has them: "1,2,3;1,2,3". */
static void check_sum(const struct fixture *f, const struct token_list *parsed,
                      const struct token_list *plain)
{
    const struct token_list *lists[] = {parsed, plain};
    struct buffer text = {0};
    struct sha256 hash;
    char hex[65];
    for (int l = 0; l < 2; l++) {
        if (l > 0)
            buffer_printf(&text, ";");
        for (size_t i = 0; i < lists[l]->count; i++)
            buffer_printf(&text, i > 0 ? ",%d" : "%d", lists[l]->ids[i]);
    }
    sha256_begin(&hash);
    sha256_add(&hash, text.data, text.size);
    sha256_end(&hash, hex);
    if (strncmp(hex, json_string_value(json_object_get(f->json, "sum")), 8) != 0)
        fail_msg("%s line %zu: other tokens than expected: %s", f->path, f->number,
                 text.data);
    buffer_free(&text);
}

static void check_line(const struct tokenizer *t, const struct fixture *f)
{
    struct token_list parsed = {0}, plain = {0};
    tokenizer_encode(t, f->text, f->length,
                     TOKENIZER_ADD_SPECIAL | TOKENIZER_PARSE_SPECIAL, &parsed);
    tokenizer_encode(t, f->text, f->length, 0, &plain);
    fixture_check_ranges(t, &parsed, f->length);
    check_decoded(t, f, &parsed);
    if (json_object_get(f->json, "sum")) {
        check_sum(f, &parsed, &plain);
    } else {
        bool differs = json_object_get(f->json, "ids_plain") != NULL;
        fixture_check_ids(f, "ids", &parsed);
        fixture_check_ids(f, differs ? "ids_plain" : "ids", &plain);
    }
    token_list_free(&parsed);
    token_list_free(&plain);
}

static size_t check_lines(const struct tokenizer *t, const char *path)
{
    struct fixture f;
    size_t lines = 0;
    fixture_open(&f, path);
    for (; fixture_next(&f); lines++)
        check_line(t, &f);
    return lines;
}

static void every_kind_has_reference_ids(void **state)
{
    (void)state;
    char *pattern = kinds_path("*.jsonl");
    glob_t files;
    size_t lines = 0;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char model[1024];
        int stem = (int)strlen(files.gl_pathv[i]) - 1;
        snprintf(model, sizeof model, "%.*s", stem, files.gl_pathv[i]);
        struct tokenizer *t = fixture_open_tokenizer(model);
        lines += check_lines(t, files.gl_pathv[i]);
        tokenizer_free(t);
    }
    print_message("%zu tokenizers, %zu lines\n", files.gl_pathc, lines);
    assert_true(files.gl_pathc >= 10 && lines >= 3000);
    globfree(&files);
    free(pattern);
}

static void default_model_has_reference_ids(void **state)
{
    (void)state;
    char *model = fixture_default_model(), *path = kinds_path("../smollm2.jsonl");
    struct err err = {0};
    struct gguf *gguf = gguf_open(model, &err);
    struct tokenizer *t = gguf ? tokenizer_from_gguf(gguf, SIZE_MAX, &err) : NULL;
    if (!t)
        fail_msg("%s", err.text);
    size_t lines = check_lines(t, path);
    print_message("%zu lines\n", lines);
    assert_true(lines >= 1000);
    tokenizer_free(t);
    gguf_close(gguf);
    free(model);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_reference_ids),
        cmocka_unit_test(default_model_has_reference_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
