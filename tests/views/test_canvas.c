/* Text on the grid: widths, cuts, combining marks, clipping; and colours of roles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views/canvas.h"
#include "views/colormap.h"
#include "views/theme.h"

static int text(struct canvas *canvas, int row, int column, int width, const char *string)
{
    return canvas_text(canvas, row, column, width, ROLE_TEXT, 0, string, strlen(string));
}

static void assert_dump(const struct canvas *canvas, const char *want)
{
    char *got = canvas_dump(canvas, false);
    assert_string_equal(got, want);
    free(got);
}

static void test_plain_text(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 2, 8);
    assert_int_equal(text(&c, 0, 1, 8, "saltworks"), 7);
    assert_int_equal(canvas_printf(&c, 1, 0, 5, ROLE_TEXT, 0, "%d·%s", 12, "xyz"), 5);
    assert_dump(&c, " saltwo>\n12·x>\n"); /* what is cut says so */
    assert_int_equal(text(&c, 0, 0, 4, "salt  "), 4);
    assert_int_equal(text(&c, 1, 0, 4, "salt w"), 4);
    assert_dump(&c, "salttwo>\nsal>>\n");
    canvas_free(&c);
}

static void test_wide_characters(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 1, 6);
    assert_int_equal(text(&c, 0, 0, 6, "漢字x"), 5);
    assert_int_equal(canvas_at(&c, 0, 1)->codepoint, 0);
    assert_dump(&c, "漢字x\n");
    canvas_clear(&c);
    assert_int_equal(text(&c, 0, 0, 3, "漢字"), 3);
    assert_dump(&c, "漢>\n");
    canvas_clear(&c);
    text(&c, 0, 3, 9, "a漢字"); /* the edge of the canvas cuts as well */
    assert_dump(&c, "   a >\n");
    canvas_clear(&c);
    text(&c, 0, 4, 9, "a漢");
    assert_dump(&c, "    a>\n");
    canvas_free(&c);
}

/* Writing over one half of a wide character blanks the other. */
static void test_overwriting_wide_characters(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 1, 4);
    text(&c, 0, 0, 4, "漢字");
    canvas_put(&c, 0, 1, 'x', ROLE_TEXT, 0);
    assert_dump(&c, " x字\n");
    canvas_put(&c, 0, 2, 'y', ROLE_TEXT, 0);
    assert_dump(&c, " xy\n");
    text(&c, 0, 1, 3, "漢");
    assert_dump(&c, " 漢\n");
    canvas_free(&c);
}

static void test_combining_marks(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 1, 4);
    assert_int_equal(text(&c, 0, 0, 4, "\u0301e\u0301\u0302\u0303\u0304\u0305!"), 2);
    assert_dump(&c, "e\u0301\u0302\u0303\u0304!\n");
    canvas_clear(&c);
    text(&c, 0, 0, 2, "漢\u0301");
    assert_dump(&c, "漢\u0301\n");
    canvas_free(&c);
}

static void test_what_is_not_sanitised_stays_harmless(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 1, 12);
    text(&c, 0, 0, 12, "\033[2J\xff\u202e\u200b.");
    assert_dump(&c, "?[2J???.\n");
    canvas_free(&c);
}

static void test_outside_is_ignored(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 2, 3);
    text(&c, -1, 0, 3, "abc");
    text(&c, 2, 0, 3, "abc");
    text(&c, 1, -2, 9, "abcdefg");
    text(&c, 0, -1, 9, "漢x");
    canvas_put(&c, 0, 99, 'x', ROLE_TEXT, 0);
    canvas_fill(&c, (struct rect){-1, 2, 9, 9}, '#', ROLE_TEXT);
    assert_null(canvas_at(&c, 0, 3));
    assert_dump(&c, ">x#\ncd#\n");
    canvas_free(&c);
    canvas_init(&c, 0, -1);
    text(&c, 0, 0, 3, "abc");
    assert_dump(&c, "");
    canvas_free(&c);
}

static void test_dump_names_looks(void **state)
{
    (void)state;
    struct canvas c;
    canvas_init(&c, 1, 5);
    canvas_text(&c, 0, 1, 5, ROLE_CURSOR, ATTR_BOLD | ATTR_REVERSE, "ab", 2);
    char *dump = canvas_dump(&c, true);
    assert_non_null(
        strstr(dump, " ab\n--- looks, cursor -1 -1\n0 1-2 cursor bold reverse\n"));
    assert_non_null(strstr(dump, "colors 0 "));
    canvas_at(&c, 0, 0)->background = 0x123456;
    char *colored = canvas_dump(&c, true);
    assert_non_null(strstr(colored, "colors 1 "));
    free(colored);
    free(dump);
    canvas_free(&c);
}

