/* Runs from odd starts: compressors of other sizes and depths, folders with other things in them,
 * settings at the edge of what is allowed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/base/mem.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/data/stream.h"
#include "engine/train/schedule.h"
#include "tests/support/temporary.h"
#include "tests/support/training.h"

enum { STEPS = 4 };

static void set(struct training *t, const char *key, const char *value)
{
    struct err err = {0};
    if (!train_config_set(&t->options.config, key, value, &err))
        fail_msg("%s", err.text);
}

static void open_short(struct training *t)
{
    training_open(t);
    t->options.config.steps = t->options.config.valid_every = STEPS;
    t->options.config.save_every = 2;
}

/* Runs, and expects this code and these words in the message (NULL: no error). */
static void expect(struct training *t, enum err_code code, const char *words)
{
    struct run_listener listener = {0};
    struct err err = {0};
    bool ok = train_run(&t->options, &listener, &err);
    if (ok != (code == ERR_NONE) || err.code != code || (words && !strstr(err.text, words)))
        fail_msg("code %d, expected %d: \"%s\" has not \"%s\"", err.code, code, err.text,
                 words ? words : "");
}

/* A compressor of this shape as a file; its path, to be freed. */
static char *write_compressor(const struct training *t, const struct compressor_shape *shape)
{
    struct compressor c;
    struct compressor_info info = {.settings = compress_settings_default, .segment = 64};
    struct rng rng;
    struct err err = {0};
    rng_seed(&rng, 3);
    if (!compressor_init(&c, shape, &err))
        fail_msg("%s", err.text);
    compressor_init_published(&c, &rng);
    char *path = file_join(t->directory, "start.safetensors");
    if (!compressor_save(path, &c, &info, TENSOR_F32, &err))
        fail_msg("%s", err.text);
    compressor_free(&c);
    return path;
}

static void start_from(struct training *t, const struct compressor_shape *shape)
{
    char *path = write_compressor(t, shape);
    set(t, "init", path);
    free(path);
}

/* ---- compressors ------------------------------------------------------------------------- */

/* Of fewer layers than the model has, with widths that no vector divides; the model has three
 * blocks of 64 numbers. */
static void compressors_of_any_shape_are_trained(void **state)
{
    static const struct compressor_shape shapes[] = {
        {.M = 1, .H = 64, .D = 1, .E = 1, .depth = 1},
        {.M = 2, .H = 64, .D = 5, .E = 3, .depth = 3},
        {.M = 4, .H = 64, .D = 17, .E = 9, .depth = 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct training t;
        open_short(&t);
        set(&t, "blocks", "13+5,1+1");
        set(&t, "window", i ? "7" : "1");
        set(&t, "ratio_schedule", "0:1,2:3.5");
        start_from(&t, &shapes[i]);
        char *dir = training_directory(&t, "run"), start[65], end[65];
        expect(&t, ERR_NONE, NULL);
        training_hash(t.directory, "start.safetensors", start);
        training_hash(dir, "compressor.safetensors", end);
        assert_string_not_equal(start, end);
        free(dir);
        training_close(&t);
    }
}

static void compressors_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        struct compressor_shape shape;
        const char *distill, *words;
        enum err_code code;
    } cases[] = {
        {{.M = 4, .H = 32, .D = 4, .E = 4, .depth = 2}, "0",
         "hidden size 32 and 3 layers do not fit the model (64, 3)", ERR_INPUT},
        {{.M = 5, .H = 64, .D = 4, .E = 4, .depth = 2}, "0",
         "hidden size 64 and 4 layers do not fit the model (64, 3)", ERR_INPUT},
        {{.M = 3, .H = 64, .D = 4, .E = 4, .depth = 2}, "1",
         "distill needs a compressor over all 3 layers", ERR_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct training t;
        open_short(&t);
        set(&t, "distill", cases[i].distill);
        start_from(&t, &cases[i].shape);
        char *dir = training_directory(&t, "run");
        expect(&t, cases[i].code, cases[i].words);
        free(dir);
        training_close(&t);
    }
}

/* ---- folders ----------------------------------------------------------------------------- */

static void a_file_is_no_run(void **state)
{
    (void)state;
    struct training t;
    open_short(&t);
    t.options.directory = t.data_path;
    expect(&t, ERR_IO, "text");
    training_close(&t);
}

