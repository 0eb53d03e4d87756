/* The derivative of the whole compressor against central differences: every
 * parameter tensor, in every shape of window, with every ablation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/compress/compressor.h"
#include "tests/support/gradcheck.h"

struct problem {
    struct compressor c;
    struct compress_settings settings;
    size_t T, stride;
    real *hidden, *weights;
    real *grads; /* a block like c.block */
    struct arena arena;
};

static void problem_init(struct problem *p, const struct compressor_shape *shape, size_t T)
{
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 7);
    *p = (struct problem){.settings = compress_settings_default, .T = T, .stride = T + 3};
    if (!compressor_init(&p->c, shape, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < p->c.count; i++)
        p->c.block[i] = (real)(0.3 * rng_normal(&rng));
    p->hidden = random_reals(&rng, shape->M * p->stride * shape->H, 1);
    p->weights = random_reals(&rng, T * shape->H, 1);
    p->grads = xcalloc(p->c.count, sizeof *p->grads);
    p->settings.window = 5;
    p->settings.ratio = 2;
}

static void problem_free(struct problem *p)
{
    compressor_free(&p->c);
    free(p->hidden);
    free(p->weights);
    free(p->grads);
    arena_free(&p->arena);
}

static void forward(struct problem *p, struct compress_tape *tape)
{
    struct err err = {0};
    if (!compressor_forward(&p->c, &p->settings, p->hidden, p->stride, p->T, tape, &p->arena, NULL,
                            &err))
        fail_msg("%s", err.text);
}

static double loss(void *context)
{
    struct problem *p = context;
    struct arena_mark mark = arena_mark(&p->arena);
    struct compress_tape tape;
    forward(p, &tape);
    double sum = 0;
    for (size_t i = 0; i < tape.plan.slots * p->c.shape.H; i++)
        sum += (double)(tape.slots[i] * p->weights[i]);
    arena_release(&p->arena, mark);
    return sum;
}

static void backward(struct problem *p)
{
    struct compress_tape tape;
    struct compressor_params grads;
    compressor_view(&p->c, p->grads, &grads);
    forward(p, &tape);
    compressor_backward(&p->c, &tape, p->weights, &grads, &p->arena);
}

/* Constants inside a softmax: their gradient is zero in exact arithmetic. */
static bool is_constant(const char *name)
{
    return strcmp(name, "pooling_layer.layer_fusion_k_prj.bias") == 0 ||
           strcmp(name, "pooling_layer.source_mass.ln.bias") == 0 ||
           strcmp(name, "pooling_layer.source_mass.mass_prj.bias") == 0;
}

static bool all_zero(const real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0)
            return false;
    return true;
}

/* A tensor without gradient must not move the loss either. */
static void check_no_influence(struct problem *p, const struct compressor_tensor *t)
{
    double before = loss(p);
    for (size_t i = 0; i < t->count; i++)
        p->c.block[t->offset + i] += REAL(0.01) * (real)(i + 1);
    double after = loss(p);
    for (size_t i = 0; i < t->count; i++)
        p->c.block[t->offset + i] -= REAL(0.01) * (real)(i + 1);
    if (!(fabs(after - before) < 1e-10))
        fail_msg("%s has no gradient, but the loss changes by %g", t->name, after - before);
}

static void check_all(struct problem *p, const char *what, bool may_be_unused)
{
    backward(p);
    for (size_t i = 0; i < p->c.n_tensors; i++) {
        const struct compressor_tensor *t = &p->c.tensors[i];
        char name[128];
        snprintf(name, sizeof name, "%s, %s", what, t->name);
        const real *gradient = p->grads + t->offset;
        if (is_constant(t->name) || (may_be_unused && all_zero(gradient, t->count)))
            check_no_influence(p, t);
        else
            gradcheck(name, loss, p, p->c.block + t->offset, gradient, t->count);
    }
}

static const struct compressor_shape small = {.M = 3, .H = 7, .D = 4, .E = 5, .depth = 2};

