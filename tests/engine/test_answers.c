/* Answers as text: what the tokens say, to the last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "engine/engine_private.h"
#include "tests/support/small_engine.h"

/* The text of the whole answer without what stands around it, and without NULs. */
static char *spoken(const struct engine *e, const struct snapshot_answer *a)
{
    size_t length, kept = 0;
    char *text = tokenizer_decode(e->model->tokenizer, a->ids, a->tokens, false, &length);
    for (size_t i = 0; i < length; i++)
        if (text[i] != '\0')
            text[kept++] = text[i];
    text[kept] = '\0';
    size_t blanks = strspn(text, " \t\r\n");
    memmove(text, text + blanks, kept - blanks + 1);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* An answer that ends within a character shows that something stood there. */
static void test_no_byte_is_lost(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    bool fragment = false;
    for (size_t n = 1; n <= 60; n++) {
        struct ask_options options = {.max_tokens = 1 + n % 8, .temperature = 1.5, .seed = n};
        assert_true(engine_ask(e, "tem?", ANSWER_NONE, &options, NULL, &err));
        const struct snapshot_answer *a = engine_snapshot(e)->answer[ANSWER_NONE];
        char *want = spoken(e, a);
        assert_string_equal(a->text, want);
        assert_int_equal(a->start[a->tokens], strlen(want));
        fragment = fragment || text_incomplete(want, strlen(want)) > 0;
        free(want);
    }
    assert_true(fragment);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_byte_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
