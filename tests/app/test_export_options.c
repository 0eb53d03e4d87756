/* What a request of an export may say, and what not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/export.h"
#include "engine/base/json.h"
#include "tests/support/export_bench.h"

static void test_options_that_are_fine(void **state)
{
    struct export_bench *b = *state;
    static const char *const words[] = {
        "gate",
        "plan",
        "value=slot-share",
        "window=all",
        "window=3",
        "range=3-9",
        "range=3,9",
        "iteration=0",
        "norm=token",
        "scale=log",
        "limits=0,0.02",
        "limits=auto",
        "map=Cividis",
        "unit=word",
        "turn",
        "turn=off",
        "width=3.5in",
        "width=acl-2col",
        "width=1200px",
        "height=60mm",
        "dpi=600",
        "ticks=all",
        "ticks=12",
        "ticks=0",
        "select=3,4",
        "title=A = b",
        "marginals=off",
        "colorbar=off",
        "theme=dark",
        "background=transparent",
        "cells=image",
        "formats=png,npy",
        "x.PNG",
        "./a=b.svg",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        export_bench_set(b, words[i]);
    assert_string_equal(b->request.figure.title, "A = b");
    assert_int_equal(b->request.n_files, 2);
    assert_int_equal(b->request.figure.map, MAP_CIVIDIS);
    export_bench_set(b, "width=slide");
    assert_true(b->request.width == 254 && b->request.height == 143);
}

static void test_options_that_are_not(void **state)
{
    struct export_bench *b = *state;
    static const char *const words[][2] = {
        {"map=jet", "rainbow"},
        {"map=plasmoid", "viridis"},   {"widht=3mm", "did you mean width?"},
        {"width=wide", "nature-1col"}, {"width=-3mm", "expected"},
        {"dpi=1e9", "20..2400"},       {"dpi=nan", "20..2400"},
        {"limits=3", "rising"},        {"limits=2,1", "rising"},
        {"range=9-3", "114-241"},      {"window=0", "counted from 1"},
        {"ticks=some", "auto"},        {"select=a", "162"},
        {"scale=cube", "sqrt"},        {"formats=gif", "png"},
        {"turn=maybe", "on or off"},   {"value=looked-at", "slot-share"},
        {"fig.gif", ".svg"},           {"fig", ".svg"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (export_word(&b->request, words[i][0], &b->err))
            fail_msg("%s was accepted", words[i][0]);
        assert_int_equal(b->err.code, ERR_USAGE);
        if (!strstr(b->err.text, words[i][1]))
            fail_msg("%s: %s", words[i][0], b->err.text);
    }
    static const char *const late[][2] = {
        {"window=9", "windows 1 to 4"},
        {"range=4-900", "tokens 0 to 497"},
        {"width=1mm", "10..5000"},
        {"value=entropy", "figure \"plan\""},
    };
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct export_request r;
        export_request_init(&r);
        assert_true(export_word(&r, late[i][0], &b->err));
        assert_false(export_run(b->snapshot, &r, &b->result, &b->err));
        if (!strstr(b->err.text, late[i][1]))
            fail_msg("%s: %s", late[i][0], b->err.text);
    }
}

static void test_the_explorer_s_line(void **state)
{
    struct export_bench *b = *state;
    struct view_state v = {.limit_low = (double)NAN,
                           .limit_high = (double)NAN,
                           .iteration = -1,
                           .focus = PANE_PLAN,
                           .token = 162,
                           .map = MAP_MAGMA,
                           .turned = true};
    v.value[PANE_PLAN] = VALUE_LIKENESS;
    v.value[PANE_GATES] = VALUE_ENTROPY;
    v.locked = (struct source){.kind = SOURCE_SLOT, .window = 1, .slot = 12};
    char line[256];
    export_suggest(b->snapshot, &v, FIGURE_PLAN, line, sizeof line);
    assert_string_equal(line, "export plan saltworks-w02-plan.png width=89mm dpi=300");
    export_suggest(b->snapshot, &v, FIGURE_KIND_COUNT, line, sizeof line);
    assert_string_equal(
        line, "export gate plan answers saltworks-w02-panels.png width=183mm dpi=300");
    export_request_from_view(&b->request, b->snapshot, &v);
    assert_int_equal(b->request.window, 2);
    assert_int_equal(b->request.figure.value, VALUE_LIKENESS);
    assert_true(b->request.figure.turned && b->request.figure.map == MAP_MAGMA);
    assert_false(b->request.figure.dark);
    export_bench_run(b);
    /* A word chooses another pane: its own value is drawn. */
    export_bench_set(b, "gate"), export_bench_set(b, "gate.json");
    export_bench_run(b);
    json_t *json = json_parse_file("gate.json", 1 << 24, &b->err);
    assert_string_equal(json_string_value(json_object_get(json, "value")), "entropy");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORT_CASE(test_options_that_are_fine),
        EXPORT_CASE(test_options_that_are_not),
        EXPORT_CASE(test_the_explorer_s_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
