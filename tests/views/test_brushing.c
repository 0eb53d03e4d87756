/* The table of linked brushing (UX.md section 3), a cell of it a check: the cursor goes to a
 * token, a layer, a slot, an answer token, and what the other panes draw is compared with the
 * weights computed from the snapshot alone (tests/support/lit.h). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/lit.h"
#include "views/heat.h"

/* Of the compressed answer on slot j of the cursor's window. */
static double attention_here(const struct lit_screen *p, size_t i, size_t j)
{
    return lit_attention(p, ANSWER_COMPRESSED, i, lit_slot_first(p, LIT_WINDOW) + j);
}

static const struct canvas_cell *cursor_cell(struct lit_screen *p)
{
    return lit_cell_at(p, p->canvas.cursor_row, p->canvas.cursor_column);
}

/* ---- token ------------------------------------------------------------------------- */

static void test_token(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    lit_move_to(&p, SOURCE_TOKEN);
    size_t n = lit_window_of(&p, LIT_WINDOW)->tokens, first = p.s->window_first[LIT_WINDOW];
    size_t t = LIT_COAL - first;
    double want[LIT_TOKENS] = {0}, profile[LIT_LAYERS], compressed[16] = {0}, full[16] = {0};
    bool lit[32];
    for (size_t j = 0; j < 32; j++) {
        lit[j] = lit_token_share(&p, LIT_WINDOW, t, j) >= 0.05;
        for (size_t u = 0; u < n; u++)
            want[first + u] += lit_token_share(&p, LIT_WINDOW, t, j) *
                               lit_slot_share(&p, LIT_WINDOW, u, j);
    }
    lit_check_document(&p, want, lit_largest(want, 0, LIT_TOKENS));
    struct lit_spot at = lit_find(&p, HIT_TOKEN, LIT_COAL);
    while (!lit_is_letter(lit_cell_at(&p, at.row, at.column)->codepoint))
        at.column++;
    assert_int_equal(lit_cell_at(&p, at.row, at.column)->role, ROLE_CURSOR);
    at = lit_find(&p, HIT_GATE, LIT_COAL); /* the column stands between two marks */
    assert_int_equal(lit_cell_at(&p, at.row - 1, at.column)->codepoint, 0x252c);
    at = lit_find(&p, HIT_PLAN, LIT_COAL);
    assert_int_equal(lit_cell_at(&p, at.row - 2, at.column)->codepoint, 0x253c);
    assert_int_equal(lit_cell_at(&p, at.row + 16, at.column)->codepoint, '^');
    for (size_t l = 0; l < LIT_LAYERS; l++)
        profile[l] = lit_gate(&p, LIT_WINDOW, t, l);
    lit_check_profile(&p, profile);
    lit_check_labels(&p, lit);
    lit_check_plan_strength(&p, lit);
    for (size_t i = 0; i < p.s->answer[ANSWER_COMPRESSED]->tokens; i++)
        compressed[i] = lit_looked_at(&p, i, LIT_WINDOW, t);
    for (size_t i = 0; i < p.s->answer[ANSWER_FULL]->tokens; i++)
        full[i] = lit_attention(&p, ANSWER_FULL, i, LIT_COAL);
    lit_check_answer(&p, ANSWER_COMPRESSED, compressed);
    lit_check_answer(&p, ANSWER_FULL, full);
    lit_check_answer(&p, ANSWER_NONE, NULL);
    lit_close(&p);
}

/* ---- layer ------------------------------------------------------------------------- */

