/* The figure of learning curves: its legend stands where no curve runs through it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sample_training.h"
#include "views/colormap.h"
#include "views/figure_curve.h"
#include "views/figure_sheet.h"
#include "views/font.h"

struct example {
    struct training run;
    struct font *face;
    struct figure_fonts fonts;
    struct figure_options options;
    struct drawing drawing;
};

static void begin(struct example *e)
{
    *e = (struct example){.options = figure_options_default};
    sample_training(&e->run);
    e->face = font_open(NULL, 0);
    e->fonts = (struct figure_fonts){e->face, e->face};
}

static void end(struct example *e)
{
    drawing_free(&e->drawing);
    font_close(e->face);
    training_free(&e->run);
}

/* Marks may consist of lines: thick and short ones. */
static bool is_of_mark(const struct drawing_line *line)
{
    return line->width > 0.6 && hypot(line->x2 - line->x1, line->y2 - line->y1) < 5;
}

/* Highest point of a curve or an axis. */
static double top_of_lines(const struct drawing *d)
{
    double top = d->height;
    for (size_t i = 0; i < d->n_items; i++) {
        const struct drawing_line *line = &d->items[i].line;
        if (d->items[i].kind == DRAWING_LINE && !is_of_mark(line))
            top = fmin(top, fmin(line->y1, line->y2));
    }
    return top;
}

static void check_legend(struct example *e, const char *const *names, size_t n)
{
    struct figure_curve curves[FIGURE_CURVES_MAX];
    struct err err = {0};
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        curves[i] = (struct figure_curve){&e->run.log, names[i]};
    assert_true(figure_draw_curves(&e->drawing, curves, n, &e->options, &e->fonts, &err));
    double top = top_of_lines(&e->drawing);
    for (size_t i = 0; i < e->drawing.n_items; i++) {
        const struct drawing_item *item = &e->drawing.items[i];
        if (item->kind != DRAWING_TEXT || item->text.upright ||
            !strstr(item->text.text, "held-out"))
            continue;
        found++;
        assert_true(item->text.y < top);
        assert_true(item->text.y > item->text.size * 0.7);
        assert_true(item->text.x + font_text_width(e->face, item->text.text, item->text.size) <
                    e->drawing.width);
    }
    assert_int_equal(found, n);
}

static void test_legend_of_one_run(void **state)
{
    (void)state;
    static const char *const names[] = {"ntp-01"};
    struct example e;
    begin(&e);
    check_legend(&e, names, 1);
    end(&e);
}

static void test_legend_of_several_runs(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "a second run", "the third", "fourth", "5"};
    struct example e;
    begin(&e);
    strcpy(e.options.title, "Five runs");
    check_legend(&e, names, 5);
    end(&e);
}

/* What is painted that is no colour of the page's texts and axes: the curves and marks. */
static size_t check_contrast(const struct drawing *d, const struct inks *ink, double wanted)
{
    size_t found = 0;
    for (size_t i = 0; i < d->n_items; i++) {
        const struct drawing_item *item = &d->items[i];
        uint32_t color = item->kind == DRAWING_RECT ? item->rect.color : item->line.color;
        bool thick = item->kind == DRAWING_RECT ||
                     (item->kind == DRAWING_LINE && item->line.width > 0.6);
        if (!thick || color == ink->line)
            continue;
        assert_true(color_contrast(color, ink->page) >= wanted);
        found++;
    }
    return found;
}

static void test_curves_stand_out_from_the_page(void **state)
{
    (void)state;
    static const size_t runs[] = {1, 2, FIGURE_CURVES_MAX};
    for (size_t k = 0; k < 6; k++) {
        struct example e;
        struct err err = {0};
        struct figure_curve curves[FIGURE_CURVES_MAX];
        begin(&e);
        e.options.dark = k >= 3;
        size_t n = runs[k % 3];
        for (size_t i = 0; i < n; i++)
            curves[i] = (struct figure_curve){&e.run.log, "run"};
        assert_true(figure_draw_curves(&e.drawing, curves, n, &e.options, &e.fonts, &err));
        struct inks ink = sheet_inks(e.options.dark);
        assert_true(check_contrast(&e.drawing, &ink, 3) > n);
        end(&e);
    }
}

static void test_long_titles_and_names_are_cut(void **state)
{
    (void)state;
    struct example e;
    struct err err = {0};
    begin(&e);
    struct figure_curve curve = {&e.run.log, "a name that is much too long for the legend of one "
                                             "run, as a folder named by its settings may be"};
    strcpy(e.options.title, "A title that is longer than the page is wide, so that it is cut where"
                            " the page ends");
    assert_true(figure_draw_curves(&e.drawing, &curve, 1, &e.options, &e.fonts, &err));
    size_t cut = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++) {
        const struct drawing_item *item = &e.drawing.items[i];
        if (item->kind != DRAWING_TEXT || !strstr(item->text.text, "\xe2\x80\xa6"))
            continue;
        double width = font_text_width(e.face, item->text.text, item->text.size);
        assert_true(item->text.x + width < e.drawing.width);
        cut++;
    }
    assert_int_equal(cut, 2);
    end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legend_of_one_run),
        cmocka_unit_test(test_legend_of_several_runs),
        cmocka_unit_test(test_curves_stand_out_from_the_page),
        cmocka_unit_test(test_long_titles_and_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
