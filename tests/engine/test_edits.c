/* Edits by hand change what they name and nothing else, and can be taken back bit by
 * bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/small_engine.h"

static double sum_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-5 * fmax(fabs(want), 1e-3)))
        fail_msg("%.9g is not %.9g", got, want);
}

/* A silent token sends nothing; the others keep their proportions, other windows stay. */
static void test_token_mass(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct snapshot *before = snapshot_retain(engine_snapshot(e));
    const struct snapshot_window *w = small_engine_window(e, 1);
    size_t quiet = w->first + 3, loud = w->first + 5;
    struct token_edit edits[] = {{quiet, 0}, {loud, 2}};
    small_engine_edit(e, &(struct engine_edits){.tokens = edits, .n_tokens = 2});
    const struct snapshot_window *now = small_engine_window(e, 1);
    assert_true(now->mass[3] <= 0);
    assert_near(sum_of(now->mass, now->tokens), 1);
    assert_near((double)(now->mass[5] / now->mass[7]), 2 * (double)(w->mass[5] / w->mass[7]));
    for (size_t j = 0; j < now->slots; j++)
        assert_true(now->plan[3 * now->slots + j] <= 0);
    assert_near(sum_of(now->plan, now->tokens * now->slots), 1);
    const struct snapshot_window *other = small_engine_window(e, 0);
    assert_memory_equal(other->plan, before->window[0]->plan,
                        other->tokens * other->slots * sizeof *other->plan);
    small_engine_edit(e, &(struct engine_edits){0});
    now = small_engine_window(e, 1);
    assert_memory_equal(now->plan, w->plan, w->tokens * w->slots * sizeof *w->plan);
    snapshot_release(before);
    engine_close(e);
}

static void test_silent_window_is_refused(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    const struct snapshot_window *w = small_engine_window(e, 0);
    struct token_edit *edits = xcalloc(w->tokens, sizeof *edits);
    for (size_t t = 0; t < w->tokens; t++)
        edits[t] = (struct token_edit){w->first + t, 0};
    struct compress_settings settings;
    size_t segment;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    engine_set_edits(e, &(struct engine_edits){.tokens = edits, .n_tokens = w->tokens});
    assert_false(engine_set_settings(e, &settings, segment, 0, NULL, &err));
    assert_string_equal(err.text, "no token of window 1 may send anything any more");
    free(edits);
    engine_close(e);
}

/* A slot that left the plan receives nothing, the others of its window all the same and all
 * there is; the potentials of every iteration give that plan back. */
static void test_slot_off(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct snapshot *before = snapshot_retain(engine_snapshot(e));
    const struct snapshot_window *was = small_engine_window(e, 1);
    size_t first = small_engine_window(e, 0)->slots, k = was->slots, n = first + 3;
    bool *off = xcalloc(n, sizeof *off);
    off[first + 2] = true;
    small_engine_edit(e, &(struct engine_edits){.slot_off = off, .n_slots = n});
    const struct snapshot_window *now = small_engine_window(e, 1);
    assert_near((double)now->capacity, 1.0 / (double)(k - 1));
    for (size_t j = 0; j < k; j++) {
        double received = 0, again = 0;
        for (size_t t = 0; t < now->tokens; t++) {
            float f = now->f[now->iters * now->tokens + t], g = now->g[now->iters * k + j];
            received += (double)now->plan[t * k + j];
            again += exp((double)f + (double)g - (double)now->cost[t * k + j] / now->eps);
        }
        assert_near(received, j == 2 ? 0 : 1.0 / (double)(k - 1));
        assert_near(again, received);
    }
    assert_memory_equal(small_engine_window(e, 0)->plan, before->window[0]->plan,
                        before->window[0]->tokens * first * sizeof(float));
    small_engine_edit(e, &(struct engine_edits){0});
    assert_memory_equal(small_engine_window(e, 1)->plan, was->plan,
                        was->tokens * k * sizeof *was->plan);
    free(off);
    snapshot_release(before);
    engine_close(e);
}

