/* The compressor as a whole: bits that do not depend on threads, pieces, history,
 * cancelling, input that is not finite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/team.h"
#include "engine/compress/compressor.h"
#include "tests/support/gradcheck.h"

enum { TOKENS = 300 };
static const struct compressor_shape shape = {.M = 7, .H = 96, .D = 40, .E = 48, .depth = 2};

struct problem {
    struct compressor c;
    real *hidden, *dslots;
};

static void problem_init(struct problem *p)
{
    struct err err;
    struct rng rng;
    rng_seed(&rng, 5);
    assert_true(compressor_init(&p->c, &shape, &err));
    compressor_init_published(&p->c, &rng);
    for (size_t i = 0; i < shape.H; i++)
        p->c.params.wm[i] = (real)(0.1 * rng_normal(&rng));
    p->hidden = random_reals(&rng, shape.M * TOKENS * shape.H, 2);
    p->dslots = random_reals(&rng, TOKENS * shape.H, 1);
}

static void problem_free(struct problem *p)
{
    compressor_free(&p->c);
    free(p->hidden);
    free(p->dslots);
}

/* Forward and backward with so many threads; slots and gradients, to be freed. */
static void run(const struct problem *p, size_t threads, real *slots, real *grads)
{
    struct err err;
    struct arena arena = {0};
    struct compress_tape tape;
    struct compressor_params view;
    team_set_threads(threads);
    compressor_view(&p->c, grads, &view);
    assert_true(compressor_forward(&p->c, &compress_settings_default, p->hidden, TOKENS, TOKENS,
                                   &tape, &arena, NULL, &err));
    memcpy(slots, tape.slots, tape.plan.slots * shape.H * sizeof *slots);
    compressor_backward(&p->c, &tape, p->dslots, &view, &arena);
    arena_free(&arena);
}

static void test_number_of_threads(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p);
    size_t slots = TOKENS * shape.H;
    real *one[2] = {xcalloc(slots, sizeof(real)), xcalloc(p.c.count, sizeof(real))};
    size_t before = team_threads();
    run(&p, 1, one[0], one[1]);
    for (size_t threads = 2; threads <= 5; threads++) {
        real *many[2] = {xcalloc(slots, sizeof(real)), xcalloc(p.c.count, sizeof(real))};
        run(&p, threads, many[0], many[1]);
        assert_memory_equal(one[0], many[0], slots * sizeof(real));
        assert_memory_equal(one[1], many[1], p.c.count * sizeof(real));
        free(many[0]);
        free(many[1]);
    }
    team_set_threads(before);
    free(one[0]);
    free(one[1]);
    problem_free(&p);
}

/* Pieces of whole blocks of the gate: a matrix product sees the same rows. */
static void test_gate_in_pieces(void **state)
{
    (void)state;
    struct problem p;
    struct arena arena = {0};
    problem_init(&p);
    const struct compress_settings *s = &compress_settings_default;
    const size_t M = shape.M, H = shape.H, first = 128;
    real *alpha[2], *anchors[2];
    for (size_t i = 0; i < 2; i++) {
        alpha[i] = arena_array(&arena, real, TOKENS * M);
        anchors[i] = arena_array(&arena, real, TOKENS * H);
    }
    gate_forward(&p.c, s, p.hidden, TOKENS, TOKENS, alpha[0], NULL, anchors[0], &arena);
    gate_forward(&p.c, s, p.hidden, TOKENS, first, alpha[1], NULL, anchors[1], &arena);
    gate_forward(&p.c, s, p.hidden + first * H, TOKENS, TOKENS - first, alpha[1] + first * M,
                 NULL, anchors[1] + first * H, &arena);
    for (size_t i = 0; i < TOKENS * M; i++)
        assert_true(real_fabs(alpha[0][i] - alpha[1][i]) <= REAL(1e-6));
    for (size_t i = 0; i < TOKENS * H; i++)
        assert_true(real_fabs(anchors[0][i] - anchors[1][i]) <= REAL(2e-5));
    arena_free(&arena);
    problem_free(&p);
}

/* The last iteration alone, when no history is kept, is the same plan. */
static void test_without_history(void **state)
{
    (void)state;
    struct problem p;
    struct err err;
    struct arena arena = {0};
    struct segment_plan with, without;
    problem_init(&p);
    const struct compress_settings *s = &compress_settings_default;
    const real *anchors = p.hidden;
    assert_true(plan_forward(&p.c, s, anchors, TOKENS, true, &with, &arena, NULL, &err));
    assert_true(plan_forward(&p.c, s, anchors, TOKENS, false, &without, &arena, NULL, &err));
    assert_memory_equal(with.raw_slots, without.raw_slots, with.slots * shape.H * sizeof(real));
    const struct window_plan *a = &with.window[1], *b = &without.window[1];
    assert_int_equal(a->iters, s->iters);
    assert_int_equal(b->iters, 0);
    assert_true(a->row_error[a->iters] == b->row_error[0]);
    real *again = arena_array(&arena, real, b->tokens * b->slots);
    window_plan_at(b, s->eps, 0, again);
    assert_memory_equal(again, b->plan, b->tokens * b->slots * sizeof *again);
    /* Iteration 0 of a history: the cost alone, scaled to mass 1. */
    window_plan_at(a, s->eps, 0, again);
    double total = 0, scale = (double)again[0] / exp(-(double)a->cost[0] / s->eps);
    for (size_t e = 0; e < a->tokens * a->slots; e++) {
        total += (double)again[e];
        double want = scale * exp(-(double)a->cost[e] / s->eps);
        assert_true(fabs((double)again[e] / want - 1) < 1e-4);
    }
    assert_true(fabs(total - 1) < 1e-5);
    arena_free(&arena);
    problem_free(&p);
}

static bool stop_at_once(void *context, const char *stage, size_t done, size_t total)
{
    (void)stage;
    (void)done;
    (void)total;
    ++*(int *)context;
    return false;
}

static void test_cancel_and_nonfinite(void **state)
{
    (void)state;
    struct problem p;
    struct err err = {0};
    struct arena arena = {0};
    struct segment_plan plan;
    int calls = 0;
    const struct progress progress = {stop_at_once, &calls};
    const struct compress_settings *s = &compress_settings_default;
    problem_init(&p);
    assert_false(plan_forward(&p.c, s, p.hidden, TOKENS, false, &plan, &arena, &progress, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(calls, 1);
    p.hidden[200 * shape.H] = (real)NAN;
    assert_false(plan_forward(&p.c, s, p.hidden, TOKENS, false, &plan, &arena, NULL, &err));
    assert_int_equal(err.code, ERR_NONFINITE);
    assert_string_equal(err.text, "window 3: the anchors give values that are not finite");
    arena_free(&arena);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_of_threads),
        cmocka_unit_test(test_gate_in_pieces),
        cmocka_unit_test(test_without_history),
        cmocka_unit_test(test_cancel_and_nonfinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
