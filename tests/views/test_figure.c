/* Figures: what stands where on the page. */
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
#include "views/figure_parts.h"
#include "views/raster.h"

/* ---- the page ---------------------------------------------------------------------- */

static void test_nothing_touches(void **state)
{
    (void)state;
    static const double widths[] = {77, 89, 140, 183};
    struct example e;
    example_begin(&e);
    int made = 0;
    static const enum figure_kind kinds[] = {FIGURE_PLAN, FIGURE_GATE, FIGURE_MASS, FIGURE_LOSS,
                                             FIGURE_DIFF};
    for (unsigned mix = 0; mix < 5 * 2 * 2 * 2 * 3 * 2; mix++) {
        unsigned m = mix;
        e.options.kind = kinds[m % 5], m /= 5;
        e.options.turned = m % 2, m /= 2;
        e.options.marginals = m % 2, m /= 2;
        e.options.colorbar = m % 2, m /= 2;
        e.options.scale = (enum scale)(m % 3), m /= 3;
        snprintf(e.options.title, sizeof e.options.title, "%s", m % 2 ? "A window" : "");
        e.options.width_mm = widths[mix % 4];
        e.options.value = mix % 5 == 0 && e.options.kind == FIGURE_GATE ? VALUE_ENTROPY
                                                                        : VALUE_PLAN_MASS;
        e.options.norm = (enum normalise)(mix % 3);
        e.options.locked.kind = mix % 7 == 0 ? SOURCE_SLOT : mix % 7 == 1 ? SOURCE_TOKEN
                                                                          : SOURCE_NONE;
        e.options.locked.window = 1, e.options.locked.slot = 13;
        e.options.locked.token = e.options.from + 60;
        example_make(&e);
        char what[96];
        snprintf(what, sizeof what, "mix %u: %s %g mm turned %d", mix,
                 figure_kind_name[e.options.kind], e.options.width_mm, e.options.turned);
        if (!e.ok)
            fail_msg("%s: %s", what, e.err.text);
        example_check_cells(&e);
        example_check_texts(&e, what);
        made++;
    }
    assert_int_equal(made, 240);
    example_end(&e);
}

static const struct drawing_text *text_named(const struct drawing *d, const char *words)
{
    for (size_t i = 0; i < d->n_items; i++)
        if (d->items[i].kind == DRAWING_TEXT && strcmp(d->items[i].text.text, words) == 0)
            return &d->items[i].text;
    fail_msg("no text says %s", words);
    return NULL;
}

/* As on the screen: L0 at the bottom, s0 on top; turned, both begin at the left. */
static void test_order_of_rows(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.kind = FIGURE_GATE;
    example_make(&e);
    assert_true(text_named(&e.drawing, "L0")->y > text_named(&e.drawing, "L30")->y);
    e.options.turned = true;
    example_make(&e);
    assert_true(text_named(&e.drawing, "L0")->x < text_named(&e.drawing, "L30")->x);
    e.options.kind = FIGURE_PLAN;
    e.options.turned = false;
    example_make(&e);
    assert_true(text_named(&e.drawing, "s0")->y < text_named(&e.drawing, "s28")->y);
    example_end(&e);
}

static void test_page_is_exact(void **state)
{
    (void)state;
    struct example e;
    struct raster raster;
    example_begin(&e);
    e.options.width_mm = 254, e.options.height_mm = 143, e.options.dpi = 150;
    example_make(&e);
    assert_true(e.ok);
    assert_true(fabs(e.drawing.width - 254 * 72 / 25.4) < 1e-9);
    assert_true(fabs(e.drawing.height - 143 * 72 / 25.4) < 1e-9);
    raster_paint(&e.drawing, e.fonts.regular, NULL, &raster);
    assert_int_equal(raster.width, 1500);
    assert_int_equal(raster.height, 844);
    raster_free(&raster);
    example_end(&e);
}

/* ---- refusals that say what would do ------------------------------------------------- */

/* Follows the advice "name=NUMBER" in the message. */
static double advised(const char *message, const char *name)
{
    const char *at = strstr(message, name);
    return at ? strtod(at + strlen(name), NULL) : 0;
}

static void test_advice_for_small_cells(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.from = 0;
    int refused = 0;
    for (size_t to = 120; to <= 498; to += 63)
        for (double dpi = 60; dpi <= 300; dpi += 80) {
            e.options.to = to, e.options.dpi = dpi, e.options.width_mm = 89;
            example_make(&e);
            if (e.ok)
                continue;
            refused++;
            assert_int_equal(e.err.code, ERR_USAGE);
            double width = advised(e.err.text, "width="), finer = advised(e.err.text, "dpi=");
            assert_true(width > 89 && finer > dpi);
            e.options.width_mm = width;
            example_make(&e);
            if (!e.ok)
                fail_msg("width=%g does not do: %s", width, e.err.text);
            e.options.width_mm = 89, e.options.dpi = finer;
            example_make(&e);
            if (!e.ok)
                fail_msg("dpi=%g does not do: %s", finer, e.err.text);
        }
    assert_true(refused > 15);
    example_end(&e);
}

