/* Colour maps against published colours, and values to levels and glyphs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "views/colormap.h"
#include "views/heat.h"

/* Every channel within `tolerance`. */
static void assert_color(uint32_t got, uint32_t want, int tolerance)
{
    for (int shift = 0; shift <= 16; shift += 8) {
        int difference = (int)(got >> shift & 0xff) - (int)(want >> shift & 0xff);
        if (abs(difference) > tolerance)
            fail_msg("colour %06x, expected %06x", got, want);
    }
}

static void test_published_colors(void **state)
{
    (void)state;
    assert_color(colormap_rgb(MAP_VIRIDIS, 0), 0x440154, 0);
    assert_color(colormap_rgb(MAP_VIRIDIS, 64), 0x3b528b, 2);
    assert_color(colormap_rgb(MAP_VIRIDIS, 128), 0x21918c, 2);
    assert_color(colormap_rgb(MAP_VIRIDIS, 191), 0x5ec962, 2);
    assert_color(colormap_rgb(MAP_VIRIDIS, 255), 0xfde725, 0);
    assert_color(colormap_rgb(MAP_MAGMA, 127), 0xb73779, 2);
    assert_color(colormap_rgb(MAP_CIVIDIS, 127), 0x7c7b78, 1);
    assert_color(colormap_rgb(MAP_GRAY, 0), 0xffffff, 0);
    assert_color(colormap_rgb(MAP_GRAY, 255), 0x000000, 0);
    assert_color(colormap_rgb(MAP_VIRIDIS, -5), 0x440154, 0);
    assert_color(colormap_rgb(MAP_VIRIDIS, 999), 0xfde725, 0);
}

/* More is lighter (gray: darker), so that the maps also work without hue. */
static void test_sequential_maps_are_monotone(void **state)
{
    (void)state;
    for (int map = 0; map < MAP_COUNT; map++) {
        for (int level = 4; level < COLORMAP_LEVELS; level++) {
            double before = color_luminance(colormap_rgb((enum color_map)map, level - 4));
            double here = color_luminance(colormap_rgb((enum color_map)map, level));
            if (map == MAP_GRAY ? here > before : here < before - 0.0005)
                fail_msg("%s is not monotone at %d", color_map_name[map], level);
        }
    }
}

static void test_diverging_maps_are_centred(void **state)
{
    (void)state;
    for (int map = MAP_VIK; map < MAP_ALL; map++) {
        double centre = color_luminance(colormap_rgb((enum color_map)map, 128));
        for (int level = 0; level < COLORMAP_LEVELS; level++)
            assert_true(color_luminance(colormap_rgb((enum color_map)map, level)) <=
                        centre);
    }
}

static void test_parse(void **state)
{
    (void)state;
    enum color_map map;
    bool rainbow;
    assert_true(colormap_parse("Cividis", &map, &rainbow));
    assert_int_equal(map, MAP_CIVIDIS);
    assert_false(colormap_parse("jet", &map, &rainbow));
    assert_true(rainbow);
    assert_false(colormap_parse("blue", &map, &rainbow));
    assert_false(rainbow);
    assert_false(colormap_parse("hsv", &map, NULL));
}

static void test_ink_is_readable_everywhere(void **state)
{
    (void)state;
    for (int map = 0; map < MAP_ALL; map++)
        for (int level = 0; level < COLORMAP_LEVELS; level++) {
            uint32_t background = colormap_rgb((enum color_map)map, level);
            assert_true(color_contrast(color_ink(background), background) >= 4.5);
        }
    assert_true(fabs(color_contrast(0x000000, 0xffffff) - 21) < 1e-9);
}

static void test_scales(void **state)
{
    (void)state;
    struct heat_scale linear = {SCALE_LINEAR, 1, 3};
    assert_int_equal(heat_level(&linear, 1), 0);
    assert_int_equal(heat_level(&linear, 2), 128);
    assert_int_equal(heat_level(&linear, 3), 255);
    assert_int_equal(heat_level(&linear, 9), 255);
    assert_int_equal(heat_level(&linear, -9), 0);
    assert_int_equal(heat_level(&linear, (double)NAN), -1);
    struct heat_scale root = {SCALE_SQRT, 0, 4};
    assert_true(heat_position(&root, 1) == 0.5);
    struct heat_scale logarithm = {SCALE_LOG, 0, 1000};
    assert_true(heat_position(&logarithm, 0) == 0);
    assert_true(heat_position(&logarithm, 1) == 0);
    assert_true(fabs(heat_position(&logarithm, 10) - 1.0 / 3) < 1e-12);
    struct heat_scale empty = {SCALE_LINEAR, 0, 0};
    assert_int_equal(heat_level(&empty, 0), 0);
    const struct heat_scale all[] = {linear, root, logarithm};
    for (size_t i = 0; i < 3; i++)
        for (double x = 0.1; x < 1; x += 0.1)
            assert_true(fabs(heat_position(&all[i], heat_value_at(&all[i], x)) - x) <
                        1e-9);
}

