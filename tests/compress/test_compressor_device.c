/* The compressor on a device against the compressor of the host: slots, gates, plans and all
 * gradients, for a batch of segments at once. The device is the host's twin of a GPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/compress/compressor_device.h"
#include "tests/support/device_host.h"
#include "tests/support/gradcheck.h"

/* Of the largest number of a tensor. */
static const double tolerance_double = 1e-10, tolerance_float = 1e-5;

enum { SEGMENTS_MOST = 5 };

struct batch {
    const char *name;
    struct compressor_shape shape;
    size_t segments, tokens[SEGMENTS_MOST];
    size_t window;
    double ratio, eps;
    unsigned iters;
    enum align align;
    double source_tau, lambda_floor;
    double ill; /* float alone: how far both sides are from the double build, in tolerances */
};

/* One batch worked on by both sides. */
struct comparison {
    const struct batch *batch;
    struct compressor c;
    struct compress_settings settings;
    size_t starts[SEGMENTS_MOST + 1], n;
    real *hidden, *dslots; /* [M, n, H], [slots, H] */
    struct arena arena;
    struct compress_tape host[SEGMENTS_MOST];
    real *host_grads;
    struct device *d;
    struct compressor_device on_device, grads;
    struct compress_device_tape tape;
};

static void make_compressor(struct comparison *x, struct rng *rng)
{
    struct err err = {0};
    if (!compressor_init(&x->c, &x->batch->shape, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < x->c.count; i++)
        x->c.block[i] = (real)(0.3 * rng_normal(rng));
    x->host_grads = xcalloc(x->c.count, sizeof *x->host_grads);
    x->d = device_host_new();
    compressor_device_init(&x->on_device, &x->c, x->d);
    compressor_device_init(&x->grads, &x->c, x->d);
    x->d->ops->upload(x->d, x->on_device.block, x->c.block, x->c.count * sizeof(real));
    x->d->ops->zero(x->d, x->grads.block, x->c.count);
}

static void comparison_init(struct comparison *x, const struct batch *batch)
{
    struct rng rng;
    rng_seed(&rng, 11);
    *x = (struct comparison){.batch = batch, .settings = compress_settings_default};
    x->settings.window = batch->window;
    x->settings.ratio = batch->ratio;
    x->settings.eps = batch->eps;
    x->settings.iters = batch->iters;
    x->settings.align = batch->align;
    x->settings.source_tau = batch->source_tau;
    x->settings.lambda_floor = batch->lambda_floor;
    make_compressor(x, &rng);
    for (size_t i = 0; i < batch->segments; i++)
        x->starts[i + 1] = x->starts[i] + batch->tokens[i];
    x->n = x->starts[batch->segments];
    x->hidden = random_reals(&rng, batch->shape.M * x->n * batch->shape.H, 1);
    x->dslots = random_reals(&rng, x->n * batch->shape.H, 1);
}

static void comparison_free(struct comparison *x)
{
    compressor_free(&x->c);
    arena_free(&x->arena);
    device_close(x->d);
    free(x->host_grads);
    free(x->hidden);
    free(x->dslots);
}

static void run_host(struct comparison *x)
{
    struct compressor_params view;
    const size_t H = x->c.shape.H;
    const real *dslots = x->dslots;
    compressor_view(&x->c, x->host_grads, &view);
    for (size_t i = 0; i < x->batch->segments; i++) {
        struct err err = {0};
        if (!compressor_forward(&x->c, &x->settings, x->hidden + x->starts[i] * H, x->n,
                                x->batch->tokens[i], &x->host[i], &x->arena, NULL, &err))
            fail_msg("%s", err.text);
        compressor_backward(&x->c, &x->host[i], dslots, &view, &x->arena);
        dslots += x->host[i].plan.slots * H;
    }
}

static void run_device(struct comparison *x)
{
    struct err err = {0};
    const size_t H = x->c.shape.H;
    const real *hidden = device_reals_of(x->d, x->hidden, x->c.shape.M * x->n * H);
    compressor_device_forward(x->d, &x->on_device, &x->settings, hidden, x->starts,
                              x->batch->segments, &x->tape, &x->arena);
    const real *dslots = device_reals_of(x->d, x->dslots, x->tape.slots * H);
    size_t mark = x->d->ops->mark(x->d);
    compressor_device_backward(x->d, &x->on_device, &x->tape, dslots, &x->grads);
    assert_int_equal(x->d->ops->mark(x->d), mark);
    assert_true(device_finish(x->d, &err));
}

static double tolerance(const struct batch *b)
{
    return gradcheck_possible() ? tolerance_double : tolerance_float * b->ill;
}

static void compare(const struct comparison *x, const char *what, const real *got,
                    const real *want, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance(x->batch) * most))
            fail_msg("%s, %s: element %zu of %zu is %.9g, not %.9g (of at most %.3g)",
                     x->batch->name, what, i, count, (double)got[i], (double)want[i], most);
}

static void compare_slots(struct comparison *x)
{
    const size_t H = x->c.shape.H;
    size_t slots = 0;
    assert_int_equal(x->tape.segments, x->batch->segments);
    for (size_t i = 0; i < x->batch->segments; i++) {
        assert_int_equal(x->tape.slot_start[i], slots);
        compare(x, "slots", x->tape.slots_out + slots * H, x->host[i].slots,
                x->host[i].plan.slots * H);
        slots += x->host[i].plan.slots;
    }
    assert_int_equal(x->tape.slot_start[x->batch->segments], slots);
    assert_int_equal(x->tape.slots, slots);
}

