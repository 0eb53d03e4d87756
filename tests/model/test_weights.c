/* Weights: the same matrices from both formats, products with and without a widened
 * copy against plain loops. test_weight_messages has what is missing or of a wrong shape. */
#include "engine/model/weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/quant_pack.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/golden.h"

static const struct tensor *find_gguf(const void *file, const char *name)
{
    return gguf_tensor(file, name);
}

static const struct tensor *find_safetensors(const void *file, const char *name)
{
    return safetensors_find(file, name);
}

/* A model without its tokenizer. */
struct opened {
    struct gguf *gguf;
    struct safetensors *safetensors;
    struct llama_config config;
    struct llama_weights weights;
};

static void open_gguf(struct opened *o, const char *name, size_t memory)
{
    struct err err = {0};
    char *path = golden_optional_path(name);
    *o = (struct opened){.gguf = gguf_open(path, &err)};
    const struct tensor_source source = {find_gguf, o->gguf, path};
    if (!o->gguf || !llama_config_from_gguf(&o->config, o->gguf, &err) ||
        !llama_weights_from_gguf(&o->weights, &o->config, &source, memory, &err))
        fail_msg("%s", err.text);
    free(path);
}

static void open_directory(struct opened *o, const char *name, const char *prefix,
                           size_t memory)
{
    struct err err = {0};
    char *path = golden_model_path(name), *config = file_join(path, "config.json");
    *o = (struct opened){.safetensors = safetensors_open(path, &err)};
    json_t *json = json_parse_file(config, 1 << 24, &err);
    const json_t *backbone = json_object_get(json, "backbone_config_dict");
    const struct tensor_source source = {find_safetensors, o->safetensors, path};
    if (!o->safetensors || !json ||
        !llama_config_from_json(&o->config, backbone ? backbone : json, config, &err) ||
        !llama_weights_from_hf(&o->weights, &o->config, &source, prefix, memory, &err))
        fail_msg("%s", err.text);
    json_decref(json);
    free(config);
    free(path);
}

static void close_model(struct opened *o)
{
    llama_weights_free(&o->weights, &o->config);
    gguf_close(o->gguf);
    safetensors_close(o->safetensors);
}

/* ---- the same numbers in both formats -------------------------------------- */

/* Row r of a Q or K matrix stands in GGUF where the rotary pair of its head puts it:
 * halves (i, i + d/2) become neighbours (2i, 2i + 1). */
static size_t permuted_row(size_t r, size_t head_dim)
{
    size_t head = r / head_dim, i = r % head_dim, half = head_dim / 2;
    return head * head_dim + (i < half ? 2 * i : 2 * (i - half) + 1);
}

static void assert_same_matrix(const struct weight *hf, const struct weight *gguf,
                               size_t head_dim)
{
    assert_int_equal(hf->rows, gguf->rows);
    assert_int_equal(hf->cols, gguf->cols);
    real *x = xcalloc(hf->cols, sizeof *x), *y = xcalloc(hf->cols, sizeof *y);
    for (size_t r = 0; r < hf->rows; r++) {
        weight_row(x, hf, r);
        weight_row(y, gguf, head_dim ? permuted_row(r, head_dim) : r);
        assert_memory_equal(x, y, hf->cols * sizeof *x);
    }
    free(x);
    free(y);
}

static void both_formats_hold_the_same(void **state)
{
    (void)state;
    struct opened hf, gguf;
    free(golden_optional_path("modelA/A-F32.gguf")); /* skips before anything is open */
    open_directory(&hf, "modelA", "", 0);
    open_gguf(&gguf, "modelA/A-F32.gguf", 0);
    size_t H = hf.config.hidden, d = hf.config.head_dim;
    assert_same_matrix(&hf.weights.embedding, &gguf.weights.embedding, 0);
    assert_same_matrix(&hf.weights.output, &gguf.weights.output, 0);
    assert_memory_equal(hf.weights.output_norm, gguf.weights.output_norm,
                        H * sizeof(real));
    for (size_t i = 0; i < hf.config.layers; i++) {
        const struct llama_layer *a = &hf.weights.layers[i], *b = &gguf.weights.layers[i];
        assert_memory_equal(a->attention_norm, b->attention_norm, H * sizeof(real));
        assert_memory_equal(a->ffn_norm, b->ffn_norm, H * sizeof(real));
        assert_same_matrix(&a->q, &b->q, d);
        assert_same_matrix(&a->k, &b->k, d);
        assert_same_matrix(&a->v, &b->v, 0);
        assert_same_matrix(&a->o, &b->o, 0);
        assert_same_matrix(&a->gate, &b->gate, 0);
        assert_same_matrix(&a->up, &b->up, 0);
        assert_same_matrix(&a->down, &b->down, 0);
    }
    close_model(&hf);
    close_model(&gguf);
}

