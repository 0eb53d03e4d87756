/* Hostile tokenizer.json files, cases 53 to 62 of the list of malicious inputs:
 * each is refused with its text, and nothing crashes or hangs. Then texts that are
 * made to be slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/tokenizer.h"
#include "tests/support/fixture.h"

enum { ROWS = 300 }; /* of the embedding that ids must stay below */

#define BYTE_LEVEL(regex)                                                                \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" regex "}"
#define SPLIT(pattern)                                                                   \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern "\"},\"behavior\":"          \
    "\"Isolated\",\"invert\":false}"
#define SEQUENCE(parts) "{\"type\":\"Sequence\",\"pretokenizers\":[" parts "]}"
#define MARK            "\xe2\x96\x81"
#define PREPEND         "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}"
#define METASPACE                                                                        \
    "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":"       \
    "\"first\",\"split\":false}"

/* A part that is NULL is the sound one. */
struct parts {
    const char *vocab, *merges, *extra, *added, *normalizer, *pre, *decoder, *post;
};

static const struct parts sound = {
    .vocab = "{\"a\":0,\"b\":1,\"ab\":2,\"c\":3}",
    .merges = "[[\"a\",\"b\"]]",
    .extra = "",
    .added = "[{\"id\":4,\"content\":\"<|x|>\",\"special\":true}]",
    .normalizer = "null",
    .pre = BYTE_LEVEL("true"),
    .decoder = "{\"type\":\"ByteLevel\"}",
    .post = "null",
};

static const char *part(const char *wanted, const char *otherwise)
{
    return wanted ? wanted : otherwise;
}

/* To be freed. */
static char *write_json(const struct parts *p)
{
    static const char format[] =
        "{\"added_tokens\":%s,\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s,"
        "\"post_processor\":%s,\"model\":{\"type\":\"BPE\",\"vocab\":%s,\"merges\":%s%s}"
        "}";
    const char *parts[] = {
        part(p->added, sound.added),   part(p->normalizer, sound.normalizer),
        part(p->pre, sound.pre),       part(p->decoder, sound.decoder),
        part(p->post, sound.post),     part(p->vocab, sound.vocab),
        part(p->merges, sound.merges), part(p->extra, sound.extra),
    };
    size_t length = sizeof format;
    for (size_t i = 0; i < 8; i++)
        length += strlen(parts[i]);
    char *json = xmalloc(length);
    snprintf(json, length, format, parts[0], parts[1], parts[2], parts[3], parts[4],
             parts[5], parts[6], parts[7]);
    return json;
}