static void compare_window(const struct comparison *x, const struct window_plan *got,
                           const struct window_plan *want)
{
    assert_int_equal(got->tokens, want->tokens);
    assert_int_equal(got->slots, want->slots);
    assert_true(got->capacity == want->capacity);
    compare(x, "mass", got->mass, want->mass, want->tokens);
    compare(x, "plan", got->plan, want->plan, want->tokens * want->slots);
    double off = (double)(got->row_error[got->iters] - want->row_error[want->iters]);
    if (!(fabs(off) <= tolerance(x->batch)))
        fail_msg("%s: row error %g, not %g", x->batch->name, (double)got->row_error[got->iters],
                 (double)want->row_error[want->iters]);
}

static void compare_plans(struct comparison *x)
{
    const real *alpha;
    const struct window_plan *window;
    size_t windows, next = 0;
    compressor_device_read(x->d, &x->tape, &alpha, &window, &windows, &x->arena);
    for (size_t i = 0; i < x->batch->segments; i++) {
        const size_t M = x->c.shape.M;
        compare(x, "alpha", alpha + x->starts[i] * M, x->host[i].alpha, x->batch->tokens[i] * M);
        assert_true(next + x->host[i].plan.windows <= windows);
        for (size_t w = 0; w < x->host[i].plan.windows; w++)
            compare_window(x, &window[next++], &x->host[i].plan.window[w]);
    }
    assert_int_equal(next, windows);
}

static void compare_gradients(const struct comparison *x)
{
    for (size_t i = 0; i < x->c.n_tensors; i++) {
        const struct compressor_tensor *t = &x->c.tensors[i];
        compare(x, t->name, x->grads.block + t->offset, x->host_grads + t->offset, t->count);
    }
}

static void check_batch(const struct batch *batch)
{
    struct comparison x;
    comparison_init(&x, batch);
    run_host(&x);
    run_device(&x);
    compare_slots(&x);
    compare_plans(&x);
    compare_gradients(&x);
    comparison_free(&x);
}

#define SMALL {.M = 3, .H = 7, .D = 4, .E = 5, .depth = 2}
static const struct batch plain = {"exact windows", SMALL, 2, {10, 5}, 5, 1.5, 0.1, 30,
                                   ALIGN_TAIL,      1,     0.05,  1};

/* Segments of one token, of less than a window, of whole windows and of more. */
static void test_lengths(void **state)
{
    (void)state;
    struct batch b = plain;
    check_batch(&b);
    b.segments = 5;
    memcpy(b.tokens, (size_t[]){1, 13, 5, 2, 10}, 5 * sizeof *b.tokens);
    b.name = "lengths, tail";
    check_batch(&b);
    b.align = ALIGN_HEAD;
    b.name = "lengths, head";
    check_batch(&b);
}

static void test_ratios(void **state)
{
    (void)state;
    const double ratios[] = {1, 1.5, 4, 7};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        struct batch b = plain;
        b.name = "ratios";
        b.tokens[0] = 23;
        b.window = 9;
        b.ratio = ratios[i];
        b.ill = i == 0 ? 2 : 1; /* as many slots as tokens */
        check_batch(&b);
    }
}

/* In the first iterations the empty slots still show; a sharp plan needs many. */
static void test_iterations(void **state)
{
    (void)state;
    const unsigned iters[] = {1, 2, 30};
    for (size_t i = 0; i < 6; i++) {
        struct batch b = plain;
        b.name = "iterations";
        b.tokens[0] = 13;
        b.iters = iters[i / 2];
        b.eps = i % 2 ? 0.05 : 0.1;
        b.source_tau = i % 2 ? 0.5 : 1;
        b.lambda_floor = i % 2 ? 0.2 : 0.05;
        check_batch(&b);
    }
}

static void test_depths(void **state)
{
    (void)state;
    for (size_t depth = 1; depth <= 3; depth++) {
        struct batch b = plain;
        b.name = "depths";
        b.shape.depth = depth;
        check_batch(&b);
    }
}

static void test_large(void **state)
{
    (void)state;
    struct batch b = plain;
    b.name = "large";
    b.shape = (struct compressor_shape){.M = 7, .H = 96, .D = 40, .E = 48, .depth = 2};
    b.segments = 3;
    memcpy(b.tokens, (size_t[]){300, 128, 130}, 3 * sizeof *b.tokens);
    b.window = 128;
    b.ratio = 4;
    check_batch(&b);
}

/* Sender mass that underflows to zero: no plan, and gradients that are finite. */
static void test_mass_of_zero(void **state)
{
    (void)state;
    struct batch b = plain;
    b.name = "mass of zero";
    b.source_tau = 1e-3;
    b.lambda_floor = 0;
    b.ill = 20;
    struct comparison x;
    comparison_init(&x, &b);
    run_host(&x);
    size_t zeros = 0;
    for (size_t t = 0; t < b.window; t++)
        zeros += x.host[0].plan.window[0].mass[t] == 0;
    assert_true(zeros > 0 || gradcheck_possible()); /* double does not underflow so soon */
    comparison_free(&x);
    check_batch(&b);
}

static void test_accumulation(void **state)
{
    (void)state;
    struct comparison x;
    comparison_init(&x, &plain);
    run_host(&x);
    run_device(&x);
    run_device(&x);
    for (size_t i = 0; i < x.c.count; i++)
        x.host_grads[i] *= 2;
    compare_gradients(&x);
    comparison_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),      cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_iterations),   cmocka_unit_test(test_depths),
        cmocka_unit_test(test_large),        cmocka_unit_test(test_mass_of_zero),
        cmocka_unit_test(test_accumulation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