static void check_settings(const char *what, size_t T, const struct compress_settings *change,
                           bool may_be_unused)
{
    if (!gradcheck_possible())
        skip();
    struct problem p;
    problem_init(&p, &small, T);
    p.settings = *change;
    check_all(&p, what, may_be_unused);
    problem_free(&p);
}

static struct compress_settings small_windows(void)
{
    struct compress_settings s = compress_settings_default;
    s.window = 5;
    s.ratio = 2;
    return s;
}

/* Tail: the first window has 2 tokens, so that of its spans 2, 2, 1 one is empty. */
static void test_partial_window(void **state)
{
    (void)state;
    struct compress_settings s = small_windows();
    check_settings("tail", 12, &s, false);
    s.align = ALIGN_HEAD;
    check_settings("head", 12, &s, false);
}

/* In the first iterations the empty slots still show. */
static void test_few_iterations(void **state)
{
    (void)state;
    struct compress_settings s = small_windows();
    for (s.iters = 1; s.iters <= 2; s.iters++)
        check_settings("few iterations", 7, &s, false);
}

static void test_sharp_plan(void **state)
{
    (void)state;
    struct compress_settings s = small_windows();
    s.eps = 0.02;
    s.ratio = 1.5;
    s.gate_tau = 1.3;
    s.source_tau = 0.5;
    s.lambda_floor = 0.2;
    check_settings("sharp", 11, &s, false);
}

static void test_projector_depths(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    const size_t depths[] = {1, 3};
    for (size_t i = 0; i < 2; i++) {
        struct compressor_shape shape = small;
        shape.depth = depths[i];
        struct problem p;
        problem_init(&p, &shape, 9);
        check_all(&p, depths[i] == 1 ? "depth 1" : "depth 3", false);
        problem_free(&p);
    }
}

static void test_ablations(void **state)
{
    (void)state;
    const struct {
        const char *name;
        unsigned bits;
    } cases[] = {{"no depth", ABLATE_DEPTH},
                 {"no plan", ABLATE_PLAN},
                 {"uniform mass", ABLATE_MASS},
                 {"shuffled", ABLATE_ORDER},
                 {"shuffled means", ABLATE_ORDER | ABLATE_PLAN},
                 {"all", ABLATE_DEPTH | ABLATE_PLAN | ABLATE_MASS | ABLATE_ORDER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct compress_settings s = small_windows();
        s.ablations = cases[i].bits;
        check_settings(cases[i].name, 12, &s, true);
    }
}

/* Gradients are added to what is there, and a second pass gives the same bits. */
static void test_accumulation(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &small, 12);
    backward(&p);
    real *once = xmalloc(p.c.count * sizeof *once);
    memcpy(once, p.grads, p.c.count * sizeof *once);
    backward(&p);
    for (size_t i = 0; i < p.c.count; i++)
        assert_true(real_fabs(p.grads[i] - 2 * once[i]) <= REAL(1e-5) * (1 + real_fabs(once[i])));
    memset(p.grads, 0, p.c.count * sizeof *p.grads);
    backward(&p);
    assert_memory_equal(once, p.grads, p.c.count * sizeof *once);
    free(once);
    problem_free(&p);
}

/* Sender mass that underflows to zero: no plan, and gradients that are finite. */
static void test_mass_of_zero(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &small, 10);
    p.settings.lambda_floor = 0;
    p.settings.source_tau = 1e-3;
    for (size_t i = 0; i < small.H; i++)
        p.c.params.wm[i] *= 5;
    struct compress_tape tape;
    forward(&p, &tape);
    const struct window_plan *w = &tape.plan.window[0];
    size_t zeros = 0;
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; w->mass[t] == 0 && j < w->slots; j++, zeros++)
            assert_true(w->plan[t * w->slots + j] == 0);
    assert_true(zeros > 0);
    backward(&p);
    for (size_t i = 0; i < p.c.count; i++)
        assert_true(isfinite(p.grads[i]));
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_window),   cmocka_unit_test(test_few_iterations),
        cmocka_unit_test(test_sharp_plan),       cmocka_unit_test(test_projector_depths),
        cmocka_unit_test(test_ablations),        cmocka_unit_test(test_accumulation),
        cmocka_unit_test(test_mass_of_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
