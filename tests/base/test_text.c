/* UTF-8 and the one sanitiser. */
#include "engine/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"

/* ---- decoding ---- */

static void every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char bytes[4];
        uint32_t back = 0;
        size_t n = text_encode(c, bytes);
        size_t expected = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (n != expected || text_decode(bytes, n, &back) != n || back != c)
            fail_msg("U+%04X: %zu bytes, back as U+%04X", c, n, back);
        for (size_t cut = 1; cut < n; cut++) {
            if (text_decode(bytes, cut, &back) != 1 || back != TEXT_INVALID)
                fail_msg("U+%04X cut to %zu bytes is no character", c, cut);
            if (text_incomplete(bytes, cut) != cut)
                fail_msg("U+%04X cut to %zu bytes may be completed", c, cut);
        }
        if (text_incomplete(bytes, n) != 0)
            fail_msg("U+%04X is complete", c);
    }
}

static void what_is_no_utf8_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80", /* a continuation alone */
        "\xbf\xbf",
        "\xc0\x80",     /* overlong NUL */
        "\xc1\xbf",     /* overlong ASCII */
        "\xe0\x80\xaf", /* overlong slash */
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", /* surrogates */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(", /* a continuation is missing */
        "\xe2\x82(",
        "\xf0\x9f\x99(",
        "\xe2(\xac",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t c;
        size_t bad, length = strlen(wrong[i]);
        char text[16];
        assert_int_equal(text_decode(wrong[i], length, &c), 1);
        assert_int_equal(c, TEXT_INVALID);
        int n = snprintf(text, sizeof text, "\xc3\xa9%s", wrong[i]);
        assert_false(text_valid(text, (size_t)n, &bad));
        assert_int_equal(bad, 2);
        assert_false(text_valid(text, (size_t)n, NULL));
    }
    assert_true(text_valid("", 0, NULL));
    assert_true(text_valid("a\0\xc3\xa9", 4, NULL));
}

static void only_what_can_be_completed_is_held_back(void **state)
{
    (void)state;
    assert_int_equal(text_incomplete("", 0), 0);
    assert_int_equal(text_incomplete("abc", 3), 0);
    assert_int_equal(text_incomplete("ab\xf0\x9f\x99", 5), 3);
    assert_int_equal(text_incomplete("ab\xe2\x82", 4), 2);
    assert_int_equal(text_incomplete("ab\xe0\x80", 4), 0);
    assert_int_equal(text_incomplete("ab\xed\xa0", 4), 0);
    assert_int_equal(text_incomplete("ab\xf4\x90", 4), 0);
    assert_int_equal(text_incomplete("ab\xc0", 3), 0);
    assert_int_equal(text_incomplete("ab\xff", 3), 0);
    assert_int_equal(text_incomplete("\x80\x80\x80\x80", 4), 0);
    assert_int_equal(text_incomplete("\xc3\xa9\xa9", 3), 0);
}

/* ---- width ---- */

