/* Parity of the frozen models with the reference: hidden states, logits, every
 * GGUF file and Hugging Face directory, slots as input, and SmolLM2. All cases and
 * shapes come from the golden files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/model/llama.h"
#include "engine/model/sampler.h"
#include "tests/support/golden.h"

static const double hidden_tolerance = 2e-4, logits_tolerance = 3e-4;
static const double smol_hidden_tolerance = 2e-5, smol_logits_tolerance = 2e-3;

static struct model *open_model(const char *path)
{
    struct err err = {0};
    struct model *model = model_open(path, NULL, 0, &err);
    if (!model)
        fail_msg("%s", err.text);
    return model;
}

static struct model *open_golden(const char *directory, const char *file)
{
    char *folder = file ? golden_path(directory) : golden_model_path(directory);
    char *path = file ? file_join(folder, file) : xstrdup(folder);
    struct model *model = open_model(path);
    free(folder);
    free(path);
    return model;
}

static void forward(struct model *model, struct kv_cache *cache, size_t blocks,
                    struct llama_input input, struct llama_output output)
{
    struct err err = {0};
    if (!llama_forward(model, cache, blocks ? blocks : LLAMA_ALL, &input, &output, NULL, &err))
        fail_msg("%s", err.text);
}

/* Sequence j of a frozen file, run by this model. */
static void check_sequence(const struct golden *g, struct model *model, const char *label, int j)
{
    size_t n, H = model->config.hidden, M = model->config.layers + 1, V = model->config.vocab;
    int32_t *ids = golden_ids(g, &n, "s%d.ids", j);
    struct golden_tensor hpos = golden_get(g, "s%d.hpos", j), lpos = golden_get(g, "s%d.lpos", j);
    struct golden_tensor hidden_want = golden_get(g, "s%d.hidden", j);
    struct golden_tensor logits_want = golden_get(g, "s%d.logits", j);
    assert_int_equal(hidden_want.count, M * hpos.count * H);
    assert_int_equal(logits_want.count, lpos.count * V);
    real *hidden = xcalloc(M * n * H, sizeof *hidden), *logits = xcalloc(n * V, sizeof *logits);
    forward(model, NULL, 0, (struct llama_input){.n = n, .ids = ids},
            (struct llama_output){.hidden = hidden, .logits = logits});
    for (size_t m = 0; m < M; m++)
        for (size_t p = 0; p < hpos.count; p++) {
            char place[80];
            snprintf(place, sizeof place, "%s s%d layer %zu token %g", label, j, m, hpos.values[p]);
            size_t row = m * n + (size_t)hpos.values[p];
            golden_near("frozen hidden states", place, hidden + row * H,
                        hidden_want.values + (m * hpos.count + p) * H, H, hidden_tolerance);
        }
    for (size_t p = 0; p < lpos.count; p++) {
        char place[80];
        snprintf(place, sizeof place, "%s s%d token %g", label, j, lpos.values[p]);
        golden_near("frozen logits", place, logits + (size_t)lpos.values[p] * V,
                    logits_want.values + p * V, V, logits_tolerance);
    }
    free(hidden);
    free(logits);
    free(ids);
    golden_tensor_free(&hpos);
    golden_tensor_free(&lpos);
    golden_tensor_free(&hidden_want);
    golden_tensor_free(&logits_want);
}

static void check_sequences(const struct golden *g, struct model *model, const char *label)
{
    int j = 0;
    for (; golden_has(g, "s%d.ids", j); j++)
        check_sequence(g, model, label, j);
    assert_true(j > 0);
}

/* The logits at the end of q, once in one call and once through a cache. */
static void check_last_logits(const struct golden *g, struct model *model, const char *name)
{
    size_t n, V = model->config.vocab;
    int32_t *ids = golden_ids(g, &n, "q.ids");
    struct golden_tensor want = golden_get(g, "q.%s.last_logits", name);
    real *logits = xcalloc(V, sizeof *logits);
    forward(model, NULL, 0, (struct llama_input){.n = n, .ids = ids},
            (struct llama_output){.logits = logits, .first_logit = n - 1});
    golden_near("logits of GGUF files", name, logits, want.values, V, logits_tolerance);
    struct kv_cache cache;
    struct err err = {0};
    assert_true(kv_cache_init(&cache, model, n, &err));
    forward(model, &cache, 0, (struct llama_input){.n = n - 2, .ids = ids},
            (struct llama_output){0});
    for (size_t i = n - 2; i < n; i++)
        forward(model, &cache, 0, (struct llama_input){.n = 1, .ids = ids + i},
                (struct llama_output){.logits = logits});
    golden_near("logits through the cache", name, logits, want.values, V, logits_tolerance);
    kv_cache_free(&cache);
    free(logits);
    free(ids);
    golden_tensor_free(&want);
}

