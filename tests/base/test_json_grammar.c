/* json_parse against the grammar of RFC 8259: every rule from both sides. Short texts
 * are tried exhaustively against a recogniser of the grammar, the rest by tables. What
 * the grammar leaves open must be accepted, or refused with a message. */
#include "engine/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool accepts(const char *text, size_t length)
{
    struct err err = {0};
    json_t *json = json_parse(text, length, "t", &err);
    bool yes = json != NULL;
    assert_true(yes || (err.code == ERR_INPUT && err.text[0]));
    json_decref(json);
    return yes;
}

static void expect(const char *text, size_t length, bool wanted)
{
    if (accepts(text, length) == wanted)
        return;
    fprintf(stderr, "text:");
    for (size_t i = 0; i < length; i++)
        fprintf(stderr, text[i] >= ' ' && text[i] < 127 ? "%c" : "<%02X>", (uint8_t)text[i]);
    fail_msg(" must be %s", wanted ? "accepted" : "refused");
}

static void expect_all(const char *const *texts, bool wanted)
{
    for (size_t i = 0; texts[i]; i++)
        expect(texts[i], strlen(texts[i]), wanted);
}

/* ---- the grammar ---------------------------------------------------------------- */

struct reader {
    const char *at, *end;
};

static bool take(struct reader *r, const char *set)
{
    if (r->at == r->end || !*r->at || !strchr(set, *r->at))
        return false;
    r->at++;
    return true;
}

static bool digits(struct reader *r)
{
    bool some = false;
    while (take(r, "0123456789"))
        some = true;
    return some;
}

/* number = [ "-" ] int [ "." 1*DIGIT ] [ e [ sign ] 1*DIGIT ] */
static bool number(struct reader *r)
{
    take(r, "-");
    if (!take(r, "0") && !(take(r, "123456789") && (digits(r), true)))
        return false;
    if (take(r, ".") && !digits(r))
        return false;
    return !take(r, "eE") || (take(r, "+-"), digits(r));
}

/* A value without blanks, whose strings are "a", "b", ... and whose numbers are ones. */
static bool value(struct reader *r);

static bool name(struct reader *r)
{
    return take(r, "\"") && take(r, "abcdefgh") && take(r, "\"");
}

static bool items(struct reader *r, bool named, const char *close)
{
    if (take(r, close))
        return true;
    do {
        if ((named && !(name(r) && take(r, ":"))) || !value(r))
            return false;
    } while (take(r, ","));
    return take(r, close);
}

static bool value(struct reader *r)
{
    if (take(r, "["))
        return items(r, false, "]");
    if (take(r, "{"))
        return items(r, true, "}");
    if (r->at < r->end && *r->at == '"')
        return name(r);
    return take(r, "1") && (digits(r), true);
}

/* ---- exhaustive ------------------------------------------------------------------- */

/* Every word over the characters of numbers, up to six of them. */
static void test_numbers(void **state)
{
    (void)state;
    static const char characters[] = "-+01.eE";
    enum { KINDS = sizeof characters - 1, LENGTH = 6 };
    char word[LENGTH];
    size_t count = 1, accepted = 0;
    for (size_t length = 1; length <= LENGTH; length++) {
        count *= KINDS;
        for (size_t n = 0; n < count; n++) {
            for (size_t i = 0, rest = n; i < length; i++, rest /= KINDS)
                word[i] = characters[rest % KINDS];
            struct reader r = {word, word + length};
            bool wanted = number(&r) && r.at == r.end;
            char terminated[LENGTH + 1] = "";
            if (wanted && isinf(strtod(memcpy(terminated, word, length), NULL)))
                continue; /* beyond double: ours to decide */
            accepted += wanted;
            expect(word, length, wanted);
        }
    }
    assert_true(accepted > 1000);
}

/* Every row of up to six brackets, commas, colons, strings and numbers. */
static void test_structure(void **state)
{
    (void)state;
    static const char *const parts[] = {"[", "]", "{", "}", ",", ":", "\"", "1"};
    enum { KINDS = sizeof parts / sizeof *parts, LENGTH = 6 };
    size_t count = 1, accepted = 0;
    for (size_t length = 1; length <= LENGTH; length++) {
        count *= KINDS;
        for (size_t n = 0; n < count; n++) {
            char text[4 * LENGTH];
            size_t used = 0;
            for (size_t i = 0, rest = n; i < length; i++, rest /= KINDS) {
                const char *part = parts[rest % KINDS];
                text[used++] = *part;
                if (*part == '"') { /* names differ: two of the same are another matter */
                    text[used++] = (char)('a' + i);
                    text[used++] = '"';
                }
            }
            struct reader r = {text, text + used};
            bool wanted = value(&r) && r.at == r.end;
            accepted += wanted;
            expect(text, used, wanted);
        }
    }
    assert_true(accepted > 40);
}

