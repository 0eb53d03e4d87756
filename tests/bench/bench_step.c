/* Where the time of a training step goes: one block of 512 + 128 tokens, or a question.
 *
 *     bench_step MODEL [PRECISION [ntp|sft [RUNS]]]      mixed ntp 5
 *
 * Median and best of the runs of each stage, in milliseconds; OMP_NUM_THREADS sets the threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/compress/compressor.h"
#include "engine/model/llama.h"

enum { CONTEXT = 512, RUNS_MOST = 100, WIDTH = 256, DEPTH = 2 };

enum stage { READ, COMPRESS, DECODE, LOSS, DECODE_BACKWARD, COMPRESS_BACKWARD, STAGES };
static const char *const stage_names[STAGES] = {"read the context",  "compress", "decoder",
                                                "loss, gradient",    "decoder backward",
                                                "compress backward"};

struct bench {
    struct model *model;
    struct compressor c;
    struct compressor_params grads;
    int32_t ids[CONTEXT];
    size_t query, labels;
    struct arena arena; /* kept from run to run, as a trainer does */
};

static void require(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(err->code);
}

static void bench_init(struct bench *b, const char *path, const char *precision, bool sft)
{
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 1);
    *b = (struct bench){.query = sft ? 40 : 128, .labels = sft ? 8 : 128, .arena.wide = true};
    b->model = model_open(path, NULL, 0, &err);
    require(b->model != NULL, &err);
    enum precision p = PRECISION_F32;
    while (p < PRECISION_COUNT && strcmp(precision, precision_name(p)) != 0)
        p++;
    require(p < PRECISION_COUNT && model_set_precision(b->model, p, &err), &err);
    const struct llama_config *config = &b->model->config;
    const struct compressor_shape shape = {config->layers + 1, config->hidden, WIDTH, WIDTH, DEPTH};
    require(compressor_init(&b->c, &shape, &err), &err);
    compressor_init_published(&b->c, &rng);
    compressor_view(&b->c, xcalloc(b->c.count, sizeof(real)), &b->grads);
    for (size_t i = 0; i < CONTEXT; i++)
        b->ids[i] = (int32_t)rng_below(&rng, config->vocab);
}

/* The decoder's input: a beginning, the slots, the query, whose ids are the context's first. */
static struct llama_batch batch_of(const struct bench *b, const struct compress_tape *tape,
                                   size_t *starts, struct arena *arena, struct err *err)
{
    size_t H = b->c.shape.H, S = tape->plan.slots, n = 1 + S + b->query;
    real *embeddings = arena_array(arena, real, n * H);
    int32_t *positions = arena_array(arena, int32_t, n);
    require(llama_embed(b->model, b->ids, 1, embeddings, err), err);
    memcpy(embeddings + H, tape->slots, S * H * sizeof *embeddings);
    require(llama_embed(b->model, b->ids, b->query, embeddings + (1 + S) * H, err), err);
    bool *wanted = arena_array(arena, bool, n);
    for (size_t i = 0; i < n; i++) {
        positions[i] = (int32_t)i;
        wanted[i] = i + 1 + b->labels >= n && i + 1 < n;
    }
    starts[1] = n;
    return (struct llama_batch){.n = n, .pack = {1, starts, NULL}, .embeddings = embeddings,
                                .positions = positions, .keep_bytes = LLAMA_KEEP_BYTES,
                                .wanted = wanted};
}

static void run(struct bench *b, double *ms)
{
    struct err err = {0};
    struct arena *arena = &b->arena;
    size_t H = b->c.shape.H, rows[CONTEXT], starts[2] = {0};
    double at[STAGES + 1];
    at[READ] = clock_ms();
    real *hidden = arena_raw(arena, real, b->c.shape.M * CONTEXT * H);
    struct llama_input input = {.n = CONTEXT, .ids = b->ids};
    struct llama_output output = {.hidden = hidden};
    require(llama_forward(b->model, NULL, LLAMA_ALL, &input, &output, NULL, &err), &err);
    at[COMPRESS] = clock_ms();
    struct compress_tape compressed;
    require(compressor_forward(&b->c, &compress_settings_default, hidden, CONTEXT, CONTEXT,
                               &compressed, arena, NULL, &err), &err);
    at[DECODE] = clock_ms();
    struct llama_batch batch = batch_of(b, &compressed, starts, arena, &err);
    struct llama_tape tape;
    require(llama_tape_forward(b->model, &batch, &tape, arena, NULL, &err), &err);
    at[LOSS] = clock_ms();
    for (size_t i = 0; i < b->labels; i++)
        rows[i] = batch.n - 1 - b->labels + i;
    real *dfinal = arena_array(arena, real, batch.n * H);
    llama_cross_entropy(b->model, tape.final, rows, b->ids, b->labels, 1.0 / (double)b->labels,
                        NULL, dfinal, NULL, arena);
    at[DECODE_BACKWARD] = clock_ms();
    real *dx = arena_array(arena, real, batch.n * H);
    require(llama_tape_backward(b->model, &tape, dfinal, dx, arena, NULL, &err), &err);
    at[COMPRESS_BACKWARD] = clock_ms();
    compressor_backward(&b->c, &compressed, dx + H, &b->grads, arena);
    arena_rewind(arena);
    at[STAGES] = clock_ms();
    for (int s = 0; s < STAGES; s++)
        ms[s] = at[s + 1] - at[s];
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "bench_step MODEL [PRECISION [ntp|sft [RUNS]]]\n");
        return 2;
    }
    static double ms[STAGES][RUNS_MOST];
    struct bench b;
    size_t runs = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 5;
    runs = runs < RUNS_MOST ? runs : RUNS_MOST;
    bench_init(&b, argv[1], argc > 2 ? argv[2] : "mixed", argc > 3 && strcmp(argv[3], "sft") == 0);
    double one[STAGES], sum[2] = {0};
    run(&b, one); /* makes the matrices */
    for (size_t i = 0; i < runs; i++) {
        run(&b, one);
        for (int s = 0; s < STAGES; s++)
            ms[s][i] = one[s];
    }
    for (int s = 0; s < STAGES; s++) {
        qsort(ms[s], runs, sizeof(double), compare);
        printf("%-18s %8.1f ms, best %8.1f ms\n", stage_names[s], ms[s][runs / 2], ms[s][0]);
        sum[0] += ms[s][runs / 2];
        sum[1] += ms[s][0];
    }
    printf("%-18s %8.1f ms, best %8.1f ms\n", "step", sum[0], sum[1]);
    arena_free(&b.arena);
    free(b.grads.query_fusion);
    compressor_free(&b.c);
    model_close(b.model);
    return 0;
}
