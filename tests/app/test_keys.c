/* Key names, and the table of keys: no two meanings, every command exists. */
#include "app/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "app/keycodes.h"

static void test_names_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"a",   "A",    "?",     "C-r",  "M-x", "S-Tab", "F12",
                                        "Space", "Enter", "Esc", "C-Up", "\xc3\xa9", "-", "C--",
                                        "<", "Backspace", "C-M-a"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t code;
        char back[KEYCODE_NAME_SIZE];
        assert_true(keycode_parse(names[i], &code));
        assert_string_equal(keycode_format(code, back), names[i]);
    }
    uint32_t a, b;
    assert_true(keycode_parse("C-R", &a));
    assert_true(keycode_parse("C-r", &b));
    assert_int_equal(a, b);
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "ab", "F13", "C-", "X-a", "\x1b", "\xff", "Tabb"};
    uint32_t code;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(keycode_parse(names[i], &code));
}

static void test_keys_that_never_come(void **state)
{
    (void)state;
    static const char *const never[] = {"C-i", "C-m", "C-j", "C-h", "C-[", "M-C-i", "S-a"};
    static const char *const come[] = {"i", "M-i", "C-a", "S-Tab",
                                       "S-Space", "C-Up", "C-z", "S-F5"};
    uint32_t code;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_true(keycode_parse(never[i], &code));
        assert_non_null(keycode_never_comes(code));
    }
    for (size_t i = 0; i < sizeof come / sizeof *come; i++) {
        assert_true(keycode_parse(come[i], &code));
        assert_null(keycode_never_comes(code));
    }
}

static void test_format_escapes(void **state)
{
    (void)state;
    char name[KEYCODE_NAME_SIZE];
    assert_string_equal(keycode_format(0x9b, name), "<9B>");
    assert_string_equal(keycode_format(0x202e, name), "<U+202E>");
}

static void test_no_key_twice(void **state)
{
    (void)state;
    struct keymap map;
    keymap_init(&map);
    assert_true(map.count > 60);
    for (size_t i = 0; i < map.count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(map.bindings[i].key == map.bindings[j].key &&
                         map.bindings[i].scope == map.bindings[j].scope);
    keymap_free(&map);
}

static void test_bind_and_unbind(void **state)
{
    (void)state;
    struct keymap map;
    keymap_init(&map);
    assert_string_equal(keymap_find(&map, SCOPE_PLAN, 'w')->command, "unit next");
    keymap_bind(&map, SCOPE_ANY, 'w', "unit word", false);
    assert_string_equal(keymap_find(&map, SCOPE_PLAN, 'w')->command, "unit word");
    assert_string_equal(keymap_find(&map, SCOPE_PLAN, 'w')->own, "unit next");
    keymap_bind(&map, SCOPE_PLAN, 'w', "turn", false); /* the pane's own goes first */
    assert_string_equal(keymap_find(&map, SCOPE_PLAN, 'w')->command, "turn");
    assert_string_equal(keymap_find(&map, SCOPE_GATES, 'w')->command, "unit word");
    keymap_bind(&map, SCOPE_PLAN, 'w', NULL, false);
    assert_string_equal(keymap_find(&map, SCOPE_PLAN, 'w')->command, "unit word");
    keymap_bind(&map, SCOPE_ANY, 'w', "unit token", false);
    assert_string_equal(keymap_find(&map, SCOPE_ANY, 'w')->own, "unit next");
    keymap_bind(&map, SCOPE_ANY, 'w', "unit next", true); /* as it was: no change */
    assert_false(keymap_find(&map, SCOPE_ANY, 'w')->changed);
    assert_string_equal(keymap_find(&map, SCOPE_ANY, 'w')->help, "unit: token, word, sentence");
    keymap_bind(&map, SCOPE_ANY, 'w', NULL, false);
    assert_null(keymap_find(&map, SCOPE_ANY, 'w'));
    keymap_free(&map);
}

/* Hints name the key that does now what the program's own one does. */
static void test_the_key_of_now(void **state)
{
    (void)state;
    struct keymap map;
    char name[32];
    uint32_t f9;
    keymap_init(&map);
    assert_true(keycode_parse("F9", &f9));
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "a", name, sizeof name), "a");
    keymap_bind(&map, SCOPE_ANY, f9, "prompt ask", false);
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "a", name, sizeof name), "a");
    keymap_bind(&map, SCOPE_ANY, 'a', "turn", false);
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "a", name, sizeof name), "F9");
    keymap_bind(&map, SCOPE_PLAN, f9, "turn", false); /* something else in this pane */
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "a", name, sizeof name), ":ask");
    assert_string_equal(keymap_now(&map, SCOPE_GATES, "a", name, sizeof name), "F9");
    /* another key of the same row; a pane's own meaning */
    keymap_bind(&map, SCOPE_ANY, '?', NULL, false);
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "?", name, sizeof name), "F1");
    keymap_bind(&map, SCOPE_TRAIN, 'S', "pause toggle", false);
    keymap_bind(&map, SCOPE_TRAIN, 'K', "checkpoint", false);
    assert_string_equal(keymap_now(&map, SCOPE_TRAIN, "S", name, sizeof name), "K");
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, "S", name, sizeof name), "S");
    keymap_bind(&map, SCOPE_ANY, ':', NULL, false);
    assert_string_equal(keymap_now(&map, SCOPE_PLAN, ":", name, sizeof name), ":");
    keymap_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_round_trip), cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_keys_that_never_come),
        cmocka_unit_test(test_format_escapes),   cmocka_unit_test(test_no_key_twice),
        cmocka_unit_test(test_bind_and_unbind),  cmocka_unit_test(test_the_key_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
