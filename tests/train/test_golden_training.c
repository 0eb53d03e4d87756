/* Losses, gradients and whole AdamW runs against the reference and its
 * double-precision twin (train.json). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/train/adamw.h"
#include "engine/train/objective.h"
#include "engine/train/parameters.h"
#include "engine/train/schedule.h"
#include "tests/support/golden_compress.h"

enum { SAMPLES_MAX = 16 };

struct fixture {
    struct golden g;
    struct model *model;
    struct compressor c;
    struct objective objective;
    struct parameters p;
    struct compressor_params grads;
};

static void fixture_open(struct fixture *f)
{
    struct err err = {0};
    struct compressor_info info;
    *f = (struct fixture){0};
    golden_open(&f->g, "train");
    char *name = golden_model_name(), *directory = golden_path(name);
    golden_compressor(&f->c, &info, "compressorA.safetensors");
    f->model = model_open(directory, NULL, 0, &err);
    if (!f->model ||
        !parameters_init(&f->p, f->c.block, f->c.count, f->c.tensors, f->c.n_tensors, &err))
        fail_msg("%s", err.text);
    compressor_view(&f->c, f->p.gradient, &f->grads);
    f->objective = (struct objective){
        .model = f->model,
        .compressor = &f->c,
        .settings = golden_settings(f->g.json),
        .budget = (size_t)golden_number(f->g.json, "budget"),
        .positions = POSITIONS_REFERENCE,
    };
    free(name);
    free(directory);
}

static void fixture_close(struct fixture *f)
{
    golden_close(&f->g);
    parameters_free(&f->p);
    compressor_free(&f->c);
    model_close(f->model);
}

/* ---- samples --------------------------------------------------------------------- */

static struct sample read_sample(const struct golden *g, const char *prefix, size_t i)
{
    size_t n_context, n_query, n_labels;
    int32_t *context = golden_ids(g, &n_context, "%s.%zu.context", prefix, i);
    int32_t *query = golden_ids(g, &n_query, "%s.%zu.query", prefix, i);
    int32_t *labels = golden_ids(g, &n_labels, "%s.%zu.labels", prefix, i);
    assert_int_equal(n_query, n_labels);
    struct sample s = sample_new(n_context, n_query);
    memcpy(s.context, context, n_context * sizeof *context);
    memcpy(s.query, query, n_query * sizeof *query);
    memcpy(s.labels, labels, n_query * sizeof *labels);
    free(context);
    free(query);
    free(labels);
    return s;
}

static size_t read_samples(const struct golden *g, const char *prefix, struct sample *samples)
{
    size_t n = 0;
    for (; n < SAMPLES_MAX && golden_has(g, "%s.%zu.context", prefix, n); n++)
        samples[n] = read_sample(g, prefix, n);
    if (n == 0)
        fail_msg("no samples of %s", prefix);
    return n;
}

static void free_samples(struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sample_free(&samples[i]);
}

/* A case without tokens of its own has those of the case whose name begins its
 * name ("ntp_two_tail_compact": "ntp_two_tail"). */
static void samples_name(const struct golden *g, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s", name);
    for (size_t length = strlen(out); length > 0; length--) {
        out[length] = '\0';
        if (golden_has(g, "%s.0.context", out))
            return;
    }
    fail_msg("no samples for the case %s", name);
}

/* ---- losses and gradients --------------------------------------------------------- */

/* Adds the gradient of the mean loss of the samples. */
static double run(struct fixture *f, const struct sample *samples, size_t n)
{
    struct err err = {0};
    struct objective_result result;
    if (!objective_run(&f->objective, CONTEXT_COMPRESSED, samples, n, 1, &f->grads, NULL, &result,
                       NULL, &err))
        fail_msg("%s", err.text);
    return result.loss;
}

static void near_number(const char *quantity, const char *place, double got, double want,
                        double tolerance)
{
    real value = (real)got;
    golden_near(quantity, place, &value, &want, 1, tolerance);
}

static bool is_zero_gradient(const struct fixture *f, const char *name)
{
    size_t i;
    const json_t *value;
    json_array_foreach(json_object_get(f->g.json, "zero_gradient_params"), i, value)
        if (strcmp(json_string_value(value), name) == 0)
            return true;
    return false;
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* Mean square of the difference over the mean square of what is wanted. */
static void check_nmse(const char *place, const real *got, const struct golden_tensor *want)
{
    double zero = 0, square = 0, difference = 0;
    for (size_t i = 0; i < want->count; i++) {
        square += want->values[i] * want->values[i];
        difference += ((double)got[i] - want->values[i]) * ((double)got[i] - want->values[i]);
    }
    real nmse = (real)(difference / square);
    golden_near("gradient nmse", place, &nmse, &zero, 1, 1e-7);
}

static void check_gradient(const struct fixture *f, const char *name,
                           const struct compressor_tensor *t)
{
    const char *const kinds[] = {"grad64", "grad64as32"};
    const real *got = f->p.gradient + t->offset;
    char place[160];
    snprintf(place, sizeof place, "%s %s", name, t->name);
    if (is_zero_gradient(f, t->name)) {
        double *zero = xcalloc(t->count, sizeof *zero);
        golden_near("zero gradients", place, got, zero, t->count, 1e-7);
        free(zero);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!golden_has(&f->g, "%s.%s.%s", name, kinds[i], t->name))
            continue;
        struct golden_tensor want = golden_get(&f->g, "%s.%s.%s", name, kinds[i], t->name);
        assert_int_equal(want.count, t->count);
        golden_near("gradients", place, got, want.values, want.count,
                    2e-4 * largest(want.values, want.count) + 1e-8);
        check_nmse(place, got, &want);
        golden_tensor_free(&want);
    }
}