/* Every byte at every place where one may stand. */
static void test_bytes(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool blank = byte && strchr(" \t\n\r", byte), digit = byte >= '0' && byte <= '9';
        char alone[] = {c}, before[] = {c, '[', ']'}, behind[] = {'[', ']', c},
             inside[] = {'[', c, ']'}, between[] = {'[', '1', c, '2', ']'},
             string[] = {'"', c, '"'}, escape[] = {'"', '\\', c, '"'},
             hex[] = {'"', '\\', 'u', '0', '0', c, '1', '"'};
        expect(alone, 1, digit);
        expect(before, 3, blank);
        expect(behind, 3, blank);
        expect(inside, 3, blank || digit);
        expect(between, 5, digit || c == ',' || c == '.' || c == 'e' || c == 'E');
        expect(string, 3, byte >= ' ' && byte < 0x80 && c != '"' && c != '\\');
        expect(escape, 4, byte && strchr("\"\\/bfnrt", byte));
        expect(hex, 8, byte && strchr("0123456789abcdefABCDEF", byte));
    }
}

/* No beginning of a text is a text. */
static void test_cut(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\xc3\xa9\"],\"b\":{\"c\":[[],{}]}}";
    for (size_t length = 0; length < sizeof text - 1; length++)
        expect(text, length, false);
    expect(text, sizeof text - 1, true);
}

/* A UTF-16 unit alone, and every pair of kinds: only high before low is a character. */
static void test_surrogates(void **state)
{
    (void)state;
    static const unsigned units[] = {0x0000, 0x0041, 0xd7ff, 0xd800, 0xd83d, 0xdbff,
                                     0xdc00, 0xde00, 0xdfff, 0xe000, 0xfffe, 0xffff};
    enum { UNITS = sizeof units / sizeof *units };
    char text[32];
    for (int i = 0; i < UNITS; i++) {
        bool high = units[i] >= 0xd800 && units[i] <= 0xdbff;
        bool low = units[i] >= 0xdc00 && units[i] <= 0xdfff;
        int n = snprintf(text, sizeof text, "\"\\u%04x\"", units[i]);
        expect(text, (size_t)n, !high && !low);
        for (int j = 0; j < UNITS; j++) {
            bool second_high = units[j] >= 0xd800 && units[j] <= 0xdbff;
            bool second_low = units[j] >= 0xdc00 && units[j] <= 0xdfff;
            n = snprintf(text, sizeof text, "\"\\u%04X\\u%04x\"", units[i], units[j]);
            expect(text, (size_t)n, high ? second_low : !low && !second_high && !second_low);
        }
        n = snprintf(text, sizeof text, "\"\\u%04xx\"", units[i]);
        expect(text, (size_t)n, !high && !low);
    }
}

/* ---- tables ------------------------------------------------------------------------ */

/* The three words: whole, in small letters, alone or as elements and members. */
static void test_words(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "false", "null"};
    char text[64];
    for (size_t w = 0; w < 3; w++) {
        size_t length = strlen(words[w]);
        expect(words[w], length, true);
        for (size_t cut = 1; cut < length; cut++) {
            expect(words[w], cut, false);
            int n = snprintf(text, sizeof text, "[%.*s]", (int)cut, words[w]);
            expect(text, (size_t)n, false);
            n = snprintf(text, sizeof text, "%.*s %s", (int)cut, words[w], words[w] + cut);
            expect(text, (size_t)n, false);
        }
        for (size_t i = 0; i < length; i++) { /* one letter in capitals, or another one */
            snprintf(text, sizeof text, "%s", words[w]);
            text[i] = (char)(text[i] - 'a' + 'A');
            expect(text, length, false);
            text[i] = 'x';
            expect(text, length, false);
        }
        int n = snprintf(text, sizeof text, "{\"salt\":%s}", words[w]);
        expect(text, (size_t)n, true);
        n = snprintf(text, sizeof text, "{%s:1}", words[w]);
        expect(text, (size_t)n, false);
        n = snprintf(text, sizeof text, "%s1", words[w]);
        expect(text, (size_t)n, false);
        n = snprintf(text, sizeof text, "%s%s", words[w], words[w]);
        expect(text, (size_t)n, false);
    }
}

/* What other languages write, and JSON does not. */
static void test_other_languages(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "NaN", "[nan]", "Infinity", "-Infinity", "[inf]", "undefined", "None", "nil", "yes",
        "[0x1F]", "[0o17]", "[0b11]", "[1_000]", "[1,000.5", "[10f]", "[3L]", "[1/2]", "[50%]",
        "'pan'", "['pan']", "{'pan':1}", "{pan:1}", "{pan}", "{1:2}", "{1.5:2}", "{[]:2}",
        "{{}:2}", "{\"pan\"=1}", "{\"pan\"=>1}", "{\"pan\";1}", "(1)", "<1>", "[1;2]", "[1|2]",
        "/* peat */ 1", "1 /* peat */", "// peat\n1", "1 // peat", "[1, // peat\n2]", "# peat\n1",
        "1 # peat", "<!-- peat --> 1", "[\"a\" \"b\"]", "[\"a\" + \"b\"]", "\"a\" \"b\"",
        "[`pan`]", "[\"pan']", "['pan\"]", "@", "$pan", "&pan", "*pan", "~", "pan", "- pan",
        "\"pan\": 1", "pan = 1", "[pan]", "...", "[1, ...]", "[...[1]]", "[1..2]", "-x", "!0",
        "\xe2\x80\x9cpan\xe2\x80\x9d", "[\xe2\x88\x92" "1]", "[\xd9\xa1]", "\xc2\xbd", NULL};
    expect_all(texts, false);
}

