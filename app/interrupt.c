#include "app/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "engine/base/clock.h"

enum { SAME_WISH_MS = 300 };

/* Written by the handler alone. */
static volatile sig_atomic_t caught;
static struct timespec caught_at;

static long ms_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* All that is called here may be called in a handler. */
static void remember(int signal_number)
{
    if (!caught) {
        clock_gettime(CLOCK_MONOTONIC, &caught_at);
        caught = signal_number;
    } else if (ms_since(&caught_at) > SAME_WISH_MS) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

/* The default action, and the clock stands meanwhile. */
static void stand_still(int signal_number)
{
    int reason = errno;
    struct sigaction stop = {.sa_handler = SIG_DFL}, own;
    sigset_t only, before;
    sigemptyset(&stop.sa_mask);
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    sigaction(signal_number, &stop, &own);
    clock_pause();
    raise(signal_number);
    pthread_sigmask(SIG_UNBLOCK, &only, &before); /* here it stops */
    clock_resume();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(signal_number, &own, NULL);
    errno = reason;
}

static void go_on(int signal_number)
{
    (void)signal_number;
    clock_continued();
}

/* Ctrl-Z not where job control was switched off for the program. */
static void catch_suspension(void)
{
    struct sigaction action = {.sa_handler = go_on, .sa_flags = SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGCONT, &action, NULL);
    action.sa_handler = stand_still;
    if (sigaction(SIGTSTP, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        sigaction(SIGTSTP, &action, NULL);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    catch_suspension();
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

int interrupt_signal(void)
{
    return caught;
}
