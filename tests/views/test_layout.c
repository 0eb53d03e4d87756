/* The layout at every size: nothing overlaps, nothing is empty, all is inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "views/layout.h"

static struct layout_input input(int rows, int columns)
{
    return (struct layout_input){.rows = rows,
                                 .columns = columns,
                                 .prompt_rows = 1,
                                 .layers = 31,
                                 .slots = 32,
                                 .window = 128};
}

static bool is_zero(struct rect r)
{
    return r.row == 0 && r.column == 0 && r.rows == 0 && r.columns == 0;
}

static bool overlap(struct rect a, struct rect b)
{
    return a.row < b.row + b.rows && b.row < a.row + a.rows &&
           a.column < b.column + b.columns && b.column < a.column + a.columns;
}

static void check_one(const struct layout_input *in)
{
    struct layout l = layout_compute(in);
    for (int a = 0; a < AREA_COUNT; a++) {
        struct rect r = l.area[a];
        if (is_zero(r))
            continue;
        if (r.rows < 1 || r.columns < 1 || r.row < 0 || r.column < 0 ||
            r.row + r.rows > in->rows || r.column + r.columns > in->columns)
            fail_msg("%dx%d: area %d is %d,%d %dx%d", in->columns, in->rows, a, r.row,
                     r.column, r.columns, r.rows);
        for (int b = a + 1; b < AREA_COUNT; b++)
            if (!is_zero(l.area[b]) && overlap(r, l.area[b]))
                fail_msg("%dx%d: areas %d and %d overlap", in->columns, in->rows, a, b);
    }
    static const enum area pane[PANE_COUNT] = {AREA_DOCUMENT, AREA_GATES, AREA_PLAN,
                                               AREA_ANSWERS};
    if (l.kind == LAYOUT_NOTICE) {
        assert_true(layout_shows(&l, AREA_NOTICE));
        return;
    }
    assert_true(layout_shows(&l, AREA_STATUS) && layout_shows(&l, AREA_PROMPT));
    assert_true(layout_shows(&l, pane[in->focus]));
    for (int p = 0; l.kind == LAYOUT_WIDE && !in->zoomed && p < PANE_COUNT; p++)
        assert_true(layout_shows(&l, pane[p]));
}

static void test_every_size(void **state)
{
    (void)state;
    for (int rows = 1; rows <= 200; rows++)
        for (int columns = 1; columns <= 500; columns++) {
            struct layout_input in = input(rows, columns);
            in.focus = (enum pane)((rows + columns) % PANE_COUNT);
            check_one(&in);
            in.arrangement = (enum arrangement)(rows % ARRANGE_COUNT);
            check_one(&in);
            in.zoomed = true;
            in.zoom_level = columns % 3;
            in.strip = rows % 2 == 0;
            in.answer_rows = rows % 3 * 5;
            check_one(&in);
        }
}

/* Zoomed answers take the rows that they fill; the text has the others. */
static void test_zoomed_answers_leave_their_rest_to_the_text(void **state)
{
    (void)state;
    struct layout_input in = input(34, 120);
    in.focus = PANE_ANSWERS;
    in.zoomed = true;
    in.answer_rows = 5;
    struct layout l = layout_compute(&in);
    assert_int_equal(l.area[AREA_ANSWERS].rows, 15);
    assert_int_equal(l.area[AREA_DOCUMENT].rows, 34 - 2 - 2 - 15 - 1);
    in.answer_rows = 10; /* all of it, where they are long */
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_ANSWERS].rows, 34 - 2 - 2);
    assert_false(layout_shows(&l, AREA_DOCUMENT));
}

/* A row of gates holds pairs of layers, as many as in the others: none is left empty. */
static void test_gates_fill_their_rows(void **state)
{
    (void)state;
    for (size_t layers = 2; layers <= 100; layers++)
        for (int rows = 40; rows <= 120; rows++) {
            struct layout_input in = input(rows, 160);
            in.layers = layers;
            struct layout l = layout_compute(&in);
            size_t given = (size_t)l.area[AREA_GATES].rows;
            size_t per_row = 2 * ((layers + 2 * given - 1) / (2 * given));
            if (given < layers && given != (layers + per_row - 1) / per_row)
                fail_msg("%zu layers at 160x%d: %zu rows", layers, rows, given);
        }
}