static void test_no_slot_left_is_refused(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    size_t n = small_engine_window(e, 0)->slots, segment;
    bool *off = xcalloc(n, sizeof *off);
    memset(off, 1, n);
    struct compress_settings settings;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    engine_set_edits(e, &(struct engine_edits){.slot_off = off, .n_slots = n});
    assert_false(engine_set_settings(e, &settings, segment, 0, NULL, &err));
    assert_string_equal(err.text, "no slot of window 1 may receive anything any more");
    free(off);
    engine_close(e);
}

/* Another seed is another order of the home spans, and the same seed the same one. */
static void test_order_seed(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct compress_settings settings;
    size_t segment, bytes;
    struct snapshot *made[3];
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    settings.ablations = ABLATE_ORDER;
    for (int i = 0; i < 3; i++) {
        settings.order_seed = i == 1 ? 7 : 0;
        assert_true(engine_set_settings(e, &settings, segment, 0, NULL, &err));
        small_engine_read(e);
        made[i] = snapshot_retain(engine_snapshot(e));
    }
    const struct snapshot_window *w = made[0]->window[1];
    bytes = w->tokens * w->slots * sizeof *w->plan;
    assert_memory_not_equal(made[1]->window[1]->plan, w->plan, bytes);
    assert_memory_equal(made[2]->window[1]->plan, w->plan, bytes);
    for (int i = 0; i < 3; i++)
        snapshot_release(made[i]);
    engine_close(e);
}

/* A shut layer has gate 0, and the others keep their proportions. */
static void test_layer(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct snapshot *before = snapshot_retain(engine_snapshot(e));
    bool off[] = {false, true};
    small_engine_edit(e, &(struct engine_edits){.layer_off = off, .n_layers = 2});
    const struct snapshot_window *w = before->window[0], *now = small_engine_window(e, 0);
    size_t M = w->layers, different = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        const float *was = w->gate + t * M, *is = now->gate + t * M;
        assert_true(is[1] <= 0);
        assert_near(sum_of(is, M), 1);
        if (was[0] > 1e-3f && was[2] > 1e-3f)
            assert_near((double)(is[0] / is[2]), (double)(was[0] / was[2]));
        different += now->mass[t] < w->mass[t] || now->mass[t] > w->mass[t];
    }
    assert_true(different > 0); /* anchors have changed, and all behind them */
    small_engine_edit(e, &(struct engine_edits){0});
    now = small_engine_window(e, 0);
    assert_memory_equal(now->gate, w->gate, w->tokens * M * sizeof *w->gate);
    assert_memory_equal(now->plan, w->plan, w->tokens * w->slots * sizeof *w->plan);
    snapshot_release(before);
    engine_close(e);
}

/* One layer alone: every token is taken from it. */
static void test_only_layer(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    size_t M = small_engine_window(e, 0)->layers;
    bool *off = xcalloc(M, sizeof *off);
    for (size_t l = 0; l < M; l++)
        off[l] = l != 1;
    small_engine_edit(e, &(struct engine_edits){.layer_off = off, .n_layers = M});
    const struct snapshot_window *now = small_engine_window(e, 0);
    for (size_t t = 0; t < now->tokens; t++)
        assert_near((double)now->gate[t * M + 1], 1);
    free(off);
    engine_close(e);
}

/* Another document begins without edits. */
static void test_edits_end_with_the_document(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct token_edit edit = {2, 0};
    struct err err = {0};
    small_engine_edit(e, &(struct engine_edits){.tokens = &edit, .n_tokens = 1});
    assert_true(small_engine_window(e, 0)->mass[2] <= 0);
    assert_true(engine_set_document(e, small_engine_text, strlen(small_engine_text), "again",
                                    &err));
    small_engine_read(e);
    assert_true(small_engine_window(e, 0)->mass[2] > 0);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_mass),
        cmocka_unit_test(test_silent_window_is_refused),
        cmocka_unit_test(test_slot_off),
        cmocka_unit_test(test_no_slot_left_is_refused),
        cmocka_unit_test(test_order_seed),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_only_layer),
        cmocka_unit_test(test_edits_end_with_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
