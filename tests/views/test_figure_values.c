/* What every cell of a figure shows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/figure_example.h"
#include "views/figure_axis.h"
#include "views/figure_parts.h"

static void test_cells_show_the_values(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    example_make(&e);
    const struct snapshot_window *w = e.snapshot->window[1];
    const struct drawing_cells *cells = example_picture(&e.drawing);
    double top = 0;
    for (size_t i = 0; i < w->tokens * w->slots; i++)
        top = fmax(top, (double)w->plan[i]);
    assert_int_equal(cells->columns, w->tokens);
    assert_int_equal(cells->rows, w->slots);
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++) {
            int level = (int)lround((double)w->plan[t * w->slots + j] / top * 255);
            assert_int_equal(cells->color[j * cells->columns + t],
                             colormap_rgb(MAP_VIRIDIS, level));
        }
    e.options.turned = true;
    uint32_t first_row = cells->color[5], first_column = cells->color[3 * cells->columns];
    example_make(&e);
    cells = example_picture(&e.drawing);
    assert_int_equal(cells->columns, w->slots);
    assert_int_equal(cells->color[5 * cells->columns], first_row);
    assert_int_equal(cells->color[3], first_column);
    example_end(&e);
}

static void test_values_of_the_plan(void **state)
{
    (void)state;
    static const enum view_value values[] = {VALUE_PLAN_MASS, VALUE_SLOT_SHARE, VALUE_TOKEN_SHARE,
                                             VALUE_LIKENESS, VALUE_COST};
    struct example e;
    example_begin(&e);
    const struct snapshot_window *w = e.snapshot->window[1];
    for (size_t v = 0; v < 5; v++) {
        e.options.value = values[v];
        example_make(&e);
        size_t t = 17, j = 6, at = t * w->slots + j;
        double sent = 0;
        for (size_t k = 0; k < w->slots; k++)
            sent += (double)w->plan[t * w->slots + k];
        double mass = (double)w->plan[at], likeness = 1 - (double)w->cost[at];
        double want[] = {mass, mass * (double)w->slots, mass / sent, likeness,
                         (double)w->cost[at]};
        assert_true(fabs(heat_at(&e.data.grid, j, t) - want[v]) < 1e-6);
    }
    e.options.value = VALUE_PLAN_MASS;
    e.options.iteration = 1;
    example_make(&e);
    assert_true(e.ok);
    float *plan = calloc(w->tokens * w->slots, sizeof *plan);
    assert_true(snapshot_window_plan_at(w, 1, plan));
    assert_true(heat_at(&e.data.grid, 6, 17) == (double)plan[17 * w->slots + 6]);
    free(plan);
    example_end(&e);
}

static void test_several_windows(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.from = 100, e.options.to = 300, e.options.width_mm = 183;
    example_make(&e);
    assert_true(e.ok);
    /* Tokens of three windows; slots 29 + 32 + 32. */
    assert_int_equal(e.data.rows, 93);
    assert_string_equal(e.data.row_label[0], "w1:s0");
    assert_string_equal(e.data.row_label[29], "w2:s0");
    size_t n;
    struct axis_label *labels = axis_row_labels(&e.data, 10, 15, &n);
    for (size_t i = 0; i < n; i++) { /* s0 of each window, and every fourth; none too near */
        assert_int_equal(e.data.row_number[labels[i].at] % 4, 0);
        assert_true(i == 0 || labels[i].at >= labels[i - 1].at + 2);
    }
    assert_int_equal(labels[7].at, 29);
    assert_int_equal(n, 7 + 8 + 8);
    free(labels);
    assert_true(heat_at(&e.data.grid, 92, 0) == 0);
    assert_true(heat_at(&e.data.grid, 29, 14) > 0);
    assert_int_equal(e.data.token[14].place, 0);
    example_check_cells(&e);
    example_check_texts(&e, "three windows");
    example_end(&e);
}

static void test_words_add_up(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.unit = UNIT_WORD;
    example_make(&e);
    assert_true(e.ok && e.data.tokens < 128 && e.data.tokens > 60);
    double plan = 0, mass = 0, even = 0;
    for (size_t t = 0; t < e.data.tokens; t++) {
        mass += (double)e.data.mass[t];
        even += (double)e.data.even[t];
        for (size_t j = 0; j < e.data.rows; j++)
            plan += heat_at(&e.data.grid, j, t);
    }
    assert_true(fabs(plan - 1) < 1e-5 && fabs(mass - 1) < 1e-5 && fabs(even - 1) < 1e-5);
    e.options.kind = FIGURE_GATE;
    example_make(&e);
    for (size_t t = 0; t < e.data.tokens; t++) {
        double sum = 0;
        for (size_t l = 0; l < e.data.rows; l++)
            sum += heat_at(&e.data.grid, l, t);
        assert_true(fabs(sum - 1) < 1e-5);
    }
    example_end(&e);
}

/* B less A, cell by cell; the scale is as far on both sides of 0. */
static void test_difference(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.kind = FIGURE_DIFF;
    example_make(&e);
    assert_true(e.ok);
    const struct snapshot_window *w = e.snapshot->window[1];
    assert_int_equal(e.data.rows, w->slots);
    for (size_t j = 0; j < w->slots; j++)
        for (size_t t = 0; t < w->tokens; t++) {
            double expected = j == 3 ? (double)w->plan[t * w->slots + j] : 0;
            assert_true(fabs(heat_at(&e.data.grid, j, t) - expected) < 1e-7);
        }
    /* half of what was there and is not */
    assert_true(fabs((double)e.data.beside[3] - 0.5) < 1e-3);
    assert_true(e.data.scale.high > 0);
    assert_true(fabs(e.data.scale.low + e.data.scale.high) < 1e-12);
    assert_int_equal(figure_map(&e.options), MAP_VIK);
    e.options.against = NULL;
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_USAGE);
    example_end(&e);
}

static void test_loss(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.kind = FIGURE_LOSS;
    example_make(&e);
    assert_true(e.ok);
    assert_true(isnan(heat_at(&e.data.grid, 0, 0)) && isnan(heat_at(&e.data.grid, 0, 1)));
    for (size_t i = 2; i < e.data.tokens; i++)
        assert_true(fabs(heat_at(&e.data.grid, 0, i) -
                         0.25 * (double)((int)((e.options.from + i) % 9) - 3)) < 1e-6);
    assert_true(e.data.scale.low < -0.7 && e.data.scale.high > 1.2);
    snapshot_set_loss(e.snapshot, NULL);
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_INPUT);
    example_end(&e);
}

static void test_limits(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.limit_low = 0, e.options.limit_high = 0.02;
    example_make(&e);
    assert_true(e.data.scale.low == 0 && e.data.scale.high == 0.02);
    size_t numbers = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++)
        numbers += e.drawing.items[i].kind == DRAWING_TEXT &&
                   strcmp(e.drawing.items[i].text.text, "0.020") == 0;
    assert_int_equal(numbers, 1);
    example_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_show_the_values),
        cmocka_unit_test(test_values_of_the_plan),
        cmocka_unit_test(test_several_windows),
        cmocka_unit_test(test_words_add_up),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
