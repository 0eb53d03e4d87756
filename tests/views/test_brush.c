/* The weights of linked brushing on cases small enough to be computed by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "views/brush.h"

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-6)
        fail_msg("%.8f, expected %.8f", got, want);
}

/* "a bc" in two tokens, two slots, two layers:
 *   P = 0.4 0.1     b = 0.5, so S = R = 0.8 0.2     alpha = 0.25 0.75
 *       0.1 0.4                         0.2 0.8             0.50 0.50
 * and a second window of one token and one slot that holds all of it. */
static struct snapshot *make_snapshot(void)
{
    struct snapshot *s = snapshot_derive(NULL);
    struct snapshot_document *d = snapshot_document_new(3);
    d->text = xstrdup("abcd");
    d->size = 4;
    d->end[0] = d->start[1] = 1;
    d->end[1] = d->start[2] = 3;
    d->end[2] = 4;
    snapshot_set_document(s, d);
    snapshot_set_windows(s, 2, (const uint32_t[]){0, 2, 3});
    s->settings.window = 2;
    s->settings.slots_per_window = 2;
    s->facts.layers = 1;

    struct snapshot_window *w = snapshot_window_new(2, 2, 2, 0, false);
    memcpy(w->plan, (const float[]){0.4f, 0.1f, 0.1f, 0.4f}, 4 * sizeof(float));
    memcpy(w->gate, (const float[]){0.25f, 0.75f, 0.5f, 0.5f}, 4 * sizeof(float));
    memcpy(w->mass, (const float[]){0.5f, 0.5f}, 2 * sizeof(float));
    w->has_gate = w->has_plan = true;
    snapshot_set_window(s, 0, w);

    w = snapshot_window_new(1, 1, 2, 0, false);
    w->first = 2;
    w->plan[0] = w->mass[0] = 1;
    w->gate[0] = 1;
    w->has_gate = w->has_plan = true;
    snapshot_set_window(s, 1, w);
    return s;
}

static void add_answer(struct snapshot *s, enum answer_mode mode, const float *attention,
                       size_t sources)
{
    struct snapshot_answer *a = snapshot_answer_new();
    a->state = ANSWER_DONE;
    a->text = xstrdup("x");
    a->tokens = 1;
    a->start = xcalloc(2, sizeof *a->start);
    a->start[1] = 1;
    a->sources = sources;
    a->attention = xcalloc(sources, sizeof(float));
    memcpy(a->attention, attention, sources * sizeof(float));
    snapshot_set_answer(s, mode, a);
}

static void light(struct brush *b, const struct snapshot *s, struct source source,
                  enum unit unit)
{
    struct plan_ref shown = {s->window[0], s->window[0] ? s->window[0]->plan : NULL};
    brush_init(b, s, &source, unit, 0, shown);
}

static struct snapshot *with_answers(void)
{
    struct snapshot *s = make_snapshot();
    add_answer(s, ANSWER_COMPRESSED, (const float[]){0.3f, 0.6f, 0.1f}, 3);
    add_answer(s, ANSWER_FULL, (const float[]){0.7f, 0.1f, 0.2f}, 3);
    return s;
}

static void test_token(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_TOKEN, .token = 0}, UNIT_TOKEN);
    assert_near(brush_token(&b, 0), 0.8 * 0.8 + 0.2 * 0.2);
    assert_near(brush_token(&b, 1), 0.8 * 0.2 + 0.2 * 0.8);
    assert_near(brush_token(&b, 2), 0);
    assert_near(b.token_max, 0.68);
    assert_near(brush_layer(&b, 0), 0.25);
    assert_near(brush_layer(&b, 1), 0.75);
    assert_near(brush_slot(&b, 0, 0), 0.8);
    assert_near(brush_slot(&b, 0, 1), 0.2);
    assert_near(brush_slot(&b, 1, 0), 0);
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0.3 * 0.8 + 0.6 * 0.2);
    assert_near(brush_answer(&b, ANSWER_FULL, 0), 0.7);
    assert_near(brush_answer(&b, ANSWER_NONE, 0), 0);
    assert_near(brush_window(&b, 0), 1);
    assert_near(brush_window(&b, 1), 0);
    brush_free(&b);
    snapshot_release(s);
}

