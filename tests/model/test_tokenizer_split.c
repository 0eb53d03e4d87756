/* Pre-tokenizers: words that are known, and the published regular expressions as
 * the oracle for random texts (PCRE2, stage by stage). */
#include "engine/model/tokenizer_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/base/rng.h"
#include "engine/base/text.h"

/* PCRE2's own \s differs in U+180E, so the class is spelt out. */
#define S                                                                                \
    "\\x{9}-\\x{d} "                                                                     \
    "\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"              \
    "\\x{205f}\\x{3000}"
#define GPT2                                                                             \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" S "\\p{L}\\p{N}]+|[" S            \
    "]+(?![^" S "])|[" S "]+"
#define LLAMA3(digits)                                                                   \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits "| ?[^" S \
    "\\p{L}\\p{N}]+[\\r\\n]*|[" S "]*[\\r\\n]+|[" S "]+(?![^" S "])|[" S "]+"

/* What each stage matches is a word, and so is what lies between; the next stage
 * cuts these further, each as a text of its own. */
static const struct oracle {
    enum split_kind kind;
    const char *stages[4];
} oracles[] = {
    {SPLIT_GPT2, {GPT2}},
    {SPLIT_SMOLLM, {"\\p{N}", GPT2}},
    {SPLIT_DEFAULT, {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {SPLIT_LLAMA3, {LLAMA3("{1,3}")}},
    {SPLIT_QWEN2, {LLAMA3("")}},
};

enum { TEXT_MAX = 256 };

static pcre2_code *compile(const char *pattern)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &error, &at, NULL);
    if (!code)
        fail_msg("pattern error %d at %zu", error, at);
    return code;
}

/* Marks where words of text[from..to) begin, for this stage and those behind it. */
static void mark_words(pcre2_code *const *stages, const char *text, size_t from,
                       size_t to, bool *begins)
{
    if (from == to)
        return;
    begins[from] = true;
    if (!*stages)
        return;
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(*stages, NULL);
    size_t at = 0;
    while (pcre2_match(*stages, (PCRE2_SPTR)text + from, to - from, at, 0, match, NULL) >
           0) {
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(match);
        mark_words(stages + 1, text, from + at, from + range[0], begins);
        mark_words(stages + 1, text, from + range[0], from + range[1], begins);
        at = range[1];
    }
    mark_words(stages + 1, text, from + at, to, begins);
    pcre2_match_data_free(match);
}

/* Characters that the patterns tell apart, of blocks that no longer change. */
static size_t random_text(struct rng *rng, char *out)
{
    static const char *const pieces[] = {
        " ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\xc2\xa0",
        "\xe3\x80\x80",
        "\xc2\x85",
        "a",
        "B",
        "z",
        "s",
        "S",
        "'",
        "'s",
        "'LL",
        "'re",
        "'\xc5\xbf",
        "1",
        "22",
        "5",
        "0",
        "!",
        ".",
        "-",
        "<=",
        "$",
        "~",
        "`",
        "_",
        "|",
        "\xc3\xa9", /* letters */
        "\xce\xa9",
        "\xd0\xb6",
        "\xe6\x9d\xb1",
        "\xed\x95\x9c",
        "\xe0\xa4\x95",
        "\xd9\xa3",
        "\xe2\x85\xa7",
        "\xc2\xb2",
        "\xc2\xbd", /* numbers */
        "\xcc\x81",
        "\xe0\xa5\x8d",
        "\xf0\x9f\x99\x82",
        "\xe2\x80\x94",
        "\xe2\x82\xac",
        "\xe2\x80\x8b",
        "\xe1\xa0\x8e",
        "\xef\xbb\xbf",
        "\x01",
        "\x1c",
    };
    size_t length = 0, count = rng_below(rng, 24);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof *pieces)];
        memcpy(out + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return length;
}

