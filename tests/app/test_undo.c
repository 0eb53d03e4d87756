/* Undo and redo of settings and muted slots. */
#include "app/undo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_back_and_forward(void **state)
{
    (void)state;
    struct undo undo = {0};
    struct edits now = {.settings = compress_settings_default, .segment = 512};
    assert_false(undo_back(&undo, &now));
    undo_remember(&undo, &now);
    now.settings.eps = 0.5;
    undo_remember(&undo, &now);
    edits_mute(&now, 7, true);
    assert_int_equal(edits_muted(&now), 1);
    assert_true(undo_back(&undo, &now));
    assert_int_equal(edits_muted(&now), 0);
    assert_true(now.settings.eps > 0.4);
    assert_true(undo_back(&undo, &now));
    assert_true(now.settings.eps < 0.2);
    assert_false(undo_back(&undo, &now));
    assert_true(undo_forward(&undo, &now));
    assert_true(undo_forward(&undo, &now));
    assert_true(edits_is_muted(&now, 7));
    assert_false(undo_forward(&undo, &now));
    undo_free(&undo);
    edits_free(&now);
}

static void test_change_forgets_the_future(void **state)
{
    (void)state;
    struct undo undo = {0};
    struct edits now = {.settings = compress_settings_default};
    undo_remember(&undo, &now);
    now.settings.iters = 5;
    assert_true(undo_back(&undo, &now));
    undo_remember(&undo, &now);
    now.settings.iters = 9;
    assert_false(undo_forward(&undo, &now));
    undo_free(&undo);
}

static void test_bounded(void **state)
{
    (void)state;
    struct undo undo = {0};
    struct edits now = {.settings = compress_settings_default};
    for (unsigned i = 0; i < UNDO_MAX + 50; i++) {
        undo_remember(&undo, &now);
        now.settings.iters = i + 1;
        edits_mute(&now, i, true);
    }
    unsigned steps = 0;
    while (undo_back(&undo, &now))
        steps++;
    assert_int_equal(steps, UNDO_MAX);
    assert_int_equal(now.settings.iters, 50);
    undo_free(&undo);
    edits_free(&now);
}

static void test_equality_ignores_trailing_unmuted(void **state)
{
    (void)state;
    struct edits a = {.settings = compress_settings_default}, b = edits_copy(&a);
    edits_mute(&a, 9, true);
    assert_false(edits_equal(&a, &b));
    edits_mute(&a, 9, false);
    assert_true(edits_equal(&a, &b));
    edits_mute(&b, 100, false);
    assert_int_equal(b.muted_count, 0);
    edits_free(&a);
    edits_free(&b);
}

static void test_tokens_and_layers(void **state)
{
    (void)state;
    struct edits now = {.settings = compress_settings_default};
    edits_set_token(&now, 9, 0);
    edits_set_token(&now, 3, 2);
    edits_set_token(&now, 5, 1); /* as learned: nothing to keep */
    now.layer_off[7] = true;
    assert_int_equal(now.token_count, 2);
    assert_int_equal(now.tokens[0].token, 3);
    assert_true(edits_token(&now, 9) <= 0 && edits_token(&now, 4) >= 1);
    assert_int_equal(edits_count(&now), 3);
    struct edits copy = edits_copy(&now);
    assert_true(edits_equal(&copy, &now));
    edits_set_token(&copy, 3, 1);
    assert_false(edits_same_method(&copy, &now));
    assert_true(edits_same_muted(&copy, &now));
    copy.settings.ablations = ABLATE_MASS;
    edits_drop(&copy);
    assert_int_equal(edits_count(&copy), 0);
    edits_free(&copy);
    edits_free(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_and_layers),
        cmocka_unit_test(test_back_and_forward),
        cmocka_unit_test(test_change_forgets_the_future),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_equality_ignores_trailing_unmuted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
