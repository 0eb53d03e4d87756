#include "app/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* Written by the handler alone. */
static volatile sig_atomic_t caught;

static void remember(int signal_number)
{
    caught = signal_number;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

int interrupt_signal(void)
{
    return caught;
}