static void check_text(const struct oracle *o, pcre2_code *const *stages,
                       const char *text, size_t length)
{
    bool begins[TEXT_MAX + 1] = {false};
    mark_words(stages, text, 0, length, begins);
    size_t next = 0;
    while (next < length) {
        size_t end = next + split_first(o->kind, text + next, length - next);
        size_t want = next + 1;
        while (want < length && !begins[want])
            want++;
        if (end != want) {
            char shown[TEXT_MAX * 4];
            text_sanitize(shown, sizeof shown, text, length);
            fail_msg("%s: word at %zu ends at %zu, expected %zu: \"%s\"",
                     split_name(o->kind), next, end, want, shown);
        }
        next = end;
    }
}

static void agree_with_the_patterns(void **state)
{
    struct rng rng;
    (void)state;
    rng_seed(&rng, 61);
    for (size_t k = 0; k < sizeof oracles / sizeof *oracles; k++) {
        pcre2_code *stages[5] = {NULL};
        for (size_t i = 0; i < 4 && oracles[k].stages[i]; i++)
            stages[i] = compile(oracles[k].stages[i]);
        for (int i = 0; i < 4000; i++) {
            char text[TEXT_MAX];
            check_text(&oracles[k], stages, text, random_text(&rng, text));
        }
        for (size_t i = 0; stages[i]; i++)
            pcre2_code_free(stages[i]);
    }
}

/* The words of a text, each in brackets. */
static void check_words(enum split_kind kind, const char *text, const char *expected)
{
    char got[256] = "";
    size_t length = strlen(text), used = 0;
    for (size_t at = 0; at < length;) {
        size_t n = split_first(kind, text + at, length - at);
        used +=
            (size_t)snprintf(got + used, sizeof got - used, "[%.*s]", (int)n, text + at);
        at += n;
    }
    assert_string_equal(got, expected);
}

static void cut_known_words(void **state)
{
    (void)state;
    check_words(SPLIT_GPT2, "It's 1234  o'clock", "[It]['s][ 1234][ ][ o]['][clock]");
    check_words(SPLIT_SMOLLM, "in 1234  x", "[in][ ][1][2][3][4][ ][ x]");
    check_words(SPLIT_DEFAULT, "a-b 12345", "[a][-][b][ ][123][45]");
    check_words(SPLIT_LLAMA3, "It'S 12345!\n\n x", "[It]['S][ ][123][45][!\n\n][ x]");
    check_words(SPLIT_QWEN2, "it 12\n \n  y", "[it][ ][1][2][\n \n][ ][ y]");
    check_words(SPLIT_LLAMA3, "a\xff\xfe b", "[a][\xff\xfe][ b]");
    check_words(SPLIT_GPT2, "\xe6\x9d", "[\xe6\x9d]");
}

static void know_names_and_patterns(void **state)
{
    static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
                               "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    (void)state;
    assert_int_equal(split_from_name("llama-v3", 8), SPLIT_LLAMA3);
    assert_string_equal(split_name(SPLIT_LLAMA3), "llama-bpe");
    for (enum split_kind kind = SPLIT_GPT2; kind <= SPLIT_QWEN2; kind++)
        assert_int_equal(split_from_name(split_name(kind), strlen(split_name(kind))),
                         kind);
    assert_int_equal(split_from_name("gpt-22", 6), SPLIT_NONE);
    assert_int_equal(split_from_name("gpt-2", 4), SPLIT_NONE);
    assert_int_equal(split_from_name("", 0), SPLIT_NONE);
    assert_int_equal(split_from_pattern(gpt2, strlen(gpt2)), SPLIT_GPT2);
    assert_int_equal(split_from_pattern(gpt2, strlen(gpt2) - 1), SPLIT_NONE);
    assert_int_equal(split_from_pattern("", 0), SPLIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_with_the_patterns),
        cmocka_unit_test(cut_known_words),
        cmocka_unit_test(know_names_and_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
