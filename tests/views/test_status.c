/* The sentences of the status line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sample_snapshot.h"
#include "tests/support/sample_training.h"
#include "tests/support/sample_view.h"
#include "tests/support/stages.h"
#include "views/view_state.h"

static void assert_status(const struct snapshot *s, const struct view_state *v,
                          const char *want)
{
    char text[512];
    view_status_text(s, v, text, sizeof text);
    assert_string_equal(text, want);
}

static void test_status_sentences(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN);
    assert_status(
        s, &v,
        "token 165 \"coal\" · mass 0.57x even · sends s12 71% s13 20% s30 2% · gate peak "
        "L21");
    v.unit = UNIT_WORD;
    v.token = 161;
    assert_status(
        s, &v,
        "word 160-162 \"briquettes\" · mass 1.80x even · sends s11 60% s31 28% s12 10% · "
        "gate peak L14");
    v.token = 242; /* cut by the border of the window */
    char text[512];
    view_status_text(s, &v, text, sizeof text);
    assert_non_null(strstr(text, "word 241-243 \"-dairies\" ·"));
    struct canvas canvas; /* and under the plan */
    canvas_init(&canvas, v.rows, v.columns);
    view_draw(s, &v, &canvas);
    char *screen = canvas_dump(&canvas, false);
    assert_non_null(strstr(screen, "^242 -dairies"));
    free(screen);
    canvas_free(&canvas);
    v.unit = UNIT_TOKEN;
    v.token = 165;
    v.moved.kind = SOURCE_LAYER;
    assert_status(s, &v, "layer L21 · gate mean 3.2% min 1.4% max 6.9% · \"coal\" 5.9%");
    v.moved.kind = SOURCE_SLOT;
    assert_status(s, &v,
                  "slot s12 · made of \"pressed\" 54% \"of\" 19% \"coal\" 10% · spread "
                  "4.2 tokens · "
                  "looked at 26%");
    v.moved.kind = SOURCE_ANSWER;
    v.answer = ANSWER_NONE;
    v.answer_token = 0;
    assert_status(s, &v, "none answer 0 \"charcoal\" · no context to look at");
    snapshot_release(s);
}

/* An answer token's slots are those of the whole document, by the names that they have here. */
static void test_status_names_slots_of_all_windows(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_ANSWERS, SOURCE_ANSWER);
    char text[512];
    v.answer = ANSWER_COMPRESSED;
    v.answer_token = 0;
    v.token = 0; /* in the first window, the answer looked at the second */
    view_status_text(s, &v, text, sizeof text);
    assert_non_null(strstr(text, " \u00b7 slots w2:s11 32% w2:s12 20% w2:s10 20%"));
    v.token = 165;
    view_status_text(s, &v, text, sizeof text);
    assert_non_null(strstr(text, " \u00b7 slots s11 32% s12 20% s10 20%"));
    snapshot_release(s);
}

/* Where a loss is missing, what there is to do about it, if anything. */
static void test_status_of_missing_losses(void **state)
{
    (void)state;
    struct stage g = {.s = sample_snapshot(),
                      .v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN)};
    stage_loss(&g);
    struct snapshot_loss *l = snapshot_loss_retain(g.s->loss);
    l->full[0] = l->full[400] = l->full[401] = NAN;
    g.v.token = 0;
    assert_status(g.s, &g.v, "token 0 \"The\" · nothing stands before it that could tell it");
    g.v.token = 400;
    assert_status(g.s, &g.v, "token 400 \"the\" · its loss is not known: range A B, then loss, "
                             "measures there");
    snapshot_loss_release(l);
    snapshot_release(g.s);
}

/* A run of which nothing is left to come says so, and what it came to. */
static void test_status_of_a_run(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN);
    struct training run;
    sample_training(&run);
    v.screen = SCREEN_TRAIN;
    v.train.run = &run;
    run.stage[0] = '\0';
    assert_status(s, &v, "training · 412/600 · Explore stays usable, more slowly");
    run.state = TRAINING_WATCHED;
    assert_status(s, &v, "watching · 412/600 · last step 4 s ago");
    run.log.steps[run.log.n_steps - 1].step = run.total_steps;
    assert_status(s, &v, "watching · 600/600 · last step 4 s ago"); /* its last save is to come */
    run.saved_step = run.total_steps;
    assert_status(s, &v,
                  "finished · 600/600 · best held-out 2.671 at 400 · gap 52 % closed · last step "
                  "4 s ago");
    run.state = TRAINING_ENDED;
    assert_status(s, &v, "finished · 600/600 · best held-out 2.671 at 400 · gap 52 % closed");
    run.log.n_checks = 0;
    assert_status(s, &v, "finished · 600/600 · loss 2.633");
    run.state = TRAINING_FAILED;
    assert_status(s, &v, "failed · 600/600");
    training_free(&run);
    snapshot_release(s);
}

static void test_status_compares_with_the_lock(void **state)
{
    (void)state;
    struct snapshot *s = sample_snapshot();
    struct view_state v = sample_view(36, 120, PANE_PLAN, SOURCE_SLOT);
    v.slot = 13;
    v.locked = (struct source){.kind = SOURCE_TOKEN, .token = 165};
    assert_status(s, &v, "slot s13 and locked token 165 \"coal\": 20.0% of the token");
    v.locked = (struct source){.kind = SOURCE_SLOT, .window = 1, .slot = 12};
    v.moved.kind = SOURCE_TOKEN;
    assert_status(s, &v, "token 165 \"coal\" and locked slot s12: 10.2% of the slot");
    snapshot_release(s);
}

static void test_status_of_nothing(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_derive(NULL);
    struct view_state v = sample_view(36, 120, PANE_DOCUMENT, SOURCE_TOKEN);
    assert_status(s, &v, "");
    snapshot_release(s);
    s = sample_document("only read as text", 17);
    assert_status(s, &v, "token 3 \"text\" · not read yet");
    snapshot_release(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_sentences),
        cmocka_unit_test(test_status_names_slots_of_all_windows),
        cmocka_unit_test(test_status_of_missing_losses),
        cmocka_unit_test(test_status_of_a_run),
        cmocka_unit_test(test_status_compares_with_the_lock),
        cmocka_unit_test(test_status_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
