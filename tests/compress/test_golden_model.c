/* From token ids to decoder logits: frozen model, compressor, frozen model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/llama.h"
#include "tests/support/golden_compress.h"

struct fixture {
    char name[64];
    struct golden g;
    struct model *model;
    struct compressor c;
    struct compress_settings settings;
    real *hidden; /* [M, n, H] */
    size_t n;
    struct compress_tape tape;
    struct arena arena;
};

static struct model *open_model(const char *path, const char *tokenizer)
{
    struct err err = {0};
    struct model *model = model_open(path, tokenizer, 0, &err);
    if (!model)
        fail_msg("%s", err.text);
    return model;
}

static struct model *open_golden_model(const char *directory, const char *tokenizer)
{
    char *path = golden_path(directory), *words = tokenizer ? golden_path(tokenizer) : NULL;
    struct model *model = open_model(path, words);
    free(path);
    free(words);
    return model;
}

/* The model that the cases of forward.json were made with. */
static struct model *open_case_model(void)
{
    char *name = golden_model_name();
    struct model *model = open_golden_model(name, NULL);
    free(name);
    return model;
}

static void fixture_close(struct fixture *f)
{
    golden_close(&f->g);
    compressor_free(&f->c);
    model_close(f->model);
    arena_free(&f->arena);
}

