/* The clock: it runs, and stands while the process does. */
#include "engine/base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* The system's clock, which never stands: what ours is compared with, however long a busy machine
 * takes for a test. */
static double real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void test_runs(void **state)
{
    (void)state;
    double began = real_ms(), before = clock_ms();
    wait_ms(20);
    double spent = clock_ms() - before;
    assert_true(spent >= 20 && spent <= real_ms() - began);
}

static void test_pauses_do_not_count(void **state)
{
    (void)state;
    double began = real_ms(), before = clock_ms();
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
    assert_true(spent >= 20 && spent <= real_ms() - began - 3 * 300);
}

static void go_on(int signal_number)
{
    (void)signal_number;
    clock_continued();
}

static void test_a_stop_from_outside_does_not_count(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = go_on};
    pid_t self = getpid();
    sigaction(SIGCONT, &action, NULL);
    double began = real_ms(), before = clock_ms();
    pid_t child = fork();
    if (child == 0) {
        kill(self, SIGSTOP);
        wait_ms(900);
        kill(self, SIGCONT);
        _exit(0);
    }
    while (waitpid(child, NULL, 0) < 0) /* stands in here */
        continue;
    double after = clock_ms();
    assert_true(after >= before && after - before <= real_ms() - began - 900);
    clock_pause();
    clock_continued(); /* it stands: the pause is counted once */
    clock_resume();
    assert_true(clock_ms() >= after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_pauses_do_not_count),
        cmocka_unit_test(test_a_stop_from_outside_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
