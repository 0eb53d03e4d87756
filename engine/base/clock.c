#include "engine/base/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* Nanoseconds: all pauses so far while the clock runs; while it stands, what it shows, negative.
 * One number, so that no thread sees half of a change. */
static _Atomic int64_t state;

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double clock_ms(void)
{
    int64_t was, shown;
    do { /* again, if the process was stopped in between */
        was = atomic_load(&state);
        shown = was < 0 ? -was : monotonic_ns() - was;
    } while (atomic_load(&state) != was);
    return (double)shown * 1e-6;
}

void clock_pause(void)
{
    int64_t was = atomic_load(&state);
    if (was >= 0)
        atomic_store(&state, was - monotonic_ns());
}

void clock_resume(void)
{
    int64_t was = atomic_load(&state);
    if (was < 0)
        atomic_store(&state, monotonic_ns() + was);
}