static void compare(const struct fixture *f, const char *quantity, const char *tensor,
                    const real *got, size_t count, double tolerance)
{
    golden_compare(&f->g, f->name, quantity, tensor, got, count, tolerance);
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

/* ids -> hidden states -> slots, into the fixture. */
static void encode(struct fixture *f, const char *ids_name)
{
    struct err err = {0};
    const size_t M = f->c.shape.M, H = f->c.shape.H;
    int32_t *ids = golden_ids(&f->g, &f->n, "%s", ids_name);
    f->hidden = arena_array(&f->arena, real, M * f->n * H);
    struct llama_input input = {.n = f->n, .ids = ids};
    struct llama_output output = {.hidden = f->hidden};
    must(llama_forward(f->model, NULL, M - 1, &input, &output, NULL, &err), &err);
    must(compressor_forward(&f->c, &f->settings, f->hidden, f->n, f->n, &f->tape, &f->arena,
                                   NULL, &err),
                &err);
    free(ids);
}

/* [BOS] ++ slots ++ query through the frozen model, into a cache with room for
 * `more` tokens; logits [1 + query, vocab] from the last slot on. */
static real *decode(struct fixture *f, const char *query_name, size_t more, struct kv_cache *cache,
                    size_t *rows)
{
    struct err err = {0};
    const size_t H = f->c.shape.H, S = f->tape.plan.slots;
    size_t n_query;
    int32_t *query = golden_ids(&f->g, &n_query, "%s", query_name);
    int32_t bos = tokenizer_bos(f->model->tokenizer);
    size_t lead = bos >= 0 ? 1 : 0, n = lead + S + n_query;
    real *input = arena_array(&f->arena, real, n * H);
    must(llama_embed(f->model, &bos, lead, input, &err), &err);
    memcpy(input + lead * H, f->tape.slots, S * H * sizeof *input);
    must(llama_embed(f->model, query, n_query, input + (lead + S) * H, &err), &err);
    *rows = 1 + n_query;
    real *logits = arena_array(&f->arena, real, *rows * f->model->config.vocab);
    must(kv_cache_init(cache, f->model, n + more, &err), &err);
    struct llama_input in = {.n = n, .embeddings = input};
    struct llama_output out = {.logits = logits, .first_logit = n - *rows};
    must(llama_forward(f->model, cache, LLAMA_ALL, &in, &out, NULL, &err), &err);
    free(query);
    return logits;
}

static size_t argmax(const real *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* Greedy continuation behind the query; logits: those of the last query token. */
static void check_generation(struct fixture *f, const json_t *want, struct kv_cache *cache,
                             real *logits)
{
    struct err err = {0};
    size_t vocab = f->model->config.vocab, i;
    const json_t *value;
    json_array_foreach(want, i, value)
    {
        int32_t next = (int32_t)argmax(logits, vocab);
        real got = (real)next;
        double expected = json_number_value(value);
        char place[96];
        snprintf(place, sizeof place, "%s token %zu", f->name, i);
        golden_near("generated tokens", place, &got, &expected, 1, 0.5);
        struct llama_input in = {.n = 1, .ids = &next};
        struct llama_output out = {.logits = logits};
        must(llama_forward(f->model, cache, LLAMA_ALL, &in, &out, NULL, &err), &err);
    }
}

static void check_decoder(struct fixture *f, const json_t *generation)
{
    struct kv_cache cache;
    size_t rows, vocab = f->model->config.vocab;
    real *logits = decode(f, "query", json_array_size(generation), &cache, &rows);
    compare(f, "decoder logits", "dec_logits", logits, rows * vocab, 3e-4);
    check_generation(f, generation, &cache, logits + (rows - 1) * vocab);
    kv_cache_free(&cache);
}

/* ---- the cases of forward.json ------------------------------------------------------ */

static void check_case(const char *name, const json_t *value)
{
    struct fixture f = {.settings = golden_settings(value)};
    struct compressor_info info;
    char file[160];
    snprintf(f.name, sizeof f.name, "%s", name);
    snprintf(file, sizeof file, "forward/%s", name);
    golden_open(&f.g, file);
    f.model = open_case_model();
    golden_compressor(&f.c, &info, "compressorA.safetensors");
    encode(&f, "ids");
    const size_t M = f.c.shape.M, H = f.c.shape.H;
    if (golden_has(&f.g, "hidden"))
        compare(&f, "hidden states", "hidden", f.hidden, M * f.n * H, 2e-4);
    compare(&f, "alpha", "alpha", f.tape.alpha, f.n * M, 3e-5);
    compare(&f, "anchors", "x", f.tape.anchors, f.n * H, 1e-4);
    compare(&f, "slots", "slots", f.tape.slots, f.tape.plan.slots * H, 5e-5);
    check_decoder(&f, json_object_get(value, "generate_compact"));
    fixture_close(&f);
}

static void test_cases(void **state)
{
    (void)state;
    struct golden index;
    golden_open(&index, "forward");
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(index.json, "cases"), name, value)
        check_case(name, value);
    golden_close(&index);
}

/* ---- only the first k blocks --------------------------------------------------------- */

/* The same parameters for the first M states alone. */
static void cut_compressor(struct compressor *out, size_t M)
{
    struct err err = {0};
    struct compressor whole;
    struct compressor_info info;
    golden_compressor(&whole, &info, "compressorA.safetensors");
    struct compressor_shape shape = whole.shape;
    shape.M = M;
    assert_true(compressor_init(out, &shape, &err));
    for (size_t i = 0; i < out->n_tensors; i++)
        memcpy(out->block + out->tensors[i].offset, whole.block + whole.tensors[i].offset,
               out->tensors[i].count * sizeof *out->block);
    compressor_free(&whole);
}

static void test_first_blocks(void **state)
{
    (void)state;
    struct golden index;
    golden_open(&index, "forward");
    const json_t *value = json_object_get(index.json, "topk");
    if (!value) {
        golden_close(&index);
        skip();
    }
    struct fixture f = {.name = "topk", .settings = golden_settings(value)};
    golden_open(&f.g, "forward/topk");
    f.model = open_case_model();
    cut_compressor(&f.c, (size_t)golden_number(value, "M"));
    encode(&f, "ids");
    const size_t M = f.c.shape.M, H = f.c.shape.H;
    compare(&f, "hidden states", "hidden_last", f.hidden + (M - 1) * f.n * H, f.n * H, 2e-4);
    compare(&f, "alpha", "alpha", f.tape.alpha, f.n * M, 3e-5);
    compare(&f, "anchors", "x", f.tape.anchors, f.n * H, 1e-4);
    compare(&f, "slots", "slots", f.tape.slots, f.tape.plan.slots * H, 5e-5);
    check_decoder(&f, NULL);
    fixture_close(&f);
    golden_close(&index);
}

/* ---- a published directory that is model and compressor at once ----------------------- */

static void test_reference_checkpoint(void **state)
{
    (void)state;
    struct golden keys;
    struct fixture f = {.name = "refckpt"};
    struct compressor_info info;
    char *tokenizer = golden_model_name();
    golden_open(&keys, "refckpt_keys");
    golden_open(&f.g, "refckpt_expect");
    f.model = open_golden_model("refckpt", tokenizer);
    free(tokenizer);
    golden_compressor(&f.c, &info, "refckpt");
    f.settings = info.settings;
    struct compress_settings want = golden_settings(json_object_get(keys.json, "case"));
    assert_int_equal(f.settings.window, want.window);
    assert_true(f.settings.ratio == want.ratio);
    f.settings.align = want.align;
    encode(&f, "ids");
    compare(&f, "alpha", "alpha", f.tape.alpha, f.n * f.c.shape.M, 3e-5);
    compare(&f, "slots", "slots", f.tape.slots, f.tape.plan.slots * f.c.shape.H, 5e-5);
    check_decoder(&f, NULL);
    fixture_close(&f);
    golden_close(&keys);
}

/* ---- the real model ---------------------------------------------------------------------- */

/* A window's values at the positions of a whole window, 0 where there is no token. */
static void check_real_windows(const struct fixture *f)
{
    struct golden_tensor mass = golden_get(&f->g, "c.a"), plan = golden_get(&f->g, "c.P");
    size_t W = f->settings.window, K = compress_slots_per_window(&f->settings);
    assert_int_equal(mass.count, f->tape.plan.windows * W);
    assert_int_equal(plan.count, f->tape.plan.windows * W * K);
    for (size_t i = 0; i < f->tape.plan.windows; i++) {
        const struct window_plan *w = &f->tape.plan.window[i];
        size_t row = i * W + w->pad;
        golden_near("real mass", "c.a", w->mass, mass.values + row, w->tokens, 2e-6);
        for (size_t t = 0; t < w->tokens; t++)
            golden_near("real plan", "c.P", w->plan + t * w->slots,
                        plan.values + (row + t) * K + w->first_slot, w->slots, 1e-6);
    }
    golden_tensor_free(&mass);
    golden_tensor_free(&plan);
}

static void check_real_slots(const struct fixture *f)
{
    struct golden_tensor want = golden_get(&f->g, "c.slots");
    size_t count, H = f->c.shape.H;
    int32_t *idx = golden_ids(&f->g, &count, "c.slots.idx");
    for (size_t i = 0; i < count; i++) {
        assert_true((size_t)idx[i] < f->tape.plan.slots);
        golden_near("real slots", "c.slots", f->tape.slots + (size_t)idx[i] * H,
                    want.values + i * H, H, 2e-5);
    }
    free(idx);
    golden_tensor_free(&want);
}

static void check_real_logits(struct fixture *f)
{
    struct kv_cache cache;
    size_t rows, vocab = f->model->config.vocab;
    const real *logits = decode(f, "c.query", 0, &cache, &rows);
    struct golden_tensor ids = golden_get(&f->g, "c.dec.top_ids");
    struct golden_tensor want = golden_get(&f->g, "c.dec.top_logits");
    assert_int_equal(ids.dims[0], rows);
    for (size_t i = 0; i < ids.count; i++) {
        const real *row = logits + i / ids.dims[1] * vocab;
        golden_near("real decoder logits", "c.dec", row + (size_t)ids.values[i], want.values + i,
                    1, 2e-3);
    }
    golden_tensor_free(&ids);
    golden_tensor_free(&want);
    kv_cache_free(&cache);
}

static void test_real_model(void **state)
{
    (void)state;
    struct fixture f = {.name = "smol", .settings = compress_settings_default};
    struct compressor_info info;
    free(golden_optional_path("smol_compressor.safetensors"));
    if (sizeof(real) == sizeof(double))
        skip(); /* the model would take a gigabyte */
    char *path = golden_default_model();
    f.model = open_model(path, NULL);
    golden_open(&f.g, "smol");
    golden_compressor(&f.c, &info, "smol_compressor.safetensors");
    encode(&f, "c.ids");
    compare(&f, "real alpha", "c.alpha", f.tape.alpha, f.n * f.c.shape.M, 2e-5);
    check_real_windows(&f);
    check_real_slots(&f);
    check_real_logits(&f);
    fixture_close(&f);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_first_blocks),
        cmocka_unit_test(test_reference_checkpoint),
        cmocka_unit_test(test_real_model),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    golden_report();
    return failures;
}
