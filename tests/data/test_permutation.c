/* The shuffled order is a bijection, differs by epoch and by seed, and is fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/data/permutation.h"

static void every_place_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t n = sizes[s];
        unsigned char *seen = xcalloc(n, 1);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t at = permutation_at(n, 7, 3, i);
            assert_true(at < n);
            assert_int_equal(seen[at], 0);
            seen[at] = 1;
        }
        free(seen);
    }
}

static size_t agreements(uint64_t seed_a, uint64_t epoch_a, uint64_t seed_b, uint64_t epoch_b)
{
    size_t same = 0;
    for (uint64_t i = 0; i < 1000; i++)
        same += permutation_at(1000, seed_a, epoch_a, i) ==
                permutation_at(1000, seed_b, epoch_b, i);
    return same;
}

static void epochs_and_seeds_differ(void **state)
{
    (void)state;
    assert_int_equal(agreements(1, 0, 1, 0), 1000);
    assert_true(agreements(1, 0, 1, 1) < 20);
    assert_true(agreements(1, 0, 2, 0) < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_once),
        cmocka_unit_test(epochs_and_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
