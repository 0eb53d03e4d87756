/* What surrounds the drawing: labels, scrolling, health, and the time that a frame takes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/sample_view.h"
#include "views/brush.h"
#include "views/health.h"
#include "views/view_state.h"

/* ---- what is drawn ------------------------------------------------------------ */

static char *drawn(const struct snapshot *s, const struct view_state *v)
{
    struct canvas canvas;
    canvas_init(&canvas, v->rows, v->columns);
    view_draw(s, v, &canvas);
    char *text = canvas_dump(&canvas, false);
    canvas_free(&canvas);
    return text;
}

/* As long as the full context is not read, nothing is told of its size. */
static void test_unread_answers_have_no_numbers(void **state)
{
    (void)state;
    static const int size[][2] = {{36, 120}, {24, 80}};
    struct snapshot *s = sample_snapshot();
    struct snapshot_answer *full = s->answer[ANSWER_FULL];
    full->state = ANSWER_PREPARING;
    full->context_positions = full->kv_bytes = 0;
    full->first_token_ms = 0;
    for (size_t i = 0; i < 2; i++) {
        struct view_state v = sample_view(size[i][0], size[i][1], PANE_DOCUMENT, SOURCE_TOKEN);
        char *text = drawn(s, &v);
        assert_null(strstr(text, "0.0 MiB"));
        assert_non_null(strstr(text, "reading"));
        assert_non_null(strstr(text, "125 slots"));
        free(text);
    }
    snapshot_release(s);
}

/* Gates are there before slots are. */
static void test_compare_before_the_plan(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    size_t tokens = s->window_first[1];
    struct view_state v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN);
    v.screen = SCREEN_COMPARE;
    v.pinned = s;
    snapshot_set_window(s, 0, snapshot_window_new(tokens, 0, s->facts.layers + 1, 0, false));
    char *text = drawn(s, &v);
    assert_non_null(strstr(text, "Compare"));
    free(text);
    snapshot_release(s);
}

/* The bars of entropy have their own scale: labels of layers would lie. */
static void test_entropy_has_its_scale(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_GATES, SOURCE_TOKEN);
    v.value[PANE_GATES] = VALUE_ENTROPY;
    char *text = drawn(s, &v), status[512];
    assert_non_null(strstr(text, "\u2502 5.0\u2502"));
    assert_non_null(strstr(text, "\u2502   0\u2502"));
    assert_null(strstr(text, "L30\u2502"));
    assert_non_null(strstr(text, "Layer gates: entropy in bits"));
    free(text);
    view_status_text(s, &v, status, sizeof status);
    assert_non_null(strstr(status, "gate entropy "));
    snapshot_release(s);
}

/* ---- cursor and labels ------------------------------------------------------- */

static void test_what_is_over_the_limit_does_not_look_like_it(void **state)
{
    (void)state;
    char text[16];
    assert_string_equal(plan_off_text(0.0021, text), "2e-03");
    assert_string_equal(plan_off_text(0.0099, text), "1e-02");
    assert_string_equal(plan_off_text(0.01001, text), "1.0e-02");
    assert_string_equal(plan_off_text(0.0123, text), "1.2e-02");
    assert_string_equal(plan_off_text(0.08, text), "8e-02");
}

/* A blank is a token like others: the cursor is seen on it, and the sentence names it. */
static void test_cursor_on_a_blank_of_an_answer(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_ANSWERS, SOURCE_ANSWER);
    struct snapshot_answer *kept = s->answer[ANSWER_COMPRESSED], blank = *kept;
    uint32_t start[] = {0, 7, 8, 9};
    char said[] = "October 1";
    blank.text = said;
    blank.start = start;
    blank.tokens = 3;
    s->answer[ANSWER_COMPRESSED] = &blank;
    v.answer = ANSWER_COMPRESSED;
    v.answer_token = 1;
    struct canvas canvas;
    canvas_init(&canvas, v.rows, v.columns);
    view_draw(s, &v, &canvas);
    struct canvas_cell *cell = canvas_at(&canvas, canvas.cursor_row, canvas.cursor_column);
    assert_int_equal(cell->codepoint, ' ');
    assert_int_equal(cell->role, ROLE_CURSOR);
    assert_int_equal(cell[-1].codepoint, 'r');
    assert_int_equal(cell[1].codepoint, '1');
    char text[512];
    view_status_text(s, &v, text, sizeof text);
    assert_ptr_equal(strstr(text, "compressed answer 1 \" \""), text);
    canvas_free(&canvas);
    s->answer[ANSWER_COMPRESSED] = kept;
    snapshot_release(s);
}

/* Ticks of a lit slot's tokens do not go into the cursor's label. */
static void test_label_of_the_axis_is_whole(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_PLAN, SOURCE_SLOT);
    v.brush_min = 0;
    for (v.token = 160; v.token < 168; v.token++) {
        char label[24], *screen = drawn(s, &v);
        snprintf(label, sizeof label, "^%zu ", v.token);
        assert_non_null(strstr(screen, label));
        free(screen);
    }
    snapshot_release(s);
}

