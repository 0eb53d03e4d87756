/* Which windows of a document are in memory. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/small_engine.h"

/* Segments of one window, so that each is read and forgotten by itself. */
static struct engine *open_in_windows(void)
{
    struct engine *e = small_engine_open();
    struct compress_settings settings;
    size_t segment;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    assert_true(engine_set_settings(e, &settings, 128, 0, NULL, &err));
    assert_true(engine_snapshot(e)->windows >= 3);
    return e;
}

static bool is_read(const struct engine *e, size_t window)
{
    return engine_snapshot(e)->window[window] != NULL;
}

static void read_window(struct engine *e, size_t window)
{
    struct err err = {0};
    size_t first = engine_snapshot(e)->window_first[window];
    assert_true(engine_read(e, first, first + 1, NULL, &err));
    assert_true(is_read(e, window));
}

static void test_least_recent_is_forgotten(void **state)
{
    (void)state;
    struct engine *e = open_in_windows();
    engine_keep(e, 2);
    read_window(e, 0);
    read_window(e, 1);
    read_window(e, 0);
    read_window(e, 2);
    assert_true(is_read(e, 0));
    assert_false(is_read(e, 1));
    engine_close(e);
}

static void test_what_one_call_needs_stays(void **state)
{
    (void)state;
    struct engine *e = open_in_windows();
    engine_keep(e, 1);
    small_engine_read(e);
    for (size_t w = 0; w < engine_snapshot(e)->windows; w++)
        assert_true(is_read(e, w));
    engine_close(e);
}

/* What was measured of a document's tokens does not stay for a longer one, whose mass once
 * was written behind the end of the old. */
static void test_another_document_has_a_minimap_of_its_own(void **state)
{
    (void)state;
    enum { TIMES = 3 };
    struct engine *e = small_engine_open();
    struct err err = {0};
    size_t length = strlen(small_engine_text), before = engine_snapshot(e)->document->tokens;
    char *longer = xcalloc(TIMES * length + 1, 1);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(longer + i * length, small_engine_text, length);
    assert_non_null(engine_snapshot(e)->minimap_mass);
    assert_true(engine_set_document(e, longer, TIMES * length, "longer", &err));
    assert_null(engine_snapshot(e)->minimap_mass);
    small_engine_read(e);
    const struct snapshot *s = engine_snapshot(e);
    assert_true(s->document->tokens > 2 * before);
    assert_true(s->minimap_mass[s->document->tokens - 1] > 0);
    free(longer);
    engine_close(e);
}

/* What nobody asked for takes no memory, and what was is the same as among all. */
static void test_compression_holds_what_is_wanted(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct engine_compression all, some;
    struct err err = {0};
    assert_true(engine_compress(e, (1u << COMPRESSION_TENSORS) - 1, &all, NULL, &err));
    assert_true(engine_compress(e, 1u << COMPRESSION_PLAN | 1u << COMPRESSION_SLOTS, &some, NULL,
                                &err));
    assert_non_null(all.hidden);
    assert_null(some.gate);
    assert_null(some.anchors);
    assert_null(some.mass);
    assert_null(some.cost);
    assert_null(some.raw_slots);
    assert_null(some.hidden);
    assert_int_equal(some.slots, all.slots);
    assert_memory_equal(some.slot_vectors, all.slot_vectors,
                        all.slots * all.hidden_size * sizeof *all.slot_vectors);
    assert_memory_equal(some.plan, all.plan, all.windows * all.W * all.K * sizeof *all.plan);
    engine_compression_free(&all);
    engine_compression_free(&some);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_recent_is_forgotten),
        cmocka_unit_test(test_what_one_call_needs_stays),
        cmocka_unit_test(test_another_document_has_a_minimap_of_its_own),
        cmocka_unit_test(test_compression_holds_what_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
