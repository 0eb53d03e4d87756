/* The figure of learning curves: its legend stands where no curve runs through it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sample_training.h"
#include "views/figure_curve.h"
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

/* Highest point of a line that is drawn. */
static double top_of_lines(const struct drawing *d)
{
    double top = d->height;
    for (size_t i = 0; i < d->n_items; i++)
        if (d->items[i].kind == DRAWING_LINE)
            top = fmin(top, fmin(d->items[i].line.y1, d->items[i].line.y2));
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
        if (item->kind != DRAWING_TEXT || !strstr(item->text.text, "held-out"))
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legend_of_one_run),
        cmocka_unit_test(test_legend_of_several_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
