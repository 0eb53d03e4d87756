/* The passes on a device, here the one on the host, against those of the engine: losses,
 * gradients and plan health for text, questions that share contexts, and every mode; and
 * Muon there and here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/train/muon.h"
#include "engine/train/objective_device.h"
#include "tests/support/device_host.h"
#include "tests/support/gradcheck.h"
#include "tests/support/objective_bench.h"

enum { SAMPLES = 6, SOFT = 3 };
static const double tolerance = sizeof(real) == 4 ? 1e-4 : 1e-9; /* of the largest entry */

struct bench {
    struct objective_bench b;
    struct device *d;
    struct objective_device device;
    struct sample samples[SAMPLES];
    real *soft;
};

/* 0 and 2 share a context, 3 has none, 5 is text. */
static void make_samples(struct bench *b, struct rng *rng)
{
    const size_t words = b->b.model->config.vocab - 5;
    static const size_t length[SAMPLES] = {37, 20, 37, 0, 5, 48};
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t query = 4 + i;
        b->samples[i] = sample_new(length[i], query);
        b->samples[i].question = i != 5;
        for (size_t t = 0; t < length[i]; t++)
            b->samples[i].context[t] = (int32_t)((13 * t + length[i] + t * t) % words + 5);
        for (size_t t = 0; t < query; t++) {
            b->samples[i].query[t] = (int32_t)rng_below(rng, words) + 5;
            b->samples[i].labels[t] = i != 5 && t < 2 ? LABEL_NONE : b->samples[i].query[t];
        }
    }
}

static void bench_open(struct bench *b)
{
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 14);
    *b = (struct bench){0};
    objective_bench_open(&b->b, &rng);
    b->soft = random_reals(&rng, SOFT * b->b.model->config.hidden, 0.1);
    b->d = device_host_new();
    assert_true(
        objective_device_open(&b->device, b->d, b->b.model, &b->b.compressor, false, &err));
    make_samples(b, &rng);
}

static void bench_close(struct bench *b)
{
    objective_device_close(&b->device);
    device_close(b->d);
    for (size_t i = 0; i < SAMPLES; i++)
        sample_free(&b->samples[i]);
    free(b->soft);
    objective_bench_close(&b->b);
}

struct found {
    real *block, *soft;
    struct objective_result r;
};

static struct found run(struct bench *b, enum context_mode mode, struct objective_device *device)
{
    struct found f = {.block = xcalloc(b->b.compressor.count, sizeof(real)),
                      .soft = xcalloc(SOFT * b->b.model->config.hidden, sizeof(real))};
    struct err err = {0};
    struct compressor_params grads;
    compressor_view(&b->b.compressor, f.block, &grads);
    b->b.objective.device = device;
    if (!objective_run(&b->b.objective, mode, b->samples, SAMPLES, 0.5,
                       mode == CONTEXT_COMPRESSED ? &grads : NULL,
                       b->b.objective.n_soft && mode != CONTEXT_WRONG ? f.soft : NULL, &f.r, NULL,
                       &err))
        fail_msg("%s", err.text);
    return f;
}

static void assert_close(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
        fail_msg("%s: %.9g, expected %.9g", what, got, want);
}

static void compare(const char *what, const real *got, const real *want, size_t n)
{
    objective_bench_compare(what, got, want, n, tolerance);
}

static void check_mode(struct bench *b, enum context_mode mode)
{
    struct found here = run(b, mode, NULL), there = run(b, mode, &b->device);
    assert_close("loss", there.r.loss, here.r.loss);
    assert_close("nll", there.r.nll_sum, here.r.nll_sum);
    assert_close("KL", there.r.kl, here.r.kl);
    assert_int_equal(there.r.labels, here.r.labels);
    assert_int_equal(there.r.tokens, here.r.tokens);
    assert_close("largest gate weight", there.r.gate_max, here.r.gate_max);
    assert_close("gate entropy", there.r.gate_entropy, here.r.gate_entropy);
    assert_close("spread", there.r.spread, here.r.spread);
    assert_close("senders off", there.r.senders_off, here.r.senders_off);
    for (size_t i = 0; i < b->b.compressor.n_tensors; i++) {
        const struct compressor_tensor *t = &b->b.compressor.tensors[i];
        /* exactly zero but for rounding (METHOD section 6) */
        if (strstr(t->name, "k_prj.bias") || strstr(t->name, "mass_prj.bias") ||
            strstr(t->name, "source_mass.ln.bias"))
            continue;
        compare(t->name, there.block + t->offset, here.block + t->offset, t->count);
    }
    compare("soft prompt", there.soft, here.soft, SOFT * b->b.model->config.hidden);
    free(here.block);
    free(here.soft);
    free(there.block);
    free(there.soft);
}

