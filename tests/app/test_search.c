/* Finding text: case, direction, going round, expressions, and what is refused. */
#include "app/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>


static const char text[] = "Salt and coal. The SALT works made salt.";

static size_t find(const char *needle, size_t from, bool backward, bool *wrapped)
{
    size_t found = 999;
    struct err err = {0};
    assert_true(search_text(text, sizeof text - 1, needle, from, backward, &found, wrapped, &err));
    return found;
}

static void test_plain(void **state)
{
    (void)state;
    bool wrapped;
    assert_int_equal(find("salt", 0, false, &wrapped), 0);
    assert_int_equal(find("salt", 1, false, &wrapped), 19);
    assert_false(wrapped);
    assert_int_equal(find("salt", 36, false, &wrapped), 0);
    assert_true(wrapped);
    assert_int_equal(find("SALT", 0, false, &wrapped), 19); /* a capital: case counts */
    assert_int_equal(find("coal.", 0, false, &wrapped), 9); /* the dot is a dot */
}

static void test_backward(void **state)
{
    (void)state;
    bool wrapped;
    assert_int_equal(find("salt", 35, true, &wrapped), 19);
    assert_int_equal(find("salt", 19, true, &wrapped), 0);
    assert_int_equal(find("salt", 0, true, &wrapped), 35);
    assert_true(wrapped);
}

static void test_expression(void **state)
{
    (void)state;
    bool wrapped;
    assert_int_equal(find("\\c.al", 0, false, &wrapped), 9);
    assert_int_equal(find("\\salt\\.$", 0, false, &wrapped), 35);
}

static void test_refused(void **state)
{
    (void)state;
    size_t found;
    bool wrapped;
    struct err err = {0};
    assert_false(search_text(text, sizeof text - 1, "pepper", 0, false, &found, &wrapped, &err));
    assert_string_equal(err.text,
                        "\"pepper\" is not in the document · ⁅/⁆ searches for another text");
    assert_false(search_text(text, sizeof text - 1, "\\a(b", 0, false, &found, &wrapped, &err));
    assert_non_null(strstr(err.text, "expression \"a(b\": missing closing parenthesis"));
    assert_int_equal(err.code, ERR_USAGE);
}

/* Exponential expressions end in an error, not in a hang. */
static void test_hostile_expression(void **state)
{
    (void)state;
    char as[4001];
    memset(as, 'a', 4000);
    as[4000] = '!';
    size_t found;
    bool wrapped;
    struct err err = {0};
    clock_t start = clock(); /* processor time: others may have the machine */
    assert_false(search_text(as, 4001, "\\(a+)+$", 0, false, &found, &wrapped, &err));
    assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
    assert_non_null(strstr(err.text, "takes too long"));
}

static void test_invalid_bytes(void **state)
{
    (void)state;
    static const char bad[] = "ab\xff\xfe salt";
    size_t found;
    bool wrapped;
    struct err err = {0};
    assert_true(search_text(bad, sizeof bad - 1, "salt", 0, false, &found, &wrapped, &err));
    assert_int_equal(found, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_backward),
        cmocka_unit_test(test_expression), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hostile_expression), cmocka_unit_test(test_invalid_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
