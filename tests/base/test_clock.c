/* The clock: it runs, and stands while the process does. */
#include "engine/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void test_runs(void **state)
{
    (void)state;
    double before = clock_ms();
    wait_ms(20);
    double spent = clock_ms() - before;
    assert_true(spent >= 20 && spent < 2000);
}

static void test_pauses_do_not_count(void **state)
{
    (void)state;
    double before = clock_ms();
    for (int i = 0; i < 3; i++) {
        clock_pause();
        double stands = clock_ms();
        wait_ms(300);
        clock_pause(); /* it stands already */
        assert_true(clock_ms() == stands);
        clock_resume();
        clock_resume();
        assert_true(clock_ms() >= stands);
    }
    wait_ms(20);
    double spent = clock_ms() - before;
    assert_true(spent >= 20 && spent < 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_pauses_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
