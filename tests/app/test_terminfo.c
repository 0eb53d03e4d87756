/* The description with direct colour is one that ncurses reads, and only the colours
 * differ from the terminal's own. */
#include "app/capabilities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <term.h>

static void test_direct_color(void **state)
{
    (void)state;
    struct err err = {0};
    if (!capabilities_load("xterm-256color", &err))
        skip();
    char cup[64], reset[64];
    snprintf(cup, sizeof cup, "%s", capabilities_string("cup"));
    snprintf(reset, sizeof reset, "%s", capabilities_string("sgr0"));
    int columns_before = capabilities_number("cols");
    bool wraps = capabilities_flag("am");
    assert_int_equal(capabilities_number("colors"), 256);
    char *description = capabilities_with_direct_color("xterm-256color");
    capabilities_drop();

    assert_non_null(description);
    setenv("TERMINFO", description, 1);
    assert_true(capabilities_load("xterm-256color", &err));
    unsetenv("TERMINFO");
    assert_int_equal(capabilities_number("colors"), CAPABILITIES_RGB);
    assert_true(capabilities_flag("RGB"));
    assert_false(capabilities_flag("ccc"));
    assert_string_equal(capabilities_string("cup"), cup);
    assert_string_equal(capabilities_string("sgr0"), reset);
    assert_int_equal(capabilities_number("cols"), columns_before);
    assert_int_equal(capabilities_flag("am"), wraps);
    assert_string_equal(tparm(capabilities_string("setaf"), 0x1280ffL), "\033[38;2;18;128;255m");
    assert_string_equal(tparm(capabilities_string("setab"), 0x00ff07L), "\033[48;2;0;255;7m");
    capabilities_drop();
    free(description);
}

static void test_unknown_type(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(capabilities_load("no-such-terminal", &err));
    assert_int_equal(err.code, ERR_TERMINAL);
    assert_string_equal(err.text,
                        "TERM=no-such-terminal: no description of this terminal is installed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_color),
        cmocka_unit_test(test_unknown_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
