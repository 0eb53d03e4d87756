/* Steps of a trainer: it learns, and the running mean of the weights is what it should be: in
 * validations and the compressor's file, while training has the weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/model/safetensors.h"
#include "engine/train/memory.h"
#include "tests/support/temporary.h"
#include "tests/support/training.h"

struct learner {
    struct training t;
    struct dataset *data;
    struct trainer trainer;
};

/* Opens the trainer of a->t, which is open. */
static void learner_begin(struct learner *a)
{
    struct err err = {0};
    struct records_options records = {0};
    struct model *model = a->t.options.model;
    a->data = dataset_load(a->t.data_path, &records, model->tokenizer, 512, NULL, &err);
    if (!a->data || !trainer_init(&a->trainer, &a->t.options.config, model, &a->data, 1, &err))
        fail_msg("%s", err.text);
}

static void learner_open(struct learner *a, double average)
{
    training_open(&a->t);
    a->t.options.config.average = average;
    learner_begin(a);
}

static void learner_close(struct learner *a)
{
    trainer_free(&a->trainer);
    dataset_free(a->data);
    training_close(&a->t);
}

/* One step; returns its loss. */
static double step(struct learner *a)
{
    struct step_report report;
    struct err err = {0};
    if (!trainer_step(&a->trainer, &report, NULL, &err))
        fail_msg("%s", err.text);
    return report.loss;
}

static void one_batch_is_learnt_by_heart(void **state)
{
    (void)state;
    struct learner a;
    learner_open(&a, 0);
    struct trainer *t = &a.trainer;
    struct stream_state first = t->stream.state;
    double before = 0, after = 0;
    t->config.steps = 1000;
    t->config.warmup = 0;
    t->config.lr = 3e-3;
    for (int i = 0; i < 60; i++) {
        t->stream.state = first;
        after = step(&a);
        if (i == 0)
            before = after;
    }
    assert_true(after < 0.75 * before);
    learner_close(&a);
}

/* Against the recurrence in double, with the young mean's faster forgetting. */
static void the_mean_is_the_recurrence(void **state)
{
    (void)state;
    struct learner a;
    learner_open(&a, 0.4);
    struct parameters *p = &a.trainer.parameters;
    double *expected = xcalloc(p->count, sizeof *expected), moved = 0;
    for (size_t i = 0; i < p->count; i++)
        expected[i] = (double)p->value[i];
    static const double kept[] = {1.0 / 10, 2.0 / 11, 3.0 / 12, 4.0 / 13, 5.0 / 14, 6.0 / 15, 0.4};
    for (size_t s = 0; s < sizeof kept / sizeof *kept; s++) {
        step(&a);
        for (size_t i = 0; i < p->count; i++)
            expected[i] = kept[s] * expected[i] + (1 - kept[s]) * (double)p->value[i];
    }
    for (size_t i = 0; i < p->count; i++) {
        assert_true(fabs(expected[i] - (double)p->average[i]) <= 1e-6 * (1 + fabs(expected[i])));
        moved = fmax(moved, fabs(expected[i] - (double)p->value[i]));
    }
    assert_true(moved > 1e-4); /* the mean is not the weights */
    free(expected);
    learner_close(&a);
}

