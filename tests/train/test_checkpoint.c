/* Checkpoints: damage is always noticed, what is not finite is never saved, and what belongs
 * to other programs, models or hyper-parameters is refused. */
#include <math.h>
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

static void hash_file(const char *dir, const char *name, char hex[65])
{
    char *path = file_join(dir, name), *data;
    size_t size;
    struct err err = {0};
    if (!file_read(path, (size_t)1 << 30, &data, &size, &err))
        fail_msg("%s", err.text);
    sha256_hex(data, size, hex);
    free(data);
    free(path);
}

struct damage {
    struct training t;
    char *dir;
    char *file; /* the newest checkpoint */
    char *bytes;
    size_t size;
    struct trainer trainer;
    struct dataset *data;
};

static void damage_open(struct damage *d)
{
    struct err err = {0};
    training_open(&d->t);
    d->dir = training_directory(&d->t, "run");
    d->t.options.config.steps = 10;
    training_run(&d->t, 0, ERR_NONE);
    d->file = file_join(d->dir, "step-000010.safetensors");
    assert_true(file_read(d->file, (size_t)1 << 30, &d->bytes, &d->size, &err));
    struct records_options records = {0};
    d->data = dataset_load(d->t.data_path, &records, d->t.options.model->tokenizer, 512, NULL,
                           &err);
    assert_true(trainer_init(&d->trainer, &d->t.options.config, d->t.options.model, &d->data, 1,
                             &err));
}

static void damage_close(struct damage *d)
{
    trainer_free(&d->trainer);
    dataset_free(d->data);
    free(d->bytes);
    free(d->file);
    free(d->dir);
    training_close(&d->t);
}

