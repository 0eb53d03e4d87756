/* The log of a run directory as it grows, the looks at its probe text, and the form of a run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/run_form.h"
#include "app/run_lines.h"
#include "app/run_log.h"
#include "app/run_probes.h"
#include "engine/base/file.h"
#include "tests/support/temporary.h"

static const char step_1[] = "{\"step\":1,\"loss\":4.5,\"grad_norm\":2,\"lr\":0.1,"
                             "\"tokens\":64,\"ms\":10}\n";
static const char step_2[] = "{\"step\":2,\"loss\":null,\"grad_norm\":3,"
                             "\"ms\":10,\"skipped\":true}\n";
static const char check_2[] = "{\"step\":2,\"validation\":\"ntp 128+64\",\"compressed\":3,"
                              "\"full\":2,\"none\":4,\"gap_closed\":0.5}\n";

struct place {
    char *directory, *path;
    struct growing reader;
    struct training_log log;
};

static void open_place(struct place *p)
{
    *p = (struct place){.directory = temporary_directory()};
    p->path = file_join(p->directory, "log.jsonl");
    run_log_open(&p->reader, p->directory);
}

static void close_place(struct place *p)
{
    growing_close(&p->reader);
    training_log_free(&p->log);
    temporary_remove(p->directory);
    free(p->path);
}

/* In place, as a log grows: a file that is put in its place is another one. */
static bool write_and_read(struct place *p, const char *text)
{
    struct err err = {0};
    bool changed, more;
    FILE *file = fopen(p->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    assert_true(run_log_read(&p->reader, &p->log, &changed, &more, &err));
    assert_false(more);
    return changed;
}

static void test_absent_log_is_empty(void **state)
{
    (void)state;
    struct place p;
    struct err err = {0};
    bool changed, more;
    open_place(&p);
    assert_true(run_log_read(&p.reader, &p.log, &changed, &more, &err));
    assert_false(changed);
    assert_int_equal(p.log.n_steps, 0);
    close_place(&p);
}

/* Half a line waits until it is whole; what was taken is not taken again. */
static void test_log_grows(void **state)
{
    (void)state;
    struct place p;
    char text[1024];
    open_place(&p);
    snprintf(text, sizeof text, "%s%.20s", step_1, step_2);
    assert_true(write_and_read(&p, text));
    assert_int_equal(p.log.n_steps, 1);
    assert_false(write_and_read(&p, text));
    snprintf(text, sizeof text, "%s%s%s", step_1, step_2, check_2);
    assert_true(write_and_read(&p, text));
    assert_int_equal(p.log.n_steps, 2);
    assert_true(isnan(p.log.steps[1].loss));
    assert_true(p.log.steps[1].skipped);
    assert_int_equal(p.log.n_checks, 1);
    assert_string_equal(p.log.kind[0], "ntp 128+64");
    assert_ptr_equal(training_best_check(&p.log, 0), &p.log.checks[0]);
    assert_int_equal(p.log.bad_lines, 0);
    close_place(&p);
}

/* A run that was resumed from a checkpoint cut its log. */
static void test_shorter_log_is_read_anew(void **state)
{
    (void)state;
    struct place p;
    char text[1024];
    open_place(&p);
    snprintf(text, sizeof text, "%s%s%s", step_1, step_2, check_2);
    write_and_read(&p, text);
    assert_true(write_and_read(&p, step_1));
    assert_int_equal(p.log.n_steps, 1);
    assert_int_equal(p.log.n_checks, 0);
    close_place(&p);
}

/* Its lines were thinned out: as long as it was, but another file. */
static void test_replaced_log_is_read_anew(void **state)
{
    (void)state;
    struct place p;
    struct err err = {0};
    bool changed, more;
    char text[512];
    open_place(&p);
    write_and_read(&p, step_1);
    snprintf(text, sizeof text, "%s%s", step_2, check_2);
    assert_true(file_replace(p.path, text, strlen(text), &err));
    assert_true(run_log_read(&p.reader, &p.log, &changed, &more, &err));
    assert_int_equal(p.log.n_steps, 1);
    assert_int_equal(p.log.steps[0].step, 2);
    assert_int_equal(p.log.n_checks, 1);
    close_place(&p);
}

static void test_other_lines_are_counted(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "null", "[]", "{\"step\":-1,\"loss\":1}",
                                        "{\"step\":3}", "{\"loss\":1}",
                                        "{\"step\":1e9,\"loss\":1}", "{\"step\":"};
    struct training_log log = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(run_log_line(&log, lines[i], strlen(lines[i])));
    assert_int_equal(log.bad_lines, sizeof lines / sizeof *lines);
    assert_true(run_log_line(&log, step_2, strlen(step_2)));
    assert_false(run_log_line(&log, step_1, strlen(step_1))); /* goes back */
    for (int i = 0; i < 20; i++) { /* more kinds than there is room for */
        char line[128];
        snprintf(line, sizeof line, "{\"step\":5,\"validation\":\"kind %d\"}", i);
        assert_true(run_log_line(&log, line, strlen(line)));
    }
    assert_int_equal(log.n_kinds, TRAINING_KINDS_MAX);
    assert_int_equal(log.checks[19].kind, TRAINING_KINDS_MAX - 1);
    training_log_free(&log);
}