static void tied_embeddings_share_a_tensor(void **state)
{
    (void)state;
    struct opened o;
    open_directory(&o, "modelB", "", SIZE_MAX);
    if (!o.config.tied_embeddings) {
        close_model(&o);
        skip();
    }
    assert_ptr_equal(o.weights.output.stored.data, o.weights.embedding.stored.data);
    assert_null(o.weights.rope_divisors);
    enum rope_scaling scaling = o.config.rope_scaling;
    close_model(&o);
    open_gguf(&o, "modelB/B-Q8_0.gguf", SIZE_MAX);
    assert_ptr_equal(o.weights.output.stored.data, o.weights.embedding.stored.data);
    if (scaling == ROPE_SCALING_LLAMA3) {
        assert_non_null(o.weights.rope_divisors);
        assert_true(o.weights.rope_divisors[0] == 1);
        assert_true(o.weights.rope_divisors[o.config.head_dim / 2 - 1] > 1);
    }
    close_model(&o);
}

/* The configuration of a checkpoint may state fewer blocks than it has. */
static void published_checkpoint_has_all_blocks(void **state)
{
    (void)state;
    struct opened o;
    open_directory(&o, "refckpt", "lm.", 0);
    size_t layers = o.config.layers;
    llama_weights_free(&o.weights, &o.config);
    struct err err = {0};
    const struct tensor_source source = {find_safetensors, o.safetensors, "refckpt"};
    o.config.layers = 1;
    assert_true(llama_weights_from_hf(&o.weights, &o.config, &source, "lm.", 0, &err));
    assert_int_equal(o.config.layers, layers);
    close_model(&o);
}

/* ---- products ------------------------------------------------------------- */

/* y = x W^T + bias and dx += dy W, in double, from the rows of the matrix. */
static void check_products(struct weight *w, const real *bias, size_t n,
                           const char *place)
{
    struct rng rng;
    rng_seed(&rng, w->rows * 31 + n);
    size_t rows = w->rows, cols = w->cols;
    real *x = xcalloc(n * cols, sizeof *x), *dy = xcalloc(n * rows, sizeof *dy);
    real *y = xcalloc(n * rows, sizeof *y), *dx = xcalloc(n * cols, sizeof *dx);
    double *want_y = xcalloc(n * rows, sizeof *want_y),
           *want_dx = xcalloc(n * cols, sizeof *want_dx);
    real *row = xcalloc(cols, sizeof *row);
    for (size_t i = 0; i < n * cols; i++) {
        x[i] = (real)rng_normal(&rng);
        dx[i] = (real)rng_normal(&rng);
        want_dx[i] = (double)dx[i];
    }
    for (size_t i = 0; i < n * rows; i++)
        dy[i] = (real)rng_normal(&rng);
    for (size_t r = 0; r < rows; r++) {
        weight_row(row, w, r);
        for (size_t i = 0; i < n; i++) {
            want_y[i * rows + r] = bias ? (double)bias[r] : 0;
            for (size_t c = 0; c < cols; c++) {
                want_y[i * rows + r] += (double)x[i * cols + c] * (double)row[c];
                want_dx[i * cols + c] += (double)dy[i * rows + r] * (double)row[c];
            }
        }
    }
    weight_forward(y, x, w, bias, n);
    weight_backward(dx, dy, w, n, true);
    golden_near("forward product", place, y, want_y, n * rows, 2e-4);
    golden_near("backward product", place, dx, want_dx, n * cols, 4e-4);
    free(x);
    free(dy);
    free(y);
    free(dx);
    free(want_y);
    free(want_dx);
    free(row);
}