/* Processor time: others may have the machine. */
static double ms_since(clock_t start)
{
    return 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void refuse(int number, const char *json, size_t length, const char *expected)
{
    struct err err = {0};
    clock_t start = clock();
    struct tokenizer *t = tokenizer_from_json(json, length, "t.json", ROWS, &err);
    if (t)
        fail_msg("case %d was accepted, expected \"%s\"", number, expected);
    if (!strstr(err.text, expected) || strncmp(err.text, "t.json: ", 8) != 0)
        fail_msg("case %d: got \"%s\", expected \"%s\"", number, err.text, expected);
    assert_int_equal(err.code, ERR_INPUT);
    assert_true(ms_since(start) < 1000);
}

/* ---- parts that are wrong ---- */

static const struct bad_part {
    int number;
    struct parts parts;
    const char *expected;
} bad_parts[] = {
    /* Strings. */
    {55, {.vocab = "{\"\\ud800\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"\\udc00\\ud800\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"\xc0\xaf\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"\xed\xa0\x80\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"\xf4\x90\x80\x80\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"a\x01\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"a\n\":0}"}, "invalid string at byte"},
    {55, {.vocab = "{\"a\\u0000\":0}"}, "invalid"},
    /* Ids. */
    {56,
     {.vocab = "{\"a\":99999999999999999999}"},
     "token \"a\": id out of range (0 to 299)"},
    {56, {.vocab = "{\"a\":-1}"}, "token \"a\": id out of range (0 to 299)"},
    {56, {.vocab = "{\"a\":1e999}"}, "invalid JSON at byte"},
    {56, {.vocab = "{\"a\":3.5}"}, "token \"a\": id out of range"},
    {56, {.vocab = "{\"a\":1e1}"}, "token \"a\": id out of range"},
    {56, {.vocab = "{\"a\":\"0\"}"}, "token \"a\": id out of range"},
    {56, {.vocab = "{\"a\":null}"}, "token \"a\": id out of range"},
    {56, {.vocab = "{\"a\":true}"}, "token \"a\": id out of range"},
    {56, {.vocab = "{\"\\u001b[2J\":-1}"}, "token \"^[[2J\": id out of range"},
    {56,
     {.added = "[{\"id\":4294967300,\"content\":\"x\"}]"},
     "token \"x\": id out of range"},
    {56, {.added = "[{\"content\":\"x\"}]"}, "token \"x\": id out of range"},
    /* Which token is which. */
    {57, {.vocab = "{\"a\":0,\"b\":1,\"ab\":1}"}, "token id 1 used twice (\"ab\")"},
    {57, {.vocab = "{\"a\":0,\"b\":1,\"ab\":3}", .added = "[]"}, "token id 2 missing"},
    {57, {.vocab = "{\"a\":0,\"b\":1,\"ab\":2}"}, "token id 3 missing"},
    {57, {.vocab = "{\"a\":1,\"b\":2,\"ab\":3}"}, "token id 0 missing"},
    {57, {.vocab = "{\"a\":0,\"b\":1,\"ab\":300}"}, "token \"ab\": id out of range"},
    {57, {.vocab = "{\"a\":0,\"a\":1}"}, "duplicate object key"},
    {57, {.added = "[{\"id\":4,\"content\":\"a\"}]"}, "token \"a\" has two ids, 0 and 4"},
    {57, {.vocab = "{}", .merges = "[]", .added = "[]"}, "the vocabulary is empty"},
    {57, {.vocab = "[]"}, "model.vocab is missing or not an object"},
    /* Merges. */
    {58,
     {.merges = "[[\"a\",\"b\"],[\"a\",\"q\"]]"},
     "merge 1: unknown token (\"a\" + \"q\")"},
    {58, {.merges = "[[\"b\",\"a\"]]"}, "merge 0: unknown token (\"b\" + \"a\")"},
    {58, {.merges = "[\"a b\",\"q a\"]"}, "merge 1: unknown token (\"q\" + \"a\")"},
    {58, {.merges = "[[\"\",\"a\"]]"}, "merge 0: unknown token"},
    {58, {.merges = "[\"ab\"]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[\" a\"]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[\"a \"]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[[\"a\",\"b\",\"c\"]]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[[\"a\"]]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[[0,1]]"}, "merge 0 is not two tokens"},
    {58, {.merges = "[null]"}, "merge 0 is not two tokens"},
    {58, {.merges = "{}"}, "model.merges is missing or not a list"},
    /* Added tokens. */
    {59, {.added = "[{\"id\":4,\"content\":\"\"}]"}, "added token 0: empty content"},
    {59,
     {.added = "[{\"id\":4,\"content\":\"x\"},{\"id\":5}]"},
     "added token 1: empty content"},
    {59, {.added = "[{\"id\":4,\"content\":7}]"}, "added token 0: empty content"},
    {59, {.added = "[null]"}, "added token 0: empty content"},
    {59,
     {.added = "[{\"id\":2,\"content\":\"x\"}]"},
     "added token 0 (\"x\"): id 2 is already \"ab\""},
    {59,
     {.added = "[{\"id\":4,\"content\":\"x\"},{\"id\":4,\"content\":\"y\"}]"},
     "added token 1 (\"y\"): id 4 is already \"x\""},
    {59, {.added = "[{\"id\":9,\"content\":\"x\"}]"}, "token id 4 missing"},
    /* Byte tokens. */
    {60,
     {.vocab = "{\"<0x-1>\":0}",
      .merges = "[]",
      .added = "[]",
      .pre = METASPACE,
      .decoder = METASPACE,
      .extra = ",\"byte_fallback\":true"},
     "token 0: byte token malformed: \"<0x-1>\""},
    {60,
     {.vocab = "{\"<0xZZ>\":0}",
      .merges = "[]",
      .added = "[]",
      .pre = METASPACE,
      .decoder = METASPACE,
      .extra = ",\"byte_fallback\":true"},
     "token 0: byte token malformed: \"<0xZZ>\", expected <0x00> to <0xFF>"},
    {60,
     {.vocab = "{\"a\":0,\"<0x+F>\":1}",
      .merges = "[]",
      .added = "[]",
      .pre = METASPACE,
      .decoder = METASPACE,
      .extra = ",\"byte_fallback\":true"},
     "token 1: byte token malformed: \"<0x+F>\""},
    {60,
     {.vocab = "{\"<0x0a>\":0}",
      .merges = "[]",
      .added = "[]",
      .pre = METASPACE,
      .decoder = METASPACE,
      .extra = ",\"byte_fallback\":true"},
     "byte token malformed"},
    {60,
     {.vocab = "{\"<0x00>\":0}",
      .merges = "[]",
      .added = "[]",
      .pre = METASPACE,
      .decoder = METASPACE,
      .extra = ",\"byte_fallback\":true"},
     "byte token <0x01> is missing"},
    /* Pre-tokenizers. */
    {61, {.pre = "null"}, "pre-tokenizer not supported"},
    {61, {.pre = "{}"}, "pre-tokenizer not supported"},
    {61, {.pre = "7"}, "pre-tokenizer not supported"},
    {61, {.pre = "{\"type\":\"Whitespace\"}"}, "pre-tokenizer not supported: Whitespace"},
    {61, {.pre = BYTE_LEVEL("false")}, "pre-tokenizer not supported"},
    {61, {.pre = "{\"type\":\"ByteLevel\"}"}, "pre-tokenizer not supported"},
    {61, {.pre = SEQUENCE("")}, "pre-tokenizer not supported"},
    {61, {.pre = SPLIT("(a+)+$")}, "pre-tokenizer not supported: Split"},
    {61, {.pre = SEQUENCE(SPLIT("(a+)+$") "," BYTE_LEVEL("false"))}, "not supported"},
    {61,
     {.pre = SEQUENCE(SPLIT("(\\\\s*)*x|\\\\s+") "," BYTE_LEVEL("false"))},
     "not supported"},
    {61, {.pre = SEQUENCE(SPLIT("") "," BYTE_LEVEL("false"))}, "not supported"},
    {61, {.pre = SEQUENCE("{\"type\":\"Digits\"}," BYTE_LEVEL("true"))}, "not supported"},
    {61, {.pre = METASPACE}, "decoder not supported: ByteLevel"},
    {61,
     {.pre = METASPACE, .decoder = METASPACE},
     "model.byte_fallback false not supported here"},
    {61,
     {.extra = ",\"byte_fallback\":true"},
     "model.byte_fallback true not supported here"},
    /* The rest of the pipeline. */
    {61,
     {.normalizer = "{\"type\":\"Lowercase\"}"},
     "normalizer not supported: Lowercase"},
    {61, {.normalizer = "[]"}, "normalizer not supported"},
    {61,
     {.normalizer =
          "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a+)+$\"},\"content\":\"\"}"},
     "normalizer not supported: Replace"},
    {61, {.decoder = "null"}, "decoder not supported: none"},
    {61, {.decoder = "{\"type\":\"WordPiece\"}"}, "decoder not supported: WordPiece"},
    {61,
     {.post = "{\"type\":\"BertProcessing\"}"},
     "post_processor not supported: BertProcessing"},
    {61,
     {.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
              "\"q\"}},"
              "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}"},
     "post_processor not supported: TemplateProcessing"},
    {61,
     {.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
              "\"q\"}},"
              "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"q\":{\"ids\":[5]}}}"},
     "post_processor not supported: TemplateProcessing"},
    {61,
     {.normalizer = "{\"type\":\"Prepend\",\"prepend\":\"_\"}"},
     "not supported: Prepend"},
    {61,
     {.normalizer =
          "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}," PREPEND "]}"},
     "normalizer not supported: Sequence"},
    {61, {.normalizer = PREPEND}, "pre-tokenizer not supported: ByteLevel"},
    {61,
     {.normalizer = PREPEND, .pre = METASPACE, .decoder = METASPACE},
     "pre-tokenizer not supported: Metaspace"},
    {61,
     {.pre = "{\"type\":\"Metaspace\",\"replacement\":\"_\"}", .decoder = METASPACE},
     "pre-tokenizer not supported: Metaspace"},
    {61,
     {.pre = "{\"type\":\"Metaspace\",\"replacement\":\"" MARK
             "\",\"prepend_scheme\":\"last\"}",
      .decoder = METASPACE},
     "pre-tokenizer not supported: Metaspace"},
    {61,
     {.pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"use_regex\":true}"},
     "pre-tokenizer not supported: ByteLevel"},
    {61,
     {.pre = SEQUENCE("{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":"
                      "\"Isolated\"}," BYTE_LEVEL("false"))},
     "pre-tokenizer not supported: Sequence"},
    {61,
     {.pre = METASPACE, .decoder = "{\"type\":\"Sequence\",\"decoders\":[]}"},
     "decoder not supported: Sequence"},
    {61,
     {.pre = METASPACE, .decoder = "{\"type\":\"Strip\",\"content\":\" \",\"start\":2}"},
     "decoder not supported: Strip"},
    {61,
     {.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
              "\"q\"}},"
              "{\"SpecialToken\":{\"id\":\"q\"}},{\"Sequence\":{\"id\":\"A\"}}],"
              "\"special_tokens\":{\"q\":{\"ids\":[0]}}}"},
     "post_processor not supported: TemplateProcessing"},
    {61,
     {.post = "{\"type\":\"TemplateProcessing\",\"single\":[]}"},
     "post_processor not supported: TemplateProcessing"},
    {61, {.extra = ",\"dropout\":0.1"}, "model.dropout not supported"},
    {61,
     {.extra = ",\"end_of_word_suffix\":\"</w>\""},
     "model.end_of_word_suffix not supported"},
    {61, {.extra = ",\"unk_token\":\"q\""}, "model.unk_token is not in the vocabulary"},
};

static void refuse_parts_that_are_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_parts / sizeof *bad_parts; i++) {
        char *json = write_json(&bad_parts[i].parts);
        refuse(bad_parts[i].number, json, strlen(json), bad_parts[i].expected);
        free(json);
    }
}

