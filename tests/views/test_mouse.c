/* The mouse: what is under each place of the screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sample_snapshot.h"
#include "tests/support/sample_view.h"
#include "views/view_state.h"

/* Where the terminal's cursor is drawn, there the mouse finds what is under it. */
static struct view_hit hit_cursor(const struct snapshot *s, struct view_state *v)
{
    struct canvas canvas;
    view_follow_cursor(s, v);
    canvas_init(&canvas, v->rows, v->columns);
    view_draw(s, v, &canvas);
    if (canvas.cursor_row < 0)
        fail_msg("no cursor: %dx%d pane %s token %zu", v->columns, v->rows,
                 pane_name[v->focus], v->token);
    struct view_hit hit = view_hit_test(s, v, canvas.cursor_row, canvas.cursor_column);
    canvas_free(&canvas);
    return hit;
}

static const int sizes[][2] = {{36, 120}, {24, 80}, {50, 176}, {12, 40}, {30, 112}};

static void test_hit_document(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    for (size_t k = 0; k < 5; k++) {
        struct view_state v =
            sample_view(sizes[k][0], sizes[k][1], PANE_DOCUMENT, SOURCE_TOKEN);
        for (size_t t = 0; t < 498; t += 3) {
            v.token = (t * 131) % 498; /* jumps and steps */
            struct view_hit hit = hit_cursor(s, &v);
            assert_int_equal(hit.kind, HIT_TOKEN);
            assert_int_equal(hit.pane, PANE_DOCUMENT);
            if (hit.token != v.token)
                fail_msg("hit token %zu, cursor on %zu", hit.token, v.token);
        }
    }
    snapshot_release(s);
}

static void test_hit_plan_and_gates(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    for (size_t k = 0; k < 5; k++)
        for (int zoom = -2; zoom < 4; zoom++) { /* -2, 3: tokens down */
            struct view_state v =
                sample_view(sizes[k][0], sizes[k][1], PANE_PLAN, SOURCE_SLOT);
            v.zoomed = zoom >= 0;
            v.zoom_level = zoom == 3 ? 0 : zoom > 0 ? zoom : 0;
            v.turned = zoom == 3 || zoom == -2;
            for (size_t t = 114; t < 242; t += 9) {
                v.token = t;
                v.slot = t % 32;
                struct view_hit hit = hit_cursor(s, &v);
                assert_int_equal(hit.kind, HIT_PLAN);
                assert_true(hit.token <= t && t - hit.token < 8);
                assert_true(hit.slot <= v.slot && v.slot - hit.slot < 8);
                if (zoom > 0 || v.turned)
                    assert_true(hit.token == t && hit.slot == v.slot);
            }
            v.turned = false;
            v.focus = PANE_GATES;
            for (size_t t = 114; t < 242; t += 9) {
                v.token = t;
                v.layer = t % 31;
                struct view_hit hit = hit_cursor(s, &v);
                assert_int_equal(hit.kind, HIT_GATE);
                assert_true(hit.layer <= v.layer && v.layer - hit.layer < 12);
                if (v.zoomed && v.zoom_level > 0)
                    assert_true(hit.token == t && hit.layer == v.layer);
            }
        }
    snapshot_release(s);
}

static void test_hit_answers(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    for (size_t k = 0; k < 5; k++)
        for (int mode = 0; mode < ANSWER_MODES; mode++)
            for (size_t i = 0; i < s->answer[mode]->tokens; i++) {
                struct view_state v =
                    sample_view(sizes[k][0], sizes[k][1], PANE_ANSWERS, SOURCE_ANSWER);
                v.answer = (enum answer_mode)mode;
                v.answer_token = i;
                struct view_hit hit = hit_cursor(s, &v);
                assert_int_equal(hit.kind, HIT_ANSWER);
                assert_int_equal(hit.answer, mode);
                assert_int_equal(hit.answer_token, i);
            }
    snapshot_release(s);
}

static void test_hit_the_rest(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN);
    struct view_hit hit = view_hit_test(s, &v, 0, 27);
    assert_int_equal(hit.kind, HIT_SCREEN);
    assert_int_equal(hit.screen, SCREEN_COMPARE);
    assert_int_equal(view_hit_test(s, &v, 0, 100).kind, HIT_NOTHING);
    hit = view_hit_test(s, &v, 14, 43);
    assert_int_equal(hit.kind, HIT_MINIMAP);
    assert_true(hit.token > 220 && hit.token < 260);
    hit = view_hit_test(s, &v, 1, 60);
    assert_int_equal(hit.kind, HIT_PANE);
    assert_int_equal(hit.pane, PANE_GATES);
    hit = view_hit_test(s, &v, 26, 50); /* the axis */
    assert_int_equal(hit.kind, HIT_TOKEN);
    assert_int_equal(hit.token, 114);
    v.strip_open = true;
    int found = 0, last = -1;
    for (int x = 0; x < 120; x++) {
        hit = view_hit_test(s, &v, 7, x);
        assert_int_not_equal(view_hit_test(s, &v, 8, x).kind, HIT_STRIP);
        if (hit.kind != HIT_STRIP)
            continue;
        if (!found++)
            assert_int_equal(hit.iteration, 0);
        assert_true(hit.iteration > last);
        last = hit.iteration;
    }
    assert_true(found >= 6);
    assert_int_equal(last, 30);
    v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    assert_int_equal(view_hit_test(s, &v, 1, 16).pane, PANE_GATES);
    assert_int_equal(view_hit_test(s, &v, 1, 30).pane, PANE_ANSWERS);
    assert_int_equal(view_hit_test(s, &v, -1, 500).kind, HIT_NOTHING);
    snapshot_release(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hit_document),
        cmocka_unit_test(test_hit_plan_and_gates),
        cmocka_unit_test(test_hit_answers),
        cmocka_unit_test(test_hit_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
