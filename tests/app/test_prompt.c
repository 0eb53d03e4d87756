/* The prompt: readline fed byte by byte, without a terminal. */
#include "app/prompt.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "tests/support/temporary.h"

/* Offers two words for anything but "file NAME", which is a session file, and "number N". */
static char **two_words(void *context, const char *line, size_t point, const char **files,
                        char hint[COMPLETE_HINT_MAX])
{
    (void)context;
    (void)point;
    snprintf(hint, COMPLETE_HINT_MAX, "a number\033");
    *files = strncmp(line, "file ", 5) == 0 ? ".cxt" : NULL;
    if (*files || strncmp(line, "number ", 7) == 0)
        return NULL;
    char **words = xcalloc(3, sizeof *words);
    words[0] = xstrdup("eps");
    words[1] = xstrdup("epoch");
    return words;
}

/* Types text as the terminal would send it; the result of the last key. */
static enum prompt_result type(const char *text)
{
    struct input input = {0};
    struct input_event event;
    enum prompt_result result = PROMPT_EDITING;
    input_feed(&input, text, strlen(text));
    while (result == PROMPT_EDITING && input_next(&input, true, &event)) {
        if (event.kind == INPUT_PASTE)
            prompt_paste(event.bytes, event.length);
        else
            result = prompt_key(&event);
    }
    input_free(&input);
    return result;
}

static void test_editing(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "");
    assert_int_equal(type("ab \xc3\xa9 c\177d"), PROMPT_EDITING);
    assert_string_equal(prompt_line(), "ab \xc3\xa9 d");
    assert_string_equal(prompt_display().label, "ask> ");
    assert_int_equal(prompt_display().point, 7);
    assert_int_equal(type("\001X\005Y\r"), PROMPT_ACCEPTED); /* C-a, C-e */
    assert_string_equal(prompt_line(), "Xab \xc3\xa9 dY");
    prompt_close();
    assert_false(prompt_is_open());
}

static void test_cursor_keys(void **state)
{
    (void)state;
    prompt_open(PROMPT_COMMAND, "goto");
    type("\033[D\033[D-\033[H<\033[F>\033[D\033[3~\033OD|");
    assert_string_equal(prompt_line(), "<go-t|o");
    prompt_close();
}

static void test_old_text_is_offered(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "Who?");
    assert_string_equal(prompt_line(), "Who?");
    assert_int_equal(type("!\r"), PROMPT_ACCEPTED);
    assert_string_equal(prompt_line(), "Who?!");
    prompt_close();
}

static void test_ways_out(void **state)
{
    (void)state;
    static const char *const keys[] = {"\003", "\007", "\033", "\004"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        prompt_open(PROMPT_COMMAND, "");
        assert_int_equal(type(keys[i]), PROMPT_LEFT);
        prompt_close();
    }
    prompt_open(PROMPT_COMMAND, "text"); /* C-d only leaves an empty line */
    assert_int_equal(type("\001\004"), PROMPT_EDITING);
    assert_string_equal(prompt_line(), "ext");
    prompt_close();
}

static void test_backslash_goes_on(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "");
    assert_int_equal(type("one\\\rtwo"), PROMPT_EDITING);
    assert_string_equal(prompt_line(), "one\ntwo");
    assert_string_equal(prompt_display().text, "one\ntwo");
    assert_int_equal(type("\r"), PROMPT_ACCEPTED);
    prompt_close();
}

static void test_paste_is_text(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "");
    assert_int_equal(type("\033[200~a\r\nb\rquit\033[31m\n\033[201~!"), PROMPT_EDITING);
    assert_string_equal(prompt_line(), "a\nb\nquit\033[31m!");
    assert_string_equal(prompt_display().text, "a\nb\nquit^[[31m!"); /* shown inert */
    prompt_close();
}

static void test_display_counts_escapes(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "");
    type("\033[200~\033x\033[201~\033[D");
    assert_string_equal(prompt_display().text, "^[x");
    assert_int_equal(prompt_display().point, 2);
    prompt_close();
}

static void test_completion(void **state)
{
    (void)state;
    prompt_open(PROMPT_COMMAND, "");
    type("e\t");
    assert_string_equal(prompt_line(), "ep");
    assert_string_equal(prompt_display().matches, "epoch  eps");
    type("x");
    assert_string_equal(prompt_display().matches, "");
    prompt_replace("");
    type("number 3\t"); /* nothing to add: what is expected, shown inert */
    assert_string_equal(prompt_line(), "number 3");
    assert_string_equal(prompt_display().matches, "a number^[");
    type("4");
    assert_string_equal(prompt_display().matches, "");
    prompt_close();
}

