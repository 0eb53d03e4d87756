/* A loop is open while it has parts left to take. A helper that wants to take some first
 * counts itself as helping, then looks whether the loop is open; the caller first closes
 * the loop, then waits until nobody is helping. So the caller never returns while someone
 * may still look at its loop, and never waits for someone who has not begun.
 *
 * Waking a thread takes some ten microseconds and a product of one token not much more, so
 * those who wait look again for a while before they sleep, but not so long that other
 * programs would miss the core. */
#include "engine/base/team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/machine.h"
#include "engine/base/size.h"

enum { LOOKS = 1500 }; /* before sleeping: about 0.02 ms */

static struct {
    /* On lines of their own, as all threads look at them all the time. */
    _Alignas(64) atomic_uint loops; /* so far: what helpers wait for */
    _Alignas(64) atomic_uint helping; /* threads that may look at the loop */
    _Alignas(64) atomic_bool open; /* there are parts to take */
    atomic_bool busy; /* somebody's loop runs */

    /* Written while no loop is open. */
    team_part *part;
    const void *loop;
    size_t grain, shares;

    pthread_mutex_t mutex; /* for sleeping only */
    pthread_cond_t opened, done;
    atomic_uint asleep; /* helpers */
    atomic_bool caller_asleep;

    atomic_size_t threads; /* wanted; 0: not decided yet */
    atomic_size_t most;    /* of them */
    size_t started;        /* helpers; changed by the one whose loop runs */
} team = {.most = TEAM_THREADS_MAX,
          .mutex = PTHREAD_MUTEX_INITIALIZER,
          .opened = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

/* The items of a loop that a thread takes before it takes those of others. */
static struct share {
    _Alignas(64) atomic_size_t next; /* the first that nobody has taken */
    size_t end;
} shares[TEAM_THREADS_MAX];

static _Thread_local bool inside; /* of a part, or a helper */

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- parts ------------------------------------------------------------------------ */

static void take_share(struct share *share)
{
    for (;;) {
        size_t first = atomic_fetch_add(&share->next, team.grain);
        if (first >= share->end)
            return;
        team.part(team.loop, first, size_min(first + team.grain, share->end));
    }
}

/* Of thread `number`: its own, then what is left of the others'. */
static void take_parts(size_t number)
{
    for (size_t i = 0; i < team.shares; i++)
        take_share(&shares[(number + i) % team.shares]);
}

/* Whole parts, as many for each. */
static void divide(size_t count, size_t grain, size_t threads)
{
    size_t parts = size_div_up(count, grain);
    team.grain = grain;
    team.shares = size_min(threads, parts);
    for (size_t i = 0; i < team.shares; i++) {
        atomic_store(&shares[i].next, parts * i / team.shares * grain);
        shares[i].end = size_min(parts * (i + 1) / team.shares * grain, count);
    }
}

static void run_alone(team_part *part, const void *loop, size_t count, size_t grain)
{
    for (size_t first = 0; first < count; first += grain)
        part(loop, first, size_min(first + grain, count));
}

/* ---- helpers ---------------------------------------------------------------------- */

static void help_once(size_t number)
{
    atomic_fetch_add(&team.helping, 1);
    if (atomic_load(&team.open))
        take_parts(number);
    if (atomic_fetch_sub(&team.helping, 1) == 1 && atomic_load(&team.caller_asleep)) {
        pthread_mutex_lock(&team.mutex);
        pthread_cond_signal(&team.done);
        pthread_mutex_unlock(&team.mutex);
    }
}

/* Returns how many loops there have been, when they are others than `seen`. */
static unsigned wait_for_loop(unsigned seen)
{
    for (int i = 0; i < LOOKS; i++, relax()) {
        unsigned now = atomic_load(&team.loops);
        if (now != seen)
            return now;
    }
    pthread_mutex_lock(&team.mutex);
    atomic_fetch_add(&team.asleep, 1);
    while (atomic_load(&team.loops) == seen)
        pthread_cond_wait(&team.opened, &team.mutex);
    atomic_fetch_sub(&team.asleep, 1);
    pthread_mutex_unlock(&team.mutex);
    return atomic_load(&team.loops);
}

static void *help(void *number)
{
    unsigned seen = 0;
    inside = true;
    for (;;) {
        seen = wait_for_loop(seen);
        if ((size_t)number < team_threads())
            help_once((size_t)number);
    }
    return NULL;
}

/* Signals are for the other threads, except those that a thread causes itself. */
static bool start_helper(size_t number)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    sigset_t others, old;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&others, own[i]);
    pthread_t thread;
    pthread_sigmask(SIG_BLOCK, &others, &old);
    bool ok = pthread_create(&thread, NULL, help, (void *)number) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (ok)
        pthread_detach(thread);
    return ok;
}

/* ---- loops ------------------------------------------------------------------------- */

static void open_loop(team_part *part, const void *loop, size_t count, size_t grain)
{
    divide(count, grain, team_threads());
    while (team.started + 1 < team.shares && start_helper(team.started + 1))
        team.started++;
    team.part = part;
    team.loop = loop;
    atomic_store(&team.open, true);
    atomic_fetch_add(&team.loops, 1);
    if (atomic_load(&team.asleep) > 0) {
        pthread_mutex_lock(&team.mutex);
        pthread_cond_broadcast(&team.opened);
        pthread_mutex_unlock(&team.mutex);
    }
}

static void close_loop(void)
{
    atomic_store(&team.open, false);
    for (int i = 0; i < LOOKS; i++, relax())
        if (atomic_load(&team.helping) == 0)
            return;
    pthread_mutex_lock(&team.mutex);
    atomic_store(&team.caller_asleep, true);
    while (atomic_load(&team.helping) > 0)
        pthread_cond_wait(&team.done, &team.mutex);
    atomic_store(&team.caller_asleep, false);
    pthread_mutex_unlock(&team.mutex);
}

void team_run(team_part *part, const void *loop, size_t count, size_t grain)
{
    if (count <= grain || inside || team_threads() == 1 || atomic_exchange(&team.busy, true)) {
        run_alone(part, loop, count, grain);
        return;
    }
    open_loop(part, loop, count, grain);
    inside = true;
    take_parts(0);
    inside = false;
    close_loop();
    atomic_store(&team.busy, false);
}

size_t team_grain(size_t each, size_t work)
{
    return size_max(1, work / size_max(1, each));
}

/* ---- their number -------------------------------------------------------------------- */

/* What OpenMP programs and BLAS libraries go by too, else the cores. */
static size_t usual_threads(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    long wanted = text ? strtol(text, NULL, 10) : 0;
    return wanted > 0 ? (size_t)wanted : machine_cores();
}

size_t team_threads(void)
{
    if (atomic_load_explicit(&team.threads, memory_order_relaxed) == 0)
        team_set_threads(usual_threads());
    return atomic_load_explicit(&team.threads, memory_order_relaxed);
}

void team_set_threads(size_t threads)
{
    size_t most = atomic_load_explicit(&team.most, memory_order_relaxed);
    atomic_store(&team.threads, size_max(1, size_min(threads, most)));
}

void team_limit_threads(size_t most)
{
    atomic_store(&team.most, size_max(1, size_min(most, TEAM_THREADS_MAX)));
    team_set_threads(team_threads());
}