/* A slot at the end of an answer says what it is there for, however little room there is. */
static void test_slots_of_an_answer_are_named(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct snapshot_answer *kept = s->answer[ANSWER_COMPRESSED], other = *kept;
    char said[] = "a", full[] = "briquettes and a bit more of it";
    struct snapshot_answer *kept_full = s->answer[ANSWER_FULL], full_answer = *kept_full;
    uint32_t start[] = {0, 1}, full_start[] = {0, sizeof full - 1};
    other.text = said;
    other.start = start;
    other.tokens = 1;
    full_answer.text = full;
    full_answer.start = full_start;
    full_answer.tokens = 1;
    s->answer[ANSWER_COMPRESSED] = &other;
    s->answer[ANSWER_FULL] = &full_answer;
    for (int columns = 112; columns < 180; columns++) {
        struct view_state v = sample_view(36, columns, PANE_DOCUMENT, SOURCE_TOKEN);
        v.token = 0; /* window 1: slots of others are named with theirs */
        char *screen = drawn(s, &v), *line = strstr(screen, "missing: ");
        assert_non_null(line);
        *strchr(line, '\n') = '\0';
        assert_true(strstr(line, "looked at:") || !strstr(line, "w2:"));
        free(screen);
    }
    s->answer[ANSWER_COMPRESSED] = kept;
    s->answer[ANSWER_FULL] = kept_full;
    snapshot_release(s);
}

/* ---- scrolling -------------------------------------------------------------- */

/* Down through the whole document and up again: every step moves, and no token that
 * is reached stands still. */
static void test_lines_up_and_down(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    size_t token = 0, steps = 0;
    for (size_t next; (next = view_document_line(s, &v, token, 1)) != token;
         token = next, steps++)
        assert_true(next > token);
    assert_true(token > 480 && steps > 25);
    for (size_t next; (next = view_document_line(s, &v, token, -1)) != token;
         token = next, steps--)
        assert_true(next < token);
    assert_true(token < 17);
    assert_int_equal(steps, 0);
    assert_int_equal(view_document_line(s, &v, 165, 0), 165);
    assert_true(view_document_line(s, &v, 165, 1000) > 480);
    assert_true(view_document_line(s, &v, 165, -1000) < 17);
    snapshot_release(s);
}

/* A newline token of two newlines has a line of its own that owns no token. */
static void test_lines_without_tokens(void **state)
{
    (void)state;
    struct snapshot *s = sample_tokens("one two\n\nthree", "cdbe");
    struct view_state v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    size_t down = view_document_line(s, &v, 1, 1);
    assert_int_equal(down, 3);
    assert_true(view_document_line(s, &v, 3, -1) < 3);
    snapshot_release(s);
}

/* A step out of the pane scrolls by one line. */
static void test_scrolls_by_lines(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    v.token = 0;
    view_follow_cursor(s, &v);
    assert_int_equal(v.document_top, 0);
    for (int i = 0; i < 13; i++)
        v.token = view_document_line(s, &v, v.token, 1);
    view_follow_cursor(s, &v);
    assert_int_equal(v.document_top, 0);
    v.token = view_document_line(s, &v, v.token, 1);
    view_follow_cursor(s, &v);
    assert_int_equal(v.document_top, view_document_line(s, &v, 0, 1));
    snapshot_release(s);
}

/* A jump forward leaves text to read below the cursor, though it is not far. */
static void test_a_jump_leaves_text_below(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    v.token = 0;
    view_follow_cursor(s, &v);
    v.token = s->window_first[3];
    view_follow_cursor(s, &v);
    size_t line = v.document_top;
    for (int i = 0; i < 4; i++)
        line = view_document_line(s, &v, line, 1);
    assert_true(line <= v.token && v.token < view_document_line(s, &v, line, 1));
    snapshot_release(s);
}

static void test_list_follows_choice(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(24, 80, PANE_DOCUMENT, SOURCE_TOKEN);
    struct list_entry entries[60];
    char labels[60][24], detail[] = "";
    for (int i = 0; i < 60; i++) {
        snprintf(labels[i], sizeof labels[i], "file%d", i);
        entries[i] = (struct list_entry){.label = labels[i], .detail = detail};
    }
    v.overlay = OVERLAY_DIALOG;
    v.entries = entries;
    v.n_entries = 60;
    for (size_t at = 0; at < 60; at += 7) {
        v.overlay_at = at;
        view_follow_cursor(s, &v);
        assert_true(v.overlay_top <= at && at < v.overlay_top + 19);
    }
    v.overlay_at = 3;
    view_follow_cursor(s, &v);
    assert_int_equal(v.overlay_top, 3);
    snprintf(v.filter, sizeof v.filter, "FILE5");
    v.overlay_at = 55;
    view_follow_cursor(s, &v);
    assert_int_equal(v.overlay_top, 0);
    snapshot_release(s);
}

