/* Runs and their directories: resume is bit-exact at any step, a run can be made longer, and
 * two processes, changed data or an old run are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/eval/soft_prompt.h"
#include "tests/support/temporary.h"
#include "tests/support/training.h"

static void check_resume(struct training *t)
{
    char straight[65], resumed[65];
    char *dir = training_directory(t, "straight");
    training_run(t, 0, ERR_NONE);
    training_hash(dir, "step-000040.safetensors", straight);
    free(dir);
    /* 10 is where the ratio changes, 17 lies between two checkpoints. */
    static const size_t cuts[] = {1, 10, 17, 20, 39};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char name[32];
        snprintf(name, sizeof name, "cut-%zu", cuts[i]);
        dir = training_directory(t, name);
        t->options.resume = false;
        training_run(t, cuts[i], ERR_CANCELLED);
        t->options.resume = true;
        training_run(t, 0, ERR_NONE);
        training_hash(dir, "step-000040.safetensors", resumed);
        assert_string_equal(resumed, straight);
        free(dir);
    }
}

static void resume_is_bit_exact(void **state)
{
    (void)state;
    for (int mean = 0; mean < 2; mean++) {
        struct training t;
        training_open(&t);
        t.options.config.average = mean ? 0.9 : 0;
        check_resume(&t);
        training_close(&t);
    }
}

/* ---- a soft prompt instead of a compressor ---------------------------------------------- */

static void prompt_open(struct training *t)
{
    enum { QUESTIONS = 40, LINE = 160 };
    char *lines = xcalloc(QUESTIONS, LINE);
    size_t used = 0;
    for (int i = 0; i < QUESTIONS; i++)
        used += (size_t)snprintf(lines + used, LINE, "{\"context\": \"Barge %d left pond %d.\", "
                                 "\"question\": \"What left?\", \"answers\": [\"barge %d\"]}\n", i,
                                 i % 7, i);
    training_open(t);
    free(t->data_path);
    t->data_path = temporary_file(t->directory, "questions.jsonl", lines, used);
    t->data[0].path = t->data_path;
    free(lines);
    struct train_config *c = &t->options.config;
    memcpy(c->phase, "prompt", sizeof "prompt");
    c->mix_ntp = 0;
    c->mix_sft = 1;
    c->soft_tokens = 3;
    c->sft_context = c->sft_tokens = 32;
    c->held_out_questions = 4;
}

static void prompts_resume_bit_exactly(void **state)
{
    (void)state;
    struct training t;
    prompt_open(&t);
    check_resume(&t);
    training_close(&t);
}

/* What a run leaves is a prompt that loads, and that another run can begin with. */
static void a_prompt_goes_on(void **state)
{
    (void)state;
    struct training t;
    struct soft_prompt first, second;
    struct err err = {0};
    prompt_open(&t);
    t.options.config.steps = 6;
    for (int run = 0; run < 2; run++) {
        char *dir = training_directory(&t, run ? "second" : "first");
        char *ready = file_join(dir, "compressor.safetensors");
        training_run(&t, 0, ERR_NONE);
        if (!soft_prompt_load(run ? &second : &first, ready, t.options.model, &err))
            fail_msg("%s", err.text);
        snprintf(t.options.config.init, sizeof t.options.config.init, "%s", ready);
        t.options.config.soft_tokens = 99; /* the file says how many */
        t.options.config.lr = 0;
        free(ready);
        free(dir);
    }
    assert_int_equal(first.n, 3);
    assert_int_equal(second.n, 3);
    assert_memory_equal(first.vectors, second.vectors,
                        3 * t.options.model->config.hidden * sizeof(real));
    soft_prompt_free(&first);
    soft_prompt_free(&second);
    training_close(&t);
}

static void a_prompt_has_no_teacher(void **state)
{
    (void)state;
    struct training t;
    prompt_open(&t);
    t.options.config.distill = 1;
    char *dir = training_directory(&t, "taught");
    training_run(&t, 0, ERR_USAGE);
    free(dir);
    training_close(&t);
}

/* A finished run goes on to more steps, and knows of them later. */
static void a_run_is_made_longer(void **state)
{
    (void)state;
    struct training t;
    struct train_config config;
    struct err err = {0};
    training_open(&t);
    char *dir = training_directory(&t, "run");
    training_run(&t, 0, ERR_NONE);
    t.options.resume = true;
    t.options.steps = 43;
    training_run(&t, 0, ERR_NONE);
    char *last = file_join(dir, "step-000043.safetensors");
    assert_true(file_exists(last));
    train_config_defaults(&config);
    assert_true(run_dir_config(dir, &config, &err));
    assert_int_equal(config.steps, 43);
    free(last);
    free(dir);
    training_close(&t);
}

