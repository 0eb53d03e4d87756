/* Tokens as text: pieces, labels, units, words that differ, and wrapped lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "views/diff.h"
#include "views/token_text.h"
#include "views/view_state.h"
#include "views/wrap.h"

/* ---- labels ----------------------------------------------------------------- */

static void assert_label(const char *text, const char *lengths, size_t token,
                         enum token_style style, const char *want)
{
    struct snapshot *s = sample_tokens(text, lengths);
    char label[64];
    token_label(s->document, token, style, label, sizeof label);
    assert_string_equal(label, want);
    snapshot_release(s);
}

static void test_labels(void **state)
{
    (void)state;
    assert_label("a coal", "ae", 1, TOKEN_TRIMMED, "coal");
    assert_label("a coal", "ae", 1, TOKEN_MARKED, "_coal");
    assert_label("a  b", "aba", 1, TOKEN_TRIMMED, "__");
    assert_label("a\n\nb", "aba", 1, TOKEN_TRIMMED, "↵↵");
    assert_label("a\r\nb", "aba", 1, TOKEN_TRIMMED, "↵");
    assert_label("\033[2J", "d", 0, TOKEN_TRIMMED, "^[[2J");
    assert_label("\xff\xc2\x9b", "c", 0, TOKEN_TRIMMED, "<FF><9B>");
    assert_label("\u202ex", "d", 0, TOKEN_TRIMMED, "<U+202E>x");
    assert_label("\ufeff", "c", 0, TOKEN_TRIMMED, "<U+FEFF>");
}

/* A character in three tokens is drawn on its last fragment. */
static void test_fragments(void **state)
{
    (void)state;
    assert_label("\u20ac", "aaa", 0, TOKEN_TRIMMED, "<E2>");
    assert_label("\u20ac", "aaa", 1, TOKEN_TRIMMED, "<82>");
    assert_label("\u20ac", "aaa", 2, TOKEN_TRIMMED, "\u20ac");
    assert_label("x\u20acy", "bc", 0, TOKEN_TRIMMED, "x<E2>");
    assert_label("x\u20acy", "bc", 1, TOKEN_TRIMMED, "\u20acy");
    assert_label("\xe2\x82y", "ab", 1, TOKEN_TRIMMED, "<82>y"); /* never completed */
}

static void test_special_tokens(void **state)
{
    (void)state;
    struct snapshot *s = sample_tokens("ab", "aa");
    struct snapshot_document *d = s->document;
    char label[64];
    d->end[0] = d->start[0];
    token_label(d, 0, TOKEN_TRIMMED, label, sizeof label);
    assert_string_equal(label, "<>"); /* nothing to show, but visible */
    d->special[0] = xstrdup("<s>\033");
    token_label(d, 0, TOKEN_TRIMMED, label, sizeof label);
    assert_string_equal(label, "<s>^[");
    snapshot_release(s);
}

static void test_range_label_is_cut(void **state)
{
    (void)state;
    struct snapshot *s = sample_tokens(" one two three", "ddf");
    char label[12];
    token_range_label(s->document, 0, 2, label, sizeof label);
    assert_string_equal(label, "one two");
    token_range_label(s->document, 0, 3, label, sizeof label);
    assert_string_equal(label, "one two...");
    assert_int_equal(text_columns("漢a\u0301·"), 4);
    snapshot_release(s);
}

static void assert_range(const char *text, const char *lengths, size_t from, size_t to,
                         const char *want)
{
    struct snapshot *s = sample_tokens(text, lengths);
    char label[64];
    token_range_label(s->document, from, to, label, sizeof label);
    assert_string_equal(label, want);
    snapshot_release(s);
}

/* A word is one text: only what is incomplete in it is shown as bytes. */
static void test_range_label_joins_fragments(void **state)
{
    (void)state;
    assert_range("\u20ac", "aaa", 0, 3, "\u20ac");
    assert_range("x\u20acy", "bc", 0, 2, "x\u20acy");
    assert_range("x\u20ac\u20acy", "bcc", 0, 3, "x\u20ac\u20acy");
    assert_range("x\u20ac\u20acy", "bcc", 0, 2, "x\u20ac<E2>");
    assert_range("\xe2\x82y", "ab", 0, 2, "<E2><82>y");
}

static void test_text_add(void **state)
{
    (void)state;
    char text[6] = "ab";
    text_add(text, sizeof text, "%s", "c");
    assert_string_equal(text, "abc");
    text_add(text, sizeof text, "d\u20ac");
    assert_string_equal(text, "abcd"); /* no half characters */
}

/* ---- units ------------------------------------------------------------------ */

static void assert_unit(const char *text, const char *lengths, enum unit unit,
                        size_t token, size_t from, size_t to)
{
    struct snapshot *s = sample_tokens(text, lengths);
    size_t got_from, got_to;
    view_unit_range(s->document, unit, token, &got_from, &got_to);
    if (got_from != from || got_to != to)
        fail_msg("\"%s\" token %zu: [%zu, %zu), expected [%zu, %zu)", text, token,
                 got_from, got_to, from, to);
    snapshot_release(s);
}