static struct theme_style style_of(enum color_depth depth, enum theme_kind theme,
                                   enum canvas_role role)
{
    struct display display = {depth, GLYPHS_HALF, theme, false};
    struct canvas_cell cell = {.codepoint = 'x',
                               .foreground = COLOR_NONE,
                               .background = COLOR_NONE,
                               .role = (uint8_t)role};
    return theme_resolve(&display, &cell);
}

static uint32_t rgb_of(uint32_t color)
{
    return theme_is_palette(color) ? theme_rgb_of_256(theme_palette_index(color)) : color;
}

static void test_accents_are_readable(void **state)
{
    (void)state;
    for (int depth = DEPTH_256; depth <= DEPTH_TRUE; depth++)
        for (int theme = THEME_DEFAULT; theme <= THEME_DARK; theme++)
            for (int role = 0; role < ROLE_COUNT; role++) {
                uint32_t color = style_of((enum color_depth)depth, (enum theme_kind)theme,
                                          (enum canvas_role)role)
                                     .foreground;
                if (color == THEME_DEFAULT_COLOR)
                    continue;
                if (theme != THEME_DARK)
                    assert_true(color_contrast(rgb_of(color), 0xffffff) >= 4.5);
                if (theme != THEME_LIGHT)
                    assert_true(color_contrast(rgb_of(color), 0x000000) >= 4.5);
            }
}

static void test_depths(void **state)
{
    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        struct theme_style mono =
            style_of(DEPTH_MONO, THEME_LIGHT, (enum canvas_role)role);
        assert_true(mono.foreground == THEME_DEFAULT_COLOR);
        assert_true(mono.background == THEME_DEFAULT_COLOR);
        struct theme_style few = style_of(DEPTH_16, THEME_LIGHT, (enum canvas_role)role);
        assert_true(few.foreground == THEME_DEFAULT_COLOR ||
                    (theme_is_palette(few.foreground) &&
                     theme_palette_index(few.foreground) < 16));
    }
    /* cyan cannot be read on white */
    uint32_t light = style_of(DEPTH_16, THEME_LIGHT, ROLE_CURSOR).foreground;
    assert_int_equal(theme_palette_index(light), 4);
    assert_int_equal(theme_palette_index(style_of(DEPTH_16, THEME_DARK, ROLE_CURSOR).foreground),
                     6);
    assert_int_equal(style_of(DEPTH_MONO, THEME_DARK, ROLE_CURSOR).attr,
                     ATTR_BOLD | ATTR_REVERSE);

    struct canvas_cell heat = {
        .foreground = 0xfde725, .background = 0x440154, .role = ROLE_HEAT};
    struct display display = {DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false};
    assert_int_equal(theme_resolve(&display, &heat).foreground, 0xfde725);
    display.depth = DEPTH_256;
    assert_true(theme_is_palette(theme_resolve(&display, &heat).background));
    display.depth = DEPTH_16;
    assert_true(theme_resolve(&display, &heat).background == THEME_DEFAULT_COLOR);
}

/* The short way against all 240. */
static void test_nearest_256(void **state)
{
    (void)state;
    for (uint32_t rgb = 0; rgb < 0x1000000; rgb += 0x010307) {
        int best = -1, best_distance = 0;
        for (int i = 16; i < 256; i++) {
            uint32_t have = theme_rgb_of_256(i);
            int d = 0;
            for (int shift = 0; shift <= 16; shift += 8) {
                int e = (int)(have >> shift & 0xff) - (int)(rgb >> shift & 0xff);
                d += e * e;
            }
            if (best < 0 || d < best_distance) {
                best = i;
                best_distance = d;
            }
        }
        uint32_t got = theme_rgb_of_256(theme_nearest_256(rgb));
        int d = 0;
        for (int shift = 0; shift <= 16; shift += 8) {
            int e = (int)(got >> shift & 0xff) - (int)(rgb >> shift & 0xff);
            d += e * e;
        }
        assert_int_equal(d, best_distance);
    }
    assert_int_equal(theme_nearest_256(0x767676), 243);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text),
        cmocka_unit_test(test_wide_characters),
        cmocka_unit_test(test_overwriting_wide_characters),
        cmocka_unit_test(test_combining_marks),
        cmocka_unit_test(test_what_is_not_sanitised_stays_harmless),
        cmocka_unit_test(test_outside_is_ignored),
        cmocka_unit_test(test_dump_names_looks),
        cmocka_unit_test(test_accents_are_readable),
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_nearest_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