/* Does a file hold the whole model unrounded? Then the sequences apply to it. */
static bool is_exact(const json_t *file, size_t layers)
{
    const char *name;
    const json_t *tensor;
    if ((size_t)golden_number(file, "layers") != layers)
        return false;
    json_object_foreach ((json_t *)json_object_get(file, "tensors"), name, tensor)
        if (strcmp(json_string_value(json_object_get(tensor, "type")), "F32") != 0)
            return false;
    return true;
}

/* Blocks of the whole model, of which some files hold only the first. */
static size_t most_layers(const json_t *files)
{
    size_t most = 0;
    const char *file;
    const json_t *facts;
    json_object_foreach ((json_t *)files, file, facts)
        most = size_max(most, (size_t)golden_number(facts, "layers"));
    return most;
}

static void check_files(const char *vectors, const char *directory)
{
    struct golden g;
    golden_open(&g, vectors);
    const char *file;
    json_t *facts, *files = json_object_get(g.json, "files");
    json_object_foreach (files, file, facts) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(".gguf")), file);
        struct model *model = open_golden(directory, file);
        assert_int_equal(model->config.layers, (size_t)golden_number(facts, "layers"));
        check_last_logits(&g, model, name);
        if (is_exact(facts, most_layers(files)))
            check_sequences(&g, model, name);
        model_close(model);
    }
    golden_close(&g);
}

static void check_directory(const char *vectors, const char *directory)
{
    struct model *model = open_golden(directory, NULL);
    struct golden g;
    golden_open(&g, vectors);
    check_sequences(&g, model, directory);
    model_close(model);
    golden_close(&g);
}

static void test_files(void **state)
{
    (void)state;
    check_files("frozenA", "modelA");
    check_files("frozenB", "modelB");
}

static void test_directory_a(void **state)
{
    (void)state;
    check_directory("frozenA", "modelA");
}

static void test_directory_b(void **state)
{
    (void)state;
    check_directory("frozenB", "modelB");
}

/* [BOS] ++ slots ++ query, slots as embeddings: logits at the last slot and at the
 * query. The first token of ids is BOS. */
static void check_decoder(struct model *model, const struct golden *g, const char *name)
{
    size_t H = model->config.hidden, V = model->config.vocab, slot_reals, queries;
    int32_t *ids = golden_ids(g, NULL, "ids"), *query = golden_ids(g, &queries, "query");
    real *slots = golden_reals(g, &slot_reals, "slots");
    size_t S = slot_reals / H, n = 1 + S + queries;
    struct golden_tensor want = golden_get(g, "dec_logits");
    real *input = xcalloc(n * H, sizeof *input);
    real *logits = xcalloc((queries + 1) * V, sizeof *logits);
    struct err err = {0};
    assert_true(llama_embed(model, ids, 1, input, &err));
    memcpy(input + H, slots, S * H * sizeof *slots);
    assert_true(llama_embed(model, query, queries, input + (1 + S) * H, &err));
    assert_int_equal(want.count, (queries + 1) * V);
    forward(model, NULL, 0, (struct llama_input){.n = n, .embeddings = input},
            (struct llama_output){.logits = logits, .first_logit = S});
    golden_near("decoder logits", name, logits, want.values, want.count, logits_tolerance);
    free(ids);
    free(query);
    free(slots);
    free(input);
    free(logits);
    golden_tensor_free(&want);
}

/* hidden_last is the last tap of a run of top_k_layers blocks. */
static void check_hidden(struct model *model, const struct golden *g, const char *name,
                         size_t blocks)
{
    const char *tensor = blocks ? "hidden_last" : "hidden";
    if (!golden_has(g, "%s", tensor))
        return;
    size_t n, H = model->config.hidden, M = (blocks ? blocks : model->config.layers) + 1;
    int32_t *ids = golden_ids(g, &n, "ids");
    struct golden_tensor want = golden_get(g, "%s", tensor);
    real *hidden = xcalloc(M * n * H, sizeof *hidden);
    forward(model, NULL, blocks, (struct llama_input){.n = n, .ids = ids},
            (struct llama_output){.hidden = hidden});
    golden_near("frozen hidden states", name, hidden + M * n * H - want.count, want.values,
                want.count, hidden_tolerance);
    free(ids);
    free(hidden);
    golden_tensor_free(&want);
}

static void check_forward_case(struct model *model, const char *name, size_t blocks)
{
    char file[96];
    struct golden g;
    snprintf(file, sizeof file, "forward/%s", name);
    golden_open(&g, file);
    check_hidden(model, &g, name, blocks);
    check_decoder(model, &g, name);
    golden_close(&g);
}

static void test_slots_as_input(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g, "forward");
    struct model *model = open_golden(json_string_value(json_object_get(g.json, "model")), NULL);
    const char *name;
    const json_t *facts;
    json_object_foreach (json_object_get(g.json, "cases"), name, facts)
        check_forward_case(model, name, 0);
    const json_t *topk = json_object_get(g.json, "topk");
    if (topk)
        check_forward_case(model, "topk", (size_t)golden_number(topk, "top_k_layers"));
    model_close(model);
    golden_close(&g);
}

