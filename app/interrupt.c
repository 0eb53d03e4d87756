#include "app/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

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

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

int interrupt_signal(void)
{
    return caught;
}