static void check_model(const char *name, size_t memory)
{
    struct opened o;
    open_gguf(&o, name, memory);
    struct llama_layer *layer = &o.weights.layers[0];
    struct weight *weights[] = {&layer->q, &layer->k, &layer->o, &layer->down,
                                &o.weights.output};
    real *bias = xcalloc(o.config.vocab + o.config.ffn + o.config.hidden, sizeof *bias);
    for (size_t i = 0; i < o.config.vocab; i++)
        bias[i] = (real)(i % 7);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        for (size_t n = 1; n <= 9; n += 4)
            check_products(weights[i], n == 5 ? bias : NULL, n, name);
    bool kept = layer->q.dense && layer->q.dense == layer->q.room;
    bool stored_as_real =
        layer->q.stored.type == (sizeof(real) == 8 ? TENSOR_F64 : TENSOR_F32);
    assert_int_equal(kept, memory > 0 && !stored_as_real);
    assert_null(o.weights.embedding.dense && !stored_as_real ? o.weights.embedding.dense
                                                             : NULL);
    free(bias);
    close_model(&o);
}

static void check_file(const struct golden_model_file *f, void *context)
{
    (void)context;
    check_model(f->name, 0);
    check_model(f->name, SIZE_MAX);
}

static void products_equal_plain_loops(void **state)
{
    (void)state;
    golden_each_model_file("A", check_file, NULL);
    golden_each_model_file("B", check_file, NULL);
}

/* Root of the squared differences over that of the squares. */
static double distance(const real *a, const real *b, size_t n)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)b[i], 2);
    }
    return sqrt(difference / size);
}

/* Gradients to the inputs: those that are rounded are near the others, and all are added. Q16
 * has those of F32; those of Q8 and MIXED are in 8 bits where that is fast, but for the output. */
static void check_backward(struct opened *o, struct weight *w, const real *dy, size_t n)
{
    enum { COUNT = 5 };
    static const enum precision order[COUNT] = {PRECISION_F32, PRECISION_BF16, PRECISION_Q16,
                                                PRECISION_Q8, PRECISION_MIXED};
    struct err err;
    real *dx[COUNT];
    enum gradient_products kind[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        dx[i] = xcalloc(n * w->cols, sizeof(real));
        assert_true(llama_weights_set_precision(&o->weights, &o->config, order[i], &err));
        assert_true(llama_weights_reserve_backward(&o->weights, &o->config, &err));
        kind[i] = w->gradient;
        double most = kind[i] == GRADIENT_8 ? 0.015 : 0.005;
        dx[i][0] = 1;
        weight_backward(dx[i], dy, w, n, false);
        assert_true(distance(dx[i], dx[0], n * w->cols) < most);
        weight_backward(dx[i], dy, w, n, true);
        for (size_t j = 0; j < n * w->cols; j++)
            dx[i][j] /= 2;
        assert_true(distance(dx[i], dx[0], n * w->cols) < most);
        for (size_t j = 0; j < i; j++)
            assert_int_equal(kind[i] == kind[j],
                             memcmp(dx[i], dx[j], n * w->cols * sizeof(real)) == 0);
    }
    assert_int_equal(kind[2], GRADIENT_EXACT);
    if (qmatmul_skips() && w->rows % QBLOCK == 0)
        assert_int_equal(kind[3] == GRADIENT_8, w != &o->weights.output);
    for (size_t i = 0; i < COUNT; i++)
        free(dx[i]);
}

/* What is added to y is what is put there without: y and `x W^T` add up to twice of it. */
static void check_added(const real *y, const real *x, struct weight *w, size_t n)
{
    real *twice = xcalloc(n * w->rows, sizeof *twice);
    memcpy(twice, y, n * w->rows * sizeof *twice);
    const struct weight_use use = {twice, w, NULL, true};
    weights_forward(&use, 1, x, n);
    for (size_t i = 0; i < n * w->rows; i++)
        twice[i] /= 2;
    assert_true(distance(twice, y, n * w->rows) < 1e-6);
    free(twice);
}

/* The packed scales of Q4_K are half floats: 2^-11 of each. */
static void check_precisions(struct opened *o, struct weight *w)
{
    double most = w->stored.type == TENSOR_Q8_0 ? 1e-4 : 1e-3;
    enum { N = 5 };
    struct rng rng;
    struct err err;
    rng_seed(&rng, 6);
    real *x = xcalloc(N * w->cols, sizeof *x), *y[6];
    for (size_t i = 0; i < N * w->cols; i++)
        x[i] = (real)rng_normal(&rng);
    static const enum precision order[] = {PRECISION_F32, PRECISION_Q16, PRECISION_Q8,
                                           PRECISION_F32, PRECISION_BF16, PRECISION_MIXED};
    for (size_t i = 0; i < 6; i++) {
        y[i] = xcalloc(N * w->rows, sizeof(real));
        assert_true(llama_weights_set_precision(&o->weights, &o->config, order[i], &err));
        weight_forward(y[i], x, w, NULL, N);
        check_added(y[i], x, w, N);
    }
    assert_true(distance(y[1], y[0], N * w->rows) < most);
    assert_true(distance(y[2], y[0], N * w->rows) < 0.02);
    assert_memory_equal(y[3], y[0], N * w->rows * sizeof(real));
    assert_true(distance(y[4], y[0], N * w->rows) < 0.005);
    assert_true(distance(y[5], y[0], N * w->rows) < 0.01);
    check_backward(o, w, y[0], N);
    for (size_t i = 0; i < 6; i++)
        free(y[i]);
    free(x);
}