static void test_names_of_the_kind_of_file(void **state)
{
    (void)state;
    char *folder = temporary_directory();
    static const char *const names[] = {"a.txt", "a b.cxt", "b.cxt", "b.txt", "b1.cxt", "c.txt"};
    char line[256], want[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        free(temporary_file(folder, names[i], "x", 1));
    prompt_open(PROMPT_COMMAND, "");
    snprintf(line, sizeof line, "file %s/a\t", folder); /* one of that kind, with its blank */
    type(line);
    snprintf(want, sizeof want, "file \"%s/a b.cxt\" ", folder);
    assert_string_equal(prompt_line(), want);
    prompt_replace("");
    snprintf(line, sizeof line, "file %s/b\t", folder);
    type(line);
    assert_string_equal(prompt_display().matches, "b.cxt  b1.cxt");
    prompt_replace("");
    snprintf(line, sizeof line, "file %s/c\t", folder); /* none */
    type(line);
    snprintf(want, sizeof want, "file %s/c", folder);
    assert_string_equal(prompt_line(), want);
    prompt_close();
    temporary_remove(folder);
}

static void test_editor_is_asked_for(void **state)
{
    (void)state;
    prompt_open(PROMPT_ASK, "long");
    assert_int_equal(type("\030\005"), PROMPT_EDITOR);
    prompt_replace("edited");
    assert_int_equal(type("\r"), PROMPT_ACCEPTED);
    assert_string_equal(prompt_line(), "edited");
    prompt_close();
}

static void test_histories_are_apart(void **state)
{
    (void)state;
    prompt_remember(PROMPT_ASK, "first");
    prompt_remember(PROMPT_ASK, "two\nlines");
    prompt_remember(PROMPT_ASK, "two\nlines");
    prompt_remember(PROMPT_COMMAND, "turn");
    prompt_open(PROMPT_ASK, "");
    type("\033[A");
    assert_string_equal(prompt_line(), "two\nlines");
    type("\033[A");
    assert_string_equal(prompt_line(), "first");
    prompt_close();
    prompt_open(PROMPT_COMMAND, "");
    type("\033[A");
    assert_string_equal(prompt_line(), "turn");
    prompt_close();
}

static void test_history_search(void **state)
{
    (void)state;
    prompt_remember(PROMPT_FIND, "coal dust");
    prompt_remember(PROMPT_FIND, "salt");
    prompt_open(PROMPT_FIND, "");
    type("\022coal");
    assert_non_null(strstr(prompt_display().label, "coal"));
    assert_int_equal(type("\r"), PROMPT_ACCEPTED);
    assert_string_equal(prompt_line(), "coal dust");
    prompt_close();
}

static char *history_text(const char *dir)
{
    char *path = file_join(dir, "history-asks"), *text = NULL;
    size_t size;
    if (file_exists(path))
        assert_true(file_read(path, 1 << 20, &text, &size, NULL));
    free(path);
    return text;
}

static void test_history_file(void **state)
{
    (void)state;
    struct err err = {0};
    char *dir = temporary_directory();
    prompt_stop();
    assert_true(prompt_start(dir, true, two_words, NULL, &err));
    prompt_remember(PROMPT_ASK, "a\\b");
    prompt_remember(PROMPT_ASK, "two\nlines");
    char *text = history_text(dir);
    assert_string_equal(text, "a\\\\b\ntwo\\nlines\n");
    free(text);
    prompt_stop();
    assert_true(prompt_start(dir, true, two_words, NULL, &err));
    prompt_open(PROMPT_ASK, "");
    type("\033[A");
    assert_string_equal(prompt_line(), "two\nlines");
    type("\033[A");
    assert_string_equal(prompt_line(), "a\\b");
    prompt_close();
    temporary_remove(dir);
}

/* Whatever is typed, pasted or replaced at whatever moment, readline's lists of undos
 * and of history stay whole (under the address sanitizer this is a sharp test). */
static void test_random_keys(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\033[A", "\033[B", "\033[C", "\033[D", "a",    "b",    " ",    "\r",   "\022", "\023",
        "\007",   "\033",   "\177",   "\037",   "\031", "\013", "\025", "\024", "\027", "\033b",
        "\033d",  "\033r",  "\017",   "\016",   "\020", "\t",   "\030", "\005", "\030\005"};
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        if (!prompt_is_open() || rng_below(&rng, 60) == 0)
            prompt_open((enum prompt_kind)rng_below(&rng, 3), rng_below(&rng, 2) ? "text" : "");
        if (rng_below(&rng, 20) == 0)
            prompt_paste("p\nq", 3);
        char byte[2] = {(char)(1 + rng_below(&rng, 255)), '\0'};
        bool any = rng_below(&rng, 3) == 0;
        enum prompt_result result =
            type(any ? byte : pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        if (result == PROMPT_EDITOR)
            prompt_replace("edited");
        if (result == PROMPT_ACCEPTED || result == PROMPT_LEFT) {
            char *line = result == PROMPT_ACCEPTED ? xstrdup(prompt_line()) : NULL;
            enum prompt_kind kind = prompt_kind();
            prompt_close();
            if (line)
                prompt_remember(kind, line);
            free(line);
        }
    }
    prompt_close();
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    unsetenv("INPUTRC");
    setenv("INPUTRC", "/dev/null", 1);
    struct err err = {0};
    if (!prompt_start(NULL, true, two_words, NULL, &err))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_cursor_keys),
        cmocka_unit_test(test_old_text_is_offered),
        cmocka_unit_test(test_ways_out),
        cmocka_unit_test(test_backslash_goes_on),
        cmocka_unit_test(test_paste_is_text),
        cmocka_unit_test(test_display_counts_escapes),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_names_of_the_kind_of_file),
        cmocka_unit_test(test_editor_is_asked_for),
        cmocka_unit_test(test_histories_are_apart),
        cmocka_unit_test(test_history_search),
        cmocka_unit_test(test_history_file),
        cmocka_unit_test(test_random_keys),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    prompt_stop();
    return failed;
}
