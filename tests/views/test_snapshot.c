/* Sharing, windows and plans of snapshots. AddressSanitizer's leak check is half
 * of these tests: every reference taken is given back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/snapshot.h"

static struct snapshot *with_document(size_t tokens)
{
    struct snapshot *s = snapshot_derive(NULL);
    struct snapshot_document *d = snapshot_document_new(tokens);
    d->name = xstrdup("a.txt");
    d->text = xstrdup("text");
    d->special[0] = xstrdup("<s>");
    snapshot_set_document(s, d);
    return s;
}

static void test_derive_shares_parts(void **state)
{
    (void)state;
    struct snapshot *a = with_document(3);
    snapshot_set_windows(a, 2, (const uint32_t[]){0, 1, 3});
    snapshot_set_window(a, 1, snapshot_window_new(2, 1, 4, 5, true));
    snapshot_set_answer(a, ANSWER_FULL, snapshot_answer_new());
    a->question = xstrdup("When?");
    a->minimap_mass = xcalloc(3, sizeof(float));
    a->minimap_mass[2] = 1.5f;

    struct snapshot *b = snapshot_derive(a);
    assert_int_equal(b->version, a->version + 1);
    assert_ptr_equal(b->document, a->document);
    assert_ptr_equal(b->window[1], a->window[1]);
    assert_ptr_equal(b->answer[ANSWER_FULL], a->answer[ANSWER_FULL]);
    assert_null(b->window[0]);
    assert_int_equal(b->window_first[2], 3);
    assert_string_equal(b->question, "When?");
    assert_ptr_not_equal(b->question, a->question);
    assert_true(b->minimap_mass[2] == 1.5f);

    snapshot_set_window(b, 1, snapshot_window_new(2, 2, 4, 0, false));
    assert_int_equal(a->window[1]->slots, 1);
    snapshot_release(a);
    assert_int_equal(b->window[1]->slots, 2);
    assert_string_equal(b->document->name, "a.txt");
    snapshot_release(b);
}

static void test_new_document_drops_windows(void **state)
{
    (void)state;
    struct snapshot *s = with_document(4);
    snapshot_set_windows(s, 1, (const uint32_t[]){0, 4});
    s->minimap_mass = xcalloc(4, sizeof(float));
    snapshot_set_document(s, snapshot_document_new(1));
    assert_int_equal(s->windows, 0);
    assert_null(s->window);
    assert_null(s->minimap_mass);
    snapshot_release(s);
}

static void test_null_is_accepted(void **state)
{
    (void)state;
    assert_null(snapshot_retain(NULL));
    assert_null(snapshot_document_retain(NULL));
    assert_null(snapshot_window_retain(NULL));
    assert_null(snapshot_answer_retain(NULL));
    snapshot_release(NULL);
    snapshot_document_release(NULL);
    snapshot_window_release(NULL);
    snapshot_answer_release(NULL);
}

static void test_window_of(void **state)
{
    (void)state;
    struct snapshot *s = with_document(498);
    const uint32_t first[] = {0, 114, 242, 370, 498};
    snapshot_set_windows(s, 4, first);
    for (size_t w = 0; w < 4; w++) {
        assert_int_equal(snapshot_window_of(s, first[w]), w);
        assert_int_equal(snapshot_window_of(s, first[w + 1] - 1), w);
    }
    snapshot_release(s);
}

/* One token, two slots: by hand. */
static void test_plan_at(void **state)
{
    (void)state;
    struct snapshot_window *w = snapshot_window_new(1, 2, 1, 2, true);
    float plan[2];
    w->has_plan = true;
    w->eps = 0.5;
    w->cost[0] = 0.25f;
    w->cost[1] = 0.75f;
    assert_true(snapshot_window_plan_at(w, 0, plan));
    double ratio = exp(-1.0);
    assert_true(fabs((double)plan[0] - 1 / (1 + ratio)) < 1e-6);
    assert_true(fabs((double)plan[1] - ratio / (1 + ratio)) < 1e-6);

    w->f[2] = -0.5f;
    w->g[2 * 2 + 1] = 2.0f;
    assert_true(snapshot_window_plan_at(w, 2, plan));
    assert_true(fabs((double)plan[0] - exp(-1.0)) < 1e-6);
    assert_true(fabs((double)plan[1] - exp(0.0)) < 1e-6);
    assert_false(snapshot_window_plan_at(w, 3, plan));
    snapshot_window_release(w);
}

/* The smallest eps that can be chosen: nothing may vanish altogether. */
static void test_plan_at_small_eps(void **state)
{
    (void)state;
    struct snapshot_window *w = snapshot_window_new(2, 1, 1, 0, true);
    float plan[2];
    w->has_plan = true;
    w->eps = 0.005;
    w->cost[0] = w->cost[1] = 1.9f;
    assert_true(snapshot_window_plan_at(w, 0, plan));
    assert_true(plan[0] == 0.5f && plan[1] == 0.5f);
    snapshot_window_release(w);
}

static void test_plan_at_needs_history(void **state)
{
    (void)state;
    struct snapshot_window *w = snapshot_window_new(1, 1, 1, 3, false);
    float plan[1];
    w->has_plan = true;
    w->eps = 0.1;
    assert_false(snapshot_window_plan_at(w, 0, plan));
    snapshot_window_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derive_shares_parts),
        cmocka_unit_test(test_new_document_drops_windows),
        cmocka_unit_test(test_null_is_accepted),
        cmocka_unit_test(test_window_of),
        cmocka_unit_test(test_plan_at),
        cmocka_unit_test(test_plan_at_small_eps),
        cmocka_unit_test(test_plan_at_needs_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
