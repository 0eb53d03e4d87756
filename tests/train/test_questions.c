/* The objective with questions: the gradient of a soft prompt, which samples see
 * it, and what a mixture weighs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/train/objective.h"
#include "tests/support/golden_compress.h"
#include "tests/support/gradcheck.h"

enum { CONTEXT = 20, QUERY = 6, SOFT = 3, SAMPLES = 2 };

struct fixture {
    struct model *model;
    struct compressor c;
    struct objective objective;
    struct sample samples[SAMPLES];
    real *soft, *gradient;
    enum context_mode mode;
};

static void fixture_open(struct fixture *f)
{
    struct err err = {0};
    struct rng rng;
    *f = (struct fixture){.mode = CONTEXT_COMPRESSED};
    char *name = golden_model_name(), *directory = golden_model_path(name);
    f->model = model_open(directory, NULL, 0, &err);
    assert_non_null(f->model);
    const struct llama_config *config = &f->model->config;
    struct compressor_shape shape = {
        .M = config->layers + 1, .H = config->hidden, .D = 8, .E = 8, .depth = 2};
    rng_seed(&rng, 3);
    assert_true(compressor_init(&f->c, &shape, &err));
    compressor_init_published(&f->c, &rng);
    f->soft = random_reals(&rng, SOFT * config->hidden, 0.1);
    f->gradient = xcalloc(SOFT * config->hidden, sizeof *f->gradient);
    f->objective = (struct objective){.model = f->model, .compressor = &f->c,
                                      .settings = compress_settings_default, .budget = CONTEXT,
                                      .soft_prompt = f->soft, .n_soft = SOFT};
    f->objective.settings.window = 8;
    for (size_t i = 0; i < SAMPLES; i++) {
        f->samples[i] = sample_new(CONTEXT, QUERY);
        for (size_t t = 0; t < CONTEXT; t++)
            f->samples[i].context[t] = (int32_t)rng_below(&rng, config->vocab);
        for (size_t t = 0; t < QUERY; t++) {
            f->samples[i].query[t] = (int32_t)rng_below(&rng, config->vocab);
            f->samples[i].labels[t] = t < 2 ? LABEL_NONE : f->samples[i].query[t];
        }
    }
    f->samples[1].question = true;
    free(name);
    free(directory);
}

static void fixture_close(struct fixture *f)
{
    for (size_t i = 0; i < SAMPLES; i++)
        sample_free(&f->samples[i]);
    compressor_free(&f->c);
    model_close(f->model);
    free(f->soft);
    free(f->gradient);
}

static double run(struct fixture *f, size_t first, size_t n, real *gradient)
{
    struct err err = {0};
    struct objective_result result;
    if (!objective_run(&f->objective, f->mode, f->samples + first, n, 1, NULL, gradient, &result,
                       NULL, &err))
        fail_msg("%s", err.text);
    return result.loss;
}

static double loss_of_all(void *context)
{
    return run(context, 0, SAMPLES, NULL);
}

static void test_gradient(void **state)
{
    (void)state;
    struct fixture f;
    if (!gradcheck_possible())
        skip();
    fixture_open(&f);
    const enum context_mode modes[] = {CONTEXT_COMPRESSED, CONTEXT_FULL, CONTEXT_NONE};
    size_t count = SOFT * f.model->config.hidden;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        f.mode = modes[i];
        memset(f.gradient, 0, count * sizeof *f.gradient);
        run(&f, 0, SAMPLES, f.gradient);
        gradcheck(context_mode_name[f.mode], loss_of_all, &f, f.soft, f.gradient, count);
    }
    fixture_close(&f);
}

/* It stands in front of questions and of nothing else. */
static void test_only_questions_see_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    double text = run(&f, 0, 1, NULL), question = run(&f, 1, 1, NULL);
    f.objective.n_soft = 0;
    assert_true(run(&f, 0, 1, NULL) == text);
    assert_true(run(&f, 1, 1, NULL) != question);
    fixture_close(&f);
}

/* In a mixture, text and questions weigh as they have samples, not labels. */
static void test_kinds_weigh_by_samples(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    f.samples[1].labels[2] = f.samples[1].labels[3] = f.samples[1].labels[4] = LABEL_NONE;
    double text = run(&f, 0, 1, NULL), question = run(&f, 1, 1, NULL);
    assert_true(fabs(run(&f, 0, SAMPLES, NULL) - (text + question) / 2) < 1e-5);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_only_questions_see_it),
        cmocka_unit_test(test_kinds_weigh_by_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