static void test_words(void **state)
{
    (void)state;
    /* of| bri|quet|tes|,| which */
    static const char text[] = "of briquettes, which", lengths[] = "bdecaf";
    assert_unit(text, lengths, UNIT_TOKEN, 2, 2, 3);
    assert_unit(text, lengths, UNIT_WORD, 0, 0, 1);
    for (size_t t = 1; t < 4; t++)
        assert_unit(text, lengths, UNIT_WORD, t, 1, 4);
    assert_unit(text, lengths, UNIT_WORD, 4, 4, 5);
    assert_unit(text, lengths, UNIT_WORD, 5, 5, 6);
    assert_unit("it's done", "bbe", UNIT_WORD, 1, 0, 2);
    assert_unit("a\nb", "aaa", UNIT_WORD, 2, 2, 3);
}

static void test_sentences(void **state)
{
    (void)state;
    /* A| b|.| No|.| 5| c|!| so| d */
    static const char text[] = "A b. No. 5 c! so d", lengths[] = "abacabbacb";
    assert_unit(text, lengths, UNIT_SENTENCE, 1, 0, 3);
    assert_unit(text, lengths, UNIT_SENTENCE, 4, 3, 5);
    assert_unit(text, lengths, UNIT_SENTENCE, 9, 5, 10); /* "so" is no new sentence */
    assert_unit("a\n\nBc", "aaab", UNIT_SENTENCE, 0, 0, 3);
    assert_unit("a\n\nBc", "abb", UNIT_SENTENCE, 0, 0, 2);
    assert_unit("He said \"no.\" Then", "bedbe", UNIT_SENTENCE, 1, 0, 4);
}

/* Text without any border: blocks of fixed places, quickly. */
static void test_units_are_bounded(void **state)
{
    (void)state;
    char *text = xmalloc(100001), *lengths = xmalloc(100001);
    memset(text, 'x', 100000);
    memset(lengths, 'a', 100000);
    text[100000] = lengths[100000] = '\0';
    struct snapshot *s = sample_tokens(text, lengths);
    size_t from, to;
    view_unit_range(s->document, UNIT_WORD, 50000, &from, &to);
    assert_true(from <= 50000 && to > 50000 && to - from <= 64);
    view_unit_range(s->document, UNIT_SENTENCE, 99999, &from, &to);
    assert_true(from <= 99999 && to == 100000);
    snapshot_release(s);
    free(text);
    free(lengths);
}

/* ---- words that differ ------------------------------------------------------ */

static void assert_diff(const char *before, const char *after, const char *want)
{
    struct diff_word *words;
    char got[256] = "";
    size_t n = diff_words(before, after, &words);
    for (size_t i = 0; i < n; i++) {
        const char *text = words[i].kind == DIFF_GONE ? before : after;
        text_add(got, sizeof got, "%s%c%.*s", i ? " " : "", "=+-"[words[i].kind],
                 (int)(words[i].end - words[i].start), text + words[i].start);
    }
    assert_string_equal(got, want);
    free(words);
}

static void test_diff(void **state)
{
    (void)state;
    assert_diff("of coal dust", "of pressed coal dust", "=of +pressed =coal =dust");
    assert_diff("of pressed coal", "of coal", "=of -pressed =coal");
    assert_diff("wood", "coal", "-wood +coal");
    assert_diff("", "a b", "+a +b");
    assert_diff(" a\n b ", "a b", "=a =b");
    assert_diff("", "", "");
}

static void test_missing_words(void **state)
{
    (void)state;
    char out[32];
    size_t total;
    assert_int_equal(missing_words("Briquettes of pressed coal.", "briquettes of coal",
                                   &total, out, sizeof out),
                     1);
    assert_string_equal(out, "pressed");
    assert_int_equal(total, 4);
    assert_int_equal(missing_words("a a b", "a", &total, out, sizeof out), 2);
    assert_string_equal(out, "a b");
    assert_int_equal(missing_words("... -", "", &total, out, sizeof out), 0);
    assert_int_equal(total, 0);
    char tight[6];
    assert_int_equal(missing_words("abc defgh", "", &total, tight, sizeof tight), 2);
    assert_string_equal(tight, "abc");
}

/* ---- lines ------------------------------------------------------------------ */

static struct text_layout layout_of(const struct snapshot *s, int width)
{
    return (struct text_layout){s, s->document, width};
}

static void line_text(const struct text_layout *l, const struct text_line *line,
                      char *out, size_t size)
{
    struct text_walk walk;
    struct text_cell cell;
    out[0] = '\0';
    text_walk_init(&walk, l, line);
    while (text_walk_next(&walk, &cell))
        text_add(out, size, "%s%s", cell.mark ? "|" : "", cell.piece.text);
}