static void test_all_modes(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    for (enum context_mode mode = 0; mode < CONTEXT_MODES; mode++)
        check_mode(&b, mode);
    b.b.objective.soft_prompt = b.soft;
    b.b.objective.n_soft = SOFT;
    b.b.objective.positions = POSITIONS_REFERENCE;
    for (enum context_mode mode = 0; mode < CONTEXT_MODES; mode++)
        check_mode(&b, mode);
    bench_close(&b);
}

/* The teacher reads text and, without a soft prompt, questions; and needs a context. */
static void test_distillation(void **state)
{
    (void)state;
    struct bench b;
    struct err err = {0};
    struct objective_result r;
    struct compressor_params grads;
    bench_open(&b);
    b.b.objective.distill = 0.6;
    compressor_view(&b.b.compressor, b.b.compressor.block, &grads);
    for (int device = 0; device < 2; device++) {
        b.b.objective.device = device ? &b.device : NULL;
        assert_false(objective_run(&b.b.objective, CONTEXT_COMPRESSED, b.samples, SAMPLES, 1,
                                   &grads, NULL, &r, NULL, &err));
        assert_string_equal(err.text, "distill: sample 4 of a batch has no context");
    }
    sample_free(&b.samples[3]);
    b.samples[3] = sample_new(9, 6);
    b.samples[3].question = true;
    check_mode(&b, CONTEXT_COMPRESSED);
    check_mode(&b, CONTEXT_WRONG); /* no gradient is wanted: nobody teaches */
    b.b.objective.soft_prompt = b.soft;
    b.b.objective.n_soft = SOFT;
    check_mode(&b, CONTEXT_COMPRESSED);
    bench_close(&b);
}

static void test_unknown_token(void **state)
{
    (void)state;
    struct bench b;
    struct err err = {0};
    struct objective_result r;
    bench_open(&b);
    b.b.objective.device = &b.device;
    b.samples[1].context[2] = 1 << 20;
    assert_false(objective_run(&b.b.objective, CONTEXT_COMPRESSED, b.samples, SAMPLES, 0, NULL,
                               NULL, &r, NULL, &err));
    assert_non_null(strstr(err.text, "token id 1048576 of a context"));
    assert_false(objective_run(&b.b.objective, CONTEXT_FULL, b.samples, SAMPLES, 0, NULL, NULL, &r,
                               NULL, &err));
    assert_non_null(strstr(err.text, "token id 1048576 of a sample"));
    bench_close(&b);
}

/* Newton-Schulz brings every singular value near 1: rows (or columns) near orthonormal. */
static void test_muon_is_orthogonal(void **state)
{
    (void)state;
    struct arena scratch = {0};
    struct rng rng;
    rng_seed(&rng, 3);
    struct device *d = device_host_new();
    static const size_t shapes[][2] = {{12, 12}, {8, 40}, {40, 8}};
    for (size_t s = 0; s < 3; s++) {
        size_t rows = shapes[s][0], cols = shapes[s][1], least = rows < cols ? rows : cols;
        real *x = random_reals(&rng, rows * cols, 0.01), *y = xcalloc(rows * cols, sizeof *y);
        memcpy(y, x, rows * cols * sizeof *y);
        muon_orthogonalize(x, rows, cols, NULL, &scratch);
        muon_orthogonalize(y, rows, cols, d, &scratch);
        compare("muon on a device", y, x, rows * cols);
        double squares = 0; /* the sum of the squares of the singular values */
        for (size_t i = 0; i < rows * cols; i++)
            squares += (double)(x[i] * x[i]);
        assert_true(squares > 0.5 * (double)least && squares < 1.5 * (double)least);
        free(x);
        free(y);
    }
    device_close(d);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_modes),
        cmocka_unit_test(test_distillation),
        cmocka_unit_test(test_unknown_token),
        cmocka_unit_test(test_muon_is_orthogonal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
