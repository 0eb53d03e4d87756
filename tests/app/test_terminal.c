/* What a line's speed says, without a terminal. */
#include "app/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <cmocka.h>

static void test_lines_that_are_slow(void **state)
{
    (void)state;
    static const struct {
        unsigned kind, number; /* of the device */
        speed_t speed;
        bool slow;
    } cases[] = {
        {136, 0, B38400, false}, {143, 7, B38400, false}, /* pseudo terminals */
        {4, 1, B38400, false},   {5, 1, B38400, false},   /* consoles */
        {4, 64, B38400, true},   {188, 0, B57600, true},  /* serial, USB */
        {188, 0, B115200, false}, {166, 0, B38400, true},
        {136, 0, B19200, true},  {136, 0, B9600, true},   {4, 64, B0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            terminal_speed_is_slow(cases[i].speed, makedev(cases[i].kind, cases[i].number)),
            cases[i].slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines_that_are_slow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