/* What passes took of the arena, against what was said before the first of them. */
static void the_memory_of_passes_is_known(void **state)
{
    static const struct {
        const char *blocks;
        size_t micro_batch;
        double distill;
        bool validates;
    } cases[] = {{"128+64", 6, 0, false}, {"128+64", 2, 1, false}, {"256+32", 3, 0, true},
                 {"64+256", 1, 0, true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct learner a;
        struct validation v[VALIDATIONS_MAX];
        struct err err = {0};
        training_open(&a.t);
        struct train_config *c = &a.t.options.config;
        snprintf(c->blocks, sizeof c->blocks, "%s", cases[i].blocks);
        c->held_out_tokens = 2000;
        c->batch = c->micro_batch = cases[i].micro_batch;
        c->distill = cases[i].distill;
        c->valid_every = cases[i].validates;
        learner_begin(&a);
        size_t said = training_arena(&a.trainer);
        step(&a);
        if (cases[i].validates)
            assert_int_not_equal(trainer_validate(&a.trainer, v, NULL, &err), 0);
        size_t took = a.trainer.memory.most;
        if (fabs((double)said - (double)took) > 0.01 * (double)took)
            fail_msg("case %zu: %zu bytes said, %zu taken", i, said, took);
        learner_close(&a);
    }
}

static void training_goes_on_as_without_a_mean(void **state)
{
    (void)state;
    struct learner with, without;
    learner_open(&with, 0.9);
    learner_open(&without, 0);
    assert_null(without.trainer.parameters.average);
    for (int i = 0; i < 3; i++) {
        struct validation v[VALIDATIONS_MAX];
        struct err err = {0};
        step(&with);
        step(&without);
        assert_int_not_equal(trainer_validate(&with.trainer, v, NULL, &err), 0);
    }
    const struct parameters *p = &with.trainer.parameters;
    assert_memory_equal(p->value, without.trainer.parameters.value, p->count * sizeof *p->value);
    learner_close(&with);
    learner_close(&without);
}

static void a_validation_has_the_mean(void **state)
{
    (void)state;
    struct learner a;
    struct validation mean[VALIDATIONS_MAX], weights[VALIDATIONS_MAX];
    struct err err = {0};
    learner_open(&a, 0.9);
    struct parameters *p = &a.trainer.parameters;
    for (int i = 0; i < 4; i++)
        step(&a);
    assert_int_not_equal(trainer_validate(&a.trainer, mean, NULL, &err), 0);
    memcpy(p->value, p->average, p->count * sizeof *p->value);
    assert_int_not_equal(trainer_validate(&a.trainer, weights, NULL, &err), 0);
    assert_memory_equal(mean[0].loss, weights[0].loss, sizeof mean[0].loss);
    learner_close(&a);
}

/* Tensor `name` of a file in a run's directory. */
static real *read_tensor(const char *dir, const char *file_name, const char *name, size_t *count)
{
    char *path = file_join(dir, file_name);
    struct err err = {0};
    struct safetensors *file = safetensors_open(path, &err);
    const struct tensor *t = file ? safetensors_find(file, name) : NULL;
    if (!t)
        fail_msg("%s: no %s (%s)", path, name, err.text);
    *count = tensor_count(t);
    real *out = xcalloc(*count, sizeof *out);
    tensor_widen(t, 0, *count, out);
    safetensors_close(file);
    free(path);
    return out;
}

/* A run that ends at a signal, without a validation: the compressor is there all the same. */
static void a_stopped_run_gives_its_mean(void **state)
{
    (void)state;
    struct training t;
    size_t count, again;
    static const char name[] = "projector.mlp.0.weight";
    training_open(&t);
    t.options.config.average = 0.9;
    t.options.config.valid_every = 0;
    char *dir = training_directory(&t, "run");
    training_run(&t, 7, ERR_CANCELLED);
    real *given = read_tensor(dir, "compressor.safetensors", name, &count);
    real *mean = read_tensor(dir, "step-000007.safetensors", "average.projector.mlp.0.weight",
                             &again);
    assert_int_equal(count, again);
    for (size_t i = 0; i < count; i++) /* bfloats */
        assert_true(fabs((double)(given[i] - mean[i])) <= fabs((double)mean[i]) / 256);
    free(given);
    free(mean);
    free(dir);
    training_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_is_learnt_by_heart),
        cmocka_unit_test(the_memory_of_passes_is_known),
        cmocka_unit_test(the_mean_is_the_recurrence),
        cmocka_unit_test(training_goes_on_as_without_a_mean),
        cmocka_unit_test(a_validation_has_the_mean),
        cmocka_unit_test(a_stopped_run_gives_its_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