static bool loads(struct damage *d, struct err *err)
{
    *err = (struct err){0};
    struct trainer *t = &d->trainer;
    return checkpoint_load(d->file, &t->parameters, &t->stream.state, &t->state, err);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct damage d;
    struct err err;
    struct rng rng;
    damage_open(&d);
    assert_true(loads(&d, &err));
    rng_seed(&rng, 5);
    size_t header = 8 + (size_t)((unsigned char)d.bytes[0] | (unsigned char)d.bytes[1] << 8 |
                                 (unsigned char)d.bytes[2] << 16);
    size_t missed = 0;
    for (int i = 0; i < 1000; i++) {
        /* half of them in the header, which is small */
        size_t at = (size_t)rng_below(&rng, i % 2 ? d.size : header);
        char bit = (char)(1 << rng_below(&rng, 8));
        d.bytes[at] ^= bit;
        assert_true(file_replace(d.file, d.bytes, d.size, &err));
        missed += loads(&d, &err);
        d.bytes[at] ^= bit;
    }
    assert_int_equal(missed, 0);
    damage_close(&d);
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    struct damage d;
    struct err err;
    damage_open(&d);
    for (size_t k = 0; k < 64; k++) {
        assert_true(file_replace(d.file, d.bytes, d.size * k / 64, &err));
        assert_false(loads(&d, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    damage_close(&d);
}

static void keep_note(void *context, const char *text)
{
    char *note = context;
    if (strstr(text, "using step"))
        snprintf(note, 512, "%s", text);
}

static void a_damaged_checkpoint_falls_back(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    char note[512] = "";
    damage_open(&d);
    assert_true(file_replace(d.file, d.bytes, d.size / 2, &err));
    d.t.options.resume = true;
    struct run_listener listener = {.context = note, .note = keep_note};
    assert_true(train_run(&d.t.options, &listener, &err));
    assert_non_null(strstr(note, "using step 5"));
    assert_non_null(strstr(note, "step-000010.safetensors"));
    damage_close(&d);
}

static void non_finite_values_are_never_saved(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    char before[65], after[65];
    damage_open(&d);
    hash_file(d.dir, "step-000010.safetensors", before);
    struct parameters *p = &d.trainer.parameters;
    assert_true(parameters_keep_average(p, &err));
    real *const blocks[] = {p->value, p->moment1, p->moment2, p->average};
    for (size_t block = 0; block < sizeof blocks / sizeof *blocks; block++) {
        real *place = blocks[block] + 7;
        real old = *place;
        *place = REAL(0.0) / REAL(0.0);
        assert_false(checkpoint_save(d.file, p, &d.trainer.stream.state, &d.trainer.state, &err));
        assert_int_equal(err.code, ERR_NONFINITE);
        *place = old;
    }
    hash_file(d.dir, "step-000010.safetensors", after);
    assert_string_equal(before, after);
    damage_close(&d);
}

static void a_non_finite_step_changes_nothing(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    struct trainer *t = &d.trainer;
    struct step_report r;
    t->config.steps = 100;
    t->parameters.value[t->parameters.count - 1] = REAL(0.0) / REAL(0.0);
    real *before = xmalloc(t->parameters.count * sizeof *before);
    memcpy(before, t->parameters.value, t->parameters.count * sizeof *before);
    for (int i = 1; i <= NONFINITE_MAX; i++) {
        bool ok = trainer_step(t, &r, NULL, &err);
        assert_int_equal(ok, i < NONFINITE_MAX);
        assert_true(r.skipped);
        assert_int_equal(t->state.skipped, i);
        assert_memory_equal(before, t->parameters.value, t->parameters.count * sizeof *before);
    }
    assert_int_equal(err.code, ERR_NONFINITE);
    free(before);
    damage_close(&d);
}

/* ---- checkpoints of others -------------------------------------------------------------- */

static void refused(struct damage *d, const char *why)
{
    struct err err;
    assert_false(loads(d, &err));
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.text, why) || !strstr(err.text, "step-000010"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    static const char mark[] = "\"version\":\"1\"";
    static const struct {
        char digit;
        const char *why;
    } cases[] = {{'0' + CHECKPOINT_VERSION + 1, "written by a newer comprexit (format 3"},
                 {'0', "checkpoint without a version"},
                 {'x', "checkpoint without a version"}};
    char *at = memmem(d.bytes, d.size, mark, sizeof mark - 1);
    assert_non_null(at);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        at[sizeof mark - 3] = cases[i].digit;
        assert_true(file_replace(d.file, d.bytes, d.size, &err));
        refused(&d, cases[i].why);
    }
    at[1] = 'V'; /* another key in its place */
    assert_true(file_replace(d.file, d.bytes, d.size, &err));
    refused(&d, "not a training checkpoint");
    damage_close(&d);
}

static void another_model_is_refused(void **state)
{
    (void)state;
    struct damage d;
    damage_open(&d);
    d.trainer.state.base_sha256[5] ^= 1;
    refused(&d, "belongs to another frozen model");
    damage_close(&d);
}

/* A compressor of another shape has other tensors. */
static void other_hyper_parameters_are_refused(void **state)
{
    (void)state;
    struct damage d;
    damage_open(&d);
    struct compressor_tensor *tensors = d.trainer.compressor.tensors;
    tensors[1].rows--;
    refused(&d, "another shape");
    tensors[1].rows++;
    damage_close(&d);
}

/* A header of any length may stand before the data, which need not be aligned then. */
static void data_may_begin_anywhere(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    uint64_t header;
    damage_open(&d);
    memcpy(&header, d.bytes, sizeof header);
    size_t data = sizeof header + header;
    char *longer = xmalloc(d.size + 1);
    memcpy(longer, d.bytes, data);
    longer[data] = ' '; /* JSON may end in blanks */
    memcpy(longer + data + 1, d.bytes + data, d.size - data);
    header++;
    memcpy(longer, &header, sizeof header);
    assert_true(file_replace(d.file, longer, d.size + 1, &err));
    if (!loads(&d, &err))
        fail_msg("%s", err.text);
    free(longer);
    damage_close(&d);
}

/* A file whose hash is right, for a hash keeps nobody from writing what makes no sense. */
static void numbers_that_no_run_writes_are_refused(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    struct trainer *t = &d.trainer;
    assert_true(loads(&d, &err));
    assert_true(checkpoint_verify(d.file, &err));
    assert_int_equal(t->state.step, 10);
    for (int i = 0; i < 8; i++) {
        struct checkpoint_state s = t->state;
        const char *key[] = {"\"step\" is no number", "\"samples\"", "\"tokens\"", "\"skipped\"",
                             "\"best_step\"", "\"seconds\"", "\"seconds\"", "\"best\""};
        size_t *sizes[] = {&s.step, NULL, NULL, &s.skipped, &s.best_step};
        uint64_t *counts[] = {NULL, &s.samples, &s.tokens};
        double *numbers[] = {&s.seconds, &s.seconds, &s.best};
        const double bad[] = {-1, (double)INFINITY, (double)NAN};
        if (i < 5 && sizes[i])
            *sizes[i] = SIZE_MAX;
        else if (i < 5)
            *counts[i] = (uint64_t)1 << 63;
        else
            *numbers[i - 5] = bad[i - 5];
        assert_true(checkpoint_save(d.file, &t->parameters, &t->stream.state, &s, &err));
        refused(&d, key[i]);
        assert_int_equal(t->state.step, 10);
        assert_false(checkpoint_verify(d.file, &err));
        assert_non_null(strstr(err.text, key[i]));
    }
    damage_close(&d);
}

/* More than is expected, as where the settings of a run keep a mean no more; and less. */
static void other_contents_are_refused(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    struct trainer *t = &d.trainer;
    struct parameters *p = &t->parameters;
    assert_true(parameters_keep_average(p, &err));
    refused(&d, "tensor \"average.");
    assert_true(checkpoint_save(d.file, p, &t->stream.state, &t->state, &err));
    assert_true(loads(&d, &err));
    free(p->average);
    p->average = NULL;
    refused(&d, "more than a checkpoint of this run");
    damage_close(&d);
}

static void what_is_no_checkpoint_is_said_to_be_none(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    char *ready = file_join(d.dir, "compressor.safetensors"), *none = file_join(d.dir, "none");
    assert_true(checkpoint_present(d.file));
    const char *others[] = {ready, none, d.dir};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(checkpoint_present(others[i]));
        err = (struct err){0};
        assert_false(checkpoint_verify(others[i], &err));
        assert_non_null(strstr(err.text, others[i]));
    }
    d.bytes[d.size - 1] ^= 1;
    assert_true(file_replace(d.file, d.bytes, d.size, &err));
    assert_false(checkpoint_verify(d.file, &err));
    assert_non_null(strstr(err.text, "checksum mismatch"));
    assert_true(checkpoint_present(d.file));
    free(ready);
    free(none);
    damage_close(&d);
}

static void non_finite_files_are_refused(void **state)
{
    (void)state;
    struct damage d;
    struct err err = {0};
    damage_open(&d);
    struct parameters *p = &d.trainer.parameters;
    assert_true(loads(&d, &err));
    size_t count = p->count;
    p->count = 10; /* what the check sees */
    p->moment2[50] = REAL(0.0) / REAL(0.0);
    assert_true(checkpoint_save(d.file, p, &d.trainer.stream.state, &d.trainer.state, &err));
    p->count = count;
    refused(&d, "non-finite");
    assert_false(checkpoint_verify(d.file, &err));
    damage_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(a_damaged_checkpoint_falls_back),
        cmocka_unit_test(non_finite_values_are_never_saved),
        cmocka_unit_test(a_non_finite_step_changes_nothing),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(another_model_is_refused),
        cmocka_unit_test(other_hyper_parameters_are_refused),
        cmocka_unit_test(data_may_begin_anywhere),
        cmocka_unit_test(numbers_that_no_run_writes_are_refused),
        cmocka_unit_test(other_contents_are_refused),
        cmocka_unit_test(what_is_no_checkpoint_is_said_to_be_none),
        cmocka_unit_test(non_finite_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