static void test_layer(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    lit_move_to(&p, SOURCE_LAYER);
    size_t n = lit_window_of(&p, LIT_WINDOW)->tokens, first = p.s->window_first[LIT_WINDOW];
    size_t l = p.v.layer;
    double want[LIT_TOKENS], mass[LIT_TOKENS] = {0}, compressed[16] = {0};
    bool lit[32];
    for (size_t t = 0; t < LIT_TOKENS; t++) {
        size_t w = lit_window_of_token(&p, t);
        want[t] = lit_gate(&p, w, t - p.s->window_first[w], l);
        if (w == LIT_WINDOW)
            mass[t - first] = want[t] * (double)lit_window_of(&p, w)->mass[t - first];
    }
    lit_check_document(&p, want, lit_largest(want, first, first + n));
    struct lit_spot at = lit_find(&p, HIT_PLAN, first); /* the mass row is above */
    for (size_t t = 0; t < n; t++)
        assert_int_equal(lit_cell_at(&p, at.row - 1, at.column + (int)t)->codepoint,
                         heat_bar(GLYPHS_HALF, fmax(mass[t] / lit_largest(mass, 0, n), 1e-6)));
    for (size_t j = 0; j < 32; j++) /* twice what a layer has on average */
        lit[j] = lit_slot_layer(&p, LIT_WINDOW, j, l) >= 2.0 / LIT_LAYERS;
    lit_check_labels(&p, lit);
    for (size_t i = 0; i < p.s->answer[ANSWER_COMPRESSED]->tokens; i++)
        for (size_t w = 0; w < LIT_WINDOWS; w++)
            for (size_t j = 0; j < lit_window_of(&p, w)->slots; j++)
                compressed[i] +=
                    lit_attention(&p, ANSWER_COMPRESSED, i, lit_slot_first(&p, w) + j) *
                    lit_slot_layer(&p, w, j, l);
    lit_check_answer(&p, ANSWER_COMPRESSED, compressed);
    assert_true(lit_screen_says(&p, "layer L21 \u00b7 gate mean 3.2% min 1.4% max 6.9%"));
    at = lit_find(&p, HIT_GATE, LIT_COAL);
    bool labelled = false;
    for (int r = at.row; r < at.row + 16; r++)
        for (int x = at.column; x > 0; x--)
            labelled |= lit_cell_at(&p, r, x)->role == ROLE_KEY &&
                        lit_cell_at(&p, r, x)->codepoint == 'L' &&
                        lit_cell_at(&p, r, x + 1)->codepoint == '2' &&
                        lit_cell_at(&p, r, x + 2)->codepoint == '1';
    assert_true(labelled); /* row l */
    lit_close(&p);
}

/* ---- slot -------------------------------------------------------------------------- */

static void test_slot(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    lit_move_to(&p, SOURCE_SLOT);
    size_t n = lit_window_of(&p, LIT_WINDOW)->tokens, first = p.s->window_first[LIT_WINDOW];
    double want[LIT_TOKENS] = {0}, profile[LIT_LAYERS], compressed[16];
    for (size_t t = 0; t < n; t++)
        want[first + t] = lit_slot_share(&p, LIT_WINDOW, t, LIT_SLOT);
    lit_check_document(&p, want, lit_largest(want, 0, LIT_TOKENS));
    size_t home = first + lit_window_of(&p, LIT_WINDOW)->span[LIT_SLOT],
           end = first + lit_window_of(&p, LIT_WINDOW)->span[LIT_SLOT + 1];
    struct lit_spot at;
    for (int r = 0; r < p.canvas.rows; r++) /* its home span is underlined, and nothing else */
        for (int x = 0; x < p.canvas.columns; x++) {
            struct view_hit hit = lit_hit(&p, r, x);
            const struct canvas_cell *cell = lit_cell_at(&p, r, x);
            if (hit.kind == HIT_TOKEN && hit.pane == PANE_DOCUMENT &&
                lit_is_letter(cell->codepoint))
                assert_int_equal((cell->attr & ATTR_UNDERLINE) != 0,
                                 hit.token >= home && hit.token < end);
        }
    at = lit_find(&p, HIT_PLAN, first);
    for (size_t t = 0; t < n; t++) { /* ticks below its tokens, where no name stands */
        uint32_t tick = lit_cell_at(&p, at.row + 16, at.column + (int)t)->codepoint;
        if (tick == ' ' || tick == '\'')
            assert_int_equal(tick, want[first + t] >= p.v.brush_min ? '\'' : ' ');
    }
    int row = lit_plan_row(&p, LIT_SLOT);
    for (int x = at.column - 5; x < at.column - 1; x++)
        assert_int_equal(lit_cell_at(&p, row, x)->role, ROLE_CURSOR); /* row j */
    assert_int_equal(lit_cell_at(&p, row, at.column + 128)->codepoint, LIT_FULL_MARK);
    struct lit_screen plain = {.s = p.s, .v = p.v};
    canvas_init(&plain.canvas, p.v.rows, p.v.columns);
    plain.v.moved.kind = SOURCE_NONE;
    view_draw(plain.s, &plain.v, &plain.canvas);
    at = lit_find(&p, HIT_GATE, first);
    for (size_t t = 0; t < n; t++) { /* gates of tokens with less than 1 % of it are dim */
        uint32_t is = lit_cell_at(&p, at.row + 3, at.column + (int)t)->foreground;
        uint32_t was = lit_cell_at(&plain, at.row + 3, at.column + (int)t)->foreground;
        assert_int_equal(is, want[first + t] >= 0.01 ? was : color_mix(was, 0, 0.45));
    }
    canvas_free(&plain.canvas);
    for (size_t l = 0; l < LIT_LAYERS; l++)
        profile[l] = lit_slot_layer(&p, LIT_WINDOW, LIT_SLOT, l);
    lit_check_profile(&p, profile);
    for (size_t i = 0; i < p.s->answer[ANSWER_COMPRESSED]->tokens; i++)
        compressed[i] = attention_here(&p, i, LIT_SLOT);
    lit_check_answer(&p, ANSWER_COMPRESSED, compressed);
    lit_close(&p);
}

