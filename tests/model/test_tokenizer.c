/* Tokenizers against reference ids: the small models in both of their forms and
 * the default model; then properties that hold for any text. */
#include "engine/model/tokenizer.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

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
    char *path = golden_optional_path("tokenizer_smollm.jsonl");
    struct tokenizer *t = open_default();
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
    assert_true(lines > 0);
    free(path);
    tokenizer_free(t);
}

/* ---- any text ---- */

/* Random characters of all planes, of runs that tokenizers treat differently, and
 * bytes that are no text. */
static size_t random_text(struct rng *rng, char *out, size_t size)
{
    static const uint32_t blocks[][2] = {
        {0x20, 0x7e},     {0x20, 0x7e},       {0x61, 0x7a},     {0x30, 0x39},
        {0x09, 0x0d},     {0x00, 0x1f},       {0x80, 0x24f},    {0x300, 0x36f},
        {0x400, 0x52f},   {0x900, 0xdff},     {0x2000, 0x206f}, {0x4e00, 0x9fff},
        {0xac00, 0xd7a3}, {0x1f300, 0x1faff}, {0xe000, 0xffff}, {0x10000, 0x10ffff},
    };
    size_t length = 0, runs = 1 + rng_below(rng, 12);
    bool bytes = rng_below(rng, 10) == 0;
    for (size_t run = 0; run < runs; run++) {
        const uint32_t *block = blocks[rng_below(rng, sizeof blocks / sizeof *blocks)];
        for (uint64_t n = 1 + rng_below(rng, 8); n > 0 && length + 4 <= size; n--) {
            if (bytes)
                out[length++] = (char)rng_below(rng, 256);
            else
                length += text_encode(
                    block[0] + (uint32_t)rng_below(rng, block[1] - block[0] + 1),
                    out + length);
        }
    }
    return length;
}

/* Leaves out the bytes that this vocabulary has no token for. */
static size_t drop_vanishing(const struct tokenizer *t, char *text, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        struct token_list list = {0};
        tokenizer_encode(t, text + i, 1, 0, &list);
        if (list.count > 0)
            text[kept++] = text[i];
        token_list_free(&list);
    }
    return kept;
}

static void any_text_survives_the_round_trip(void **state)
{
    (void)state;
    struct tokenizer *t = open_default();
    struct rng rng;
    rng_seed(&rng, 27);
    for (int i = 0; i < 5000; i++) {
        char text[512];
        check_round_trip(t, text,
                         drop_vanishing(t, text, random_text(&rng, text, sizeof text)));
    }
    tokenizer_free(t);
}

/* A text cut at an added token has the tokens of its parts. */
static void added_tokens_keep_their_sides_apart(void **state)
{
    static const char left[] = "one two", right[] = "  three", mark[] = "<|im_end|>";
    char text[64];
    struct token_list whole = {0}, parts = {0};
    (void)state;
    struct tokenizer *t = open_default();
    int length = snprintf(text, sizeof text, "%s%s%s", left, mark, right);
    tokenizer_encode(t, text, (size_t)length, TOKENIZER_PARSE_SPECIAL, &whole);
    tokenizer_encode(t, left, strlen(left), 0, &parts);
    size_t before = parts.count;
    token_list_push(&parts, 2, 7, 17);
    tokenizer_encode(t, right, strlen(right), 0, &parts);
    assert_int_equal(whole.count, parts.count);
    assert_memory_equal(whole.ids, parts.ids, whole.count * sizeof *whole.ids);
    assert_int_equal(whole.start[before], 7);
    assert_int_equal(whole.end[before], 17);
    assert_int_equal(whole.end[whole.count - 1], length);
    token_list_free(&whole);
    token_list_free(&parts);
    tokenizer_free(t);
}

