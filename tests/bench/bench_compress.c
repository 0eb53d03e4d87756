/* How long the compressor takes, by stage, on random hidden states.
 *
 *     bench_compress [T [M [H [width [W]]]]]      512 31 576 256 128
 *
 * Median and best of the runs, in milliseconds; OMP_NUM_THREADS sets the threads. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/compress/gate.h"
#include "engine/compress/plan.h"

enum { RUNS = 21 };

struct bench {
    struct compressor c;
    struct compress_settings settings;
    size_t T;
    real *hidden, *anchors, *dslots, *grads;
    struct arena arena;
};

enum stage { GATE, MASS, METRIC_AND_PLAN, SLOTS, PROJECT, FORWARD, BACKWARD, STAGES };
static const char *const stage_names[STAGES] = {"gate",    "mass",    "plan",    "slots",
                                                "project", "forward", "backward"};

static real *random_block(struct rng *rng, size_t count, double scale)
{
    real *x = xcalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (real)(scale * (2 * rng_uniform(rng) - 1));
    return x;
}

static void bench_init(struct bench *b, size_t T, const struct compressor_shape *shape, size_t W)
{
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 1);
    *b = (struct bench){.settings = compress_settings_default, .T = T};
    b->settings.window = W;
    if (!compressor_init(&b->c, shape, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(err.code);
    }
    compressor_init_published(&b->c, &rng);
    b->hidden = random_block(&rng, shape->M * T * shape->H, 2);
    b->anchors = random_block(&rng, T * shape->H, 1);
    b->dslots = random_block(&rng, T * shape->H, 1);
    b->grads = xcalloc(b->c.count, sizeof *b->grads);
}

static void bench_free(struct bench *b)
{
    compressor_free(&b->c);
    free(b->hidden);
    free(b->anchors);
    free(b->dslots);
    free(b->grads);
}

static void run_stages(struct bench *b, double *ms)
{
    struct err err = {0};
    struct arena *a = &b->arena;
    struct segment_plan plan;
    struct mass_saved mass;
    struct slots_saved slots;
    real *alpha = arena_array(a, real, b->T * b->c.shape.M);
    double start = clock_ms();
    gate_forward(&b->c, &b->settings, b->hidden, b->T, b->T, alpha, NULL, b->anchors, a);
    ms[GATE] = clock_ms() - start;
    start = clock_ms();
    plan_forward(&b->c, &b->settings, b->anchors, b->T, false, &plan, a, NULL, &err);
    ms[METRIC_AND_PLAN] = clock_ms() - start;
    start = clock_ms();
    mass_forward(&b->c, &b->settings, b->anchors, b->T, &plan, &mass, a);
    ms[MASS] = clock_ms() - start;
    start = clock_ms();
    slots_forward(&b->c, b->anchors, b->T, &plan, &slots, a);
    ms[SLOTS] = clock_ms() - start;
    ms[METRIC_AND_PLAN] -= ms[MASS] + ms[SLOTS];
    real *out = arena_array(a, real, plan.slots * b->c.shape.H);
    start = clock_ms();
    projector_forward(&b->c, plan.raw_slots, plan.slots, out, a);
    ms[PROJECT] = clock_ms() - start;
}

static void run_whole(struct bench *b, double *ms)
{
    struct err err = {0};
    struct compress_tape tape;
    struct compressor_params grads;
    compressor_view(&b->c, b->grads, &grads);
    double start = clock_ms();
    if (!compressor_forward(&b->c, &b->settings, b->hidden, b->T, b->T, &tape, &b->arena, NULL,
                            &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(err.code);
    }
    ms[FORWARD] = clock_ms() - start;
    start = clock_ms();
    compressor_backward(&b->c, &tape, b->dslots, &grads, &b->arena);
    ms[BACKWARD] = clock_ms() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t argument(int argc, char **argv, int i, size_t fallback)
{
    return i < argc ? (size_t)strtoul(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    size_t T = argument(argc, argv, 1, 512), width = argument(argc, argv, 4, 256);
    struct compressor_shape shape = {.M = argument(argc, argv, 2, 31),
                                     .H = argument(argc, argv, 3, 576),
                                     .D = width, .E = width, .depth = 2};
    struct bench b;
    bench_init(&b, T, &shape, argument(argc, argv, 5, 128));
    static double ms[STAGES][RUNS];
    for (int run = 0; run < RUNS; run++) {
        double one[STAGES];
        run_stages(&b, one);
        arena_free(&b.arena);
        run_whole(&b, one);
        arena_free(&b.arena);
        for (int i = 0; i < STAGES; i++)
            ms[i][run] = one[i];
    }
    printf("%zu tokens, %zu states of %zu, widths %zu\n", T, shape.M, shape.H, width);
    for (int i = 0; i < STAGES; i++) {
        qsort(ms[i], RUNS, sizeof(double), compare);
        printf("%-10s %8.2f ms, best %8.2f ms\n", stage_names[i], ms[i][RUNS / 2], ms[i][0]);
    }
    bench_free(&b);
    return 0;
}
