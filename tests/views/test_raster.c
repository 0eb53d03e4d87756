/* Drawings as pixels and as SVG, and the faces they are set in. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views/raster.h"
#include "views/strokes.h"
#include "views/svg.h"

enum { RED = 0xd02010, BLUE = 0x1020d0, PAGE = 0xffffff };

/* A page of 60 x 40 pixels at 144 dpi: two pixels a point. */
static void begin(struct drawing *d)
{
    drawing_init(d, 30, 20, 144, PAGE);
}

static uint32_t pixel(const struct raster *r, size_t x, size_t y)
{
    const uint8_t *p = r->pixels + (y * r->width + x) * r->channels;
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void paint(const struct drawing *d, struct raster *r)
{
    struct font *font = font_open(NULL, 0);
    raster_paint(d, font, NULL, r);
    font_close(font);
}

static void test_cells_are_sharp(void **state)
{
    (void)state;
    struct drawing d;
    struct raster r;
    begin(&d);
    uint32_t *color = drawing_cells(&d, 2, 3, 1.5, 2, 4, 3);
    for (size_t i = 0; i < 12; i++)
        color[i] = i % 2 ? (uint32_t)RED : (uint32_t)BLUE;
    color[5] = DRAWING_NO_COLOR;
    paint(&d, &r);
    assert_int_equal(r.width, 60);
    assert_int_equal(r.height, 40);
    for (size_t y = 0; y < r.height; y++)
        for (size_t x = 0; x < r.width; x++) {
            bool inside = x >= 4 && x < 16 && y >= 6 && y < 18;
            size_t cell = inside ? (y - 6) / 4 * 4 + (x - 4) / 3 : 5;
            uint32_t want = cell == 5 ? (uint32_t)PAGE : cell % 2 ? (uint32_t)RED : (uint32_t)BLUE;
            assert_int_equal(pixel(&r, x, y), want);
        }
    raster_free(&r);
    drawing_free(&d);
}

static void test_rectangles_and_lines(void **state)
{
    (void)state;
    struct drawing d;
    struct raster r;
    begin(&d);
    drawing_rect(&d, 1, 1, 0.01, 2, RED); /* thinner than a pixel, yet there */
    drawing_rect(&d, 28, 18, 100, 100, BLUE); /* leaves the page */
    drawing_rect(&d, 5, 5, 0, 3, BLUE);
    drawing_line(&d, (struct drawing_line){5, 10, 15, 10, 0.1, 0, RED});
    drawing_line(&d, (struct drawing_line){5, 12, 15, 12, 0.1, 1, RED});
    drawing_line(&d, (struct drawing_line){20, 2, 24, 6, 1, 0, BLUE});
    paint(&d, &r);
    assert_int_equal(pixel(&r, 2, 2), RED);
    assert_int_equal(pixel(&r, 3, 2), PAGE);
    assert_int_equal(pixel(&r, 59, 39), BLUE);
    assert_int_equal(pixel(&r, 10, 12), PAGE);
    size_t solid = 0, dashed = 0;
    for (size_t x = 0; x < r.width; x++) {
        solid += pixel(&r, x, 20) == RED || pixel(&r, x, 19) == RED;
        dashed += pixel(&r, x, 24) == RED || pixel(&r, x, 23) == RED;
    }
    assert_int_equal(solid, 20);
    assert_int_equal(dashed, 10);
    assert_int_equal(pixel(&r, 44, 8), BLUE); /* on the slanted line */
    assert_int_equal(pixel(&r, 47, 5), PAGE);
    raster_free(&r);
    drawing_free(&d);
}

/* On a transparent page opaque things keep their colour and the rest is clear. */
static void test_transparent_background(void **state)
{
    (void)state;
    struct drawing d;
    struct raster r;
    begin(&d);
    d.transparent = true;
    drawing_rect(&d, 5, 5, 5, 5, RED);
    drawing_text(&d, 15, 15, (struct text_style){.size = 8, .color = BLUE}, "x");
    paint(&d, &r);
    assert_int_equal(r.channels, 4);
    assert_int_equal(pixel(&r, 12, 12), RED);
    assert_int_equal(r.pixels[(12 * 60 + 12) * 4 + 3], 255);
    assert_int_equal(r.pixels[3], 0);
    size_t partial = 0;
    for (size_t i = 0; i < r.width * r.height; i++)
        partial += r.pixels[4 * i + 3] > 0 && r.pixels[4 * i + 3] < 255;
    assert_true(partial > 4);
    raster_free(&r);
    drawing_free(&d);
}

/* ---- text --------------------------------------------------------------------------- */

/* Pixels that differ from the page, and the box around them. */
struct ink {
    size_t count, left, top, right, bottom;
};

static struct ink ink_of(const struct raster *r)
{
    struct ink ink = {0, r->width, r->height, 0, 0};
    for (size_t y = 0; y < r->height; y++)
        for (size_t x = 0; x < r->width; x++) {
            if (pixel(r, x, y) == PAGE)
                continue;
            ink.count++;
            ink.left = x < ink.left ? x : ink.left;
            ink.right = x > ink.right ? x : ink.right;
            ink.top = y < ink.top ? y : ink.top;
            ink.bottom = y > ink.bottom ? y : ink.bottom;
        }
    return ink;
}

static struct ink ink_of_text(struct text_style style, const char *text)
{
    struct drawing d;
    struct raster r;
    drawing_init(&d, 100, 100, 144, PAGE);
    drawing_text(&d, 50, 50, style, text);
    paint(&d, &r);
    struct ink ink = ink_of(&r);
    raster_free(&r);
    drawing_free(&d);
    return ink;
}

static void test_text_stands_at_its_anchor(void **state)
{
    (void)state;
    struct text_style style = {.size = 12, .color = 0};
    struct ink start = ink_of_text(style, "HE");
    assert_true(start.left >= 100 && start.left <= 104 && start.bottom <= 101);
    style.anchor = ANCHOR_END;
    struct ink end = ink_of_text(style, "HE");
    assert_true(end.right <= 100 && end.right >= 94);
    style.anchor = ANCHOR_MIDDLE;
    struct ink middle = ink_of_text(style, "HE");
    assert_true(abs((int)(middle.left + middle.right) - 200) <= 4);
}

static void test_upright_text_is_turned(void **state)
{
    (void)state;
    struct text_style style = {.size = 12, .color = 0};
    struct ink level = ink_of_text(style, "Long");
    style.upright = true;
    struct ink upright = ink_of_text(style, "Long");
    assert_true(abs((int)(level.right - level.left) - (int)(upright.bottom - upright.top)) <= 1);
    assert_true(abs((int)(level.bottom - level.top) - (int)(upright.right - upright.left)) <= 1);
    /* Reads upwards: it ends above where it begins. */
    assert_true(upright.bottom <= 100 && upright.top < 80);
}

static void test_builtin_face_has_all_of_ascii(void **state)
{
    (void)state;
    struct font *font = font_open(NULL, 0);
    assert_true(font_is_builtin(font));
    for (uint32_t c = ' '; c <= '~'; c++) {
        char text[2] = {(char)c, 0};
        struct ink ink = ink_of_text((struct text_style){.size = 12, .color = 0}, text);
        assert_true(font_has(font, c) && font_text_width(font, text, 10) > 1);
        if ((c == ' ') != (ink.count == 0))
            fail_msg("'%c' has %zu pixels", (int)c, ink.count);
        /* Inside of the room that lines leave for it. */
        if (c != ' ' && (ink.top < 100 - 24 || ink.bottom > 100 + 8))
            fail_msg("'%c' reaches from %zu to %zu", (int)c, ink.top, ink.bottom);
    }
    font_close(font);
}

/* Each stroke is pairs of digits on the grid. */
static void test_strokes_are_well_formed(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x3000; c++) {
        double advance = 0;
        const char *p = strokes_of(c, &advance);
        if (!p)
            continue;
        assert_true(advance > 1 && advance < 7);
        for (; *p; p += *p == ' ' ? 1 : 2)
            if (*p != ' ')
                assert_true(p[0] >= '0' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9');
    }
}

static void test_missing_characters_become_boxes(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "\xd8\xb9"};
    struct font *font = font_open(NULL, 0);
    for (size_t i = 0; i < 3; i++) {
        struct ink ink = ink_of_text((struct text_style){.size = 10, .color = 0}, texts[i]);
        double digits = font_text_width(font, i == 1 ? "1F600" : "0639", 10);
        assert_true(ink.count > 100);
        assert_true(font_text_width(font, texts[i], 10) > digits);
    }
    /* So does a combining mark that the face lacks; what has no picture anywhere does not. */
    assert_true(font_text_width(font, "e\xcc\x81", 10) > font_text_width(font, "e0301", 10));
    assert_true(font_text_width(font, "e\xef\xb8\x8f", 10) == font_text_width(font, "e", 10));
    font_close(font);
}