static void an_empty_folder_has_nothing_to_resume(void **state)
{
    (void)state;
    struct training t;
    open_short(&t);
    char *dir = training_directory(&t, "run");
    t.options.resume = true;
    expect(&t, ERR_INPUT, dir);
    free(dir);
    training_close(&t);
}

/* What only looks like a checkpoint is neither read nor taken away; a log that is gone begins
 * anew. */
static void other_files_of_a_run_are_left_alone(void **state)
{
    static const char *const names[] = {
        "step-5.safetensors", "step-0000009.safetensors", "step-.safetensors", "step-000009.tmp",
        "step-99999999999999999999999.safetensors", "notes"};
    enum { NAMES = sizeof names / sizeof *names };
    (void)state;
    struct training t;
    char straight[65], resumed[65], *paths[NAMES];
    open_short(&t);
    char *dir = training_directory(&t, "straight");
    expect(&t, ERR_NONE, NULL);
    training_hash(dir, "step-000004.safetensors", straight);
    free(dir);
    dir = training_directory(&t, "run");
    training_run(&t, 2, ERR_CANCELLED);
    for (size_t i = 0; i < NAMES; i++)
        paths[i] = temporary_file(dir, names[i], "x", 1);
    char *log = file_join(dir, "log.jsonl");
    assert_int_equal(unlink(log), 0);
    free(log);
    t.options.resume = true;
    expect(&t, ERR_NONE, NULL);
    training_hash(dir, "step-000004.safetensors", resumed);
    assert_string_equal(resumed, straight);
    for (size_t i = 0; i < NAMES; i++) {
        assert_true(file_exists(paths[i]));
        free(paths[i]);
    }
    free(dir);
    training_close(&t);
}

/* A log that was cut in a line, or holds lines that are none, ends before them; the run goes on. */
static void a_spoilt_log_is_kept_as_far_as_it_is_sound(void **state)
{
    static const char *const spoilt[] = {"{\"step\": 1", "{\"step\": \"x\"}\n", "\\0\n", "[]\n"};
    (void)state;
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        struct training t;
        struct err err = {0};
        char *text;
        size_t size, lines = 0;
        open_short(&t);
        char *dir = training_directory(&t, "run"), *log = file_join(dir, "log.jsonl");
        training_run(&t, 2, ERR_CANCELLED);
        assert_true(file_replace(log, spoilt[i], strlen(spoilt[i]), &err));
        t.options.resume = true;
        expect(&t, ERR_NONE, NULL);
        assert_true(file_read(log, 1 << 20, &text, &size, &err));
        for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
            json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
            assert_true(json_is_integer(json_object_get(line, "step")));
            json_decref(line);
        }
        assert_in_range(lines, 2, 3); /* steps 3 and 4, and a validation */
        free(text);
        free(log);
        free(dir);
        training_close(&t);
    }
}

/* Nothing is begun anew in silence: what is left of the checkpoints stays as it is. */
static void without_a_whole_checkpoint_nothing_goes_on(void **state)
{
    (void)state;
    struct training t;
    struct err err = {0};
    open_short(&t);
    char *dir = training_directory(&t, "run");
    training_run(&t, 0, ERR_NONE);
    static const char *const names[] = {"step-000002.safetensors", "step-000004.safetensors"};
    for (int i = 0; i < 2; i++) {
        char *path = file_join(dir, names[i]);
        assert_true(file_replace(path, "cut", 3, &err));
        free(path);
    }
    t.options.resume = true;
    expect(&t, ERR_INPUT, "none of 2 checkpoints is whole; the newest: ");
    for (int i = 0; i < 2; i++) {
        char *path = file_join(dir, names[i]), *text;
        size_t size;
        assert_true(file_read(path, 100, &text, &size, &err));
        assert_string_equal(text, "cut");
        free(text);
        free(path);
    }
    free(dir);
    training_close(&t);
}

static void too_many_files_are_refused(void **state)
{
    (void)state;
    struct training t;
    struct run_data many[STREAM_DATASETS_MAX + 1];
    open_short(&t);
    for (size_t i = 0; i <= STREAM_DATASETS_MAX; i++)
        many[i] = t.data[0];
    char *dir = training_directory(&t, "run");
    t.options.data = many;
    t.options.n_data = STREAM_DATASETS_MAX + 1;
    expect(&t, ERR_USAGE, "33 data files, at most 32");
    free(dir);
    training_close(&t);
}