static void test_z_of_the_last_step(void **state)
{
    (void)state;
    struct training_log log = {0};
    char line[96];
    for (int i = 1; i <= 100; i++) {
        snprintf(line, sizeof line, "{\"step\":%d,\"loss\":%d}", i, i % 2);
        run_log_line(&log, line, strlen(line));
    }
    log.steps[99].loss = 1.5; /* the others: mean 0.505, deviation 0.5 */
    double z = training_z(&log, offsetof(struct training_step, loss));
    assert_true(fabs(z - 1.99) < 0.02);
    training_log_free(&log);
}

/* What was there before it was looked at: how far into its steps the run was, where the log says
 * so; what comes later has the time of day. */
static void test_lines_say_when(void **state)
{
    (void)state;
    static const char *const logged[] = {
        "{\"step\":1,\"loss\":4,\"seconds\":62.9}", "{\"step\":2,\"loss\":4,\"seconds\":-1}",
        "{\"step\":3,\"loss\":4,\"seconds\":1e300}", "{\"step\":4,\"loss\":4}",
        "{\"step\":5,\"validation\":\"ntp\",\"compressed\":3,\"seconds\":4483}"};
    static const char *const when[] = {"+1:02", "", "", "", "+1:14:43"};
    enum { N = sizeof logged / sizeof *logged };
    struct training t = {0};
    for (size_t i = 0; i < N; i++)
        assert_true(run_log_line(&t.log, logged[i], strlen(logged[i])));
    run_lines_add_logged(&t, "", 0, 0);
    assert_int_equal(t.n_lines, N);
    for (size_t i = 0; i < N; i++)
        assert_string_equal(t.lines[i].when, when[i]);
    run_lines_add_logged(&t, "14:02:10", 0, t.log.n_checks);
    assert_string_equal(t.lines[N].when, "14:02:10");
    training_free(&t);
}

/* ---- form --------------------------------------------------------------------- */

static void test_form_makes_arguments(void **state)
{
    (void)state;
    static const char *const words[] = {"sft", "data=a.json,b.json@2", "run=runs/x", "steps=5",
                                        "lr=1e-3", "steps=7", "resume"};
    static const char *const want[] = {"train", "sft", "--control", "--preset", "cpu-sft", "--data",
                                       "a.json", "--data", "b.json@2", "--set", "steps=7", "--set",
                                       "lr=1e-3", "--model", "m.gguf", "--sandbox",
                                       "off", "--run", "runs/x", "--resume", NULL};
    const char *got[RUN_FORM_ARGUMENTS];
    struct run_form form;
    struct err err = {0};
    run_form_init(&form);
    assert_false(run_form_complete(&form, true, &err));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(run_form_word(&form, words[i], &err));
    assert_true(run_form_complete(&form, false, &err));
    run_form_arguments(&form, "m.gguf", false, false, got);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(!want[i] == !got[i]);
        if (want[i])
            assert_string_equal(got[i], want[i]);
    }
    run_form_free(&form);
}

/* What was looked at is proposed until data are named; the phase follows what it is. */
static void test_form_takes_proposals(void **state)
{
    (void)state;
    struct run_form form;
    struct err err = {0};
    run_form_init(&form);
    assert_true(run_form_propose(&form, "a,b.txt", "ntp"));
    assert_int_equal(form.n_data, 1);
    assert_string_equal(form.data[0], "a,b.txt");
    assert_false(run_form_propose(&form, "a,b.txt", "ntp"));
    assert_true(run_form_propose(&form, "q.jsonl", "sft"));
    assert_string_equal(form.phase, "sft");
    assert_string_equal(form.preset, "cpu-sft");
    assert_true(run_form_word(&form, "prompt", &err));
    assert_true(run_form_propose(&form, "other.jsonl", "sft"));
    assert_string_equal(form.phase, "prompt"); /* questions suit it, too */
    assert_true(run_form_propose(&form, "c.txt", "ntp"));
    assert_string_equal(form.phase, "ntp");
    assert_true(run_form_word(&form, "data=mine.txt", &err));
    assert_false(run_form_propose(&form, "c.txt", "ntp"));
    assert_string_equal(form.data[0], "mine.txt");
    run_form_free(&form);
}

