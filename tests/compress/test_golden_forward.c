/* The forward pass of the compressor, stage by stage: each is fed the stored input
 * of that stage and must give the stored output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/compress/plan.h"
#include "tests/support/golden_compress.h"

struct fixture {
    const char *name;
    struct golden g;
    struct compressor c;
    struct compress_settings settings;
    size_t n;
    struct arena arena;
};

/* Runs check on every case of forward.json. */
static void each_case(void (*check)(struct fixture *f))
{
    struct golden index;
    golden_open(&index, "forward");
    const char *name;
    json_t *value;
    size_t cases = 0;
    json_object_foreach(json_object_get(index.json, "cases"), name, value)
    {
        struct fixture f = {.name = name, .settings = golden_settings(value),
                            .n = (size_t)golden_number(value, "n")};
        struct compressor_info info;
        char file[160];
        snprintf(file, sizeof file, "forward/%s", name);
        golden_open(&f.g, file);
        golden_compressor(&f.c, &info, "compressorA.safetensors");
        check(&f);
        golden_close(&f.g);
        compressor_free(&f.c);
        arena_free(&f.arena);
        cases++;
    }
    assert_true(cases > 0);
    golden_close(&index);
}

static void compare(const struct fixture *f, const char *quantity, const char *tensor,
                    const real *got, size_t count, double tolerance)
{
    golden_compare(&f->g, f->name, quantity, tensor, got, count, tolerance);
}

static void check_gate(struct fixture *f)
{
    if (!golden_has(&f->g, "hidden"))
        return;
    size_t M = f->c.shape.M, H = f->c.shape.H, count;
    real *hidden = golden_reals(&f->g, &count, "hidden");
    assert_int_equal(count, M * f->n * H);
    real *alpha = arena_array(&f->arena, real, f->n * M);
    real *anchors = arena_array(&f->arena, real, f->n * H);
    gate_forward(&f->c, &f->settings, hidden, f->n, f->n, alpha, NULL, anchors, &f->arena);
    compare(f, "alpha", "alpha", alpha, f->n * M, 3e-5);
    compare(f, "anchors", "x", anchors, f->n * H, 1e-4);
    free(hidden);
}

static void test_gate(void **state)
{
    (void)state;
    each_case(check_gate);
}

/* A plan's arrays at positions and slots of whole windows, 0 where invalid. */
struct padded {
    real *mass, *capacity, *cost, *plan, *valid_token, *valid_slot;
    size_t tokens, slots, cells; /* sizes: nW W, nW K, nW W K */
};

static struct padded pad_out(const struct segment_plan *plan, struct arena *arena)
{
    size_t W = plan->window[0].W, K = plan->window[0].K, n = plan->windows;
    struct padded p = {.tokens = n * W, .slots = n * K, .cells = n * W * K};
    p.mass = arena_array(arena, real, p.tokens);
    p.valid_token = arena_array(arena, real, p.tokens);
    p.capacity = arena_array(arena, real, p.slots);
    p.valid_slot = arena_array(arena, real, p.slots);
    p.cost = arena_array(arena, real, p.cells);
    p.plan = arena_array(arena, real, p.cells);
    for (size_t i = 0; i < n; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t t = 0; t < w->tokens; t++) {
            size_t row = i * W + w->pad + t;
            p.mass[row] = w->mass[t];
            p.valid_token[row] = 1;
            for (size_t j = 0; j < w->slots; j++) {
                p.cost[row * K + w->first_slot + j] = w->cost[t * w->slots + j];
                p.plan[row * K + w->first_slot + j] = w->plan[t * w->slots + j];
            }
        }
        for (size_t j = 0; j < w->slots; j++) {
            p.capacity[i * K + w->first_slot + j] = w->capacity;
            p.valid_slot[i * K + w->first_slot + j] = 1;
        }
    }
    return p;
}

static void check_column_sums(const struct fixture *f, const struct segment_plan *plan)
{
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t j = 0; j < w->slots; j++) {
            real sum = 0;
            double want = (double)w->capacity;
            for (size_t t = 0; t < w->tokens; t++)
                sum += w->plan[t * w->slots + j];
            golden_near("column sums", f->name, &sum, &want, 1, 2e-6);
        }
    }
}