/* Zoomed gates leave no rows blank: sender mass, the axis and the text stand below them. */
static void test_zoomed_gates_leave_nothing_blank(void **state)
{
    (void)state;
    for (size_t layers = 4; layers <= 100; layers++)
        for (int rows = 16; rows <= 100; rows++)
            for (int level = 0; level < 3; level++) {
                struct layout_input in = input(rows, 120);
                in.layers = layers;
                in.focus = PANE_GATES;
                in.zoomed = true;
                in.zoom_level = level;
                struct layout l = layout_compute(&in);
                size_t given = (size_t)l.area[AREA_GATES].rows;
                size_t per_row = 2 * ((layers + 2 * given - 1) / (2 * given));
                size_t used = given >= layers ? layers : (layers + per_row - 1) / per_row;
                int blank = rows + (int)given - (int)(level ? given : used);
                for (int a = 0; a < AREA_COUNT; a++)
                    blank -= l.area[a].rows;
                if (blank > 2)
                    fail_msg("%zu layers at 120x%d, level %d: %d rows are blank", layers, rows,
                             level, blank);
            }
    struct layout_input in = input(34, 120); /* as the presenter has it at 120x36 */
    in.focus = PANE_GATES;
    in.zoomed = true;
    struct layout l = layout_compute(&in);
    assert_true(layout_shows(&l, AREA_MASS) && layout_shows(&l, AREA_AXIS));
    assert_true(layout_shows(&l, AREA_DOCUMENT));
}

static void test_odd_inputs(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 64, 512, 4096};
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 7; j++)
            for (int prompt = 0; prompt < 9; prompt++)
                for (int rows = 10; rows < 60; rows += 3) {
                    struct layout_input in = input(rows, 40 + rows * 3);
                    in.layers = sizes[i];
                    in.slots = in.window = sizes[j];
                    in.prompt_rows = prompt;
                    in.strip = prompt % 2 == 0;
                    in.focus = (enum pane)(prompt % PANE_COUNT);
                    check_one(&in);
                }
}

static void assert_rect(struct rect r, int row, int column, int rows, int columns)
{
    assert_int_equal(r.row, row);
    assert_int_equal(r.column, column);
    assert_int_equal(r.rows, rows);
    assert_int_equal(r.columns, columns);
}

/* The drawing of the wide screen, row by row. */
static void test_wide_as_drawn(void **state)
{
    (void)state;
    struct layout_input in = input(36, 120);
    struct layout l = layout_compute(&in);
    assert_int_equal(l.kind, LAYOUT_WIDE);
    assert_rect(l.area[AREA_TITLE], 0, 0, 1, 120);
    assert_rect(l.area[AREA_DOCUMENT], 2, 0, 25, 44);
    assert_rect(l.area[AREA_GATES], 2, 44, 6, 76);
    assert_rect(l.area[AREA_PLAN_HEADING], 8, 44, 1, 76);
    assert_rect(l.area[AREA_MASS], 9, 44, 1, 76);
    assert_rect(l.area[AREA_PLAN], 10, 44, 16, 76);
    assert_rect(l.area[AREA_AXIS], 26, 44, 1, 76);
    assert_rect(l.area[AREA_ANSWERS_HEADING], 27, 0, 1, 120);
    assert_rect(l.area[AREA_ANSWERS], 28, 0, 6, 120);
    assert_rect(l.area[AREA_STATUS], 34, 0, 1, 120);
    assert_rect(l.area[AREA_PROMPT], 35, 0, 1, 120);
    assert_int_equal(layout_grid(l.area[AREA_PLAN]).n_cells, 64);
}

/* The smallest wide screen still shows the whole plan; then it scrolls. */
static void test_wide_limits(void **state)
{
    (void)state;
    struct layout_input in = input(30, 112);
    struct layout l = layout_compute(&in);
    assert_int_equal(l.area[AREA_GATES].rows, 3);
    assert_int_equal(l.area[AREA_PLAN].rows, 16);
    assert_int_equal(l.area[AREA_ANSWERS].rows, 3);
    assert_int_equal(l.area[AREA_DOCUMENT].columns, 36);
    in.strip = true;
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_STRIP].rows, 2);
    assert_int_equal(l.area[AREA_PLAN].rows, 14);
    in = input(50, 176);
    in.strip = true;
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_STRIP].rows, 1);
    assert_int_equal(layout_grid(l.area[AREA_PLAN]).n_cells, 128);
    assert_int_equal(l.area[AREA_DOCUMENT].columns, 36);
    assert_int_equal(l.area[AREA_GATES].rows, 16);
    in.columns = 175;
    assert_int_equal(layout_grid(layout_compute(&in).area[AREA_PLAN]).n_cells, 64);
}