/* 3 tokens x 2 slots, stored token by token. */
static void test_pool_and_normalise(void **state)
{
    (void)state;
    const float plan[] = {1, 2, 3, 4, 5, 9};
    struct heat_source source = {plan, 3, 2, 2, 1};
    struct heat_grid grid;
    heat_grid_pool(&grid, &source, 2, 1, true);
    assert_int_equal(grid.rows, 2);
    assert_int_equal(grid.columns, 2);
    assert_true(heat_at(&grid, 0, 0) == 4 && heat_at(&grid, 0, 1) == 5);
    assert_true(heat_at(&grid, 1, 0) == 6 && heat_at(&grid, 1, 1) == 9);
    assert_true(heat_max(&grid) == 9);
    heat_normalise(&grid, NORM_WINDOW);
    assert_true(heat_at(&grid, 1, 0) == 6);
    heat_normalise(&grid, NORM_SLOT);
    assert_true(heat_at(&grid, 0, 1) == 1 &&
                heat_at(&grid, 0, 0) == (double)(4.0f / 5.0f));
    heat_grid_free(&grid);

    heat_grid_pool(&grid, &source, 4, 2, false);
    assert_int_equal(grid.rows * grid.columns, 1);
    assert_true(heat_at(&grid, 0, 0) == 4);
    heat_grid_free(&grid);

    heat_grid_pool(&grid, &source, 1, 1, true);
    heat_normalise(&grid, NORM_TOKEN);
    assert_true(heat_at(&grid, 0, 0) == 0.5 && heat_at(&grid, 1, 2) == 1);
    struct heat_scale scale = heat_auto_scale(&grid, SCALE_LINEAR, 0.25, (double)NAN);
    assert_true(scale.low == 0.25 && scale.high == 1);
    heat_grid_free(&grid);
}

static void test_tokens_per_cell(void **state)
{
    (void)state;
    assert_int_equal(heat_tokens_per_cell(128, 128), 1);
    assert_int_equal(heat_tokens_per_cell(128, 127), 2);
    assert_int_equal(heat_tokens_per_cell(128, 64), 2);
    assert_int_equal(heat_tokens_per_cell(512, 64), 8);
    assert_int_equal(heat_tokens_per_cell(0, 64), 1);
    assert_int_equal(heat_tokens_per_cell(5, 0), 1);
}

static void test_glyphs(void **state)
{
    (void)state;
    assert_int_equal(heat_shade(GLYPHS_HALF, 0), ' ');
    assert_int_equal(heat_shade(GLYPHS_SHADE, 0.25), 0x2591);
    assert_int_equal(heat_shade(GLYPHS_SHADE, 1), 0x2588);
    assert_int_equal(heat_shade(GLYPHS_ASCII, 0), ' ');
    assert_int_equal(heat_shade(GLYPHS_ASCII, 1), '@');
    assert_int_equal(heat_shade(GLYPHS_ASCII, (double)NAN), ' ');
    assert_int_equal(heat_bar(GLYPHS_HALF, 0), ' ');
    assert_int_equal(heat_bar(GLYPHS_HALF, 0.01), 0x2581);
    assert_int_equal(heat_bar(GLYPHS_HALF, 1), 0x2588);
    assert_int_equal(heat_bar(GLYPHS_ASCII, 1), '#');
    assert_int_equal(heat_bar(GLYPHS_ASCII, 2), '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_colors),
        cmocka_unit_test(test_sequential_maps_are_monotone),
        cmocka_unit_test(test_diverging_maps_are_centred),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_ink_is_readable_everywhere),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_pool_and_normalise),
        cmocka_unit_test(test_tokens_per_cell),
        cmocka_unit_test(test_glyphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