static void test_bytes_that_are_no_font(void **state)
{
    (void)state;
    char junk[256];
    memset(junk, 'x', sizeof junk);
    struct font *font = font_open(junk, sizeof junk);
    assert_true(font_is_builtin(font));
    font_close(font);
}

/* ---- SVG ------------------------------------------------------------------------------ */

/* Tags are balanced, attributes quoted, and no raw & or < is left in text. */
static void assert_well_formed(const char *svg)
{
    size_t depth = 0;
    bool text = false;
    for (const char *p = svg; *p; p++) {
        if (*p == '&' && strncmp(p, "&amp;", 5) && strncmp(p, "&lt;", 4) &&
            strncmp(p, "&gt;", 4) && strncmp(p, "&quot;", 6))
            fail_msg("raw & at %.20s", p);
        if (*p != '<') {
            assert_true(*p != '>');
            continue;
        }
        const char *end = strchr(p, '>');
        assert_non_null(end);
        size_t quotes = 0;
        for (const char *q = p; q < end; q++) {
            quotes += *q == '"';
            assert_true(q == p || *q != '<');
        }
        assert_int_equal(quotes % 2, 0);
        if (p[1] == '/')
            assert_true(depth-- > 0);
        else if (p[1] != '?' && end[-1] != '/')
            depth++;
        text = text || strncmp(p, "<text", 5) == 0;
        p = end;
    }
    assert_int_equal(depth, 0);
    assert_true(text);
}

