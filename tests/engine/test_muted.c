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

/* Until they, the edits and the muted slots are those again that it was made with. */
static void test_settings_make_it_stale(void **state)
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
    const double eps = settings.eps;
    settings.eps = 0.3;
    assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
    assert_true(is_stale(e));
    assert_false(engine_slot_muted(e, 0));
    engine_set_muted(e, one, 1);
    assert_true(is_stale(e));
    settings.eps = eps;
    assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
    assert_true(is_stale(e));
    engine_set_muted(e, one, 1);
    assert_false(is_stale(e));
    engine_close(e);
}

static void test_edits_make_it_stale(void **state)
{
    (void)state;
    struct token_edit half = {.token = 1, .factor = 0.5};
    const bool layer[] = {false, true};
    const struct engine_edits edits[] = {{.tokens = &half, .n_tokens = 1},
                                         {.layer_off = layer, .n_layers = 2}},
                              none = {0};
    struct engine *e = small_engine_open();
    struct compress_settings settings;
    size_t segment;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    ask(e);
    for (size_t i = 0; i < 2; i++) {
        engine_set_edits(e, &edits[i]);
        assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
        assert_true(is_stale(e));
        engine_set_edits(e, &none);
        assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
        assert_false(is_stale(e));
    }
    engine_close(e);
}

/* Losses are of the slots that were there; other slots make them stale, the same ones again
 * do not. */
static void test_muting_makes_losses_stale(void **state)
{
    (void)state;
    static const bool one[] = {false, true};
    struct engine *e = small_engine_open();
    struct err err = {0};
    engine_set_muted(e, one, 2); /* before any loss */
    assert_false(engine_snapshot(e)->loss_stale);
    if (!engine_loss(e, SIZE_MAX, NULL, &err))
        fail_msg("%s", err.text);
    assert_non_null(engine_snapshot(e)->loss);
    assert_false(engine_snapshot(e)->loss_stale);
    engine_set_muted(e, NULL, 0);
    assert_true(engine_snapshot(e)->loss_stale);
    engine_set_muted(e, one, 2);
    assert_false(engine_snapshot(e)->loss_stale);
    engine_set_muted(e, NULL, 0);
    assert_true(engine_loss(e, SIZE_MAX, NULL, &err));
    assert_false(engine_snapshot(e)->loss_stale);
    engine_close(e);
}

static void test_muting_makes_the_control_stale(void **state)
{
    (void)state;
    static const bool one[] = {true};
    static const char other[] = "Another text, of other things altogether, in a few words.";
    const struct ask_options options = {.max_tokens = 2, .gold = "salt"};
    struct engine *e = small_engine_open();
    struct err err = {0};
    ask(e);
    if (!engine_ask(e, "What?", ANSWER_COMPRESSED, &options, NULL, &err) ||
        !engine_control(e, &options, other, sizeof other - 1, "other.txt", NULL, &err))
        fail_msg("%s", err.text);
    assert_true(engine_snapshot(e)->control.tokens > 0);
    assert_false(engine_snapshot(e)->control.stale);
    engine_set_muted(e, one, 1);
    assert_true(engine_snapshot(e)->control.stale);
    engine_set_muted(e, NULL, 0);
    assert_false(engine_snapshot(e)->control.stale);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_muting_makes_the_answer_stale),
        cmocka_unit_test(test_settings_make_it_stale),
        cmocka_unit_test(test_edits_make_it_stale),
        cmocka_unit_test(test_muting_makes_losses_stale),
        cmocka_unit_test(test_muting_makes_the_control_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
