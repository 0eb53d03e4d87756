/* How far the gradients of each precision are from those of f32: blocks of a text, 128
 * tokens to compress and 64 to predict, through a compressor.
 *
 *     bench_gradient MODEL COMPRESSOR TEXT [BLOCKS]      8
 *
 * Prints the loss less that of f32, the cosine, and the ratio of the norms, of each block:
 * the least, the mean and the most. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/train/objective.h"

enum { CONTEXT = 128, PREDICT = 64, BLOCKS_MOST = 1000 };

struct gradients {
    struct model *model;
    struct compressor c;
    struct compress_settings settings;
    struct token_list tokens;
};

static void require(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(err->code);
}

static void open_all(struct gradients *g, const char *model, const char *compressor,
                     const char *text)
{
    struct err err = {0};
    struct compressor_info info;
    char *data;
    size_t size;
    *g = (struct gradients){0};
    g->model = model_open(model, NULL, 0, &err);
    require(g->model != NULL, &err);
    require(file_read(text, 1 << 24, &data, &size, &err), &err);
    tokenizer_encode(g->model->tokenizer, data, size, 0, &g->tokens);
    free(data);
    require(compressor_load(&g->c, &info, compressor, &err), &err);
    g->settings = info.settings;
}

/* The loss of a block; its gradient, which is added, in `block`. */
static double run(struct gradients *g, size_t index, enum precision precision, real *block)
{
    struct err err = {0};
    struct sample s = sample_new(CONTEXT, PREDICT);
    const int32_t *ids = g->tokens.ids + index * (CONTEXT + PREDICT);
    memcpy(s.context, ids, CONTEXT * sizeof *ids);
    memcpy(s.query, ids + CONTEXT, PREDICT * sizeof *ids);
    memcpy(s.labels, s.query, PREDICT * sizeof *ids);
    const struct objective o = {.model = g->model,
                                .compressor = &g->c,
                                .settings = g->settings,
                                .budget = CONTEXT};
    struct compressor_params grads;
    struct objective_result result;
    compressor_view(&g->c, block, &grads);
    memset(block, 0, g->c.count * sizeof *block);
    require(model_set_precision(g->model, precision, &err), &err);
    require(objective_run(&o, CONTEXT_COMPRESSED, &s, 1, 1, &grads, NULL, &result, NULL, &err),
            &err);
    sample_free(&s);
    return result.loss;
}

static double dot(const real *a, const real *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void print_range(const char *name, const double *x, size_t n)
{
    double least = x[0], most = x[0], sum = 0;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, x[i]);
        most = fmax(most, x[i]);
        sum += x[i];
    }
    printf("  %s %.5f %.5f %.5f", name, least, sum / (double)n, most);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "bench_gradient MODEL COMPRESSOR TEXT [BLOCKS]\n");
        return 2;
    }
    static double loss[BLOCKS_MOST], cosine[BLOCKS_MOST], norm[BLOCKS_MOST];
    static const enum precision precisions[] = {PRECISION_Q16, PRECISION_MIXED, PRECISION_Q8,
                                                PRECISION_BF16};
    struct gradients g;
    open_all(&g, argv[1], argv[2], argv[3]);
    size_t blocks = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 8, n = g.c.count;
    size_t most = g.tokens.count / (CONTEXT + PREDICT);
    blocks = blocks < most ? blocks : most;
    blocks = blocks < BLOCKS_MOST ? blocks : BLOCKS_MOST;
    if (blocks == 0) {
        fprintf(stderr, "%s: shorter than a block\n", argv[3]);
        return 2;
    }
    real *want = xcalloc(2 * n, sizeof *want), *got = want + n;
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        for (size_t i = 0; i < blocks; i++) {
            double base = run(&g, i, PRECISION_F32, want);
            loss[i] = run(&g, i, precisions[p], got) - base;
            norm[i] = sqrt(dot(got, got, n) / dot(want, want, n));
            cosine[i] = dot(got, want, n) / sqrt(dot(got, got, n) * dot(want, want, n));
        }
        printf("%-6s", precision_name(precisions[p]));
        print_range("loss", loss, blocks);
        print_range("cosine", cosine, blocks);
        print_range("norm", norm, blocks);
        printf("\n");
    }
    free(want);
    token_list_free(&g.tokens);
    compressor_free(&g.c);
    model_close(g.model);
    return 0;
}