/* All four letters are one word; its part in the first window goes together. */
static void test_unit_adds_up(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_TOKEN, .token = 1}, UNIT_WORD);
    assert_int_equal(b.from, 0);
    assert_int_equal(b.to, 2);
    assert_near(brush_slot(&b, 0, 0), 0.5);
    assert_near(brush_token(&b, 0), 0.5 * 0.8 + 0.5 * 0.2);
    assert_near(brush_layer(&b, 0), 0.375);
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0.9);
    assert_near(brush_answer(&b, ANSWER_FULL, 0), 0.8);
    brush_free(&b);
    snapshot_release(s);
}

static void test_layer(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_LAYER, .layer = 0}, UNIT_TOKEN);
    assert_near(brush_token(&b, 1), 0.5);
    assert_near(brush_token(&b, 2), 1);
    assert_near(brush_slot(&b, 0, 0), 0.8 * 0.25 + 0.2 * 0.5);
    assert_near(brush_slot(&b, 0, 1), 0.2 * 0.25 + 0.8 * 0.5);
    assert_near(brush_slot(&b, 1, 0), 1);
    assert_near(brush_layer(&b, 0), 0.375); /* the window's mean */
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0.3 * 0.3 + 0.6 * 0.45 + 0.1 * 1);
    assert_near(brush_answer(&b, ANSWER_FULL, 0), 0);
    brush_free(&b);
    snapshot_release(s);
}

static void test_slot(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_SLOT, .window = 0, .slot = 1},
          UNIT_TOKEN);
    assert_near(brush_token(&b, 0), 0.2);
    assert_near(brush_token(&b, 1), 0.8);
    assert_near(b.token_max, 0.8);
    assert_near(brush_layer(&b, 0), 0.45);
    assert_near(brush_slot(&b, 0, 1), 1);
    assert_near(brush_slot(&b, 0, 0), 0);
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0.6);
    assert_near(brush_answer(&b, ANSWER_FULL, 0), 0);
    brush_free(&b);
    /* The same slot number of another window is another slot. */
    light(&b, s, (struct source){.kind = SOURCE_SLOT, .window = 1, .slot = 0},
          UNIT_TOKEN);
    assert_near(brush_token(&b, 2), 1);
    assert_near(brush_token(&b, 0), 0);
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0.1);
    brush_free(&b);
    snapshot_release(s);
}

static void test_compressed_answer(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_ANSWER, .answer = ANSWER_COMPRESSED},
          UNIT_TOKEN);
    assert_near(brush_token(&b, 0), 0.36);
    assert_near(brush_token(&b, 1), 0.3 * 0.2 + 0.6 * 0.8);
    assert_near(brush_token(&b, 2), 0.1);
    assert_near(b.token_max, 0.54);
    assert_near(brush_slot(&b, 0, 1), 0.6);
    assert_near(brush_slot(&b, 1, 0), 0.1);
    assert_near(brush_layer(&b, 0), 0.36 * 0.25 + 0.54 * 0.5 + 0.1 * 1);
    assert_near(brush_window(&b, 0), 0.9);
    assert_near(brush_window(&b, 1), 0.1);
    assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 1);
    float looked[3];
    brush_looked_at(s, looked);
    assert_near((double)looked[1], 0.54);
    brush_free(&b);
    snapshot_release(s);
}

static void test_full_answer(void **state)
{
    (void)state;
    struct snapshot *s = with_answers();
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_ANSWER, .answer = ANSWER_FULL},
          UNIT_TOKEN);
    assert_near(brush_token(&b, 0), 0.7);
    assert_near(brush_slot(&b, 0, 0), 0);
    assert_near(brush_layer(&b, 0), 0);
    assert_near(brush_window(&b, 1), 0.2);
    brush_free(&b);
    snapshot_release(s);
}

/* Attention on a range of slots that begins with slot 1 of the document. */
static void test_sources_of_a_range(void **state)
{
    (void)state;
    struct snapshot *s = make_snapshot();
    add_answer(s, ANSWER_COMPRESSED, (const float[]){0.75f, 0.25f}, 2);
    s->answer[ANSWER_COMPRESSED]->source_first = 1;
    assert_near(answer_slot_attention(s, 0, 0), 0);
    assert_near(answer_slot_attention(s, 0, 1), 0.75);
    assert_near(answer_slot_attention(s, 0, 2), 0.25);
    assert_near(answer_slot_attention(s, 0, 3), 0);
    assert_near(answer_slot_attention(s, 1, 1), 0);
    snapshot_release(s);
}

