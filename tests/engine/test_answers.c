/* Answers as text: what the tokens say, to the last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/engine_private.h"
#include "engine/eval/prompt.h"
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

/* A document of more slots than the model has positions for, nothing of it read. */
static void open_long_document(struct engine *e)
{
    enum { COPIES = 40 };
    size_t length = strlen(small_engine_text);
    char *text = xcalloc(COPIES, length);
    struct err err = {0};
    for (size_t i = 0; i < COPIES; i++)
        memcpy(text + i * length, small_engine_text, length);
    assert_true(engine_set_document(e, text, COPIES * length, "long", &err));
    free(text);
}

static size_t windows_read(const struct engine *e)
{
    const struct snapshot *s = engine_snapshot(e);
    size_t n = 0;
    for (size_t w = 0; w < s->windows; w++)
        n += s->window[w] != NULL;
    return n;
}

/* Asks in vain: `lead` positions, the context and the question, and an answer of 4. */
static void assert_refused(struct engine *e, enum answer_mode mode, size_t lead, size_t context)
{
    struct ask_options options = {.max_tokens = 4};
    struct token_list query = {0};
    struct err err = {0};
    char want[160];
    prompt_query(e->model->tokenizer, "When?", &query);
    snprintf(want, sizeof want,
             "%zu context %s with question and answer need %zu positions, the model has %zu: ",
             context, mode == ANSWER_FULL ? "tokens" : "slots",
             lead + context + query.count + options.max_tokens, e->model->config.positions);
    token_list_free(&query);
    assert_false(engine_ask(e, "When?", mode, &options, NULL, &err));
    assert_int_equal(err.code, ERR_INPUT);
    if (strncmp(err.text, want, strlen(want)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, want);
    assert_int_equal(engine_snapshot(e)->answer[mode]->state, ANSWER_FAILED);
    assert_int_equal(windows_read(e), 0);
}

/* The positions that are missing are counted without a pass of the model. */
static void test_what_does_not_fit_is_refused_unread(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct arena arena = {0};
    open_long_document(e);
    size_t tokens = engine_snapshot(e)->document->tokens;
    assert_true(tokens > 4 * e->model->config.positions);
    assert_refused(e, ANSWER_FULL, 0, tokens);
    size_t covered, slots = engine_slots_asked(e, 0, tokens, &covered, &arena);
    assert_refused(e, ANSWER_COMPRESSED, 1, slots);
    assert_int_equal(covered, tokens);
    struct ask_options options = {.max_tokens = 1, .gold = "1764"};
    struct err err = {0};
    assert_true(engine_ask(e, "When?", ANSWER_NONE, &options, NULL, &err));
    assert_false(engine_control(e, &options, "Salt.", 5, "other", NULL, &err));
    assert_non_null(strstr(err.text, "positions, the model has "));
    assert_int_equal(windows_read(e), 0);
    arena_free(&arena);
    engine_close(e);
}

/* Counted before they are made as they are afterwards: parts of windows, muted slots. */
static void test_slots_are_counted_unread(void **state)
{
    (void)state;
    struct engine *e = small_engine_open();
    struct err err = {0};
    struct arena arena = {0};
    bool muted[70] = {[1] = true, [66] = true, [69] = true};
    open_long_document(e);
    engine_set_muted(e, muted, 70);
    for (size_t from = 0; from < 700; from += 97) {
        struct ask_options options = {.max_tokens = 1, .from = from, .to = from + 131};
        size_t covered, counted = engine_slots_asked(e, from, from + 131, &covered, &arena);
        assert_true(engine_ask(e, "When?", ANSWER_COMPRESSED, &options, NULL, &err));
        const struct snapshot *s = engine_snapshot(e);
        const struct snapshot_answer *a = s->answer[ANSWER_COMPRESSED];
        assert_int_equal(a->context_positions, counted);
        assert_int_equal(a->asked_from, from);
        assert_int_equal(a->asked_to, from + 131);
        assert_int_equal(a->context_tokens, covered); /* of whole windows */
        assert_int_equal(covered, s->window_first[snapshot_window_of(s, from + 130) + 1] -
                                      s->window_first[snapshot_window_of(s, from)]);
    }
    arena_free(&arena);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_byte_is_lost),
        cmocka_unit_test(test_what_does_not_fit_is_refused_unread),
        cmocka_unit_test(test_slots_are_counted_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