static size_t best_of(const real *logits, size_t vocab)
{
    struct sampler greedy = {.temperature = 0, .top_p = 1};
    return (size_t)sampler_pick(&greedy, logits, vocab);
}

/* Channels reach 22,500 in the middle of SmolLM2: vectors are compared by norm. */
static void check_smol_hidden(const struct golden *g, const real *hidden, size_t n, size_t H)
{
    struct golden_tensor layers = golden_get(g, "h.layers"), pos = golden_get(g, "h.pos");
    struct golden_tensor want = golden_get(g, "h");
    for (size_t l = 0; l < layers.count; l++)
        for (size_t p = 0; p < pos.count; p++) {
            char place[64];
            snprintf(place, sizeof place, "layer %g token %g", layers.values[l], pos.values[p]);
            size_t row = (size_t)layers.values[l] * n + (size_t)pos.values[p];
            golden_near_norm("SmolLM2 hidden states", place, hidden + row * H,
                             want.values + (l * pos.count + p) * H, H, smol_hidden_tolerance);
        }
    golden_tensor_free(&layers);
    golden_tensor_free(&pos);
    golden_tensor_free(&want);
}

static void check_smol_logits(const struct golden *g, const real *logits, size_t V)
{
    struct golden_tensor pos = golden_get(g, "top.pos"), ids = golden_get(g, "top.ids");
    struct golden_tensor want = golden_get(g, "top.logits");
    size_t k = ids.count / pos.count;
    for (size_t p = 0; p < pos.count; p++) {
        const real *row = logits + (size_t)pos.values[p] * V;
        char place[64];
        for (size_t i = 0; i < k; i++) {
            size_t id = (size_t)ids.values[p * k + i];
            snprintf(place, sizeof place, "token %g id %zu", pos.values[p], id);
            golden_near("SmolLM2 logits", place, row + id, want.values + p * k + i, 1,
                        smol_logits_tolerance);
        }
        assert_int_equal(best_of(row, V), (size_t)ids.values[p * k]);
    }
    golden_tensor_free(&pos);
    golden_tensor_free(&ids);
    golden_tensor_free(&want);
}

static void test_smol(void **state)
{
    (void)state;
    free(golden_optional_path("smol.safetensors"));
    char *path = golden_default_model();
    struct golden g;
    golden_open(&g, "smol");
    struct model *model = open_model(path);
    size_t n, H = model->config.hidden, M = model->config.layers + 1, V = model->config.vocab;
    int32_t *ids = golden_ids(&g, &n, "ids");
    real *hidden = xcalloc(M * n * H, sizeof *hidden), *logits = xcalloc(n * V, sizeof *logits);
    size_t steps;
    int32_t *greedy = golden_ids(&g, &steps, "greedy");
    struct kv_cache cache;
    struct err err = {0};
    assert_true(kv_cache_init(&cache, model, n + steps, &err));
    forward(model, &cache, 0, (struct llama_input){.n = n, .ids = ids},
            (struct llama_output){.hidden = hidden, .logits = logits});
    check_smol_hidden(&g, hidden, n, H);
    check_smol_logits(&g, logits, V);
    int32_t next = (int32_t)best_of(logits + (n - 1) * V, V);
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(next, greedy[i]);
        forward(model, &cache, 0, (struct llama_input){.n = 1, .ids = &next},
                (struct llama_output){.logits = logits});
        next = (int32_t)best_of(logits, V);
    }
    kv_cache_free(&cache);
    free(greedy);
    free(hidden);
    free(logits);
    free(ids);
    model_close(model);
    golden_close(&g);
    free(path);
}

/* The real shapes, one and two threads, bit by bit. */
static void test_smol_same_bits_for_any_threads(void **state)
{
    (void)state;
    char *path = golden_default_model();
    struct model *model = open_model(path);
    enum { TOKENS = 70 };
    size_t V = model->config.vocab;
    int32_t ids[TOKENS];
    for (int i = 0; i < TOKENS; i++)
        ids[i] = 1000 + 37 * i;
    real *one = xcalloc(V, sizeof *one), *two = xcalloc(V, sizeof *two);
    size_t threads = team_threads();
    team_set_threads(1);
    forward(model, NULL, 0, (struct llama_input){.n = TOKENS, .ids = ids},
            (struct llama_output){.logits = one, .first_logit = TOKENS - 1});
    team_set_threads(2);
    forward(model, NULL, 0, (struct llama_input){.n = TOKENS, .ids = ids},
            (struct llama_output){.logits = two, .first_logit = TOKENS - 1});
    team_set_threads(threads);
    assert_memory_equal(one, two, V * sizeof *one);
    free(one);
    free(two);
    model_close(model);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_directory_a),
        cmocka_unit_test(test_directory_b),
        cmocka_unit_test(test_slots_as_input),
        cmocka_unit_test(test_smol),
        cmocka_unit_test(test_smol_same_bits_for_any_threads),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    golden_report();
    return failed;
}