/* The parts that the others replace are sound, or the table would prove nothing. */
static void accept_the_sound_parts(void **state)
{
    struct err err = {0};
    struct token_list list = {0};
    (void)state;
    char *json = write_json(&sound);
    struct tokenizer *t = tokenizer_from_json(json, strlen(json), "t.json", ROWS, &err);
    if (!t)
        fail_msg("%s", err.text);
    tokenizer_encode(t, "abc<|x|>q", 9, TOKENIZER_PARSE_SPECIAL, &list);
    assert_int_equal(list.count, 3);
    assert_memory_equal(list.ids, ((int32_t[]){2, 3, 4}), 3 * sizeof(int32_t));
    token_list_free(&list);
    tokenizer_free(t);
    free(json);
}

/* ---- whole files ---- */

static const struct bad_file {
    int number;
    const char *json, *expected;
} bad_files[] = {
    {54, "", "invalid JSON at byte"},
    {54, "{", "invalid JSON at byte"},
    {54, "{\"model\":{}", "invalid JSON at byte"},
    {54, "{\"model\":{}}x", "invalid JSON at byte"},
    {54, "\xef\xbb\xbf{}", "invalid JSON at byte"},
    {62, "{}", "\"model\" is missing"},
    {62, "[]", "\"model\" is missing"},
    {62, "null", "\"model\" is missing"},
    {62, "\"model\"", "\"model\" is missing"},
    {62, "{\"model\":null}", "\"model\" is missing"},
    {62, "{\"model\":[]}", "\"model\" is missing"},
    {62, "{\"model\":{\"type\":\"Unigram\"}}",
     "tokenizer model Unigram not supported (BPE)"},
    {62, "{\"model\":{\"type\":\"WordLevel\"}}",
     "tokenizer model WordLevel not supported (BPE)"},
    {62, "{\"model\":{\"type\":7}}",
     "tokenizer model of unknown type not supported (BPE)"},
};

