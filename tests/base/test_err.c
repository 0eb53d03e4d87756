/* Errors as values: one line, safe to print, never too long. */
#include "engine/base/err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

static void a_message_is_formatted_and_false_returned(void **state)
{
    struct err err = {0};
    (void)state;
    assert_false(err_set(&err, ERR_IO, "%s: %d of %zu", "f", 3, (size_t)4));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "f: 3 of 4");
    assert_false(err_set(NULL, ERR_IO, "%s", "nobody listens"));
}

static void a_prefix_keeps_the_code(void **state)
{
    struct err err = {0};
    (void)state;
    err_set(&err, ERR_MEMORY, "inner");
    assert_false(err_prefix(&err, "outer %d", 2));
    assert_int_equal(err.code, ERR_MEMORY);
    assert_string_equal(err.text, "outer 2: inner");
    assert_false(err_prefix(NULL, "x"));
}

static void an_error_can_be_part_of_itself(void **state)
{
    struct err err = {0};
    (void)state;
    err_set(&err, ERR_OTHER, "old");
    err_set(&err, ERR_INPUT, "new, was: %s", err.text);
    assert_string_equal(err.text, "new, was: old");
}

static void hostile_names_are_shown_escaped(void **state)
{
    struct err err = {0};
    (void)state;
    err_set(&err, ERR_INPUT, "%s: bad", "a\x1b]0;x\x07\n\xff\xe2\x80\xae");
    assert_string_equal(err.text, "a^[]0;x^G^J<FF><U+202E>: bad");
    err_prefix(&err, "%s", "\r");
    assert_string_equal(err.text, "^M: a^[]0;x^G^J<FF><U+202E>: bad");
}

/* Cut at the end of the buffer, between characters, whatever the length. */
static void long_messages_are_cut(void **state)
{
    static char text[4096];
    struct err err = {0};
    (void)state;
    for (size_t length = 500; length < 3000; length += 7) {
        for (size_t i = 0; i + 2 < length; i += 3)
            memcpy(text + i, "\xe6\x9d\xb1", 3);
        text[length - length % 3] = '\0';
        err_set(&err, ERR_INPUT, "x%s", text);
        size_t n = strlen(err.text);
        assert_true(text_valid(err.text, n, NULL));
        assert_null(strchr(err.text, '<'));
        assert_true(n == 1 + length - length % 3 || n > sizeof err.text - 4);
        err_prefix(&err, "%s", text);
        assert_true(text_valid(err.text, strlen(err.text), NULL));
    }
}

/* What a child process does to end: exit status, or minus the signal. */
static int run_child(void (*body)(void), char *output, size_t size)
{
    int pipes[2], status;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        body();
        _exit(0);
    }
    close(pipes[1]);
    ssize_t n = read(pipes[0], output, size - 1);
    output[n > 0 ? n : 0] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void break_an_invariant(void)
{
    CHECK(1 + 1 == 3);
}

static void want_too_much(void)
{
    mem_exhausted(12345);
}

static void a_broken_invariant_aborts_in_all_builds(void **state)
{
    char output[256];
    (void)state;
    assert_int_equal(run_child(break_an_invariant, output, sizeof output), -SIGABRT);
    assert_non_null(strstr(output, "tests/base/test_err.c:"));
    assert_non_null(strstr(output, "1 + 1 == 3"));
}

static void running_out_of_memory_has_its_exit_code(void **state)
{
    char output[256];
    (void)state;
    assert_int_equal(run_child(want_too_much, output, sizeof output), ERR_MEMORY);
    assert_non_null(strstr(output, "comprexit: out of memory (12345 more bytes wanted)"));
}

/* A size that overflows is an error like any other, before anything is taken. */
static void an_addition_stands_behind(void **state)
{
    struct err err = {0};
    (void)state;
    err_set(&err, ERR_INPUT, "a.gguf: empty file");
    assert_false(err_add(&err, "give another with --model"));
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, "a.gguf: empty file; give another with --model");
    assert_false(err_add(NULL, "nothing"));
}

static void blocks_that_cannot_be_are_refused(void **state)
{
    struct err err = {0};
    (void)state;
    assert_null(mem_try(SIZE_MAX, 2, "the weights", &err));
    assert_int_equal(err.code, ERR_MEMORY);
    assert_string_equal(err.text, "the weights: size overflows");
    assert_null(mem_try(SIZE_MAX - 3, 1, "the weights", &err));
    assert_null(mem_try(SIZE_MAX, 2, "the weights|a smaller model needs less", &err));
    assert_string_equal(err.text, "the weights: size overflows; a smaller model needs less");
    unsigned char *p = mem_try(3, 5, "a block", &err);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(p[i], 0);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_formatted_and_false_returned),
        cmocka_unit_test(a_prefix_keeps_the_code),
        cmocka_unit_test(an_error_can_be_part_of_itself),
        cmocka_unit_test(hostile_names_are_shown_escaped),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(a_broken_invariant_aborts_in_all_builds),
        cmocka_unit_test(running_out_of_memory_has_its_exit_code),
        cmocka_unit_test(blocks_that_cannot_be_are_refused),
        cmocka_unit_test(an_addition_stands_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
