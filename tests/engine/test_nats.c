/* What tokens cost: the loss map against losses of whole sequences, the control with
 * another text, and continuations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/small_engine.h"

static void assert_nats(double got, double want)
{
    if (!(fabs(got - want) <= 2e-3 * fmax(1, fabs(want))))
        fail_msg("%.9g nats, not %.9g", got, want);
}

/* The full side is the loss of the text read at once. */
static void test_full_side(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    const struct snapshot_document *d = engine_snapshot(e)->document;
    real *want = xcalloc(d->tokens, sizeof *want);
    assert_true(engine_loss(e, SIZE_MAX, NULL, &err));
    assert_true(engine_score(e, d->ids, d->tokens, want, NULL, &err));
    const struct snapshot_loss *l = engine_snapshot(e)->loss;
    assert_int_equal(l->tokens, d->tokens);
    assert_true(isnan(l->full[0]));
    for (size_t t = 1; t < d->tokens; t++)
        assert_nats((double)l->full[t], (double)want[t - 1]);
    free(want);
    engine_close(e);
}

/* The compressed side is the loss of a window behind the slots of those before it. */
static void test_compressed_side(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    assert_true(engine_loss(e, SIZE_MAX, NULL, &err));
    const struct snapshot *s = engine_snapshot(e);
    assert_true(s->windows >= 3);
    for (size_t t = 0; t < s->window_first[1]; t++)
        assert_true(isnan(s->loss->compressed[t]));
    for (size_t w = 1; w < 3; w++) {
        size_t first = s->window_first[w], n = s->window_first[w + 1] - first;
        real *want = xcalloc(n, sizeof *want);
        assert_true(engine_score_given(e, ANSWER_COMPRESSED, s->document->ids, first,
                                       s->document->ids + first, n, want, NULL, &err));
        for (size_t t = 0; t < n; t++)
            assert_nats((double)s->loss->compressed[first + t], (double)want[t]);
        free(want);
    }
    engine_close(e);
}

/* Other slots, other losses: new settings forget the map. */
static void test_settings_forget_the_loss(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    assert_true(engine_loss(e, 1, NULL, &err));
    assert_non_null(engine_snapshot(e)->loss);
    small_engine_edit(e, &(struct engine_edits){0});
    assert_null(engine_snapshot(e)->loss);
    engine_close(e);
}

static void test_control(void **state)
{
    (void)state;
    static const char other[] = "The observatory on the hill has two domes and a library of "
                                "star charts. Its clock is wound every Monday by the keeper.";
    struct engine *e = small_engine_open();
    struct err err = {0};
    struct ask_options options = {.max_tokens = 4, .gold = "peat from the moor"};
    assert_false(engine_control(e, &options, other, strlen(other), "other", NULL, &err));
    assert_string_equal(err.text, "the control wants a question: a asks one");
    assert_true(engine_ask(e, "What heated the pans?", ANSWER_NONE, &options, NULL, &err));
    assert_true(engine_control(e, &options, other, strlen(other), "other", NULL, &err));
    const struct snapshot_control *c = &engine_snapshot(e)->control;
    assert_true(c->tokens > 0);
    assert_string_equal(c->reference, "peat from the moor");
    assert_string_equal(c->other, "other");
    const double nats[] = {c->full, c->compressed, c->wrong, c->none};
    for (size_t i = 0; i < 4; i++)
        assert_true(nats[i] > 0 && isfinite(nats[i]));
    assert_true(fabs(c->wrong - c->compressed) > 1e-6);
    /* The same text in its place makes no difference. */
    struct snapshot_control first = *c;
    assert_true(engine_control(e, &options, small_engine_text, strlen(small_engine_text), "same",
                               NULL, &err));
    c = &engine_snapshot(e)->control;
    assert_nats(c->wrong, first.compressed);
    assert_nats(c->compressed, first.compressed);
    engine_close(e);
}

/* Goes on behind the range, and does not stop at a line end. */
static void test_continuation(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    struct ask_options options = {.max_tokens = 12, .continuation = true, .to = 128};
    for (enum answer_mode mode = 0; mode < ANSWER_NONE; mode++) {
        if (!engine_ask(e, "(continue)", mode, &options, NULL, &err))
            fail_msg("%s", err.text);
        const struct snapshot_answer *a = engine_snapshot(e)->answer[mode];
        assert_int_equal(a->state, ANSWER_DONE);
        assert_true(a->tokens > 0);
    }
    assert_int_equal(engine_snapshot(e)->answer[ANSWER_FULL]->context_positions, 128);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_side),   cmocka_unit_test(test_compressed_side),
        cmocka_unit_test(test_settings_forget_the_loss), cmocka_unit_test(test_control),
        cmocka_unit_test(test_continuation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
