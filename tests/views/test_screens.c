/* Golden screens: what view_draw makes of a deterministic snapshot, compared with
 * tests/screens/NAME-COLUMNSxROWS-DISPLAY.txt. UPDATE_SCREENS=1 writes them anew; then
 * look at what changed before it is committed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/stages.h"

static const struct display displays[] = {
    {DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false},
    {DEPTH_256, GLYPHS_HALF, THEME_LIGHT, false},
    {DEPTH_MONO, GLYPHS_HALF, THEME_DEFAULT, false},
    {DEPTH_MONO, GLYPHS_ASCII, THEME_DEFAULT, false},
};
static const char *const display_name[] = {"true", "256", "mono", "ascii"};
enum { TRUE = 1, FIXED = 2, MONO = 4, ASCII = 8, ALL = 15 };

/* ---- scenes ----------------------------------------------------------------- */

/* ---- the table -------------------------------------------------------------- */

struct scene_test {
    const char *name;
    void (*set)(struct stage *stage);
    int columns, rows;
    unsigned displays;
};

/* Every screen, at four sizes and on four kinds of terminal. */
static const struct {
    const char *name;
    void (*set)(struct stage *stage);
} everywhere[] = {
    {"explore", stage_explore},
    {"zoom-numbers", stage_zoom_numbers},
    {"compare", stage_compare},
    {"train", stage_train},
    {"data", stage_data},
    {"eval", stage_eval},
    {"help", stage_help},
    {"health", stage_health},
    {"start", stage_start},
    {"open", stage_open},
    {"problem", stage_problem},
    {"tour", stage_tour},
    {"present", stage_present},
};
static const int everywhere_size[][2] = {{40, 10}, {80, 24}, {120, 36}, {200, 60}};