static void default_model_knows_its_special_tokens(void **state)
{
    size_t length;
    (void)state;
    struct tokenizer *t = open_default();
    assert_string_equal(tokenizer_kind(t), "smollm");
    assert_int_equal(tokenizer_vocab(t), 49152);
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_false(tokenizer_adds_bos(t));
    assert_true(tokenizer_is_stop(t, 0) && tokenizer_is_stop(t, 2));
    assert_false(tokenizer_is_stop(t, 1) || tokenizer_is_stop(t, 17));
    assert_true(tokenizer_is_control(t, 16));
    assert_false(tokenizer_is_control(t, 17));
    tokenizer_piece(t, 2, false, &length);
    assert_int_equal(length, 0);
    assert_memory_equal(tokenizer_piece(t, 2, true, &length), "<|im_end|>", 10);
    assert_int_equal(length, 10);
    tokenizer_piece(t, 49152, true, &length);
    assert_int_equal(length, 0);
    tokenizer_piece(t, -1, true, &length);
    assert_int_equal(length, 0);
    tokenizer_free(t);
}

/* Each part that a stream gives out is made of whole characters. */
static void streams_never_split_characters(void **state)
{
    static const char text[] = "caf\xc3\xa9 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 "
                               "\xe6\x9d\xb1\xe4\xba\xac \xf0\x93\x80\x80";
    struct token_list list = {0};
    struct token_stream stream = {0};
    size_t n, parts = 0, waits = 0;
    (void)state;
    struct tokenizer *t = open_default();
    tokenizer_encode(t, text, strlen(text), 0, &list);
    for (size_t i = 0; i < list.count; i++) {
        const char *part = token_stream_feed(&stream, t, list.ids[i], &n);
        assert_true(text_valid(part, n, NULL));
        parts += n > 0;
        waits += n == 0;
    }
    assert_true(parts > 4 && waits > 4);
    token_stream_flush(&stream, &n);
    assert_int_equal(n, 0);
    list.count = 0;
    tokenizer_encode(t, "\xf0", 1, 0, &list);
    token_stream_feed(&stream, t, list.ids[0], &n);
    assert_int_equal(n, 0);
    assert_memory_equal(token_stream_flush(&stream, &n), "\xf0", 1);
    assert_int_equal(n, 1);
    token_stream_flush(&stream, &n);
    assert_int_equal(n, 0);
    token_list_free(&list);
    tokenizer_free(t);
}

/* Goals: 5 MB/s of English, 0.3 s for 100,000 tokens, 50 ms to load. The bounds
 * here only catch what would be wrong by an order of magnitude. */
static double ms_since(clock_t start)
{
    return 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void speed(void **state)
{
    static const char sentence[] = "The old harbour froze over in the second week of "
                                   "January, and for nineteen days the "
                                   "pilots had nothing to do but mend nets, drink tea, "
                                   "and argue about the winter of '47.\n";
    enum { REPEATS = 2600 };
    (void)state;
    clock_t start = clock(); /* processor time: others may have the machine */
    struct tokenizer *t = open_default();
    double load_ms = ms_since(start);
    size_t length = strlen(sentence), total = REPEATS * length;
    char *text = xmalloc(total);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(text + i * length, sentence, length);
    struct token_list list = {0};
    start = clock();
    tokenizer_encode(t, text, total, 0, &list);
    double ms = ms_since(start);
    print_message("loaded in %.0f ms; %zu tokens of %.0f kB in %.0f ms: %.1f MB/s\n",
                  load_ms, list.count, (double)total / 1e3, ms, (double)total / 1e3 / ms);
    assert_true(list.count >= 100000 && ms < 5000 && load_ms < 2000);
    token_list_free(&list);
    free(text);
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_models_have_reference_ids),
        cmocka_unit_test(default_model_has_reference_ids),
        cmocka_unit_test(any_text_survives_the_round_trip),
        cmocka_unit_test(added_tokens_keep_their_sides_apart),
        cmocka_unit_test(default_model_knows_its_special_tokens),
        cmocka_unit_test(streams_never_split_characters),
        cmocka_unit_test(speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