static void widths_are_those_of_a_terminal(void **state)
{
    static const struct {
        uint32_t c;
        int width;
    } cases[] = {
        {'a', 1},       {' ', 1},       {0xe9, 1},          {0x416, 1},   {0x2580, 1},
        {0x4e00, 2},    {0xac00, 2},    {0x1f642, 2},       {0xff21, 2},  {0x301, 0},
        {0x20dd, 0},    {0x94d, 0},     {0x1b, -1},         {'\n', -1},   {0x7f, -1},
        {0x9b, -1},     {0x200b, -1},   {0x202e, -1},       {0x2066, -1}, {0xfeff, -1},
        {0xad, -1},     {0x3164, -1},   {0x378, -1},        {0xe000, -1}, {0xd800, -1},
        {0x10ffff, -1}, {0x110000, -1}, {TEXT_INVALID, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (text_width(cases[i].c) != cases[i].width)
            fail_msg("U+%04X: width %d, expected %d", cases[i].c, text_width(cases[i].c),
                     cases[i].width);
}

/* ---- the sanitiser ---- */

static void check_sanitised(const char *text, size_t length, const char *expected)
{
    char out[256];
    size_t n = text_sanitize(out, sizeof out, text, length);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(out, expected);
}

static void dangerous_characters_become_visible(void **state)
{
    (void)state;
    check_sanitised("plain \xc3\xa9\xe6\x9d\xb1", 11, "plain \xc3\xa9\xe6\x9d\xb1");
    check_sanitised("\x1b[2J", 4, "^[[2J");
    check_sanitised("\x1b]52;c;aGk=\x07", 12, "^[]52;c;aGk=^G");
    check_sanitised("a\0b\x7f", 4, "a^@b^?");
    check_sanitised("a\tb\r\n", 5, "a^Ib^M^J");
    check_sanitised("\xc2\x9b"
                    "31m",
                    5, "<9B>31m"); /* C1 as a character */
    check_sanitised("\x9b"
                    "31m",
                    4, "<9B>31m"); /* and as a byte */
    check_sanitised("\xe2\x80\xae"
                    "abc",
                    6, "<U+202E>abc");
    check_sanitised("a\xe2\x80\x8b"
                    "b",
                    5, "a<U+200B>b");
    check_sanitised("\xef\xbb\xbf", 3, "<U+FEFF>");
    check_sanitised("\xf3\xa0\x81\x81", 4, "<U+E0041>"); /* a tag character */
    check_sanitised("\xf4\x8f\xbf\xbf", 4, "<U+10FFFF>");
    check_sanitised("\xed\xa0\x80", 3, "<ED><A0><80>");
    check_sanitised("\xe6\x9d", 2, "<E6><9D>");
}

static void rows_of_combining_marks_are_cut(void **state)
{
    char text[1 + 2 * 10], expected[1 + 2 * 4 + 1] = "e";
    (void)state;
    text[0] = 'e';
    for (size_t i = 0; i < 10; i++)
        memcpy(text + 1 + 2 * i, "\xcc\x81", 2);
    memcpy(expected + 1, text + 1, 8);
    expected[9] = '\0';
    check_sanitised(text, sizeof text, expected);
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
    char out[8];
    (void)state;
    assert_int_equal(text_sanitize(out, 1, "abc", 3), 0);
    assert_string_equal(out, "");
    assert_int_equal(text_sanitize(out, 4, "abc", 3), 3);
    assert_int_equal(text_sanitize(out, 3, "abc", 3), 2);
    assert_int_equal(text_sanitize(out, 3, "a\xc3\xa9", 3), 1);
    assert_string_equal(out, "a");
    assert_int_equal(text_sanitize(out, 4, "a\x9b", 2), 1);
    assert_string_equal(out, "a");
}

/* Escapes are short, printable, and there for what has no width. */
static void every_character_is_shown_or_escaped(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110100; c++) {
        char out[TEXT_ESCAPE_MAX];
        size_t n = text_escape(c, out);
        if ((n > 0) != (text_width(c) < 0) || n >= TEXT_ESCAPE_MAX)
            fail_msg("U+%04X: width %d, escape of %zu bytes", c, text_width(c), n);
        for (size_t i = 0; i < n; i++)
            if (out[i] < 0x20 || out[i] > 0x7e)
                fail_msg("U+%04X: escape holds byte %02X", c, (unsigned char)out[i]);
    }
    char out[TEXT_ESCAPE_MAX];
    assert_int_equal(text_escape(TEXT_INVALID, out), 8);
    assert_memory_equal(out, "<U+FFFD>", 8);
}

/* ASCII goes by in words: a wrong byte is found wherever it stands, and nothing behind the end
 * is looked at. */
static void a_wrong_byte_is_found_anywhere(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 40; length++)
        for (size_t at = 0; at < length; at++) {
            size_t bad = SIZE_MAX;
            char *text = xmalloc(length);
            memset(text, 'a', length);
            if (at + 2 <= length)
                memcpy(text + at, "\xc3\xa9", 2);
            assert_true(text_valid(text, length, &bad));
            text[at] = (char)0x80;
            assert_false(text_valid(text, length, &bad));
            assert_int_equal(bad, at);
            free(text);
        }
}

