/* The axes of figures: numbers beside scales, and labels of tokens. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "tests/support/figure_example.h"
#include "views/figure_axis.h"

/* ---- numbers beside scales --------------------------------------------------------- */

static void test_five_round_numbers(void **state)
{
    (void)state;
    for (double top = 1e-6; top < 1e6; top *= 1.037) {
        double value[AXIS_NUMBERS_MAX], read;
        int decimals = 0;
        assert_int_equal(axis_round_numbers(0, top, value, &decimals), 5);
        assert_true(value[0] == 0 && value[4] <= top * (1 + 1e-9) && value[4] > 0.79 * top);
        for (int i = 0; i < 5; i++) {
            char text[24];
            axis_format_number(text, sizeof text, value[i], decimals);
            read = strtod(text, NULL);
            if (fabs(read - value[i]) > 0.02 * value[i])
                fail_msg("%g is written %s", value[i], text);
        }
    }
}

static void test_numbers_between_limits(void **state)
{
    (void)state;
    double value[AXIS_NUMBERS_MAX];
    int decimals;
    size_t n = axis_round_numbers(0.13, 0.98, value, &decimals);
    assert_in_range(n, 4, 5);
    for (size_t i = 0; i < n; i++)
        assert_true(value[i] >= 0.13 && value[i] <= 0.98 + 1e-9);
    char text[24];
    assert_true(axis_round_number(0.0487, text, sizeof text) == 0.02);
    assert_string_equal(text, "0.02");
    assert_true(axis_round_number(5, text, sizeof text) == 5);
    assert_true(axis_round_number(1.99, text, sizeof text) == 1);
}

/* ---- labels of tokens -------------------------------------------------------------- */

static void test_labels_keep_apart(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.locked = (struct source){.kind = SOURCE_TOKEN, .token = e.options.from + 50};
    e.options.selected[0] = e.options.from + 52;
    e.options.selected[1] = e.options.from + 90;
    e.options.n_selected = 2;
    example_make(&e);
    assert_true(e.ok);
    size_t count;
    struct axis_label *labels = axis_token_labels(&e.data, &e.options, 5, 28, &count);
    size_t kept = 0;
    float least = 1, dropped = 0;
    for (size_t i = 0; i < count; i++) {
        kept += labels[i].strong;
        if (i > 0)
            assert_true((double)(labels[i].at - labels[i - 1].at) * 5 >= 28);
        least = fminf(least, e.data.mass[labels[i].at]);
    }
    for (size_t t = 0; t < e.data.tokens; t++)
        dropped = fmaxf(dropped, e.data.mass[t]);
    /* 50 and 52 would touch: one of them, and 90, are there. */
    assert_int_equal(kept, 2);
    assert_true(count > 10 && least < dropped);
    free(labels);
    example_end(&e);
}

static void test_heaviest_token_has_a_label(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    example_make(&e);
    size_t heaviest = 0, count;
    for (size_t t = 0; t < e.data.tokens; t++)
        if (e.data.mass[t] > e.data.mass[heaviest])
            heaviest = t;
    struct axis_label *labels = axis_token_labels(&e.data, &e.options, 5, 28, &count);
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || labels[i].at == heaviest;
    assert_true(found);
    free(labels);
    example_end(&e);
}

static size_t count_labels(struct example *e, enum figure_ticks ticks, size_t most)
{
    size_t count;
    e->options.ticks = ticks;
    e->options.tick_count = most;
    example_make(e);
    struct axis_label *labels = axis_token_labels(&e->data, &e->options, 30, 28, &count);
    for (size_t i = 0; i < count && ticks == TICKS_WORDS; i++)
        assert_true(e->data.token[labels[i].at].word);
    free(labels);
    return count;
}

static void test_kinds_of_ticks(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.width_mm = 400;
    assert_int_equal(count_labels(&e, TICKS_AUTO, 0), 128);
    size_t words = count_labels(&e, TICKS_WORDS, 0);
    assert_in_range(words, 60, 127);
    assert_int_equal(count_labels(&e, TICKS_NONE, 0), 0);
    assert_int_equal(count_labels(&e, TICKS_COUNT, 7), 7);
    example_end(&e);
}

/* A line end and a split character must show as something. */
static void test_labels_of_strange_tokens(void **state)
{
    (void)state;
    static const char text[] = "a \n\n\x1b[31m \xe6\xbc\xa2\xf0\x9f\x98\x80 \xff\xe2\x80\xae";
    struct example e;
    example_begin(&e);
    snapshot_release(e.snapshot);
    e.snapshot = sample_document(text, sizeof text - 1);
    for (size_t i = 0; i < e.snapshot->windows; i++)
        sample_read_window(e.snapshot, i);
    e.options.from = 0;
    e.options.to = e.snapshot->document->tokens;
    e.options.ticks = TICKS_ALL;
    e.options.width_mm = 183;
    example_make(&e);
    assert_true(e.ok);
    for (size_t t = 0; t < e.data.tokens; t++) {
        const char *label = e.data.token[t].label;
        assert_true(label[0] != '\0' && text_valid(label, strlen(label), NULL));
        for (const char *p = label; *p; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        assert_null(strstr(label, "\xe2\x80\xae"));
    }
    example_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_round_numbers),
        cmocka_unit_test(test_numbers_between_limits),
        cmocka_unit_test(test_labels_keep_apart),
        cmocka_unit_test(test_heaviest_token_has_a_label),
        cmocka_unit_test(test_kinds_of_ticks),
        cmocka_unit_test(test_labels_of_strange_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