static void test_form_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *word, *message;
    } cases[] = {{"ntpp", "expected ntp, sft, prompt"}, {"stepz=5", "stepz"},
                 {"steps=many", "steps"}, {"data=", "wants files"}};
    struct run_form form;
    run_form_init(&form);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_false(run_form_word(&form, cases[i].word, &err));
        assert_non_null(strstr(err.text, cases[i].message));
    }
    struct err err = {0};
    for (int i = 0; i < RUN_FORM_PARTS; i++) { /* full, and full again */
        char word[32];
        static const char *const keys[] = {"steps", "batch", "seed", "keep", "iters", "window",
                                           "save_every", "valid_every", "valid_samples",
                                           "soft_tokens", "micro_batch", "sft_context",
                                           "sft_tokens", "clip", "warmup", "distill"};
        snprintf(word, sizeof word, "%s=1", keys[i]);
        assert_true(run_form_word(&form, word, &err));
    }
    assert_false(run_form_word(&form, "lr=1", &err));
    assert_true(run_form_word(&form, "data=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", &err));
    assert_true(run_form_word(&form, "resume", &err) && run_form_word(&form, "run=r", &err));
    const char *got[RUN_FORM_ARGUMENTS];
    run_form_arguments(&form, "m.gguf", true, false, got); /* all of it has room */
    size_t n = 0;
    while (got[n])
        n++;
    assert_true(n < RUN_FORM_ARGUMENTS && n > (size_t)4 * RUN_FORM_PARTS);
    run_form_free(&form);
}

/* ---- looks at the probe text ---------------------------------------------------- */

static const char look_0[] = "{\"step\":0,\"file\":\"probe-000000.cxt\",\"window\":1,"
                             "\"said\":\" the\\nsea\",\"lead\":\"moor \\u001b[m\","
                             "\"question\":\"why?\",\"answer\":\"no\",\"f1\":0.5}\n";
static const char look_5[] = "{\"step\":5,\"file\":\"probe-000005.cxt\",\"window\":0,"
                             "\"said\":\"a\"}\n";

static void test_looks_are_taken(void **state)
{
    (void)state;
    struct training t = {0};
    assert_true(run_probes_line(&t, look_0, strlen(look_0)));
    assert_true(run_probes_line(&t, look_5, strlen(look_5)));
    assert_int_equal(t.n_probes, 2);
    assert_string_equal(t.probes[0].said, "the sea"); /* on one line of the screen */
    assert_string_equal(t.probes[0].answer, "no");
    assert_true(t.probes[0].f1 > 0.49 && t.probes[0].f1 < 0.51);
    assert_null(t.probes[1].answer);
    assert_true(t.probes[1].f1 < 0);
    training_free(&t);
}

/* A resumed run looks again at steps that it had done. */
static void test_later_look_counts(void **state)
{
    (void)state;
    struct training t = {0};
    run_probes_line(&t, look_0, strlen(look_0));
    run_probes_line(&t, look_5, strlen(look_5));
    run_probes_line(&t, look_0, strlen(look_0));
    assert_int_equal(t.n_probes, 1);
    assert_null(strchr(t.probe_lead, '\033'));
    training_free(&t);
}

static void test_other_lines_are_no_looks(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "", "{", "[]", "{\"step\":1}", "{\"step\":-1,\"file\":\"a.cxt\",\"window\":0}",
        "{\"step\":1,\"file\":\"../a.cxt\",\"window\":0}",
        "{\"step\":1,\"file\":\"a.png\",\"window\":0}",
        "{\"step\":1,\"file\":\"a.cxt\",\"window\":-1}", "{\"step\":1,\"file\":7,\"window\":0}"};
    struct training t = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(run_probes_line(&t, lines[i], strlen(lines[i])));
    assert_int_equal(t.n_probes, 0);
    training_free(&t);
}

/* A snapshot whose file is gone is said to be so, once. */
static void test_missing_snapshot(void **state)
{
    (void)state;
    struct training t = {0};
    struct err err = {0};
    char *directory = temporary_directory();
    snprintf(t.directory, sizeof t.directory, "%s", directory);
    run_probes_line(&t, look_0, strlen(look_0));
    assert_false(run_probes_load(&t, 0, &err));
    assert_int_equal(err.code, ERR_INPUT);
    err = (struct err){0};
    assert_false(run_probes_load(&t, 0, &err));
    assert_int_equal(err.code, ERR_NONE);
    training_free(&t);
    temporary_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_log_is_empty),
        cmocka_unit_test(test_log_grows),
        cmocka_unit_test(test_shorter_log_is_read_anew),
        cmocka_unit_test(test_replaced_log_is_read_anew),
        cmocka_unit_test(test_other_lines_are_counted),
        cmocka_unit_test(test_lines_say_when),
        cmocka_unit_test(test_z_of_the_last_step),
        cmocka_unit_test(test_form_makes_arguments),
        cmocka_unit_test(test_form_takes_proposals),
        cmocka_unit_test(test_form_refuses),
        cmocka_unit_test(test_looks_are_taken),
        cmocka_unit_test(test_later_look_counts),
        cmocka_unit_test(test_other_lines_are_no_looks),
        cmocka_unit_test(test_missing_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
