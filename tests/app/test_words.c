/* The command language: words, quotes, the bang, comments. */
#include "app/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_split(void **state)
{
    (void)state;
    struct words w;
    assert_true(words_split(&w, "  export!  plan \"my fig.png\" width=89mm ", NULL));
    assert_string_equal(w.name, "export");
    assert_true(w.force);
    assert_int_equal(w.count, 3);
    assert_string_equal(w.word[0], "plan");
    assert_string_equal(w.word[1], "my fig.png");
    assert_false(w.quoted[0]);
    assert_true(w.quoted[1]);
    assert_string_equal(w.word[2], "width=89mm");
    assert_string_equal(w.rest, "plan \"my fig.png\" width=89mm");
    words_free(&w);
}

static void test_escapes(void **state)
{
    (void)state;
    struct words w;
    assert_true(words_split(&w, "open \"a \\\"b\\\" \\\\c\"", NULL));
    assert_string_equal(w.word[0], "a \"b\" \\c");
    assert_string_equal(w.rest, "a \"b\" \\c"); /* one quoted word: without its quotes */
    words_free(&w);
}

static void test_quotes_behind_a_key(void **state)
{
    (void)state;
    struct words w;
    struct err err = {0};
    assert_true(words_split(&w, "train data=\"a b.txt,c\" run=\"\" x\"y z", &err));
    assert_int_equal(w.count, 4);
    assert_string_equal(w.word[0], "data=a b.txt,c");
    assert_false(w.quoted[0]);
    assert_string_equal(w.word[1], "run=");
    assert_string_equal(w.word[2], "x\"y"); /* in the middle of a word it is a character */
    words_free(&w);
    assert_false(words_split(&w, "train data=\"a b", &err));
    words_free(&w);
}

static void test_comments_and_blanks(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "   ", "# a comment", "\t# open x", "\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct words w;
        assert_true(words_split(&w, lines[i], NULL));
        assert_string_equal(w.name, "");
        assert_int_equal(w.count, 0);
        words_free(&w);
    }
    struct words w;
    assert_true(words_split(&w, "ask Who is #1?", NULL));
    assert_string_equal(w.rest, "Who is #1?");
    words_free(&w);
}

static void test_unclosed_quote_keeps_the_rest(void **state)
{
    (void)state;
    struct words w;
    struct err err = {0};
    assert_false(words_split(&w, "ask What is a 6\" pipe and \"this?", &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(w.name, "ask");
    assert_string_equal(w.rest, "What is a 6\" pipe and \"this?");
    words_free(&w);
}

static void test_too_many(void **state)
{
    (void)state;
    char line[256] = "x";
    for (int i = 0; i < WORDS_MAX + 1; i++)
        strcat(line, " y");
    struct words w;
    struct err err = {0};
    assert_false(words_split(&w, line, &err));
    assert_string_equal(err.text, "more than 32 words");
    words_free(&w);
}

static void test_the_home_folder(void **state)
{
    (void)state;
    struct err err = {0};
    struct words w;
    setenv("HOME", "/home/me", 1);
    assert_true(words_split(&w, "train data=~/a.txt,~/b.txt \"run=~/my runs\" a~/b ~", &err));
    words_expand_home(&w);
    assert_string_equal(w.word[0], "data=/home/me/a.txt,/home/me/b.txt");
    assert_string_equal(w.word[1], "run=/home/me/my runs");
    assert_string_equal(w.word[2], "a~/b");
    assert_string_equal(w.word[3], "~");
    words_free(&w);
    assert_true(words_split(&w, "open ~/a~/b", &err));
    words_expand_home(&w);
    assert_string_equal(w.rest, "/home/me/a~/b");
    words_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_quotes_behind_a_key),
        cmocka_unit_test(test_comments_and_blanks),
        cmocka_unit_test(test_unclosed_quote_keeps_the_rest),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_the_home_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