static void test_entries_match(void **state)
{
    (void)state;
    char label[] = "Space", detail[] = "lock what lights up", none[] = "";
    struct list_entry entry = {.label = label, .detail = detail};
    struct list_entry heading = {.label = none, .detail = detail};
    struct list_entry plain = {label, detail, false, ENTRY_PLAIN};
    struct list_entry found = {label, detail, false, ENTRY_FOUND};
    assert_true(view_entry_matches(&plain, "") && !view_entry_matches(&plain, "lock"));
    assert_true(view_entry_matches(&found, "lock") && !view_entry_matches(&found, ""));
    assert_true(view_entry_matches(&entry, ""));
    assert_true(view_entry_matches(&entry, "SPACE"));
    assert_true(view_entry_matches(&entry, "lights"));
    assert_false(view_entry_matches(&entry, "unlock"));
    assert_true(view_entry_matches(&heading, ""));
    assert_false(view_entry_matches(&heading, "lock"));
}

/* ---- health ----------------------------------------------------------------- */

static const struct health_line *line_named(const struct health_line *lines, size_t n,
                                            const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(lines[i].name, name) == 0)
            return &lines[i];
    fail_msg("no line %s", name);
    return NULL;
}

static void test_health(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_PLAN, SOURCE_SLOT);
    struct health_line lines[HEALTH_LINES];
    size_t n = health_compute(s, &v, lines);
    assert_int_equal(n, HEALTH_LINES);
    assert_true(line_named(lines, n, "twin slots")->ok);
    assert_true(line_named(lines, n, "senders off")->ok);
    assert_string_equal(line_named(lines, n, "layers never used")->value, "0 of 31");
    s->window[1]->twin[4] = 0.99f;
    s->window[1]->mass[7] = 0;
    n = health_compute(s, &v, lines);
    const struct health_line *twin = line_named(lines, n, "twin slots");
    assert_false(twin->ok);
    assert_string_equal(twin->value, "1 of 32");
    assert_int_equal(twin->worst.kind, SOURCE_SLOT);
    assert_int_equal(twin->worst.window, 1);
    assert_int_equal(twin->worst.slot, 4);
    assert_string_equal(line_named(lines, n, "tokens at the mass floor")->value,
                        "1 (1%)");
    assert_int_equal(line_named(lines, n, "tokens at the mass floor")->worst.token, 121);
    v.has_range = true; /* all windows */
    v.range_from = 0;
    v.range_to = 497;
    n = health_compute(s, &v, lines);
    assert_string_equal(line_named(lines, n, "twin slots")->value, "1 of 125");
    snapshot_release(s);
    s = sample_document("unread", 6);
    assert_int_equal(health_compute(s, &v, lines), 0);
    snapshot_release(s);
}

/* ---- time ------------------------------------------------------------------- */

/* Processor time: others may have the machine. */
static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* The best of several frames: what the drawing costs when nothing else runs. */
static double best_frame_ms(const struct snapshot *s, struct view_state *v,
                            struct canvas *canvas)
{
    double best = 1e9;
    for (int i = 0; i < 7; i++) {
        double start = now_ms();
        view_follow_cursor(s, v);
        view_draw(s, v, canvas);
        best = fmin(best, now_ms() - start);
    }
    return best;
}

/* 100,000 tokens at 200x60, followed and drawn, everywhere in the text. */
static void test_speed(void **state)
{
    (void)state;
    struct snapshot *s = sample_long(100000);
    struct canvas canvas;
    canvas_init(&canvas, 60, 200);
    double worst = 0;
    for (int pane = 0; pane < PANE_COUNT; pane++)
        for (size_t token = 0; token < 100000; token += 33333) {
            struct view_state v = sample_view(60, 200, (enum pane)pane, SOURCE_TOKEN);
            v.display = (struct display){DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false};
            v.token = token;
            worst = fmax(worst, best_frame_ms(s, &v, &canvas));
        }
    print_message("100,000 tokens, 200x60: %.2f ms a frame\n", worst);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(worst < 10);
#endif
    canvas_free(&canvas);
    snapshot_release(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unread_answers_have_no_numbers),
        cmocka_unit_test(test_compare_before_the_plan),
        cmocka_unit_test(test_entropy_has_its_scale),
        cmocka_unit_test(test_what_is_over_the_limit_does_not_look_like_it),
        cmocka_unit_test(test_cursor_on_a_blank_of_an_answer),
        cmocka_unit_test(test_label_of_the_axis_is_whole),
        cmocka_unit_test(test_slots_of_an_answer_are_named),
        cmocka_unit_test(test_lines_up_and_down),
        cmocka_unit_test(test_lines_without_tokens),
        cmocka_unit_test(test_scrolls_by_lines),
        cmocka_unit_test(test_a_jump_leaves_text_below),
        cmocka_unit_test(test_list_follows_choice),
        cmocka_unit_test(test_entries_match),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