static void check_plan(struct fixture *f)
{
    struct err err = {0};
    struct segment_plan plan;
    real *x = golden_reals(&f->g, NULL, "x");
    if (!plan_forward(&f->c, &f->settings, x, f->n, true, &plan, &f->arena, NULL, &err))
        fail_msg("%s: %s", f->name, err.text);
    struct padded p = pad_out(&plan, &f->arena);
    compare(f, "validity", "valid_tok", p.valid_token, p.tokens, 1e-9);
    compare(f, "validity", "valid_slot", p.valid_slot, p.slots, 1e-9);
    compare(f, "mass", "a", p.mass, p.tokens, 5e-6);
    compare(f, "capacity", "b", p.capacity, p.slots, 5e-6);
    compare(f, "cost", "C", p.cost, p.cells, 2e-5);
    compare(f, "plan", "P", p.plan, p.cells, 5e-6);
    compare(f, "raw slots", "z", plan.raw_slots, plan.slots * f->c.shape.H, 5e-5);
    check_column_sums(f, &plan);
    /* The potentials that were kept give the plan again. */
    const struct window_plan *w = &plan.window[plan.windows - 1];
    real *again = arena_array(&f->arena, real, w->tokens * w->slots);
    window_plan_at(w, f->settings.eps, w->iters, again);
    for (size_t e = 0; e < w->tokens * w->slots; e++)
        assert_true(real_fabs(again[e] - w->plan[e]) <= REAL(1e-6));
    free(x);
}

static void test_plan(void **state)
{
    (void)state;
    each_case(check_plan);
}

/* The stored P, cut to the valid rows and columns of each window. */
static void put_stored_plan(const struct fixture *f, struct segment_plan *plan)
{
    real *stored = golden_reals(&f->g, NULL, "P");
    for (size_t i = 0; i < plan->windows; i++) {
        const struct window_plan *w = &plan->window[i];
        for (size_t t = 0; t < w->tokens; t++)
            for (size_t j = 0; j < w->slots; j++)
                w->plan[t * w->slots + j] =
                    stored[((i * w->W) + w->pad + t) * w->K + w->first_slot + j];
    }
    free(stored);
}

static void check_slots(struct fixture *f)
{
    size_t H = f->c.shape.H;
    struct segment_plan plan;
    struct slots_saved saved;
    real *x = golden_reals(&f->g, NULL, "x"), *z = golden_reals(&f->g, NULL, "z");
    plan_prepare(&f->c, &f->settings, f->n, false, &plan, &f->arena);
    put_stored_plan(f, &plan);
    slots_forward(&f->c, x, f->n, &plan, &saved, &f->arena);
    compare(f, "raw slots", "z", plan.raw_slots, plan.slots * H, 5e-5);
    real *slots = arena_array(&f->arena, real, plan.slots * H);
    projector_forward(&f->c, z, plan.slots, slots, &f->arena);
    compare(f, "slots", "slots", slots, plan.slots * H, 5e-5);
    free(x);
    free(z);
}

static void test_slots(void **state)
{
    (void)state;
    each_case(check_slots);
}

static void check_all_stages(struct fixture *f)
{
    if (!golden_has(&f->g, "hidden"))
        return;
    struct err err = {0};
    struct compress_tape tape;
    real *hidden = golden_reals(&f->g, NULL, "hidden");
    if (!compressor_forward(&f->c, &f->settings, hidden, f->n, f->n, &tape, &f->arena, NULL, &err))
        fail_msg("%s: %s", f->name, err.text);
    compare(f, "alpha", "alpha", tape.alpha, f->n * f->c.shape.M, 3e-5);
    compare(f, "slots", "slots", tape.slots, tape.plan.slots * f->c.shape.H, 5e-5);
    free(hidden);
}

static void test_all_stages(void **state)
{
    (void)state;
    each_case(check_all_stages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_all_stages),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    golden_report();
    return failures;
}
