/* Loops shared among threads: every item once, in the ranges that count and grain say, from
 * any thread, inside of each other, and with threads that come and go. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"

struct marks {
    atomic_uint *times; /* [count] how often an item came */
    size_t count, grain;
    atomic_bool *wrong; /* a range that is not one of the loop's */
};

static void mark(const void *loop, size_t first, size_t last)
{
    const struct marks *m = loop;
    if (first % m->grain || last != size_min(first + m->grain, m->count))
        atomic_store(m->wrong, true);
    for (size_t i = first; i < last; i++)
        atomic_fetch_add(&m->times[i], 1);
}

/* Did a loop see every item once? Plain, as it runs in threads that cmocka knows nothing of. */
static bool covers(size_t count, size_t grain)
{
    atomic_bool wrong = false;
    atomic_uint *times = xcalloc(count + 1, sizeof *times);
    const struct marks marks = {times, count, grain, &wrong};
    team_run(mark, &marks, count, grain);
    bool once = !wrong;
    for (size_t i = 0; i < count; i++)
        once = once && times[i] == 1;
    free(times);
    return once;
}

static void test_every_item_once(void **state)
{
    (void)state;
    size_t threads = team_threads();
    for (size_t t = 1; t <= 5; t++) {
        team_set_threads(t);
        for (size_t count = 0; count < 40; count++)
            for (size_t grain = 1; grain < 45; grain += 3)
                assert_true(covers(count, grain));
        assert_true(covers(100000, 7));
    }
    team_set_threads(threads);
}

static void nest(const void *loop, size_t first, size_t last)
{
    const struct marks *m = loop;
    for (size_t i = first; i < last; i++)
        if (!covers(50, 3))
            atomic_store(m->wrong, true);
}

static void test_loops_inside_of_loops(void **state)
{
    (void)state;
    size_t threads = team_threads();
    team_set_threads(3);
    atomic_bool wrong = false;
    const struct marks marks = {.wrong = &wrong};
    team_run(nest, &marks, 200, 1);
    assert_false(wrong);
    team_set_threads(threads);
}

static void *many_loops(void *wrong)
{
    for (int i = 0; i < 2000; i++)
        if (!covers(100, 5))
            atomic_store((atomic_bool *)wrong, true);
    return NULL;
}

static void test_callers_beside_each_other(void **state)
{
    (void)state;
    enum { CALLERS = 4 };
    size_t threads = team_threads();
    team_set_threads(3);
    atomic_bool wrong = false;
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, many_loops, &wrong), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    assert_false(wrong);
    team_set_threads(threads);
}

/* Helpers that went to sleep are woken, and a caller that finishes first sleeps until the
 * others are done. */
static void linger(const void *loop, size_t first, size_t last)
{
    if (first > 0)
        usleep(3000);
    mark(loop, first, last);
}

static void test_sleep(void **state)
{
    (void)state;
    size_t threads = team_threads();
    team_set_threads(2);
    for (int i = 0; i < 20; i++) {
        enum { COUNT = 2 };
        atomic_bool wrong = false;
        atomic_uint times[COUNT] = {0};
        const struct marks marks = {times, COUNT, 1, &wrong};
        usleep(2000);
        team_run(linger, &marks, COUNT, 1);
        assert_false(wrong);
        assert_int_equal(times[0], 1);
        assert_int_equal(times[1], 1);
    }
    team_set_threads(threads);
}

/* Two shares of the items, whose first items wait for each other. */
struct halves {
    pthread_t caller;
    size_t half;
    atomic_bool *begun;         /* [2] the first item of a share */
    atomic_size_t *other_first; /* the first item + 1 that was not the caller's */
    atomic_bool *wrong;         /* the caller's share did not begin with the caller */
};

static void note_first(const void *loop, size_t first, size_t last)
{
    (void)last;
    const struct halves *h = loop;
    bool caller = pthread_equal(pthread_self(), h->caller);
    size_t none = 0;
    if (!caller)
        atomic_compare_exchange_strong(h->other_first, &none, first + 1);
    if (first == 0 && !caller)
        atomic_store(h->wrong, true);
    if (first % h->half)
        return;
    atomic_store(&h->begun[first / h->half], true);
    while (!atomic_load(&h->begun[!first]))
        usleep(10);
}

/* Before there are more helpers than one, of which a late one might take anything. */
static void test_each_begins_with_its_share(void **state)
{
    (void)state;
    enum { HALF = 10, GRAIN = 5, ROUNDS = 50 };
    size_t threads = team_threads();
    team_set_threads(2);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_bool begun[2] = {false}, wrong = false;
        atomic_size_t other_first = 0;
        const struct halves halves = {pthread_self(), HALF, begun, &other_first, &wrong};
        team_run(note_first, &halves, 2 * HALF, GRAIN);
        assert_false(wrong);
        assert_int_equal(other_first, HALF + 1);
    }
    team_set_threads(threads);
}

static void test_number_of_threads(void **state)
{
    (void)state;
    size_t threads = team_threads();
    assert_true(threads >= 1);
    team_set_threads(0);
    assert_int_equal(team_threads(), 1);
    team_set_threads(SIZE_MAX);
    assert_int_equal(team_threads(), TEAM_THREADS_MAX);
    team_set_threads(threads);
    assert_int_equal(team_grain(100, 1000), 10);
    assert_int_equal(team_grain(5000, 1000), 1);
    assert_int_equal(team_grain(0, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_begins_with_its_share),
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_loops_inside_of_loops),
        cmocka_unit_test(test_callers_beside_each_other),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
