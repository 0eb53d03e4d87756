/* Bytes from the terminal become events: every sequence in one piece, torn apart at
 * every byte, and garbage. */
#include "app/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"

/* Decodes text, fed in pieces of `step` bytes, into names of keys: "Up a C-r". */
static void decode(const char *text, size_t length, size_t step, bool settle, char *out,
                   size_t size)
{
    struct input input = {0};
    struct input_event event;
    size_t used = 0;
    out[0] = '\0';
    for (size_t at = 0; at < length; at += step) {
        input_feed(&input, text + at, length - at < step ? length - at : step);
        bool last = at + step >= length;
        while (input_next(&input, last && settle, &event)) {
            char name[KEYCODE_NAME_SIZE] = "?";
            if (event.kind == INPUT_KEY)
                keycode_format(event.key, name);
            else if (event.kind == INPUT_PASTE)
                snprintf(name, sizeof name, "paste(%.*s)", (int)event.length, event.bytes);
            else if (event.kind == INPUT_MOUSE)
                snprintf(name, sizeof name, "mouse%d%c%d,%d", (int)event.button,
                         event.release ? '-' : '+', event.row, event.column);
            else if (event.kind == INPUT_POSITION)
                snprintf(name, sizeof name, "at%d,%d", event.row, event.column);
            else
                snprintf(name, sizeof name, "luminance%.2f", event.luminance);
            int n = snprintf(out + used, size - used, "%s%s", used ? " " : "", name);
            assert_true(n > 0 && (size_t)n < size - used);
            used += (size_t)n;
        }
    }
    input_free(&input);
}

static const struct {
    const char *bytes, *names;
} cases[] = {
    {"a", "a"},
    {"?", "?"},
    {" ", "Space"},
    {"\r", "Enter"},
    {"\n", "Enter"},
    {"\t", "Tab"},
    {"\033[Z", "S-Tab"},
    {"\177", "Backspace"},
    {"\022", "C-r"},
    {"\003", "C-c"},
    {"\xc3\xa9", "\xc3\xa9"},
    {"\xe2\x96\x80x", "\xe2\x96\x80 x"},
    {"\033[A\033[B\033[C\033[D", "Up Down Right Left"},
    {"\033OA\033OB", "Up Down"},
    {"\033[H\033[F\033[1~\033[4~\033[7~\033[8~", "Home End Home End Home End"},
    {"\033[5~\033[6~\033[2~\033[3~", "PgUp PgDn Ins Del"},
    {"\033OP\033OQ\033[15~\033[24~\033[[A\033[[E", "F1 F2 F5 F12 F1 F5"},
    {"\033[1;5C", "C-Right"},
    {"\033[3;2~", "S-Del"},
    {"\033[1;3P", "M-F1"},
    {"\033x", "M-x"},
    {"\033\xc3\xa9", "M-\xc3\xa9"},
    {"\033\033[A", "Esc Up"},
    {"\033[27u", "Esc"},
    {"\033[97;5u", "C-a"},
    {"\033[<0;11;6M\033[<0;11;6m", "mouse0+5,10 mouse0-5,10"},
    {"\033[<64;1;1M\033[<65;1;1M", "mouse3+0,0 mouse4+0,0"},
    {"\033[<35;4;4M", ""}, /* motion */
    {"\033[M !!a", "a"},   /* an old report is swallowed */
    {"\033[2;3R", "at1,2"},
    {"\033]11;rgb:ffff/ffff/ffff\a", "luminance1.00"},
    {"\033]11;rgb:00/00/00\033\\b", "luminance0.00 b"},
    {"\033]11;rgb:zz/00/00\ac", "c"},
    {"\033]0;a title\ax", "x"},
    {"\033P1$r0m\033\\x", "x"},
    {"\033[200~two\r\nlines\033[201~x", "paste(two\r\nlines) x"},
    {"\033[200~\033[31m\033[201~", "paste(\033[31m)"},
    {"\033[?1;2cx", "x"},
    {"\033[999999999999;1Ax", "Up x"},
};

static void test_sequences_whole_and_torn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].bytes);
        for (size_t step = 1; step <= length; step++) {
            char names[256];
            decode(cases[i].bytes, length, step, false, names, sizeof names);
            assert_string_equal(names, cases[i].names);
        }
    }
}

static void test_escape_waits_for_its_rest(void **state)
{
    (void)state;
    struct input input = {0};
    struct input_event event;
    input_feed(&input, "\033", 1);
    assert_false(input_next(&input, false, &event));
    assert_true(input_waiting(&input));
    assert_true(input_next(&input, true, &event));
    assert_int_equal(event.key, KEYCODE_ESCAPE);
    assert_false(input_next(&input, true, &event));
    assert_false(input_waiting(&input));
    input_feed(&input, "\033[", 2);
    assert_false(input_next(&input, false, &event));
    assert_true(input_next(&input, true, &event));
    assert_int_equal(event.key, '[' | KEYCODE_ALT);
    input_free(&input);
}

static void test_unfinished_paste_ends(void **state)
{
    (void)state;
    char names[64];
    decode("\033[200~abc", 9, 9, true, names, sizeof names);
    assert_string_equal(names, "paste(abc)");
}

static void test_long_paste_is_cut(void **state)
{
    (void)state;
    struct input input = {0};
    struct input_event event;
    char chunk[4096];
    memset(chunk, 'x', sizeof chunk);
    input_feed(&input, "\033[200~", 6);
    for (int i = 0; i < 600; i++) { /* 2.4 MB */
        input_feed(&input, chunk, sizeof chunk);
        assert_false(input_next(&input, false, &event));
    }
    assert_true(input.capacity < 4u << 20);
    input_feed(&input, "\033[201~q", 7);
    assert_true(input_next(&input, false, &event));
    assert_int_equal(event.kind, INPUT_PASTE);
    assert_int_equal(event.length, INPUT_PASTE_MAX);
    assert_true(input_next(&input, false, &event));
    assert_int_equal(event.key, 'q');
    input_free(&input);
}

/* Whatever comes, events are well formed and nothing is kept for ever. */
static void test_garbage(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    struct input input = {0};
    struct input_event event;
    static const char favourites[] = "\033\033\033[[]OP<;0123456789Mm~uR\a\\";
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            uint64_t x = rng_next(&rng);
            bytes[i] = x % 3 ? favourites[x / 3 % (sizeof favourites - 1)] : (char)(x >> 8);
        }
        input_feed(&input, bytes, sizeof bytes);
        while (input_next(&input, round % 5 == 0, &event)) {
            if (event.kind == INPUT_KEY)
                assert_true((event.key & KEYCODE_PLAIN) <= KEYCODE_F12);
            if (event.kind == INPUT_MOUSE)
                assert_true(event.row >= 0 && event.column >= 0);
        }
        if (round % 5 == 0)
            assert_false(input_waiting(&input));
    }
    input_free(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences_whole_and_torn),
        cmocka_unit_test(test_escape_waits_for_its_rest),
        cmocka_unit_test(test_unfinished_paste_ends),
        cmocka_unit_test(test_long_paste_is_cut),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
