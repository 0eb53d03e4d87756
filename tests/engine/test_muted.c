/* Slots that are left out, and the answer that was made before. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/small_engine.h"

static void ask(struct engine *e)
{
    const struct ask_options options = {.max_tokens = 2};
    struct err err = {0};
    if (!engine_ask(e, "What?", ANSWER_COMPRESSED, &options, NULL, &err))
        fail_msg("%s", err.text);
}

static bool is_stale(const struct engine *e)
{
    return engine_snapshot(e)->answer[ANSWER_COMPRESSED]->stale;
}

static void test_muting_makes_the_answer_stale(void **state)
{
    (void)state;
    static const bool one[] = {false, true}, other[] = {true, true};
    struct engine *e = small_engine_open();
    engine_set_muted(e, one, 2); /* before any answer */
    ask(e);
    assert_false(is_stale(e));
    engine_set_muted(e, other, 2);
    assert_true(is_stale(e));
    engine_set_muted(e, one, 2);
    assert_false(is_stale(e));
    engine_set_muted(e, NULL, 0);
    assert_true(is_stale(e));
    ask(e);
    assert_false(is_stale(e));
    engine_close(e);
}

static void test_settings_make_it_stale_for_good(void **state)
{
    (void)state;
    static const bool one[] = {true};
    struct engine *e = small_engine_open();
    struct compress_settings settings;
    size_t segment;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    engine_set_muted(e, one, 1);
    ask(e);
    settings.eps = 0.3;
    assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
    assert_true(is_stale(e));
    assert_false(engine_slot_muted(e, 0));
    engine_set_muted(e, one, 1);
    assert_true(is_stale(e));
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_muting_makes_the_answer_stale),
        cmocka_unit_test(test_settings_make_it_stale_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