/* Q16 is f32 but for the last digits, Q8 near it, and F32 comes back as it was. */
static void precisions_are_near(void **state)
{
    (void)state;
    static const char *const files[] = {"modelA/A-Q8_0.gguf", "modelB/B-Q4_K_M.gguf"};
    for (size_t i = 0; i < 2; i++) {
        struct opened o;
        open_gguf(&o, files[i], SIZE_MAX);
        struct llama_layer *layer = &o.weights.layers[0];
        check_precisions(&o, &layer->q);
        check_precisions(&o, &layer->v);
        check_precisions(&o, &layer->down);
        check_precisions(&o, &o.weights.output);
        close_model(&o);
    }
}

/* A matrix of several panels, the last one shorter. */
static void products_in_panels(void **state)
{
    (void)state;
    enum { ROWS = 1100, COLS = 1024 };
    struct rng rng;
    rng_seed(&rng, 5);
    uint16_t *stored = xcalloc(ROWS * COLS, sizeof *stored);
    for (size_t i = 0; i < (size_t)ROWS * COLS; i++)
        stored[i] = (uint16_t)(0x3c00 | rng_below(&rng, 1024)); /* bfloat16 around 0.01 */
    struct weight w = {.stored = {.name = "w",
                                  .type = TENSOR_BF16,
                                  .n_dims = 2,
                                  .dims = {ROWS, COLS},
                                  .data = stored,
                                  .bytes = sizeof *stored * ROWS * COLS},
                       .rows = ROWS,
                       .cols = COLS};
    check_products(&w, NULL, 1, "panels");
    check_products(&w, NULL, 3, "panels");
    assert_null(w.dense);
    w.room = xcalloc(ROWS * COLS, sizeof *w.room);
    check_products(&w, NULL, 3, "kept");
    assert_ptr_equal(w.dense, w.room);
    free(w.room);
    free(stored);
}

static void memory_is_a_budget(void **state)
{
    (void)state;
    struct opened o;
    open_gguf(&o, "modelB/B-Q8_0.gguf", SIZE_MAX);
    size_t all = llama_weights_bytes(&o.config);
    close_model(&o);
    open_gguf(&o, "modelB/B-Q8_0.gguf", all);
    assert_true(o.weights.output.room && o.weights.layers[o.config.layers - 1].down.room);
    assert_null(o.weights.embedding.room);
    close_model(&o);
    open_gguf(&o, "modelB/B-Q8_0.gguf", all - 1);
    assert_non_null(o.weights.layers[o.config.layers - 1].down.room);
    assert_null(o.weights.output.room);
    close_model(&o);
    open_gguf(&o, "modelB/B-Q8_0.gguf", 0);
    assert_null(o.weights.block);
    assert_null(o.weights.layers[0].q.room);
    close_model(&o);
}

/* Each copy has a place of its own: widening one does not touch another. */
static void copies_lie_apart(void **state)
{
    (void)state;
    struct opened o;
    open_gguf(&o, "modelB/B-Q4_K_M.gguf", SIZE_MAX);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < o.config.layers; i++) {
            struct llama_layer *layer = &o.weights.layers[i];
            check_products(&layer->q, NULL, 1, "apart");
            check_products(&layer->down, NULL, 1, "apart");
            check_products(&layer->up, NULL, 1, "apart");
            check_products(&layer->k, NULL, 1, "apart");
        }
        check_products(&o.weights.output, NULL, 1, "apart");
    }
    close_model(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats_hold_the_same),
        cmocka_unit_test(tied_embeddings_share_a_tensor),
        cmocka_unit_test(published_checkpoint_has_all_blocks),
        cmocka_unit_test(products_equal_plain_loops),
        cmocka_unit_test(precisions_are_near),
        cmocka_unit_test(products_in_panels),
        cmocka_unit_test(memory_is_a_budget),
        cmocka_unit_test(copies_lie_apart),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    golden_report();
    return failed;
}
