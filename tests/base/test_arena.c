/* Arenas: zeroed, aligned memory that goes as a whole. */
#include "engine/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void memory_is_zeroed_and_aligned(void **state)
{
    struct arena a = {0};
    (void)state;
    for (size_t n = 0; n < 3000; n += 37) {
        unsigned char *p = arena_array(&a, unsigned char, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_true(is_zero(p, n));
        memset(p, 0xaa, n);
    }
    arena_free(&a);
    assert_null(a.chunks);
    assert_int_equal(a.bytes, 0);
}

/* Each block keeps what was written to it, however many there are. */
static void blocks_do_not_overlap(void **state)
{
    enum { COUNT = 400 };
    unsigned char *blocks[COUNT];
    size_t sizes[COUNT];
    struct arena a = {0};
    struct rng rng;
    (void)state;
    rng_seed(&rng, 3);
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i] = rng_below(&rng, i % 50 ? 5000 : 3000000);
        blocks[i] = arena_take(&a, sizes[i], 1);
        memset(blocks[i], (int)i & 0xff, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < sizes[i]; k += 1 + sizes[i] / 64)
            assert_int_equal(blocks[i][k], i & 0xff);
    arena_free(&a);
}

static void a_mark_gives_back_what_came_after(void **state)
{
    struct arena a = {0};
    (void)state;
    unsigned char *kept = arena_array(&a, unsigned char, 100);
    memset(kept, 7, 100);
    struct arena_mark mark = arena_mark(&a);
    size_t before = a.bytes;
    for (int round = 0; round < 5; round++) {
        /* Zeroed again, though the memory was used in the round before. */
        unsigned char *p = arena_array(&a, unsigned char, 1000);
        assert_true(is_zero(p, 1000));
        memset(p, 0xff, 1000);
        arena_array(&a, double, 1 << 18);
        assert_true(a.bytes > before);
        arena_release(&a, mark);
        assert_int_equal(a.bytes, before);
    }
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(kept[i], 7);
    arena_free(&a);
}

static void a_mark_of_an_empty_arena_empties_it(void **state)
{
    struct arena a = {0};
    (void)state;
    struct arena_mark mark = arena_mark(&a);
    arena_array(&a, int, 10);
    arena_release(&a, mark);
    assert_null(a.chunks);
    arena_array(&a, int, 10);
    arena_free(&a);
    arena_free(&a);
}

/* Room is kept from job to job, and whatever lies in it before a mark stays. */
static void rewound_it_uses_the_same_memory(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct arena a = {.wide = wide};
        unsigned char *first = NULL;
        for (int round = 0; round < 3; round++) {
            unsigned char *p = arena_array(&a, unsigned char, 1000);
            assert_true(is_zero(p, 1000));
            memset(p, 0xff, 1000);
            for (int i = 0; i < 3; i++)
                memset(arena_raw(&a, unsigned char, 3 << 20), 7, 3 << 20);
            for (size_t i = 0; i < 1000; i++)
                assert_int_equal(p[i], 0xff);
            assert_int_equal(a.bytes, a.most);
#ifdef __SANITIZE_ADDRESS__
            first = p; /* every block is one of its own there */
#endif
            assert_true(round == 0 || p == first);
            first = p;
            arena_rewind(&a);
            assert_int_equal(a.bytes, 0);
        }
        arena_free(&a);
        assert_null(a.chunks);
    }
}

/* Blocks of a wide arena lie one behind the other; what is larger than its room has room too. */
static void a_wide_one_loses_nothing(void **state)
{
    struct arena a = {.wide = true};
    (void)state;
    unsigned char *first = arena_raw(&a, unsigned char, 100), *last = first;
    for (size_t i = 1; i < 40; i++)
        last = arena_raw(&a, unsigned char, i << 20);
    last[(39 << 20) - 1] = 1;
#ifndef __SANITIZE_ADDRESS__
    assert_int_equal(last - first, 128 + ((39 * 38 / 2) << 20));
    unsigned char *huge = arena_raw(&a, unsigned char, ARENA_ROOM + 1);
    huge[ARENA_ROOM] = 1;
    assert_int_equal(last[(39 << 20) - 1], 1);
#endif
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_mark_gives_back_what_came_after),
        cmocka_unit_test(rewound_it_uses_the_same_memory),
        cmocka_unit_test(a_wide_one_loses_nothing),
        cmocka_unit_test(a_mark_of_an_empty_arena_empties_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
