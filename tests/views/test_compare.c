/* The Compare screen at every size: how finely its maps show the plans, and what stands where they
 * leave room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sample_snapshot.h"
#include "tests/support/stages.h"

static const struct display mono = {.depth = DEPTH_MONO, .glyphs = GLYPHS_HALF};
static const struct display truecolour = {.depth = DEPTH_TRUE, .glyphs = GLYPHS_HALF};

struct look {
    struct stage stage;
    struct canvas canvas;
};

static void look_begin(struct look *l, int columns, int rows, const struct display *display)
{
    *l = (struct look){.stage = {.s = sample_snapshot()}};
    view_state_init(&l->stage.v);
    l->stage.v.rows = rows;
    l->stage.v.columns = columns;
    l->stage.v.display = *display;
    stage_compare(&l->stage);
    view_follow_cursor(l->stage.s, &l->stage.v);
    canvas_init(&l->canvas, rows, columns);
    view_draw(l->stage.s, &l->stage.v, &l->canvas);
}

static void look_end(struct look *l)
{
    canvas_free(&l->canvas);
    snapshot_release(l->stage.s);
    snapshot_release(l->stage.pinned);
}

/* Row `row` has something to read or to see: more than frames. */
static bool is_used(const struct look *l, int row)
{
    for (int x = 0; x < l->canvas.columns; x++) {
        const struct canvas_cell *cell = canvas_at((struct canvas *)&l->canvas, row, x);
        bool frame = cell->codepoint >= 0x2500 && cell->codepoint < 0x2580;
        if (cell->codepoint > ' ' && !frame && cell->role != ROLE_FRAME)
            return true;
    }
    return false;
}

static void test_rows_are_used(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 24}, {100, 30}, {112, 30}, {120, 36}, {134, 40},
                                   {160, 48}, {200, 60}, {100, 60}, {240, 70}};
    const struct display *displays[] = {&mono, &truecolour};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct look l;
        const int *size = sizes[i / 2];
        int blank = 0;
        look_begin(&l, size[0], size[1], displays[i % 2]);
        for (int row = 1; row < size[1] - 2; row++)
            blank += !is_used(&l, row);
        if (blank > 2)
            fail_msg("%dx%d: %d rows are blank", size[0], size[1], blank);
        look_end(&l);
    }
}

/* Tokens and slots that can be told apart in the map that the terminal's cursor is in. */
static void count_cells(struct look *l, size_t *tokens, size_t *slots)
{
    struct canvas *canvas = &l->canvas;
    size_t last = SIZE_MAX;
    *tokens = *slots = 0;
    for (int x = 0; x < canvas->columns; x++) {
        struct view_hit hit = view_hit_test(l->stage.s, &l->stage.v, canvas->cursor_row, x);
        const struct canvas_cell *cell = canvas_at(canvas, canvas->cursor_row, x);
        bool map = hit.kind == HIT_COMPARE && hit.entry == 1 && cell->codepoint != ' ';
        *tokens += map && hit.token != last;
        last = map ? hit.token : last;
    }
    last = SIZE_MAX;
    for (int y = 0; y < canvas->rows; y++) {
        struct view_hit hit = view_hit_test(l->stage.s, &l->stage.v, y, canvas->cursor_column);
        bool map = hit.kind == HIT_COMPARE && hit.entry == 1;
        *slots += map && hit.slot != last;
        last = map ? hit.slot : last;
    }
}

/* In truecolour a cell of the screen is two rows of the map. */
static void test_maps_are_as_fine_as_fits(void **state)
{
    (void)state;
    static const struct {
        int columns, rows;
        size_t tokens, rows_least;
    } sizes[] = {{120, 36, 32, 16}, {134, 40, 128, 8}, {160, 48, 128, 8}, {200, 60, 128, 16},
                 {500, 200, 128, 32}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct look l;
        size_t tokens, slots;
        look_begin(&l, sizes[i].columns, sizes[i].rows, &truecolour);
        count_cells(&l, &tokens, &slots);
        if (tokens != sizes[i].tokens || slots < sizes[i].rows_least)
            fail_msg("%dx%d: %zu tokens, %zu rows", sizes[i].columns, sizes[i].rows, tokens, slots);
        look_end(&l);
    }
}