/* Cells of 0.24 x 0.48 points at 300 dpi. */
static char *fake_image(const struct drawing_cells *cells, size_t across, size_t down)
{
    assert_int_equal(cells->columns, 10);
    assert_int_equal(across, 1);
    assert_int_equal(down, 2);
    static const char address[] = "data:image/png;base64,AAAA";
    char *copy = malloc(sizeof address);
    memcpy(copy, address, sizeof address);
    return copy;
}

static void test_svg(void **state)
{
    (void)state;
    struct drawing d;
    drawing_init(&d, 89 * 72 / 25.4, 50, 300, PAGE);
    uint32_t *color = drawing_cells(&d, 1, 1, 0.24, 0.48, 10, 3);
    for (size_t i = 0; i < 30; i++)
        color[i] = (uint32_t)i;
    color[29] = DRAWING_NO_COLOR;
    drawing_text(&d, 9, 9, (struct text_style){.size = 7, .upright = true, .bold = true},
                 "<b>&\"fish\" \xe6\xbc\xa2");
    drawing_line(&d, (struct drawing_line){0, 0, 9, 9, 0.5, 1.5, RED});
    size_t length;
    char *svg = svg_write(&d, &(struct svg_options){.metadata = "{\"a\":\"<&>\"}"}, &length);
    assert_int_equal(strlen(svg), length);
    assert_well_formed(svg);
    assert_non_null(strstr(svg, "width=\"89mm\""));
    assert_non_null(strstr(svg, "&lt;b&gt;&amp;&quot;fish&quot; \xe6\xbc\xa2</text>"));
    assert_non_null(strstr(svg, "font-size=\"7\" font-weight=\"bold\""));
    assert_non_null(strstr(svg, "{&quot;a&quot;:&quot;&lt;&amp;&gt;&quot;}</metadata>"));
    assert_non_null(strstr(svg, "x=\"1.24\" y=\"1.48\" width=\"0.24\" height=\"0.48\""));
    size_t rects = 0;
    for (const char *p = svg; (p = strstr(p, "<rect")); p++)
        rects++;
    assert_int_equal(rects, 1 + 29);
    const char *slanted = strstr(svg, "<line");
    assert_non_null(slanted);
    assert_non_null(strstr(slanted, "shape-rendering=\"auto\"/>"));
    free(svg);
    svg = svg_write(&d, &(struct svg_options){.rect_limit = 29, .image = fake_image}, &length);
    assert_well_formed(svg);
    assert_non_null(strstr(svg, "xlink:href=\"data:image/png;base64,AAAA\""));
    assert_non_null(strstr(svg, "width=\"2.4\" height=\"1.44\""));
    free(svg);
    drawing_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_are_sharp),
        cmocka_unit_test(test_rectangles_and_lines),
        cmocka_unit_test(test_transparent_background),
        cmocka_unit_test(test_text_stands_at_its_anchor),
        cmocka_unit_test(test_upright_text_is_turned),
        cmocka_unit_test(test_builtin_face_has_all_of_ascii),
        cmocka_unit_test(test_strokes_are_well_formed),
        cmocka_unit_test(test_missing_characters_become_boxes),
        cmocka_unit_test(test_bytes_that_are_no_font),
        cmocka_unit_test(test_svg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