/* What else may be seen, where it differs. */
static const struct scene_test scenes[] = {
    {"explore", stage_explore, 176, 50, ALL},
    {"explore", stage_explore, 30, 8, ALL},
    {"explore", stage_explore, 112, 30, MONO},
    {"gates", stage_gates, 120, 36, MONO | TRUE},
    {"gates", stage_gates, 80, 24, MONO},
    {"gates", stage_gates, 40, 10, MONO},
    {"plan", stage_plan, 120, 36, MONO | TRUE},
    {"plan", stage_plan, 80, 24, MONO | ASCII},
    {"plan", stage_plan, 40, 10, MONO},
    {"plan-turned", stage_plan_turned, 120, 36, MONO | TRUE},
    {"plan-turned", stage_plan_turned, 80, 24, MONO},
    {"plan-turned", stage_plan_turned, 40, 10, MONO},
    {"answers", stage_answers, 120, 36, MONO | TRUE},
    {"answers", stage_answers, 80, 24, MONO},
    {"answers", stage_answers, 64, 16, MONO},
    {"answers", stage_answers, 40, 10, MONO},
    {"full-answer", stage_full_answer, 120, 36, MONO},
    {"zoom-fit", stage_zoom_fit, 120, 36, MONO},
    {"zoom-cells", stage_zoom_cells, 120, 36, MONO},
    {"zoom-numbers", stage_zoom_numbers, 120, 18, MONO},
    {"zoom-turned", stage_zoom_turned, 120, 36, MONO},
    {"zoom-turned-numbers", stage_zoom_turned_numbers, 120, 36, MONO},
    {"zoom-gates", stage_zoom_gates, 120, 40, MONO},
    {"zoom-gates-cells", stage_zoom_gates_cells, 120, 40, MONO},
    {"zoom-gates-numbers", stage_zoom_gates_numbers, 120, 40, MONO | TRUE},
    {"zoom-gates-numbers", stage_zoom_gates_numbers, 80, 24, MONO},
    {"speech", stage_speech, 120, 36, MONO},
    {"speech", stage_speech, 40, 10, MONO},
    {"strip", stage_strip, 120, 36, MONO},
    {"strip", stage_strip, 80, 24, MONO},
    {"strip", stage_strip, 176, 50, MONO},
    {"strip", stage_strip, 200, 60, MONO},
    {"strip", stage_strip, 40, 10, MONO},
    {"not-converged", stage_not_converged, 120, 36, MONO},
    {"few-iterations", stage_few_iterations, 120, 36, MONO},
    {"few-iterations", stage_few_iterations, 80, 24, MONO},
    {"few-iterations", stage_few_iterations, 150, 40, MONO},
    {"few-iterations", stage_few_iterations, 176, 50, MONO},
    {"few-iterations", stage_few_iterations, 40, 10, MONO},
    {"lock", stage_lock, 120, 36, MONO},
    {"unit-word", stage_words_unit, 120, 36, MONO},
    {"mass-range", stage_mass_range, 120, 36, MONO | TRUE},
    {"edits", stage_edits, 120, 36, MONO},
    {"edits-by-hand", stage_edits_by_hand, 120, 36, ALL},
    {"edits-by-hand", stage_edits_by_hand, 80, 24, ALL},
    {"edits-by-hand", stage_edits_by_hand, 176, 50, ALL},
    {"edits-by-hand", stage_edits_by_hand, 40, 12, ALL},
    {"difference", stage_difference, 120, 36, ALL},
    {"difference", stage_difference, 80, 24, MONO},
    {"compare-other", stage_compare_other, 120, 36, MONO},
    {"loss", stage_loss, 120, 36, ALL},
    {"loss", stage_loss, 80, 24, ALL},
    {"loss", stage_loss, 176, 50, ALL},
    {"loss", stage_loss, 40, 12, ALL},
    {"stale-untrained", stage_stale_untrained, 120, 36, MONO},
    {"stale-untrained", stage_stale_untrained, 80, 24, MONO},
    {"stale-untrained", stage_stale_untrained, 40, 10, MONO},
    {"answer-states", stage_answer_states, 120, 36, MONO},
    {"answer-states", stage_answer_states, 80, 24, MONO},
    {"other-window", stage_other_window, 120, 36, MONO},
    {"diff", stage_diff, 120, 36, MONO},
    {"message", stage_message, 120, 36, MONO},
    {"paste", stage_paste, 80, 24, MONO},
    {"health", stage_health, 40, 16, MONO},
    {"explain", stage_explain, 80, 24, MONO},
    {"words", stage_words, 120, 36, MONO},
    {"words", stage_words, 80, 24, ASCII},
    {"formulas", stage_formulas, 120, 36, MONO},
    {"help-filter", stage_help_filter, 120, 36, MONO},
    {"open-first", stage_open_first, 80, 24, MONO},
    {"wide-text", stage_wide_text, 120, 36, MONO},
    {"wide-text", stage_wide_text, 40, 12, MONO | ASCII},
    {"hostile", stage_hostile, 80, 24, MONO},
    {"fragments", stage_fragments, 80, 24, MONO},
    {"unread", stage_unread, 120, 36, MONO},
    {"unread", stage_unread, 80, 24, MONO},
    {"no-plan", stage_no_plan, 120, 36, MONO},
    {"held-plan", stage_held_plan, 120, 36, MONO | TRUE},
    {"engine-problem", stage_engine_problem, 120, 36, MONO},
    {"train", stage_train, 112, 30, MONO},
    {"train", stage_train, 64, 16, MONO},
    {"train-probe", stage_train_probe, 80, 24, MONO | TRUE},
    {"train-probe", stage_train_probe, 40, 10, MONO},
    {"train-samples", stage_train_samples, 80, 24, MONO},
    {"train-log", stage_train_log, 80, 24, MONO},
    {"train-norm", stage_train_norm, 120, 36, MONO},
    {"train-numbers", stage_train_numbers, 40, 10, MONO},
    {"train-new", stage_train_new, 120, 36, MONO},
    {"train-plain", stage_train_plain, 160, 48, MONO},
    {"train-form", stage_train_form, 200, 60, MONO},
    {"train-form", stage_train_form, 120, 36, MONO | TRUE | ASCII},
    {"train-form", stage_train_form, 80, 24, MONO},
    {"train-form", stage_train_form, 40, 10, MONO},
    {"data-records", stage_data_records, 120, 36, MONO},
    {"plan-by-token", stage_plan_by_token, 120, 36, MONO},
    {"eval-long", stage_eval_long, 160, 48, MONO},
    {"eval-long", stage_eval_long, 80, 24, MONO},
    {"data-sample", stage_data_sample, 80, 24, MONO},
    {"data-bad", stage_data_bad, 120, 36, MONO},
    {"eval-running", stage_eval_running, 120, 36, MONO},
};

/* ---- comparing -------------------------------------------------------------- */

static void stage_free(struct stage *stage)
{
    snapshot_release(stage->s);
    snapshot_release(stage->pinned);
    snapshot_window_release(stage->held);
    training_free(&stage->training);
    run_plan_free(&stage->plan);
    samples_free(&stage->samples);
    samples_text_free(&stage->sample);
    results_free(&stage->results);
}