static void the_log_has_every_step_once(void **state)
{
    (void)state;
    struct training t;
    training_open(&t);
    char *dir = training_directory(&t, "run"), *text;
    t.options.config.save_every = 4;
    training_run(&t, 10, ERR_CANCELLED);
    t.options.resume = true;
    training_run(&t, 0, ERR_NONE);
    char *path = file_join(dir, "log.jsonl");
    size_t size;
    struct err err = {0};
    assert_true(file_read(path, 1 << 20, &text, &size, &err));
    size_t steps = 0;
    for (const char *p = text; (p = strstr(p, "\"lr\"")); p++)
        steps++;
    assert_int_equal(steps, 40);
    free(text);
    free(path);
    free(dir);
    training_close(&t);
}

static struct compressor_info info_of(const char *dir, const char *name)
{
    struct compressor c;
    struct compressor_info info;
    struct err err = {0};
    char *path = file_join(dir, name);
    assert_true(compressor_load(&c, &info, path, &err));
    compressor_free(&c);
    free(path);
    return info;
}

/* What a run begins from counts in what comes of it, whether it is a compressor or a
 * checkpoint. */
static void totals_go_on_from_the_start(void **state)
{
    (void)state;
    static const char *const starts[] = {"compressor.safetensors", "step-000004.safetensors"};
    struct training t;
    training_open(&t);
    t.options.config.steps = 4;
    t.options.config.valid_every = 0; /* else the result may be an earlier step, if it was better */
    char *first = training_directory(&t, "first");
    training_run(&t, 0, ERR_NONE);
    struct compressor_info before = info_of(first, starts[0]);
    assert_int_equal(before.steps, 4);
    for (size_t i = 0; i < 2; i++) {
        char *start = file_join(first, starts[i]);
        snprintf(t.options.config.init, sizeof t.options.config.init, "%s", start);
        char *next = training_directory(&t, i ? "third" : "second");
        training_run(&t, 0, ERR_NONE);
        struct compressor_info after = info_of(next, "compressor.safetensors");
        assert_int_equal(after.steps, 8);
        assert_int_equal(after.samples, 2 * before.samples);
        assert_int_equal(after.tokens, 2 * before.tokens);
        assert_non_null(strstr(after.note, "4 steps of 2 samples on top of 4 steps"));
        free(start);
        free(next);
    }
    free(first);
    training_close(&t);
}

/* ---- the directory --------------------------------------------------------------------- */

static void a_second_process_is_refused(void **state)
{
    (void)state;
    struct training t;
    struct run_dir first, second;
    struct err err = {0};
    training_open(&t);
    char *dir = training_directory(&t, "run");
    assert_true(run_dir_open(&first, dir, 3, &err));
    assert_false(run_dir_open(&second, dir, 3, &err));
    assert_int_equal(err.code, ERR_LOCKED);
    char pid[32];
    snprintf(pid, sizeof pid, "(%ld)", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    run_dir_close(&first);
    err = (struct err){0};
    assert_true(run_dir_open(&second, dir, 3, &err));
    run_dir_close(&second);
    free(dir);
    training_close(&t);
}

static void changed_data_needs_consent(void **state)
{
    (void)state;
    struct training t;
    struct err err = {0};
    training_open(&t);
    char *dir = training_directory(&t, "run");
    training_run(&t, 5, ERR_CANCELLED);
    char *text;
    size_t size;
    assert_true(file_read(t.data_path, 1 << 20, &text, &size, &err));
    free(t.data_path);
    t.data_path = temporary_file(t.directory, "elsewhere", text, size);
    t.data[0].path = t.data_path;
    t.options.resume = true;
    training_run(&t, 7, ERR_CANCELLED); /* the same bytes */
    text[0] = 'S';
    assert_true(file_replace(t.data_path, text, size, &err));
    free(text);
    training_run(&t, 0, ERR_INPUT);
    t.options.accept_data_change = true;
    training_run(&t, 0, ERR_NONE);
    free(dir);
    training_close(&t);
}

static void an_old_run_is_not_overwritten(void **state)
{
    (void)state;
    struct training t;
    training_open(&t);
    char *dir = training_directory(&t, "run");
    training_run(&t, 5, ERR_CANCELLED);
    training_run(&t, 0, ERR_USAGE);
    free(dir);
    training_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_is_bit_exact),
        cmocka_unit_test(prompts_resume_bit_exactly),
        cmocka_unit_test(a_prompt_goes_on),
        cmocka_unit_test(a_prompt_has_no_teacher),
        cmocka_unit_test(a_run_is_made_longer),
        cmocka_unit_test(the_log_has_every_step_once),
        cmocka_unit_test(totals_go_on_from_the_start),
        cmocka_unit_test(a_second_process_is_refused),
        cmocka_unit_test(changed_data_needs_consent),
        cmocka_unit_test(an_old_run_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