static void refuse_files_that_are_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++)
        refuse(bad_files[i].number, bad_files[i].json, strlen(bad_files[i].json),
               bad_files[i].expected);
}

static void refuse_deep_nesting(void **state)
{
    (void)state;
    size_t length = 100000;
    char *json = xmalloc(length);
    memset(json, '[', length);
    refuse(53, json, length, "nested deeper than 64 at byte 65");
    free(json);
}

/* No beginning of a file is a file, and no change of one byte is a crash. */
static void survive_cuts_and_changes(void **state)
{
    (void)state;
    char *json = write_json(&sound);
    size_t length = strlen(json);
    struct rng rng;
    rng_seed(&rng, 54);
    for (size_t cut = 0; cut < length; cut++)
        refuse(54, json, cut, "t.json");
    for (int i = 0; i < 4000; i++) {
        size_t at = rng_below(&rng, length);
        char old = json[at];
        json[at] = (char)rng_below(&rng, 256);
        tokenizer_free(tokenizer_from_json(json, length, "t.json", ROWS, NULL));
        json[at] = old;
    }
    free(json);
}

static void refuse_a_huge_file(void **state)
{
    char dir[] = "/tmp/comprexit-XXXXXX";
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(dir));
    char *path = file_join(dir, "tokenizer.json");
    assert_true(file_replace(path, "{", 1, &err));
    assert_int_equal(truncate(path, (off_t)1 << 30), 0);
    assert_null(tokenizer_from_directory(dir, ROWS, &err));
    assert_non_null(strstr(err.text, "1073741824 bytes, over the limit of 268435456"));
    unlink(path);
    assert_null(tokenizer_from_directory(dir, ROWS, &err));
    assert_non_null(strstr(err.text, "tokenizer.json: cannot open"));
    rmdir(dir);
    free(path);
}