/* Blanks may stand around every part and inside of none. */
static void test_blanks(void **state)
{
    (void)state;
    static const char *const parts[] = {"{", "\"brine\"", ":", "[", "-12.5e+3", ",", "true", "]",
                                        "}"};
    static const char *const blanks[] = {"", " ", "\t", "\n", "\r", "\r\n", " \t\n\r "};
    static const char *const others[] = {"\f", "\v", "\b", "\xc2\xa0", "\xe2\x80\x83",
                                         "\xe3\x80\x80", "\xef\xbb\xbf", "\xe2\x80\x8b"};
    enum { PARTS = sizeof parts / sizeof *parts };
    char text[256];
    for (size_t k = 0; k < 7 + 8; k++) {
        const char *blank = k < 7 ? blanks[k] : others[k - 7];
        for (size_t at = 0; at <= PARTS; at++) {
            size_t used = 0;
            for (size_t i = 0; i <= PARTS; i++)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                         i == at ? blank : "", i < PARTS ? parts[i] : "");
            expect(text, used, k < 7);
        }
    }
    static const char *const inside[] = {"[- 1]", "[1 .5]", "[1. 5]", "[1 e5]", "[1e 5]",
                                         "[1e- 5]", "[1 2]", "[t rue]", "\"\\ n\"", "\"\\u 0041\"",
                                         NULL};
    expect_all(inside, false);
}

/* UTF-8 as RFC 3629 has it: the first and the last of each length, and what lies outside. */
static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\"\x7f\"", "\"\xc2\x80\"", "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"",
        "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"",
        "{\"\xe6\xbc\xa2\":\"\xe5\xad\x97\"}", "\"s\xcc\xb2\"", NULL};
    static const char *const bad[] = {
        "\"\x80\"", "\"\xbf\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xc2\"", "\"\xc2x\"",
        "\"\xe0\x80\x80\"", "\"\xe0\x9f\xbf\"", "\"\xe1\x80\"", "\"\xe1\x80x\"",
        "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"", "\"\xf0\x80\x80\x80\"", "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf1\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"", "\"\xfc\x84\x80\x80\x80\x80\"", "\"\xfe\"", "\"\xff\"",
        "{\"\xff\":1}", "[\xff]", "\xff", "\"\\\xc3\xa9\"", "\"\\u00\xc3\xa9\"",
        "\xef\xbb\xbf" "1", NULL};
    expect_all(good, true);
    expect_all(bad, false);
}

/* A NUL is a byte like others: no text ends at it. */
static void test_nul(void **state)
{
    (void)state;
    static const char text[] = "[12,\"ab\",{\"c\":null}]";
    size_t length = sizeof text - 1;
    char cut[sizeof text + 1];
    for (size_t at = 0; at <= length; at++) {
        memcpy(cut, text, at);
        cut[at] = '\0';
        memcpy(cut + at + 1, text + at, length - at);
        expect(cut, length + 1, false);
    }
    expect("\"\\u0000\"", 8, true);
}

/* Left open by the grammar (section 9): sizes, ranges, names that come twice. */
static void test_limits(void **state)
{
    (void)state;
    static const char *const open[] = {
        "1e400", "-1e400", "1e-400", "4.9e-324", "1.7976931348623157e308",
        "1.7976931348623159e308", "9223372036854775808", "-9223372036854775809",
        "340282366920938463463374607431768211456", "0.1e99999999999999999999",
        "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "{\"\":1,\"\":2}",
        "{\"\\u0000\":1}", NULL};
    for (size_t i = 0; open[i]; i++)
        accepts(open[i], strlen(open[i]));
    char deep[1000];
    memset(deep, '[', 500);
    memset(deep + 500, ']', 500);
    expect(deep, 1000, false);
    expect(deep + 500 - JSON_DEPTH_LIMIT, 2 * (size_t)JSON_DEPTH_LIMIT, true);
    expect(deep + 499 - JSON_DEPTH_LIMIT, 2 * (size_t)JSON_DEPTH_LIMIT + 2, false);
    static char long_text[100000];
    memset(long_text, '7', sizeof long_text); /* digits without end: beyond double */
    accepts(long_text, sizeof long_text);
    long_text[0] = long_text[sizeof long_text - 1] = '"';
    expect(long_text, sizeof long_text, true);
    expect(long_text, sizeof long_text - 1, false);
    memset(long_text, ' ', sizeof long_text);
    expect(long_text, sizeof long_text, false);
    long_text[77777] = '0';
    expect(long_text, sizeof long_text, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_structure),
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_cut),
        cmocka_unit_test(test_surrogates), cmocka_unit_test(test_words),
        cmocka_unit_test(test_blanks),     cmocka_unit_test(test_other_languages),
        cmocka_unit_test(test_utf8),       cmocka_unit_test(test_nul),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
