/* Forms that a tokenizer.json may have: which pipelines are recognised as what, and
 * SentencePiece's rules for spaces on a vocabulary small enough to read. What is
 * refused is in tests/hostile/test_tokenizer_hostile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/tokenizer.h"

#define MARK "\xe2\x96\x81"
#define BYTE_LEVEL(regex)                                                                \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" regex "}"
#define QWEN2                                                                            \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}|"     \
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|"      \
    "\\\\s+"
#define GPT2                                                                             \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|"       \
    "\\\\s+(?!\\\\S)|\\\\s+"
#define SPLIT(pattern, behavior, invert)                                                 \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern                              \
    "\"},\"behavior\":\"" behavior "\",\"invert\":" invert "}"
#define SEQUENCE(list, parts) "{\"type\":\"Sequence\",\"" list "\":[" parts "]}"
#define METASPACE(rest)       "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\"" rest "}"
#define REPLACE(from, to)                                                                \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" from "\"},\"content\":\"" to "\"" \
                                                                                    "}"
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}"
#define STRIP   "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
#define BACK(strip)                                                                      \
    SEQUENCE(                                                                            \
        "decoders",                                                                      \
        REPLACE(MARK, " ") ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}" strip)

/* ---- byte level ---- */

static struct tokenizer *open_byte_level(const char *normalizer, const char *pre,
                                         const char *post, const char *extra)
{
    char json[4096];
    struct err err = {0};
    int length =
        snprintf(json, sizeof json,
                 "{\"added_tokens\":[{\"id\":5,\"content\":\"<s>\",\"special\":true},"
                 "{\"id\":6,\"content\":\"</s>\",\"special\":true}],"
                 "\"normalizer\":%s,\"pre_tokenizer\":%s,\"post_processor\":%s,"
                 "\"decoder\":{\"type\":\"ByteLevel\"},"
                 "\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"u\":3,\"1\":4},"
                 "\"merges\":[\"a b\"]%s}}",
                 normalizer, pre, post, extra);
    struct tokenizer *t = tokenizer_from_json(json, (size_t)length, "t.json", 7, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

/* The ids of a text as "2 1". */
static void check_ids(const struct tokenizer *t, const char *text, unsigned flags,
                      const char *expected)
{
    struct token_list list = {0};
    char got[512] = "";
    size_t used = 0;
    tokenizer_encode(t, text, strlen(text), flags, &list);
    for (size_t i = 0; i < list.count; i++)
        used += (size_t)snprintf(got + used, sizeof got - used, i ? " %d" : "%d",
                                 list.ids[i]);
    token_list_free(&list);
    if (strcmp(got, expected) != 0)
        fail_msg("\"%s\": ids %s, expected %s", text, got, expected);
}

static void pipelines_are_recognised(void **state)
{
    static const struct {
        const char *normalizer, *pre, *kind;
    } cases[] = {
        {"null", BYTE_LEVEL("true"), "gpt-2"},
        {"null", SEQUENCE("pretokenizers", BYTE_LEVEL("true")), "gpt-2"},
        {"null",
         SEQUENCE("pretokenizers",
                  SPLIT(GPT2, "Isolated", "false") "," BYTE_LEVEL("false")),
         "gpt-2"},
        {"{\"type\":\"NFC\"}",
         SEQUENCE("pretokenizers",
                  SPLIT(QWEN2, "Isolated", "false") "," BYTE_LEVEL("false")),
         "qwen2"},
        {SEQUENCE("normalizers", "{\"type\":\"NFC\"}"),
         SEQUENCE("pretokenizers",
                  SPLIT(QWEN2, "Removed", "true") "," BYTE_LEVEL("false")),
         "qwen2"},
        {SEQUENCE("normalizers", ""),
         SEQUENCE("pretokenizers",
                  "{\"type\":\"Digits\",\"individual_digits\":true}," BYTE_LEVEL("true")),
         "smollm"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *t =
            open_byte_level(cases[i].normalizer, cases[i].pre, "null", "");
        assert_string_equal(tokenizer_kind(t), cases[i].kind);
        assert_int_equal(tokenizer_bos(t), -1);
        check_ids(t, "abba", 0, "2 1 0");
        tokenizer_free(t);
    }
}

static void templates_put_tokens_around_a_text(void **state)
{
    static const char post[] =
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}"
        ","
        "{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"</s>\"}}],"
        "\"special_tokens\":{\"<s>\":{\"ids\":[5]},\"</s>\":{\"ids\":[6]}}}";
    (void)state;
    struct tokenizer *t = open_byte_level("null", BYTE_LEVEL("true"), post, "");
    assert_int_equal(tokenizer_bos(t), 5);
    assert_int_equal(tokenizer_eos(t), 6);
    assert_true(tokenizer_is_stop(t, 6) && !tokenizer_is_stop(t, 5));
    check_ids(t, "ab", TOKENIZER_ADD_SPECIAL, "5 2 6");
    check_ids(t, "ab", 0, "2");
    check_ids(t, "", TOKENIZER_ADD_SPECIAL, "5 6");
    tokenizer_free(t);
}

static void bytes_without_a_token_vanish_or_are_unknown(void **state)
{
    static const char unknown[] = ",\"unk_token\":\"u\"",
                      fused[] = ",\"unk_token\":\"u\",\"fuse_unk\":true";
    (void)state;
    struct tokenizer *t = open_byte_level("null", BYTE_LEVEL("true"), "null", "");
    check_ids(t, "axxb", 0, "2"); /* merges over the hole, as the reference does */
    check_ids(t, "xx", 0, "");
    tokenizer_free(t);
    t = open_byte_level("null", BYTE_LEVEL("true"), "null", unknown);
    check_ids(t, "axxb", 0, "0 3 3 1");
    check_ids(t, "u x", 0, "3 3 3");
    tokenizer_free(t);
    t = open_byte_level("null", BYTE_LEVEL("true"), "null", fused);
    check_ids(t, "axxbx", 0, "0 3 1 3");
    tokenizer_free(t);
}

static void whole_words_go_before_merges_when_asked(void **state)
{
    (void)state;
    struct tokenizer *t =
        open_byte_level("null", BYTE_LEVEL("true"), "null", ",\"ignore_merges\":true");
    check_ids(t, "ab abab", 0, "2 2 2");
    tokenizer_free(t);
}

/* ---- SentencePiece ---- */

enum { BYTES = 8 }; /* the id of <0x00> */

/* Tokens: 0 U+2581, 1 "a", 2 "b", 3 U+2581 "a", 4 "ab", 5 twice U+2581, 6 "b" U+2581,
 * 7 <unk>, then the bytes. */
static struct tokenizer *open_spm(const char *normalizer, const char *pre,
                                  const char *decoder, const char *merges)
{
    static char json[16384];
    struct err err = {0};
    int n =
        snprintf(json, sizeof json,
                 "{\"added_tokens\":[{\"id\":7,\"content\":\"<unk>\",\"special\":true}],"
                 "\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s,\"model\":{"
                 "\"type\":\"BPE\",\"byte_fallback\":true,\"fuse_unk\":true,"
                 "\"unk_token\":\"<unk>\",\"merges\":%s,\"vocab\":{\"" MARK
                 "\":0,\"a\":1,\"b\":2,\"" MARK "a\":3,\"ab\":4,\"" MARK MARK
                 "\":5,\"b" MARK "\":6,\"<unk>\":7",
                 normalizer, pre, decoder, merges);
    for (unsigned byte = 0; byte < 256; byte++)
        n += snprintf(json + n, sizeof json - (size_t)n, ",\"<0x%02X>\":%u", byte,
                      BYTES + byte);
    n += snprintf(json + n, sizeof json - (size_t)n, "}}}");
    struct tokenizer *t = tokenizer_from_json(json, (size_t)n, "t.json", 300, &err);
    if (!t)
        fail_msg("%s", err.text);
    assert_string_equal(tokenizer_kind(t), "spm");
    return t;
}

#define LEGACY      SEQUENCE("normalizers", PREPEND "," REPLACE(" ", MARK))
#define WORD_MERGES                                                                     \
    "[[\"" MARK "\",\"" MARK "\"],[\"" MARK "\",\"a\"],[\"a\",\"b\"]]"

/* Text to ids, and back to `decoded` in one go and as a stream. */
static void check_way_back(const struct tokenizer *t, const char *text, const char *ids,
                           const char *decoded)
{
    struct token_list list = {0};
    struct token_stream stream = {0};
    char streamed[256];
    size_t length, used = 0;
    check_ids(t, text, TOKENIZER_PARSE_SPECIAL, ids);
    tokenizer_encode(t, text, strlen(text), TOKENIZER_PARSE_SPECIAL, &list);
    char *back = tokenizer_decode(t, list.ids, list.count, false, &length);
    assert_string_equal(back, decoded);
    for (size_t i = 0; i < list.count; i++) {
        const char *part = token_stream_feed(&stream, t, list.ids[i], &length);
        memcpy(streamed + used, part, length);
        used += length;
    }
    assert_int_equal(used, strlen(decoded));
    assert_memory_equal(streamed, decoded, used);
    free(back);
    token_list_free(&list);
}

static void a_space_is_put_in_front_and_taken_away(void **state)
{
    (void)state;
    struct tokenizer *t = open_spm(LEGACY, "null", BACK("," STRIP), WORD_MERGES);
    check_way_back(t, "ab", "3 2", "ab");
    check_way_back(t, " ab", "5 4", " ab");
    check_way_back(t, "b  ab", "0 2 5 4", "b  ab");
    check_way_back(t, "", "", "");
    check_way_back(t, "a<unk>a", "3 7 3", "a a"); /* one behind each added token, too */
    check_way_back(t, "<unk>a", "7 3", "a");
    check_way_back(t, "\xc3\xa9\n", "0 203 177 18", "\xc3\xa9\n");
    check_way_back(t, "\xff" MARK "a", "0 263 3", "\xff a");
    tokenizer_free(t);
}

static void the_pipeline_says_where_spaces_go(void **state)
{
    static const char first[] =
        METASPACE(",\"prepend_scheme\":\"first\",\"split\":false"),
                      old[] = METASPACE(",\"add_prefix_space\":true"),
                      old_none[] = METASPACE(",\"add_prefix_space\":false"),
                      never[] =
                          METASPACE(",\"prepend_scheme\":\"never\",\"split\":false");
    (void)state;
    struct tokenizer *t = open_spm("null", first, first, WORD_MERGES);
    check_way_back(t, "a<unk>a", "3 7 1", "aa"); /* only at the start */
    check_way_back(t, " a", "3", "a");           /* not in front of a space */
    check_way_back(t, "  a", "5 1", " a");
    tokenizer_free(t);
    t = open_spm("null", old,
                 SEQUENCE("decoders", METASPACE("") ",{\"type\":\"ByteFallback\"}"),
                 WORD_MERGES);
    check_way_back(t, "a<unk>a", "3 7 3", "a a");
    check_way_back(t, "b  a", "0 2 0 3",
                   "b  a"); /* words apart, also in a row of spaces */
    tokenizer_free(t);
    t = open_spm("null", old_none, old_none, WORD_MERGES);
    check_way_back(t, "a a", "1 3", "a a");
    tokenizer_free(t);
    t = open_spm("null", never, BACK(""), WORD_MERGES);
    check_way_back(t, " a", "3", " a");
    tokenizer_free(t);
    t = open_spm(REPLACE(" ", MARK), "null", BACK(""), WORD_MERGES);
    check_way_back(t, "a a", "1 3", "a a");
    tokenizer_free(t);
}

/* A merge that reaches over a space: the text is one word then. */
static void merges_may_reach_over_spaces(void **state)
{
    (void)state;
    struct tokenizer *t = open_spm(LEGACY, "null", BACK("," STRIP),
                                   "[[\"b\",\"" MARK "\"],[\"" MARK "\",\"a\"]]");
    check_way_back(t, "b a", "0 6 1", "b a");
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelines_are_recognised),
        cmocka_unit_test(templates_put_tokens_around_a_text),
        cmocka_unit_test(bytes_without_a_token_vanish_or_are_unknown),
        cmocka_unit_test(whole_words_go_before_merges_when_asked),
        cmocka_unit_test(a_space_is_put_in_front_and_taken_away),
        cmocka_unit_test(the_pipeline_says_where_spaces_go),
        cmocka_unit_test(merges_may_reach_over_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