static void test_make_valid(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"a\xc3\xa9", "a\xc3\xa9"},
        {"\xff\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"a\xe2\x82", "a\xef\xbf\xbd"},             /* cut at the end */
        {"\xe2\x82N", "\xef\xbf\xbdN"},             /* cut by another character */
        {"\xf1\x80\x80\xc2" "b\x80", "\xef\xbf\xbd\xef\xbf\xbd" "b\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate begins nothing */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        char *got = text_make_valid(cases[i].text, strlen(cases[i].text), &n);
        assert_string_equal(got, cases[i].want);
        assert_int_equal(n, strlen(cases[i].want));
        free(got);
    }
}

/* Whatever goes in, what comes out is valid, has no control characters and stays
 * what it is when sanitised again. */
static void random_bytes_become_harmless(void **state)
{
    struct rng rng;
    (void)state;
    rng_seed(&rng, 11);
    for (int round = 0; round < 20000; round++) {
        char text[64], out[256], again[256];
        size_t length = rng_below(&rng, sizeof text),
               size = 1 + rng_below(&rng, sizeof out);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(rng_below(&rng, 4) ? rng_below(&rng, 256)
                                                : 0x80 + rng_below(&rng, 64));
        size_t n = text_sanitize(out, size, text, length);
        assert_true(n < size && out[n] == '\0');
        assert_true(text_valid(out, n, NULL));
        for (size_t i = 0; i < n;) {
            uint32_t c;
            i += text_decode(out + i, n - i, &c);
            assert_true(text_width(c) >= 0);
        }
        assert_int_equal(text_sanitize(again, sizeof again, out, n), n);
        assert_memory_equal(again, out, n);
    }
}

static void numbers_are_written_for_people(void **state)
{
    char out[TEXT_NUMBER_MAX];
    (void)state;
    assert_string_equal(text_plural(0), "s");
    assert_string_equal(text_plural(1), "");
    assert_string_equal(text_plural(2), "s");
    assert_string_equal(text_bytes(1, out), "1 byte");
    assert_string_equal(text_bytes(2, out), "2 bytes");
    assert_string_equal(text_grouped(0, out), "0");
    assert_string_equal(text_grouped(999, out), "999");
    assert_string_equal(text_grouped(1000, out), "1,000");
    assert_string_equal(text_grouped(9123456, out), "9,123,456");
    assert_string_equal(text_grouped(UINT64_MAX, out), "18,446,744,073,709,551,615");
    assert_string_equal(text_rounded(999999, out), "999,999");
    assert_string_equal(text_rounded(1209876, out), "1.21 M");
    assert_string_equal(text_rounded(999994999, out), "999.99 M");
    assert_string_equal(text_rounded(999995000, out), "1.00 G");
    assert_string_equal(text_duration(41600, out), "42s");
    assert_string_equal(text_duration(31 * 60e3, out), "31m");
    assert_string_equal(text_duration(156 * 60e3, out), "2.6h");
    assert_string_equal(text_bytes(0, out), "0 bytes");
    assert_string_equal(text_bytes(1023, out), "1023 bytes");
    assert_string_equal(text_bytes(2048, out), "2 KiB");
    assert_string_equal(text_bytes(1536 * 1024, out), "1.5 MiB");
    assert_string_equal(text_bytes(UINT64_MAX, out), "16 EiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_byte_is_found_anywhere),
        cmocka_unit_test(test_make_valid),
        cmocka_unit_test(every_character_comes_back),
        cmocka_unit_test(what_is_no_utf8_is_refused),
        cmocka_unit_test(only_what_can_be_completed_is_held_back),
        cmocka_unit_test(widths_are_those_of_a_terminal),
        cmocka_unit_test(dangerous_characters_become_visible),
        cmocka_unit_test(rows_of_combining_marks_are_cut),
        cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
        cmocka_unit_test(every_character_is_shown_or_escaped),
        cmocka_unit_test(random_bytes_become_harmless),
        cmocka_unit_test(numbers_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