/* ---- settings ---------------------------------------------------------------------------- */

struct losses {
    double loss[STEPS];
    size_t n;
};

static void keep_loss(void *context, const struct trainer *t, const struct step_report *r)
{
    struct losses *l = context;
    (void)t;
    l->loss[l->n++] = r->loss;
}

/* With a rate of almost nothing only the batch changes a loss. */
static void one_batch_may_be_taken_again_and_again(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct training t;
        struct losses losses = {0};
        struct err err = {0};
        open_short(&t);
        set(&t, "lr", "1e-12");
        set(&t, "schedule", "constant");
        set(&t, "ratio_schedule", "0:2");
        t.options.overfit_one = same;
        char *dir = training_directory(&t, "run");
        struct run_listener listener = {.context = &losses, .step = keep_loss};
        if (!train_run(&t.options, &listener, &err))
            fail_msg("%s", err.text);
        assert_int_equal(losses.n, STEPS);
        for (size_t i = 1; i < STEPS; i++)
            assert_int_equal(fabs(losses.loss[i] - losses.loss[0]) < 1e-5, same);
        free(dir);
        training_close(&t);
    }
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.15g, expected %.15g", got, want);
}

static void rates_go_up_and_then_as_the_schedule_says(void **state)
{
    enum { WARMUP = 3, LAST = 10 };
    (void)state;
    for (size_t s = 0; s < WARMUP; s++)
        for (int kind = SCHEDULE_LINEAR; kind <= SCHEDULE_CONSTANT; kind++)
            near(schedule_rate((enum schedule_kind)kind, 6, WARMUP, LAST, s), 2 * (double)s);
    for (size_t s = WARMUP; s <= 2 * LAST; s++) {
        double left = s < LAST ? (double)(LAST - s) / (LAST - WARMUP) : 0;
        near(schedule_rate(SCHEDULE_CONSTANT, 6, WARMUP, LAST, s), 6);
        near(schedule_rate(SCHEDULE_LINEAR, 6, WARMUP, LAST, s), 6 * left);
        near(schedule_rate(SCHEDULE_COSINE, 6, WARMUP, LAST, s), 3 * (1 - cos(M_PI * left)));
    }
    near(schedule_rate(SCHEDULE_COSINE, 6, 0, 1, 0), 6); /* one step */
    near(schedule_rate(SCHEDULE_LINEAR, 6, 5, 5, 5), 0);     /* all of it up */
}

/* How often measuring asked whether to go on, and the answers after the first `allowed`. */
struct asked {
    size_t times, allowed;
};

static bool count_measuring(void *context, const char *stage, size_t done, size_t total)
{
    struct asked *a = context;
    assert_true(done <= total || total == 0);
    return strcmp(stage, "measuring") != 0 || a->times++ < a->allowed;
}

/* A step of one pass is long where the model is large: it is asked within it. */
static void measuring_is_stopped_within_a_step(void **state)
{
    (void)state;
    struct training t;
    struct asked all = {.allowed = SIZE_MAX}, some = {.allowed = 3};
    struct run_estimate estimate;
    struct err err = {0};
    open_short(&t);
    t.options.config.micro_batch = t.options.config.batch;
    if (!train_estimate(&t.options, &estimate, &(struct progress){count_measuring, &all}, &err))
        fail_msg("%s", err.text);
    assert_true(all.times > 4);
    assert_false(train_estimate(&t.options, &estimate, &(struct progress){count_measuring, &some},
                                &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(some.times, 4);
    training_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressors_of_any_shape_are_trained),
        cmocka_unit_test(compressors_that_do_not_fit_are_refused),
        cmocka_unit_test(a_file_is_no_run),
        cmocka_unit_test(an_empty_folder_has_nothing_to_resume),
        cmocka_unit_test(other_files_of_a_run_are_left_alone),
        cmocka_unit_test(a_spoilt_log_is_kept_as_far_as_it_is_sound),
        cmocka_unit_test(without_a_whole_checkpoint_nothing_goes_on),
        cmocka_unit_test(too_many_files_are_refused),
        cmocka_unit_test(one_batch_may_be_taken_again_and_again),
        cmocka_unit_test(rates_go_up_and_then_as_the_schedule_says),
        cmocka_unit_test(measuring_is_stopped_within_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
