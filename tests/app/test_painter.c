/* Frames of the painter, read back by a small terminal: it must show what the canvas
 * says, however the frame before looked, and take few bytes for few changes. */
#include "app/painter.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/text.h"

enum { ROWS = 7, COLUMNS = 23, PARAMETERS = 16 };

struct shown_cell {
    uint32_t codepoint;
    struct theme_style style;
};

/* ECMA-48 as far as the painter speaks it. */
struct screen {
    struct shown_cell cells[ROWS][COLUMNS];
    struct theme_style style;
    int row, column;
};

static const struct theme_style plain = {THEME_DEFAULT_COLOR, THEME_DEFAULT_COLOR, 0};

static void erase(struct screen *s, int row, int from)
{
    for (int i = from; i < COLUMNS; i++)
        s->cells[row][i] = (struct shown_cell){' ', {plain.foreground, s->style.background, 0}};
}

/* 38 or 48 and what follows; the number of parameters it took. */
static int take_color(const int *p, uint32_t *color)
{
    if (p[1] == 5) {
        *color = THEME_PALETTE | (uint32_t)p[2];
        return 3;
    }
    assert_int_equal(p[1], 2);
    *color = (uint32_t)(p[2] << 16 | p[3] << 8 | p[4]);
    return 5;
}

static void take_style(struct screen *s, const int *p, int n)
{
    for (int i = 0; i < n;) {
        int code = p[i];
        if (code == 38 || code == 48) {
            i += take_color(p + i, code == 38 ? &s->style.foreground : &s->style.background);
            continue;
        }
        switch (code) {
        case 0: s->style = plain; break;
        case 1: s->style.attr |= ATTR_BOLD; break;
        case 2: s->style.attr |= ATTR_STRIKE; break;
        case 4: s->style.attr |= ATTR_UNDERLINE; break;
        case 7: s->style.attr |= ATTR_REVERSE; break;
        case 39: s->style.foreground = THEME_DEFAULT_COLOR; break;
        case 49: s->style.background = THEME_DEFAULT_COLOR; break;
        default: fail_msg("SGR %d", code);
        }
        i++;
    }
}

/* A control sequence behind ESC [; where it ends. */
static const char *take_sequence(struct screen *s, const char *at)
{
    int p[PARAMETERS] = {0}, n = 1;
    for (; (*at >= '0' && *at <= '9') || *at == ';'; at++) {
        if (*at == ';')
            assert_true(++n <= PARAMETERS);
        else
            p[n - 1] = 10 * p[n - 1] + *at - '0';
    }
    switch (*at) {
    case 'H':
        s->row = p[0] ? p[0] - 1 : 0;
        s->column = n > 1 && p[1] ? p[1] - 1 : 0;
        break;
    case 'G': s->column = p[0] - 1; break;
    case 'C': s->column += p[0] ? p[0] : 1; break;
    case 'J':
        assert_int_equal(p[0], 2);
        for (int row = 0; row < ROWS; row++)
            erase(s, row, 0);
        break;
    case 'K': erase(s, s->row, s->column); break;
    case 'm': take_style(s, p, n); break;
    default: fail_msg("CSI %c", *at);
    }
    return at + 1;
}

static void put(struct screen *s, uint32_t codepoint)
{
    bool wide = codepoint == 0x6f22;
    assert_in_range(s->row, 0, ROWS - 1);
    assert_in_range(s->column, 0, COLUMNS - 1 - wide);
    s->cells[s->row][s->column++] = (struct shown_cell){codepoint, s->style};
    if (wide)
        s->cells[s->row][s->column++] = (struct shown_cell){0, s->style};
}

static void feed(struct screen *s, const char *bytes, size_t size)
{
    for (const char *at = bytes, *end = bytes + size; at < end;) {
        uint32_t codepoint;
        if (at[0] == '\033' && at[1] == '[') {
            at = take_sequence(s, at + 2);
        } else if (*at == '\r') {
            s->column = 0;
            at++;
        } else if (*at == '\n') {
            assert_in_range(++s->row, 0, ROWS - 1);
            at++;
        } else {
            at += text_decode(at, (size_t)(end - at), &codepoint);
            if (codepoint != 0x301)
                put(s, codepoint);
        }
    }
}

/* Nobody sees the foreground of a blank, nor a half block of one colour. */
static void assert_shows(const struct screen *s, const struct canvas *canvas,
                         const struct display *display)
{
    const unsigned lines = ATTR_UNDERLINE | ATTR_REVERSE | ATTR_STRIKE;
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        const struct shown_cell *got = &s->cells[i / COLUMNS][i % COLUMNS];
        struct theme_style want = theme_resolve(display, &canvas->cells[i]);
        uint32_t codepoint = canvas->cells[i].codepoint;
        if (!codepoint)
            continue;
        bool half = codepoint == 0x2580 && want.foreground == want.background &&
                    got->codepoint == ' ';
        assert_true(half || got->codepoint == codepoint);
        assert_int_equal(got->style.background, want.background);
        if (got->codepoint == ' ') {
            assert_int_equal(got->style.attr & lines, want.attr & lines);
            continue;
        }
        assert_int_equal(got->style.foreground, want.foreground);
        assert_int_equal(got->style.attr, want.attr);
    }
}