/* The plan of another iteration takes the place of the window's own. */
static void test_scrubbed_plan(void **state)
{
    (void)state;
    struct snapshot *s = make_snapshot();
    static const float early[] = {0.25f, 0.25f, 0.25f, 0.25f};
    struct source source = {.kind = SOURCE_TOKEN, .token = 0};
    struct brush b;
    brush_init(&b, s, &source, UNIT_TOKEN, 0, (struct plan_ref){s->window[0], early});
    assert_near(brush_slot(&b, 0, 0), 0.5);
    brush_free(&b);
    snapshot_release(s);
}

static void test_nothing_to_light(void **state)
{
    (void)state;
    static const struct source sources[] = {
        {.kind = SOURCE_NONE},
        {.kind = SOURCE_TOKEN, .token = 99},
        {.kind = SOURCE_SLOT, .window = 0, .slot = 2},
        {.kind = SOURCE_SLOT, .window = 7},
        {.kind = SOURCE_ANSWER, .answer = ANSWER_FULL},
        {.kind = SOURCE_LAYER, .layer = 9},
    };
    struct snapshot *s = make_snapshot();
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct brush b;
        light(&b, s, sources[i], UNIT_TOKEN);
        assert_near(brush_token(&b, 0), 0);
        assert_near(brush_slot(&b, 0, 0), 0);
        assert_near(brush_answer(&b, ANSWER_COMPRESSED, 0), 0);
        assert_near(brush_layer(&b, 9), 0);
        brush_free(&b);
    }
    snapshot_set_window(s, 0, NULL); /* unread */
    struct brush b;
    light(&b, s, (struct source){.kind = SOURCE_TOKEN, .token = 0}, UNIT_TOKEN);
    assert_near(brush_token(&b, 1), 0);
    assert_near(brush_layer(&b, 0), 0);
    assert_near(brush_slot(&b, 0, 1), 0);
    brush_free(&b);
    snapshot_release(s);
}

/* Unread windows are counted as the compressor would cut them. */
static void test_slot_counts(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_derive(NULL);
    snapshot_set_document(s, snapshot_document_new(498));
    snapshot_set_windows(s, 4, (const uint32_t[]){0, 114, 242, 370, 498});
    s->settings.window = 128;
    s->settings.slots_per_window = 32;
    assert_int_equal(window_slot_count(s, 0), 29);
    assert_int_equal(window_slot_first(s, 4), 125);
    /* Spans of 4, 3 and 3 positions. */
    s->settings.window = 10;
    s->settings.slots_per_window = 3;
    snapshot_set_windows(s, 1, (const uint32_t[]){0, 6});
    assert_int_equal(window_slot_count(s, 0), 2);
    snapshot_set_windows(s, 1, (const uint32_t[]){0, 7});
    assert_int_equal(window_slot_count(s, 0), 3);
    s->settings.align_head = true;
    assert_int_equal(window_slot_count(s, 0), 2);
    snapshot_release(s);
}

static void test_plan_numbers(void **state)
{
    (void)state;
    struct snapshot *s = make_snapshot();
    struct plan_ref p = {s->window[0], s->window[0]->plan};
    assert_near(plan_received(&p, 0), 1);
    assert_near(plan_token_share(&p, 1, 0), 0.2);
    assert_near(plan_spread(&p, 0), exp(-0.8 * log(0.8) - 0.2 * log(0.2)));
    assert_near(plan_slot_layer(&p, 1, 1), 0.2 * 0.75 + 0.8 * 0.5);
    snapshot_release(s);
}

static void test_rank_top(void **state)
{
    (void)state;
    static const double weight[] = {0.1, 0.5, 0.01, 0.3, 0.5};
    struct ranked top[3];
    assert_int_equal(rank_top(weight, 5, 0.05, top, 3), 3);
    assert_int_equal(top[0].index, 1); /* the first of equals */
    assert_int_equal(top[1].index, 4);
    assert_int_equal(top[2].index, 3);
    assert_int_equal(rank_top(weight, 5, 0.4, top, 3), 2);
    assert_int_equal(rank_top(weight, 5, 9, top, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_unit_adds_up),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_compressed_answer),
        cmocka_unit_test(test_full_answer),
        cmocka_unit_test(test_sources_of_a_range),
        cmocka_unit_test(test_scrubbed_plan),
        cmocka_unit_test(test_nothing_to_light),
        cmocka_unit_test(test_slot_counts),
        cmocka_unit_test(test_plan_numbers),
        cmocka_unit_test(test_rank_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