static bool shows(const struct look *l, const char *text)
{
    char *dump = canvas_dump(&l->canvas, false);
    bool found = strstr(dump, text) != NULL;
    free(dump);
    return found;
}

/* A high screen has room for three maps below one another. */
static void test_all_three_where_they_fit(void **state)
{
    (void)state;
    struct look l;
    look_begin(&l, 100, 60, &truecolour);
    assert_true(shows(&l, "A  default-x4"));
    assert_true(shows(&l, "B  default-x4"));
    assert_true(shows(&l, "+ in B  - in A"));
    look_end(&l);
    look_begin(&l, 100, 24, &truecolour);
    assert_false(shows(&l, "A  default-x4"));
    assert_true(shows(&l, "+ in B  - in A"));
    look_end(&l);
}

/* What the slot at the cursor is made of in A and in B, and what became more and less. */
static void test_made_of(void **state)
{
    (void)state;
    struct look l;
    look_begin(&l, 120, 36, &mono);
    assert_true(shows(&l, "s12: pressed 50%"));
    assert_true(shows(&l, "s12: pressed 54%"));
    assert_true(shows(&l, "s12: pressed +4%"));
    look_end(&l);
}

static bool find_text(const struct look *l, const char *word, int *row, int *column)
{
    char *dump = canvas_dump(&l->canvas, false), *line = dump;
    bool found = false;
    for (int r = 0; *line && !found; r++, line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        const char *at = strstr(line, word);
        if (!at || at > line + length)
            continue;
        *row = r;
        *column = 0;
        for (const char *c = line; c < at; c++)
            *column += ((unsigned char)*c & 0xc0) != 0x80;
        found = true;
    }
    free(dump);
    return found;
}

/* The text shows the window that is compared, and a click into it moves the cursor. */
static void test_click_into_the_text(void **state)
{
    (void)state;
    static const int sizes[][2] = {{120, 36}, {200, 60}};
    for (size_t i = 0; i < 2; i++) {
        struct look l;
        int row, column;
        look_begin(&l, sizes[i][0], sizes[i][1], &mono);
        assert_true(find_text(&l, "willow", &row, &column));
        struct view_hit hit = view_hit_test(l.stage.s, &l.stage.v, row, column + 1);
        assert_int_equal(hit.kind, HIT_COMPARE);
        assert_int_equal(hit.pane, PANE_PLAN);
        assert_int_equal(hit.slot, l.stage.v.slot);
        l.stage.v.token = hit.token;
        view_draw(l.stage.s, &l.stage.v, &l.canvas);
        assert_true(shows(&l, "[willow]"));
        look_end(&l);
    }
}

/* A long window scrolls with the cursor where the text has few rows. */
static void test_the_cursor_is_in_the_text(void **state)
{
    (void)state;
    struct look l;
    int row, column;
    look_begin(&l, 120, 31, &mono);
    struct stage *g = &l.stage;
    size_t first = g->s->window_first[1], end = g->s->window_first[2];
    for (g->v.token = first; g->v.token < end; g->v.token++) {
        char heading[64];
        snprintf(heading, sizeof heading, "token %zu of 498", g->v.token);
        view_draw(g->s, &g->v, &l.canvas);
        assert_true(find_text(&l, heading, &row, &column));
        bool found = false;
        for (int r = row + 1; r < 29; r++)
            for (int x = 0; x < 120; x++)
                found = found || canvas_at(&l.canvas, r, x)->role == ROLE_CURSOR;
        if (!found)
            fail_msg("token %zu is not to be seen", g->v.token);
    }
    look_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_used),
        cmocka_unit_test(test_maps_are_as_fine_as_fits),
        cmocka_unit_test(test_all_three_where_they_fit),
        cmocka_unit_test(test_made_of),
        cmocka_unit_test(test_click_into_the_text),
        cmocka_unit_test(test_the_cursor_is_in_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