/* ---- answer token ---------------------------------------------------------------- */

static void test_compressed_answer(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    lit_move_to(&p, SOURCE_ANSWER);
    size_t i = p.v.answer_token;
    double want[LIT_TOKENS], profile[LIT_LAYERS] = {0}, top = 0;
    bool lit[32];
    for (size_t t = 0; t < LIT_TOKENS; t++) {
        size_t w = lit_window_of_token(&p, t);
        want[t] = lit_looked_at(&p, i, w, t - p.s->window_first[w]);
        for (size_t l = 0; l < LIT_LAYERS; l++)
            profile[l] += want[t] * lit_gate(&p, w, t - p.s->window_first[w], l);
    }
    lit_check_document(&p, want, lit_largest(want, 0, LIT_TOKENS));
    for (size_t j = 0; j < 32; j++)
        lit[j] = attention_here(&p, i, j) >= 0.02;
    lit_check_plan_strength(&p, lit);
    for (size_t j = 0; j < 32; j += 2)
        top = fmax(top, attention_here(&p, i, j) +
                            attention_here(&p, i, j + 1));
    for (size_t j = 0; j < 32; j += 2) {
        double share = (attention_here(&p, i, j) +
                        attention_here(&p, i, j + 1)) / top;
        int first, eighths = share >= 0.05 ? (int)ceil(share * LIT_BARS * 8 - 1e-6) : 0;
        assert_true(abs(lit_bar_of(&p, lit_plan_row(&p, j), &first) - eighths) <= 1);
    }
    assert_true(p.canvas.cursor_row > 0); /* i is reversed, the same word elsewhere underlined */
    assert_int_equal(cursor_cell(&p)->role, ROLE_CURSOR);
    size_t underlined = 0;
    for (int r = 0; r < p.canvas.rows; r++)
        for (int x = 0; x < p.canvas.columns; x++)
            if (lit_hit(&p, r, x).kind == HIT_ANSWER &&
                lit_hit(&p, r, x).answer == ANSWER_FULL &&
                lit_cell_at(&p, r, x)->attr & ATTR_UNDERLINE)
                underlined++;
    assert_int_equal(underlined, 4); /* coal */
    lit_check_profile(&p, profile);
    lit_close(&p);
}

