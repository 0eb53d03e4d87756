/* json_parse: what is accepted, what is refused, and where the error is. */
#include "engine/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "engine/base/mem.h"

static json_t *parse(const char *text, struct err *err)
{
    return json_parse(text, strlen(text), "t", err);
}

static void assert_accepted(const char *text)
{
    struct err err = {0};
    json_t *json = parse(text, &err);
    if (!json)
        fail_msg("%s refused: %s", text, err.text);
    json_decref(json);
}

static void assert_refused(const char *text, size_t length, const char *expected)
{
    struct err err = {0};
    json_t *json = json_parse(text, length, "t", &err);
    assert_null(json);
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.text, expected))
        fail_msg("got \"%s\", expected \"%s\"", err.text, expected);
}

static void accepts_any_value(void **state)
{
    (void)state;
    static const char *const texts[] = {"null",
                                        "true",
                                        "1",
                                        "-0.5e3",
                                        "\"\"",
                                        "[]",
                                        "{}",
                                        " [1, 2]\n",
                                        "\"\\u0000\"",
                                        "\"\\ud83d\\ude00\"",
                                        "{\"a\":{\"a\":1}}",
                                        "[\"[[[\\\"[[\"]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_accepted(texts[i]);
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           " ",        "[",
        "{",          "[1,]",     "[1 2]",
        "{\"a\"}",    "{a:1}",    "[01]",
        "[1.]",       "[.5]",     "[+1]",
        "[1e]",       "[NaN]",    "[tru]",
        "[1]x",       "'a'",      "[--1]",
        "\"a",

        "{\"a\":1,}", "[,1]",     "]",
        "{\"a\":]",   "[\"a\",",  "\xef\xbb\xbf{}",
        "[1e999]",    "[-1e999]", "[00000000000000000000001]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused(texts[i], strlen(texts[i]), "t: invalid JSON at byte ");
}

static void names_the_byte(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"a\":2}", 13, "duplicate object key");
    assert_refused("[\"\xff\"]", 5, "invalid string at byte 3: not UTF-8");
    assert_refused("[\"\xc0\xaf\"]", 6, "invalid string at byte 3: not UTF-8");
    assert_refused("[\"\xed\xa0\x80\"]", 7, "invalid string at byte 3");
    assert_refused("[\"\\ud800\"]", 10, "invalid string at byte ");
    assert_refused("[\"\\x\"]", 6, "invalid string at byte ");
    assert_refused("[\"a\tb\"]", 7, "invalid string at byte ");
    assert_refused("[\"a\0b\"]", 7, "invalid string at byte ");
    assert_refused("[1}", 3, "at byte 3");
}

static void limits_the_depth(void **state)
{
    (void)state;
    char text[200];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    struct err err = {0};
    json_t *json = json_parse(text, 128, "t", &err);
    assert_non_null(json);
    json_decref(json);
    memset(text, '[', sizeof text);
    assert_refused(text, sizeof text, "t: nested deeper than 64 at byte 65");
    static char deep[100000];
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = "{\"a\":"[i % 5];
    assert_refused(deep, sizeof deep, "nested deeper than 64 at byte 321");
}

static void limits_the_values(void **state)
{
    (void)state;
    size_t length = 2 * (size_t)JSON_VALUES_LIMIT + 100;
    char *text = xmalloc(length);
    for (size_t i = 0; i < length; i++)
        text[i] = i == 0 ? '[' : "0,"[(i - 1) % 2];
    /* Refused while it is read, before a value is made of it: in processor time, as
     * other tests run beside this one. Sanitizers slow every byte down. */
    clock_t start = clock();
    assert_refused(text, length, "more than 8388608 values");
#ifndef __SANITIZE_ADDRESS__
    assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
#else
    (void)start;
#endif
    free(text);
}

static void makes_wide_integers_real(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *json =
        parse("[9223372036854775807, 9223372036854775808, -9223372036854775808,"
              "-9223372036854775809, 1000000000000000019884624838656]",
              &err);
    assert_non_null(json);
    assert_true(json_integer_value(json_array_get(json, 0)) == INT64_MAX);
    assert_true(json_real_value(json_array_get(json, 1)) == 9.22337203685477e18);
    assert_true(json_integer_value(json_array_get(json, 2)) == INT64_MIN);
    assert_true(json_is_real(json_array_get(json, 3)));
    assert_true(json_real_value(json_array_get(json, 4)) > 0.999e30);
    assert_true(json_real_value(json_array_get(json, 4)) < 1.001e30);
    json_decref(json);
}

static void keeps_nul_in_strings(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *json = parse("\"a\\u0000b\"", &err);
    assert_non_null(json);
    assert_int_equal(json_string_length(json), 3);
    assert_memory_equal(json_string_value(json), "a\0b", 3);
    json_decref(json);
}

static void refuses_missing_file(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(json_parse_file("/nonexistent/x.json", 100, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, "/nonexistent/x.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_any_value),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(names_the_byte),
        cmocka_unit_test(limits_the_depth),
        cmocka_unit_test(limits_the_values),
        cmocka_unit_test(makes_wide_integers_real),
        cmocka_unit_test(keeps_nul_in_strings),
        cmocka_unit_test(refuses_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