static void test_arrangement(void **state)
{
    (void)state;
    struct layout_input in = input(60, 200);
    in.arrangement = ARRANGE_NARROW;
    assert_int_equal(layout_compute(&in).kind, LAYOUT_NARROW);
    in = input(20, 112);
    assert_int_equal(layout_compute(&in).kind, LAYOUT_NARROW);
    in.arrangement = ARRANGE_WIDE;
    assert_int_equal(layout_compute(&in).kind, LAYOUT_WIDE);
    in.columns = 111;
    assert_int_equal(layout_compute(&in).kind, LAYOUT_NARROW);
    in = input(19, 112);
    in.arrangement = ARRANGE_WIDE;
    assert_int_equal(layout_compute(&in).kind, LAYOUT_NARROW);
}

static void test_fold(void **state)
{
    (void)state;
    struct layout_input in = input(24, 80);
    struct layout l = layout_compute(&in);
    assert_int_equal(l.kind, LAYOUT_NARROW);
    assert_rect(l.area[AREA_DOCUMENT], 2, 0, 14, 80);
    assert_rect(l.area[AREA_RELATION_HEADING], 16, 0, 1, 80);
    assert_rect(l.area[AREA_SUMMARY], 18, 0, 3, 80);
    assert_rect(l.area[AREA_KEYS], 22, 0, 1, 80);
    in.focus = PANE_PLAN;
    l = layout_compute(&in);
    assert_rect(l.area[AREA_MASS], 2, 0, 1, 80);
    assert_rect(l.area[AREA_PLAN], 3, 0, 16, 80);
    assert_rect(l.area[AREA_AXIS], 19, 0, 1, 80);
    assert_rect(l.area[AREA_SUMMARY], 20, 0, 1, 80);
    in = input(12, 40);
    l = layout_compute(&in);
    assert_int_equal(l.kind, LAYOUT_TINY);
    assert_rect(l.area[AREA_DOCUMENT], 1, 0, 9, 40);
    in = input(9, 300);
    assert_int_equal(layout_compute(&in).kind, LAYOUT_NOTICE);
}

/* Rows that the plan does not fill hold the text of its tokens, then longer answers. */
static void test_spare_rows_have_text(void **state)
{
    (void)state;
    struct layout_input in = input(60, 200);
    struct layout l = layout_compute(&in);
    assert_int_equal(l.area[AREA_PLAN].rows, 16);
    assert_int_equal(l.area[AREA_AXIS].rows, 9);
    assert_int_equal(l.area[AREA_ANSWERS].rows, 12);
    in = input(36, 120);
    in.focus = PANE_PLAN;
    in.zoomed = true;
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_PLAN].rows, 16);
    assert_int_equal(l.area[AREA_AXIS].rows, 9);
    assert_int_equal(l.area[AREA_AXIS].row, l.area[AREA_PLAN].row + 16);
    in.slots = 100; /* four in a row */
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_PLAN].rows, 25);
    assert_int_equal(l.area[AREA_AXIS].rows, 6);
    in.rows = 24;
    in.columns = 80;
    in.slots = 32;
    l = layout_compute(&in);
    assert_int_equal(l.area[AREA_PLAN].rows, 16);
    assert_int_equal(l.area[AREA_AXIS].rows, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),    cmocka_unit_test(test_odd_inputs),
        cmocka_unit_test(test_gates_fill_their_rows),
        cmocka_unit_test(test_zoomed_answers_leave_their_rest_to_the_text),
        cmocka_unit_test(test_zoomed_gates_leave_nothing_blank),
        cmocka_unit_test(test_wide_as_drawn), cmocka_unit_test(test_wide_limits),
        cmocka_unit_test(test_arrangement),
        cmocka_unit_test(test_fold),          cmocka_unit_test(test_spare_rows_have_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
