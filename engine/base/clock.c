#include "engine/base/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* Nanoseconds: all pauses so far while the clock runs; while it stands, what it shows, negative.
 * One number, so that no thread sees half of a change. */
static _Atomic int64_t state;

/* When the clock was last read by anybody. */
static _Atomic int64_t seen;

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double clock_ms(void)
{
    int64_t was, now;
    do { /* again, if the process was stopped in between */
        was = atomic_load(&state);
        now = monotonic_ns();
    } while (atomic_load(&state) != was);
    atomic_store(&seen, now);
    int64_t shown = was < 0 ? -was : now - was;
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

void clock_continued(void)
{
    int64_t was = atomic_load(&state), last = atomic_load(&seen), now = monotonic_ns();
    if (was >= 0 && last > 0 && last < now)
        atomic_store(&state, was + now - last);
}