static char *draw(struct stage *stage)
{
    struct canvas canvas;
    canvas_init(&canvas, stage->v.rows, stage->v.columns);
    view_draw(stage->s, &stage->v, &canvas);
    char *dump = canvas_dump(&canvas, true);
    canvas_free(&canvas);
    return dump;
}

/* The first line that differs, so that a failure can be read. */
static void show_difference(const char *path, const char *want, const char *got)
{
    size_t line = 1, at = 0;
    while (want[at] && want[at] == got[at]) {
        line += want[at] == '\n';
        at++;
    }
    while (at > 0 && want[at - 1] != '\n' && got[at - 1] != '\n')
        at--;
    print_error("%s:%zu\n  expected %.*s\n  drawn    %.*s\n", path, line,
                (int)strcspn(want + at, "\n"), want + at, (int)strcspn(got + at, "\n"),
                got + at);
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

static size_t check_screen(const struct scene_test *scene, int display)
{
    struct stage stage = {.s = sample_snapshot()};
    struct err err = {0};
    char path[160], *want = NULL;
    size_t size = 0;
    view_state_init(&stage.v);
    stage.v.rows = scene->rows;
    stage.v.columns = scene->columns;
    stage.v.display = displays[display];
    scene->set(&stage);
    view_follow_cursor(stage.s, &stage.v);
    char *got = draw(&stage);
    stage_free(&stage);
    snprintf(path, sizeof path, "tests/screens/%s-%dx%d-%s.txt", scene->name,
             scene->columns, scene->rows, display_name[display]);
    bool failed = false;
    if (getenv("UPDATE_SCREENS"))
        failed = !file_replace(path, got, strlen(got), &err);
    else if (!file_read(path, 1 << 20, &want, &size, &err))
        failed = true;
    else if (strcmp(want, got) != 0)
        failed = true;
    if (failed && want)
        show_difference(path, want, got);
    else if (failed)
        print_error("%s\n", err.text);
    if (1 << display == ASCII && strcmp(scene->name, "wide-text") != 0 && !is_ascii(got)) {
        print_error("%s has signs beyond ASCII\n", path);
        failed = true;
    }
    free(want);
    free(got);
    return failed;
}

static void test_golden_screens(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int display = 0; display < 4; display++)
            if (scenes[i].displays & 1u << display)
                failures += check_screen(&scenes[i], display);
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
        for (size_t k = 0; k < sizeof everywhere_size / sizeof *everywhere_size; k++)
            for (int display = 0; display < 4; display++) {
                struct scene_test test = {everywhere[i].name, everywhere[i].set,
                                          everywhere_size[k][0], everywhere_size[k][1], ALL};
                failures += check_screen(&test, display);
            }
    assert_int_equal(failures, 0);
}

/* Every scene at every odd size: nothing is drawn outside, nothing crashes, and the
 * cursor of the terminal is on the screen or nowhere. */
static void test_any_size(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},   {3, 40},  {10, 40},  {11, 41}, {16, 64},
                                   {17, 70}, {24, 99}, {30, 112}, {60, 300}};
    size_t n = sizeof scenes / sizeof *scenes, all = n + sizeof everywhere / sizeof *everywhere;
    for (size_t i = 0; i < all; i++) {
        struct stage stage = {.s = sample_snapshot()};
        view_state_init(&stage.v);
        (i < n ? scenes[i].set : everywhere[i - n].set)(&stage);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct canvas canvas;
            stage.v.rows = sizes[k][0];
            stage.v.columns = sizes[k][1];
            stage.v.display = displays[(i + k) % 4];
            view_follow_cursor(stage.s, &stage.v);
            canvas_init(&canvas, stage.v.rows, stage.v.columns);
            view_draw(stage.s, &stage.v, &canvas);
            bool draws = stage.v.rows >= 10 && stage.v.columns >= 40; /* else a notice */
            assert_true(canvas.cursor_row >= (draws ? 0 : -1));
            assert_true(canvas.cursor_row < stage.v.rows);
            assert_true(canvas.cursor_column < stage.v.columns);
            for (int x = 0; x < stage.v.rows * stage.v.columns; x++)
                assert_true(canvas.cells[x].codepoint == 0 ||
                            canvas.cells[x].codepoint >= ' ');
            canvas_free(&canvas);
        }
        stage_free(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_screens),
        cmocka_unit_test(test_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