static void test_advice_for_all_labels(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.ticks = TICKS_ALL;
    example_make(&e);
    assert_false(e.ok);
    e.options.width_mm = advised(e.err.text, "width=");
    assert_true(e.options.width_mm > 200);
    example_make(&e);
    if (!e.ok)
        fail_msg("%s", e.err.text);
    example_check_texts(&e, "all labels");
    size_t upright = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++)
        upright += e.drawing.items[i].kind == DRAWING_TEXT && e.drawing.items[i].text.upright &&
                   e.drawing.items[i].text.anchor == ANCHOR_END;
    assert_true(upright >= 128);
    example_end(&e);
}

static void test_large_pages_are_refused(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.width_mm = 500, e.options.dpi = 600;
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_USAGE);
    e.options.dpi = advised(e.err.text, "dpi=");
    example_make(&e);
    if (!e.ok)
        fail_msg("%s", e.err.text);
    e.options.height_mm = 12;
    example_make(&e);
    assert_false(e.ok);
    assert_non_null(strstr(e.err.text, "height="));
    example_end(&e);
}

static void test_missing_parts(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    struct snapshot *unread = sample_document(sample_text, strlen(sample_text));
    snapshot_release(e.snapshot);
    e.snapshot = unread;
    example_make(&e);
    assert_false(e.ok);
    assert_non_null(strstr(e.err.text, "window 2"));
    e.options.to = 100000;
    example_make(&e);
    assert_false(e.ok);
    e.options.to = e.options.from;
    example_make(&e);
    assert_false(e.ok);
    assert_false(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    example_end(&e);
}

/* ---- panels ----------------------------------------------------------------------------- */

/* Panels of one column have their grids below one another, on whole pixels. */
static void test_panels(void **state)
{
    (void)state;
    static const enum figure_kind kinds[] = {FIGURE_GATE, FIGURE_PLAN, FIGURE_MASS, FIGURE_ANSWERS};
    struct example e;
    example_begin(&e);
    struct figure_data data[3];
    struct figure_panel panels[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        panels[i].options = e.options;
        panels[i].options.kind = kinds[i];
        panels[i].options.width_mm = 183;
        panels[i].options.value = figure_value_of(kinds[i], VALUE_PLAN_MASS);
        panels[i].data = i < 3 ? &data[i] : NULL;
        if (i < 3)
            assert_true(figure_data_build(&data[i], e.snapshot, &panels[i].options, &e.err));
    }
    for (size_t n = 2; n <= 4; n++)
        for (size_t columns = 1; columns <= 2; columns++) {
            if (!figure_draw_panels(&e.drawing, panels, n, columns, e.snapshot, &e.fonts, &e.err))
                fail_msg("%s", e.err.text);
            e.options.kind = FIGURE_MASS; /* no single grid for check_texts to look at */
            example_check_texts(&e, "panels");
            double x = -1, letters = 0, named = 0, scale = e.drawing.dpi / 72;
            for (size_t i = 0; i < e.drawing.n_items; i++) {
                const struct drawing_item *item = &e.drawing.items[i];
                bool grid = item->kind == DRAWING_CELLS && item->cells.columns == 128;
                if (grid && columns == 1 && x >= 0)
                    assert_true(fabs(item->cells.x - x) < 1e-9);
                if (grid) {
                    x = item->cells.x;
                    assert_true(example_is_whole(x * scale) &&
                                example_is_whole(item->cells.y * scale));
                }
                letters += item->kind == DRAWING_TEXT && item->text.size == 8 && item->text.bold;
                named += item->kind == DRAWING_TEXT && strcmp(item->text.text, "token") == 0;
            }
            assert_true(letters == (double)n);
            assert_true(named == (double)columns);
            drawing_free(&e.drawing);
        }
    for (size_t i = 0; i < 3; i++)
        figure_data_free(&data[i]);
    example_end(&e);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void test_table_of_answers(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    bool ok = figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err);
    if (!ok)
        fail_msg("%s", e.err.text);
    example_check_texts(&e, "answers");
    size_t found = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++) {
        const struct drawing_item *item = &e.drawing.items[i];
        found += item->kind == DRAWING_TEXT && (strcmp(item->text.text, "Compressed") == 0 ||
                                                strcmp(item->text.text, "125 slots") == 0 ||
                                                strcmp(item->text.text, "charcoal") == 0);
    }
    assert_int_equal(found, 3);
    drawing_free(&e.drawing);
    e.options.width_mm = 40;
    assert_false(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    e.options.width_mm = advised(e.err.text, "width=");
    assert_true(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    example_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_touches),
        cmocka_unit_test(test_order_of_rows),
        cmocka_unit_test(test_page_is_exact),
        cmocka_unit_test(test_advice_for_small_cells),
        cmocka_unit_test(test_advice_for_all_labels),
        cmocka_unit_test(test_large_pages_are_refused),
        cmocka_unit_test(test_missing_parts),
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_table_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