/* Changes one cell, or empties the rest of a row. */
static void change(struct canvas *canvas, struct rng *rng)
{
    static const uint32_t characters[] = {' ', ' ', 'a', 0x2580, 0x2580, 0xe9, 0x2500, 0x6f22};
    static const uint32_t colors[] = {COLOR_NONE, 0x440154, 0x440154, 0x21918c, 3};
    int row = (int)rng_below(rng, ROWS), column = (int)rng_below(rng, COLUMNS - 1);
    if (rng_below(rng, 12) == 0) {
        canvas_fill(canvas, (struct rect){row, column, 1, COLUMNS - column}, ' ', ROLE_TEXT);
        return;
    }
    canvas_put(canvas, row, column, characters[rng_below(rng, 8)],
               (enum canvas_role)rng_below(rng, ROLE_COUNT), (unsigned)rng_below(rng, 16));
    struct canvas_cell *cell = canvas_at(canvas, row, column);
    if (cell->codepoint == ' ' || cell->codepoint == 0x2580) {
        cell->foreground = colors[rng_below(rng, 5)];
        cell->background = colors[rng_below(rng, 5)];
    } else if (cell->codepoint == 'a' && rng_below(rng, 4) == 0) {
        canvas_combine(canvas, row, column, 0x301);
    }
}

static void test_frames_show_their_canvas(void **state)
{
    static const enum color_depth depths[] = {DEPTH_256, DEPTH_TRUE, DEPTH_MONO};
    (void)state;
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        struct display display = {depths[d], GLYPHS_HALF, THEME_DARK, d == 0};
        struct rng rng;
        rng_seed(&rng, 7 + d);
        struct painter painter = {.utf8 = true};
        struct screen screen = {.style = {1, 2, ATTR_BOLD}, .row = 3};
        struct canvas now, shown;
        canvas_init(&now, ROWS, COLUMNS);
        canvas_init(&shown, ROWS, COLUMNS);
        for (int frame = 0; frame < 4000; frame++) {
            struct buffer out = {0};
            for (size_t n = rng_below(&rng, 30); n; n--)
                change(&now, &rng);
            now.cursor_row = (int)rng_below(&rng, ROWS + 1) - 1;
            now.cursor_column = (int)rng_below(&rng, COLUMNS);
            painter_frame(&painter, &out, &now, &shown, frame % 100 == 0, &display);
            feed(&screen, out.data ? out.data : "", out.size);
            assert_shows(&screen, &now, &display);
            if (now.cursor_row >= 0)
                assert_true(screen.row == now.cursor_row && screen.column == now.cursor_column);
            buffer_free(&out);
        }
        canvas_free(&now);
        canvas_free(&shown);
    }
}

struct fixture {
    struct display display;
    struct painter painter;
    struct canvas now, shown;
};

static size_t bytes(struct fixture *f, const char *expected)
{
    struct buffer out = {0};
    painter_frame(&f->painter, &out, &f->now, &f->shown, false, &f->display);
    size_t size = out.size;
    if (expected)
        assert_string_equal(out.data ? out.data : "", expected);
    buffer_free(&out);
    return size;
}

static void color(struct fixture *f, int column, uint32_t above, uint32_t below)
{
    canvas_put(&f->now, 2, column, 0x2580, ROLE_HEAT, 0);
    canvas_at(&f->now, 2, column)->foreground = above;
    canvas_at(&f->now, 2, column)->background = below;
}

static void test_only_what_changes_is_written(void **state)
{
    (void)state;
    struct fixture f = {{DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false}, {.utf8 = true}, {0}, {0}};
    canvas_init(&f.now, ROWS, COLUMNS);
    canvas_init(&f.shown, ROWS, COLUMNS);
    assert_int_equal(bytes(&f, ""), 0);
    color(&f, 4, 0x010203, 0x040506);
    color(&f, 5, 0x010203, 0x070809);
    color(&f, 6, 0x070809, 0x070809);
    bytes(&f, "\033[3;5H\033[;38;2;1;2;3;48;2;4;5;6m\u2580\033[48;2;7;8;9m\u2580 ");
    assert_int_equal(bytes(&f, ""), 0);
    canvas_put(&f.now, 2, 4, ' ', ROLE_TEXT, 0);
    canvas_put(&f.now, 3, 5, 'x', ROLE_TEXT, 0);
    bytes(&f, "\033[5G\033[m \nx");
    canvas_fill(&f.now, (struct rect){2, 5, 1, COLUMNS - 5}, ' ', ROLE_TEXT);
    bytes(&f, "\033[3;6H  "); /* fewer than are worth erasing */
    canvas_text(&f.now, 4, 0, 8, ROLE_TEXT, 0, "abcdefgh", 8);
    bytes(&f, "\033[5Habcdefgh");
    canvas_fill(&f.now, (struct rect){4, 2, 1, COLUMNS - 2}, ' ', ROLE_TEXT);
    bytes(&f, "\033[3G\033[K");
    canvas_free(&f.now);
    canvas_free(&f.shown);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_show_their_canvas),
        cmocka_unit_test(test_only_what_changes_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