static void check_case(struct fixture *f, const char *name, const json_t *value)
{
    struct sample samples[SAMPLES_MAX];
    char tokens[96];
    samples_name(&f->g, name, tokens, sizeof tokens);
    const char *align = json_string_value(json_object_get(value, "align"));
    const char *positions = json_string_value(json_object_get(value, "positions"));
    f->objective.settings.align = strcmp(align, "head") == 0 ? ALIGN_HEAD : ALIGN_TAIL;
    f->objective.positions =
        strcmp(positions, "contiguous") == 0 ? POSITIONS_CONTIGUOUS : POSITIONS_REFERENCE;
    size_t n = read_samples(&f->g, tokens, samples);
    parameters_zero_gradient(&f->p);
    double loss = run(f, samples, n), norm = parameters_gradient_norm(&f->p);
    near_number("training loss", name, loss, golden_number(value, "loss_f64"), 2e-5);
    double want = golden_number(value, "grad_norm_f64");
    near_number("gradient norm", name, norm, want, 1e-4 * want);
    for (size_t i = 0; i < f->c.n_tensors; i++)
        check_gradient(f, name, &f->c.tensors[i]);
    free_samples(samples, n);
}

static void test_gradients(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(f.g.json, "cases"), name, value)
        check_case(&f, name, value);
    fixture_close(&f);
}

/* ---- runs -------------------------------------------------------------------------- */

static size_t count_batches(const struct golden *g)
{
    size_t n = 0;
    while (golden_has(g, "run.batch%zu.0.context", n))
        n++;
    return n;
}

static double number_at(const json_t *object, const char *key, size_t i)
{
    return json_number_value(json_array_get(json_object_get(object, key), i));
}

static void check_rate(const json_t *value, size_t step, const char *place)
{
    size_t steps = (size_t)golden_number(value, "steps");
    size_t warmup = schedule_warmup_steps(golden_number(value, "warmup_ratio"), steps);
    assert_int_equal(warmup, (size_t)golden_number(value, "warmup_steps"));
    double rate = schedule_rate(SCHEDULE_LINEAR, golden_number(value, "lr"), warmup, steps, step);
    double want = number_at(value, "lr_per_step", step);
    assert_true(fabs(rate - want) <= 1e-15);
    near_number("learning rate", place, rate, want, 1e-9);
}

static void run_step(struct fixture *f, const char *place, const json_t *value, size_t step,
                     size_t batches)
{
    struct sample samples[SAMPLES_MAX];
    char batch[32];
    snprintf(batch, sizeof batch, "run.batch%zu", step % batches);
    size_t n = read_samples(&f->g, batch, samples);
    parameters_zero_gradient(&f->p);
    double loss = run(f, samples, n), norm = parameters_gradient_norm(&f->p);
    near_number("run loss", place, loss, number_at(value, "loss_f64", step), 1e-4);
    double want = number_at(value, "grad_norm_f64", step);
    near_number("run gradient norm", place, norm, want, 1e-4 * want);
    check_rate(value, step, place);
    struct adamw adamw = {.lr = number_at(value, "lr_per_step", step), .beta1 = 0.9,
                          .beta2 = 0.999, .eps = 1e-8};
    adamw_step(&adamw, f->p.value, f->p.moment1, f->p.moment2, f->p.gradient, f->p.count,
               adamw_clip_factor(norm, golden_number(value, "clip")), step + 1);
    free_samples(samples, n);
}

/* Some runs keep only the first rows of each matrix. */
static void check_final(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->c.n_tensors; i++) {
        const struct compressor_tensor *t = &f->c.tensors[i];
        if (is_zero_gradient(f, t->name) || !golden_has(&f->g, "run.%s.final.%s", name, t->name))
            continue;
        struct golden_tensor want = golden_get(&f->g, "run.%s.final.%s", name, t->name);
        const real *got = f->c.block + t->offset;
        char place[160];
        snprintf(place, sizeof place, "%s %s", name, t->name);
        assert_true(want.count <= t->count);
        golden_near("final parameters", place, got, want.values, want.count, 5e-4);
        golden_near_rms("final parameters, rms", place, got, want.values, want.count, 5e-6);
        golden_tensor_free(&want);
    }
}

static void test_runs(void **state)
{
    (void)state;
    struct golden train;
    golden_open(&train, "train");
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(train.json, "runs"), name, value)
    {
        struct fixture f;
        fixture_open(&f);
        size_t batches = count_batches(&f.g), steps = (size_t)golden_number(value, "steps");
        assert_true(batches > 0);
        for (size_t s = 0; s < steps; s++) {
            char place[96];
            snprintf(place, sizeof place, "%s step %zu", name, s);
            run_step(&f, place, value, s, batches);
        }
        check_final(&f, name);
        fixture_close(&f);
    }
    golden_close(&train);
}

/* Gradient accumulation of the reference: the sum of the means of micro-batches. */
static void test_accumulation(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    const json_t *check = json_object_get(json_object_get(f.g.json, "trainer_check"), "accum2");
    if (!check) {
        fixture_close(&f);
        skip();
    }
    struct sample samples[SAMPLES_MAX];
    for (size_t b = 0; b < 2; b++) {
        char batch[32];
        snprintf(batch, sizeof batch, "run.batch%zu", b);
        size_t n = read_samples(&f.g, batch, samples);
        run(&f, samples, n);
        free_samples(samples, n);
    }
    double want = golden_number(check, "norm_of_SUM_of_micro_batch_means");
    near_number("accumulated gradient norm", "accum2", parameters_gradient_norm(&f.p), want,
                1e-4 * want);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_accumulation),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    golden_report();
    return failures;
}