static void assert_lines(struct snapshot *s, int width, const char *const *want)
{
    struct text_layout l = layout_of(s, width);
    struct text_line line = text_line_of(&l, 0);
    char text[256];
    for (bool more = true; more; more = text_line_next(&l, &line, &line), want++) {
        assert_non_null(*want);
        line_text(&l, &line, text, sizeof text);
        assert_string_equal(text, *want);
    }
    assert_null(*want);
    snapshot_release(s);
}

static void test_wrapping(void **state)
{
    (void)state;
    assert_lines(sample_tokens("the pan, the salt", "deaeaa"), 8,
                 (const char *const[]){"the pan, ", "the salt", NULL});
    assert_lines(sample_tokens("abcdefghij kl", "ddcb"), 4,
                 (const char *const[]){"abcd", "efgh", "ij ", "kl", NULL});
    assert_lines(sample_tokens("a\n\nb", "aaaa"), 8,
                 (const char *const[]){"a↵", "↵", "b", NULL});
    assert_lines(sample_tokens("漢字漢字", "cccc"), 5,
                 (const char *const[]){"漢字", "漢字", NULL});
    assert_lines(sample_tokens("漢", "c"), 1, (const char *const[]){"漢", NULL});
}

static void test_window_mark_takes_a_column(void **state)
{
    (void)state;
    struct snapshot *s = sample_tokens("aa bb cc", "bcc");
    snapshot_set_windows(s, 2, (const uint32_t[]){0, 1, 3});
    assert_lines(s, 6, (const char *const[]){"aa |bb ", "cc", NULL});
}

/* Lines follow each other without gaps, no wider than allowed (blanks may hang over),
 * and the way back is the way there. */
static void check_document(struct snapshot *s, int width)
{
    struct text_layout l = layout_of(s, width);
    struct text_line line = text_line_of(&l, 0), next, back;
    size_t token = 0, lines = 1;
    assert_false(text_line_previous(&l, &line, &back));
    while (text_line_next(&l, &line, &next)) {
        assert_int_equal(next.start.token, line.end.token);
        assert_int_equal(next.start.offset, line.end.offset);
        assert_true(text_line_previous(&l, &next, &back));
        assert_int_equal(back.start.token, line.start.token);
        assert_int_equal(back.start.offset, line.start.offset);
        struct text_walk walk;
        struct text_cell cell;
        text_walk_init(&walk, &l, &line);
        while (text_walk_next(&walk, &cell)) {
            token = cell.token;
            if (cell.piece.kind != PIECE_BLANK && cell.piece.width <= width)
                assert_true(cell.column + cell.piece.width <= width + 1);
        }
        struct text_line again = text_line_of(&l, line.first);
        if (line.owns) {
            assert_int_equal(again.start.token, line.start.token);
            assert_int_equal(again.start.offset, line.start.offset);
        }
        line = next;
        lines++;
    }
    assert_true(token + 600 > s->document->tokens || lines < 3);
    back = text_line_back(&l, &line, 10);
    for (int i = 0; i < 10 && text_line_previous(&l, &line, &line); i++)
        continue;
    assert_int_equal(back.start.token, line.start.token);
    assert_int_equal(back.start.offset, line.start.offset);
}

static void test_lines_are_consistent(void **state)
{
    (void)state;
    static const int widths[] = {1, 7, 37, 69, 200};
    for (size_t i = 0; i < 5; i++) {
        struct snapshot *s = sample_snapshot();
        check_document(s, widths[i]);
        snapshot_release(s);
    }
}

/* Paragraphs longer than a block have a line break at its border, others do not. */
static void test_long_paragraph(void **state)
{
    (void)state;
    enum { N = 5000 };
    char *text = xmalloc(2 * N + 1), *lengths = xmalloc(N + 1);
    for (size_t i = 0; i < N; i++)
        memcpy(text + 2 * i, " x", 2);
    memset(lengths, 'b', N);
    text[2 * N] = lengths[N] = '\0';
    struct snapshot *s = sample_tokens(text, lengths);
    check_document(s, 41);
    struct text_layout l = layout_of(s, 41);
    assert_int_equal(text_line_of(&l, 2048).start.token, 2048);
    snapshot_release(s);
    memcpy(text + 2 * 3000, "\n\n", 2);
    s = sample_tokens(text, lengths);
    l = layout_of(s, 41);
    check_document(s, 41);
    assert_true(text_line_of(&l, 3072).start.token < 3072);
    assert_int_equal(text_line_of(&l, 4096).start.token, 4096);
    snapshot_release(s);
    free(text);
    free(lengths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_special_tokens),
        cmocka_unit_test(test_range_label_is_cut),
        cmocka_unit_test(test_range_label_joins_fragments),
        cmocka_unit_test(test_text_add),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_units_are_bounded),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_missing_words),
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_window_mark_takes_a_column),
        cmocka_unit_test(test_lines_are_consistent),
        cmocka_unit_test(test_long_paragraph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