/* ---- texts that are made to be slow ---- */

static struct tokenizer *open_kind(const char *kind)
{
    char path[128];
    snprintf(path, sizeof path, "tests/golden-extra/tokenizers/%s.json", kind);
    return fixture_open_tokenizer(path);
}

static const char *const slow_units[] = {
    "a",    /* one word */
    "lamp", /* one that is full of merges */
    " ",    /* one gap */
    "\n",
    " \n",
    "7",
    "'",
    "<", /* beginnings of added tokens */
    "<|go|",
    "\xcd\x84",         /* marks that normalisation takes apart */
    "\xcc\xa3\xcc\x87", /* marks that it sorts */
    "\xe1\x84\x80",     /* Hangul consonants */
    "\xff",             /* no characters at all */
    "\xe2\x96\x81",     /* SentencePiece's own space */
};

/* With quadratic steps these take minutes. */
static void take_linear_time(void **state)
{
    static const char *const kinds[] = {"gpt-2", "smollm",     "default",  "llama-bpe",
                                        "qwen2", "spm-legacy", "spm-words"};
    enum { SIZE = 1 << 18 };
    (void)state;
    char *text = xmalloc(SIZE);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct tokenizer *t = open_kind(kinds[k]);
        for (size_t i = 0; i < sizeof slow_units / sizeof *slow_units; i++) {
            struct token_list list = {0};
            for (size_t at = 0; at < SIZE; at++)
                text[at] = slow_units[i][at % strlen(slow_units[i])];
            clock_t start = clock();
            tokenizer_encode(t, text, SIZE, TOKENIZER_PARSE_SPECIAL, &list);
            double ms = ms_since(start);
            if (ms > 10000)
                fail_msg("%s: unit %zu took %.0f ms", kinds[k], i, ms);
            assert_true(list.count > 0 && list.end[list.count - 1] <= SIZE);
            token_list_free(&list);
        }
        tokenizer_free(t);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_the_sound_parts),
        cmocka_unit_test(refuse_parts_that_are_wrong),
        cmocka_unit_test(refuse_files_that_are_wrong),
        cmocka_unit_test(refuse_deep_nesting),
        cmocka_unit_test(survive_cuts_and_changes),
        cmocka_unit_test(refuse_a_huge_file),
        cmocka_unit_test(take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
