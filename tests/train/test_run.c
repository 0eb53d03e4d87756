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
#include "engine/base/sha256.h"
#include "engine/model/safetensors.h"
#include "tests/support/temporary.h"
#include "tests/support/training.h"

/* Seconds of training differ from run to run, so whole files cannot be compared:
 * the tensors are. */
static void hash_state(const char *dir, const char *name, char hex[65])
{
    char *path = file_join(dir, name);
    struct err err = {0};
    struct safetensors *file = safetensors_open(path, &err);
    if (!file)
        fail_msg("%s", err.text);
    struct sha256 hash;
    sha256_begin(&hash);
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        sha256_add(&hash, t->name, strlen(t->name));
        sha256_add(&hash, t->data, t->bytes);
    }
    sha256_end(&hash, hex);
    safetensors_close(file);
    free(path);
}

static void check_resume(double average)
{
    struct training t;
    char straight[65], resumed[65];
    training_open(&t);
    t.options.config.average = average;
    char *dir = training_directory(&t, "straight");
    training_run(&t, 0, ERR_NONE);
    hash_state(dir, "step-000040.safetensors", straight);
    free(dir);
    /* 10 is where the ratio changes, 17 lies between two checkpoints. */
    static const size_t cuts[] = {1, 10, 17, 20, 39};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char name[32];
        snprintf(name, sizeof name, "cut-%zu", cuts[i]);
        dir = training_directory(&t, name);
        t.options.resume = false;
        training_run(&t, cuts[i], ERR_CANCELLED);
        t.options.resume = true;
        training_run(&t, 0, ERR_NONE);
        hash_state(dir, "step-000040.safetensors", resumed);
        assert_string_equal(resumed, straight);
        free(dir);
    }
    training_close(&t);
}

static void resume_is_bit_exact(void **state)
{
    (void)state;
    check_resume(0);
    check_resume(0.9);
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
    text[0] = 'S';
    assert_true(file_replace(t.data_path, text, size, &err));
    free(text);
    t.options.resume = true;
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
        cmocka_unit_test(a_run_is_made_longer),
        cmocka_unit_test(the_log_has_every_step_once),
        cmocka_unit_test(totals_go_on_from_the_start),
        cmocka_unit_test(a_second_process_is_refused),
        cmocka_unit_test(changed_data_needs_consent),
        cmocka_unit_test(an_old_run_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