/* Other windows show their share in the heading of the plan. */
static void test_other_windows(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    p.v.token = 400;
    lit_move_to(&p, SOURCE_ANSWER);
    double share = 0;
    char text[32];
    for (size_t j = 0; j < 32; j++)
        share += lit_attention(&p, ANSWER_COMPRESSED, 2, lit_slot_first(&p, LIT_WINDOW) + j);
    snprintf(text, sizeof text, "w2 %.0f%%", 100 * share);
    assert_true(lit_screen_says(&p, text));
    lit_close(&p);
}

static void test_full_answer(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    p.v.answer = ANSWER_FULL;
    lit_move_to(&p, SOURCE_ANSWER);
    double want[LIT_TOKENS];
    for (size_t t = 0; t < LIT_TOKENS; t++)
        want[t] = lit_attention(&p, ANSWER_FULL, p.v.answer_token, t);
    lit_check_document(&p, want, lit_largest(want, 0, LIT_TOKENS));
    int first;
    struct lit_spot at = lit_find(&p, HIT_GATE, LIT_COAL); /* gates are off, the heading says why */
    char *dump = canvas_dump(&p.canvas, false), *line = dump;
    for (int r = 0; r < at.row - 1; r++)
        line = strchr(line, '\n') + 1;
    *strchr(line, '\n') = '\0';
    assert_non_null(strstr(line, "Layer gates"));
    assert_non_null(strstr(line, "full context has no slots"));
    free(dump);
    while (lit_cell_at(&p, at.row, at.column)->codepoint != LIT_FRAME_BAR)
        at.column++;
    assert_int_equal(lit_cell_at(&p, at.row, at.column + 1)->codepoint, 'o');
    for (size_t j = 0; j < 32; j += 2) /* and so is the plan */
        assert_int_equal(lit_bar_of(&p, lit_plan_row(&p, j), &first), 0);
    assert_int_equal(cursor_cell(&p)->role, ROLE_CURSOR);
    lit_close(&p);
}

/* ---- units --------------------------------------------------------------------------- */

/* With words as unit: shares and mass add up, gates are means weighted by sender mass. */
static void test_units(void **state)
{
    (void)state;
    struct lit_screen p;
    lit_open(&p);
    p.v.unit = UNIT_WORD;
    p.v.value[PANE_DOCUMENT] = VALUE_MASS;
    lit_move_to(&p, SOURCE_TOKEN);
    double want[LIT_TOKENS];
    for (size_t t = 0; t < LIT_TOKENS;) {
        size_t from, to;
        view_unit_range(p.s->document, UNIT_WORD, t, &from, &to);
        double sum = 0;
        for (size_t u = t; u < to; u++)
            sum += (double)p.s->minimap_mass[u];
        for (size_t u = t; u < to; u++)
            want[u] = sum;
        t = to;
    }
    size_t from = LIT_TOKENS, to = 0; /* the scale is that of the units in sight */
    for (int r = 0; r < p.canvas.rows; r++)
        for (int x = 0; x < p.canvas.columns; x++) {
            struct view_hit hit = lit_hit(&p, r, x);
            if (hit.kind == HIT_TOKEN && hit.pane == PANE_DOCUMENT) {
                from = hit.token < from ? hit.token : from;
                to = hit.token + 1 > to ? hit.token + 1 : to;
            }
        }
    lit_check_document(&p, want, lit_largest(want, from, to));
    p.v.value[PANE_DOCUMENT] = VALUE_NONE;
    lit_move_to(&p, SOURCE_LAYER);
    for (size_t t = 0; t < LIT_TOKENS;) {
        size_t at, end;
        view_unit_range(p.s->document, UNIT_WORD, t, &at, &end);
        double sum = 0, mass = 0;
        for (size_t u = t; u < end; u++) {
            size_t v = lit_window_of_token(&p, u), off = p.s->window_first[v];
            double weight = (double)p.s->minimap_mass[u];
            sum += weight * lit_gate(&p, v, u - off, p.v.layer);
            mass += weight;
        }
        for (size_t u = t; u < end; u++)
            want[u] = sum / mass;
        t = end;
    }
    lit_check_document(&p, want, lit_largest(want, from, to));
    lit_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_compressed_answer),
        cmocka_unit_test(test_other_windows),
        cmocka_unit_test(test_full_answer),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
