/* Compressor files: round trips, the published layout, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/model/safetensors.h"
#include "tests/support/golden.h"

static const struct compressor_shape small = {.M = 3, .H = 8, .D = 4, .E = 5, .depth = 2};

/* A directory that lasts for one test. */
static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/comprexit-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    const char *const names[] = {"c.safetensors",     "compressor.safetensors",
                                 "config.json",       "model.safetensors",
                                 "a.safetensors",     "b.safetensors",
                                 "model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(directory, names[i]);
        unlink(path);
        free(path);
    }
    return rmdir(directory);
}

static void write_text(const char *name, const char *text)
{
    struct err err = {0};
    char *path = file_join(directory, name);
    if (!file_replace(path, text, strlen(text), &err))
        fail_msg("%s", err.text);
    free(path);
}

static void make_small(struct compressor *c)
{
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 3);
    assert_true(compressor_init(c, &small, &err));
    for (size_t i = 0; i < c->count; i++)
        c->block[i] = (real)(float)rng_normal(&rng);
}

static struct compressor_info small_info(void)
{
    struct compressor_info info = {.name = "test", .note = "trained on nothing",
                                   .base_architecture = "llama", .base_hidden = 8,
                                   .base_layers = 2, .settings = compress_settings_default,
                                   .segment = 256, .steps = 12, .samples = 34, .tokens = 1u << 31,
                                   .seconds = 56};
    memset(info.base_sha256, 'a', 64);
    info.settings.window = 64;
    info.settings.ratio = 1.5;
    info.settings.eps = 0.03;
    info.settings.align = ALIGN_HEAD;
    info.settings.ablations = ABLATE_MASS;
    return info;
}

static void save(const char *name, const struct compressor *c, const struct compressor_info *info,
                 enum tensor_type type)
{
    struct err err = {0};
    char *path = file_join(directory, name);
    if (!compressor_save(path, c, info, type, &err))
        fail_msg("%s", err.text);
    free(path);
}

/* Loads name, which must succeed. */
static void load(const char *name, struct compressor *c, struct compressor_info *info)
{
    struct err err = {0};
    char *path = file_join(directory, name);
    if (!compressor_load(c, info, path, &err))
        fail_msg("%s", err.text);
    free(path);
}

/* Loads name, which must fail with a message that ends in `message`. */
static void refuse(const char *name, const char *message)
{
    struct err err = {0};
    struct compressor c;
    struct compressor_info info;
    char *path = file_join(directory, name);
    assert_false(compressor_load(&c, &info, path, &err));
    assert_null(c.block);
    assert_int_equal(err.code, ERR_INPUT);
    size_t length = strlen(err.text), tail = strlen(message);
    if (length < tail || strcmp(err.text + length - tail, message) != 0)
        fail_msg("\"%s\" does not end in \"%s\"", err.text, message);
    assert_non_null(strstr(err.text, directory));
    free(path);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct compressor c, back;
    struct compressor_info info = small_info(), read;
    make_small(&c);
    save("c.safetensors", &c, &info, TENSOR_F32);
    load("c.safetensors", &back, &read);
    assert_memory_equal(&back.shape, &c.shape, sizeof c.shape);
    assert_memory_equal(back.block, c.block, c.count * sizeof *c.block);
    assert_string_equal(read.name, "test");
    assert_string_equal(read.note, info.note);
    assert_string_equal(read.base_architecture, "llama");
    assert_string_equal(read.base_sha256, info.base_sha256);
    assert_false(read.published);
    assert_int_equal(read.base_hidden, 8);
    assert_int_equal(read.base_layers, 2);
    assert_int_equal(read.settings.window, 64);
    assert_int_equal(read.settings.iters, 30);
    assert_true(read.settings.ratio == 1.5 && read.settings.eps == 0.03);
    assert_int_equal(read.settings.align, ALIGN_HEAD);
    assert_int_equal(read.settings.ablations, ABLATE_MASS);
    assert_int_equal(read.segment, 256);
    assert_true(read.steps == 12 && read.samples == 34 && read.seconds == 56);
    assert_true(read.tokens == 1u << 31);
    compressor_free(&c);
    compressor_free(&back);
}

/* 1 + 2^-8 lies between two BF16 numbers: to the even one; 1 + 3 * 2^-8 too. */
static void test_bf16(void **state)
{
    (void)state;
    struct compressor c, back;
    struct compressor_info info = small_info();
    make_small(&c);
    c.block[0] = REAL(1.00390625);
    c.block[1] = REAL(1.01171875);
    c.block[2] = REAL(-3.0e38);
    save("c.safetensors", &c, &info, TENSOR_BF16);
    load("c.safetensors", &back, &info);
    assert_true(back.block[0] == 1 && back.block[1] == REAL(1.015625));
    for (size_t i = 0; i < c.count; i++)
        assert_true(real_fabs(back.block[i] - c.block[i]) <= REAL(0.00391) * real_fabs(c.block[i]));
    compressor_free(&c);
    compressor_free(&back);
}

/* A run directory is opened by the compressor in it. */
static void test_run_directory(void **state)
{
    (void)state;
    struct compressor c, back;
    struct compressor_info info = small_info();
    info.name[0] = '\0';
    make_small(&c);
    save("compressor.safetensors", &c, &info, TENSOR_F32);
    assert_true(compressor_present(directory));
    load("", &back, &info);
    assert_string_equal(info.name, strrchr(directory, '/') + 1); /* every run's file has one name */
    compressor_free(&back);
    load("compressor.safetensors", &back, &info);
    assert_string_equal(info.name, "compressor");
    compressor_free(&c);
    compressor_free(&back);
    write_text("compressor.safetensors", "no safetensors");
    assert_false(compressor_present(directory));
}

/* Writes the tensors of c into `count` shards with an index, and config.json. */
static void write_published(const struct compressor *c, const char *config)
{
    struct err err = {0};
    struct safetensors_entry *entries = xcalloc(c->n_tensors, sizeof *entries);
    size_t half = c->n_tensors / 2;
    char index[8192];
    int used = snprintf(index, sizeof index, "{\"metadata\": {}, \"weight_map\": {");
    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct compressor_tensor *t = &c->tensors[i];
        entries[i] = (struct safetensors_entry){
            .name = t->name, .type = sizeof(real) == 4 ? TENSOR_F32 : TENSOR_F64,
            .n_dims = t->cols ? 2 : 1, .dims = {t->rows, t->cols}, .data = c->block + t->offset};
        used += snprintf(index + used, sizeof index - (size_t)used, "%s\"%s\": \"%s\"",
                         i ? ", " : "", t->name, i < half ? "a.safetensors" : "b.safetensors");
    }
    snprintf(index + used, sizeof index - (size_t)used, "}}");
    char *a = file_join(directory, "a.safetensors"), *b = file_join(directory, "b.safetensors");
    assert_true(safetensors_write(a, entries, half, NULL, 0, &err));
    assert_true(safetensors_write(b, entries + half, c->n_tensors - half, NULL, 0, &err));
    write_text("model.safetensors.index.json", index);
    write_text("config.json", config);
    free(a);
    free(b);
    free(entries);
}

static void test_published_shards(void **state)
{
    (void)state;
    struct compressor c, back;
    struct compressor_info info;
    make_small(&c);
    write_published(&c, "{\"compression_ratio\": 8, \"ot_window_size\": 32, \"ot_n_iter\": 7,"
                        "\"ot_eps\": 0.2, \"ot_source_tau\": 2, \"ot_source_lam_floor\": 0.1,"
                        "\"layerwise_pooling_temperature\": 0.9, \"top_k_layers\": 2,"
                        "\"num_hidden_layers\": 2, \"pooling_method\": \"ot-dy-src\","
                        "\"layerwise_pooling_gate_hidden\": 4, \"ot_metric_dim\": 5,"
                        "\"context_length\": 1024, \"lora_r\": 128,"
                        "\"backbone_config_dict\": {\"model_type\": \"llama\","
                        "\"hidden_size\": 8, \"num_hidden_layers\": 2}}");
    load("", &back, &info);
    assert_memory_equal(back.block, c.block, c.count * sizeof *c.block);
    assert_true(info.published);
    assert_int_equal(info.settings.window, 32);
    assert_int_equal(info.settings.iters, 7);
    assert_true(info.settings.ratio == 8 && info.settings.eps == 0.2);
    assert_true(info.settings.gate_tau == 0.9 && info.settings.source_tau == 2);
    assert_true(info.settings.lambda_floor == 0.1);
    assert_int_equal(info.segment, 1024);
    assert_string_equal(info.base_architecture, "llama");
    compressor_free(&c);
    compressor_free(&back);
}

static void test_published_defaults(void **state)
{
    (void)state;
    struct compressor c, back;
    struct compressor_info info;
    make_small(&c);
    write_published(&c, "{\"top_k_layers\": -1, \"ot_eps\": null}");
    load("", &back, &info);
    assert_memory_equal(&info.settings, &compress_settings_default, sizeof info.settings);
    assert_int_equal(info.segment, 512);
    compressor_free(&c);
    compressor_free(&back);
}

static void test_published_refusals(void **state)
{
    (void)state;
    const struct {
        const char *config, *message;
    } cases[] = {
        {"[]", "config.json: not a JSON object"},
        {"{\"pooling_method\": \"mean\"}",
         "config.json: pooling_method \"mean\" is not supported (ot-dy-src)"},
        {"{\"ot_eps\": \"x\"}", "config.json: key ot_eps is not a number"},
        {"{\"ot_eps\": true}", "config.json: key ot_eps is not a number"},
        {"{\"pooling_method\": 3}",
         "config.json: pooling_method \"(not a string)\" is not supported (ot-dy-src)"},
        {"{\"ot_window_size\": 1e300}", "config.json: key ot_window_size is 1e+300, expected a "
                                        "whole number up to 1048576"},
        {"{\"ot_window_size\": 0}", "config.json: window 0 is not in 1..8192"},
        {"{\"ot_n_iter\": 1.5}",
         "config.json: key ot_n_iter is 1.5, expected a whole number up to 1048576"},
        {"{\"hidden_size\": 9}", ": hidden size is 8 by the tensors, 9 by config.json"},
        {"{\"top_k_layers\": 7}", ": hidden states a token is 3 by the tensors, 8 by config.json"},
        {"{\"num_hidden_layers\": 4}", ": projector depth is 2 by the tensors, 4 by config.json"},
    };
    struct compressor c;
    make_small(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_published(&c, cases[i].config);
        refuse("", cases[i].message);
    }
    compressor_free(&c);
}

/* Tensors that do not belong together, and numbers that cannot be computed with. */
static void test_tensor_refusals(void **state)
{
    (void)state;
    struct compressor c;
    struct compressor_info info = small_info();
    make_small(&c);
    c.params.wu[3] = c.params.wu[4] = (real)NAN;
    save("c.safetensors", &c, &info, TENSOR_F32);
    refuse("c.safetensors", ": tensor pooling_layer.value_prj.weight holds 2 non-finite values");
    c.params.wu[3] = c.params.wu[4] = 0;
    c.n_tensors--;
    save("c.safetensors", &c, &info, TENSOR_F32);
    c.n_tensors++;
    refuse("c.safetensors", ": not a compressor: tensor projector.mlp.2.bias is missing");
    c.tensors[1].rows = 2;
    save("c.safetensors", &c, &info, TENSOR_F32);
    refuse("c.safetensors", ": tensor pooling_layer.layer_fusion_layer_embeddings is [2, 4], "
                            "expected [3, 4]");
    c.tensors[1].rows = 12;
    c.tensors[1].cols = 0;
    save("c.safetensors", &c, &info, TENSOR_F32);
    refuse("c.safetensors",
           ": tensor pooling_layer.layer_fusion_layer_embeddings has 1 dimensions, expected 2");
    compressor_free(&c);
}

/* The same file with one metadata value changed; key and value of equal length. */
static void replace_in_file(const char *from, const char *to)
{
    struct err err = {0};
    char *path = file_join(directory, "c.safetensors"), *data;
    size_t size;
    assert_true(file_read(path, 1 << 20, &data, &size, &err));
    char *at = memmem(data, size, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    assert_true(file_replace(path, data, size, &err));
    free(data);
    free(path);
}

static void test_metadata_refusals(void **state)
{
    (void)state;
    const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"version\":\"1\"", "\"version\":\"2\"",
         ": written by a newer comprexit: format version 2, this one reads 1"},
        {"\"ratio\":\"1.5\"", "\"ratio\":\"1.x\"", ": metadata ratio: \"1.x\" is not a number"},
        {"\"ratio\":\"1.5\"", "\"ratio\":\"0.5\"", ": ratio 0.5 is not in 1..8192"},
        {"\"iters\":\"30\"", "\"iters\":\"-3\"", ": metadata iters: \"-3\" is not a number"},
        {"\"iters\":\"30\"", "\"iters\":\"  \"", ": metadata iters: \"  \" is not a number"},
        {"\"segment\":\"256\"", "\"segment\":\"inf\"",
         ": metadata segment: \"inf\" is not a number"},
        {"\"eps\":\"0.03\"", "\"eps\":\"-nan\"", ": metadata eps: \"-nan\" is not a number"},
        {"\"version\":\"1\"", "\"version\":\"x\"", ": metadata version: \"x\" is not a number"},
        {"\"base_layers\":\"2\"", "\"base_layers\":\"-\"",
         ": metadata base_layers: \"-\" is not a number"},
        {"\"base_hidden\":\"8\"", "\"base_hidden\":\"?\"",
         ": metadata base_hidden: \"?\" is not a number"},
        {"\"steps\":\"12\"", "\"steps\":\"1-\"", ": metadata steps: \"1-\" is not a number"},
        {"query_fusion_weights", "query_fusion_Weights",
         ": not a compressor: tensor pooling_layer.query_fusion_weights is missing"},
        {"layer_fusion_q_prj.weight", "layer_fusion_q_prj.Weight",
         ": not a compressor: tensor pooling_layer.layer_fusion_q_prj.weight is missing"},
        {"metric_prj.weight", "metric_prj.Weight",
         ": not a compressor: tensor pooling_layer.metric_prj.weight is missing"},
        {"\"align\":\"head\"", "\"align\":\"feet\"",
         ": metadata align: \"feet\" is neither tail nor head"},
    };
    struct compressor c;
    struct compressor_info info = small_info();
    make_small(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        save("c.safetensors", &c, &info, TENSOR_F32);
        replace_in_file(cases[i].from, cases[i].to);
        refuse("c.safetensors", cases[i].message);
    }
    compressor_free(&c);
}

/* The published layout as the reference writes it, beside the frozen model. */
static void test_reference_checkpoint(void **state)
{
    (void)state;
    struct err err = {0};
    struct golden keys;
    char *path = golden_path("refckpt");
    struct compressor c;
    struct compressor_info info;
    assert_true(compressor_present(path));
    if (!compressor_load(&c, &info, path, &err))
        fail_msg("%s", err.text);
    assert_true(info.published);
    golden_open(&keys, "refckpt_keys");
    const json_t *item = json_object_get(keys.json, "case");
    assert_int_equal(info.settings.window, (size_t)golden_number(item, "W"));
    assert_true(info.settings.ratio == golden_number(item, "r"));
    /* Every key that is not the frozen model's is a parameter here, and no other. */
    const char *name;
    json_t *value;
    size_t trained = 0;
    json_object_foreach(json_object_get(keys.json, "keys"), name, value)
        trained += strncmp(name, "lm.", 3) != 0 ? 1 : 0;
    assert_int_equal(c.n_tensors, trained);
    for (size_t i = 0; i < c.n_tensors; i++)
        assert_non_null(json_object_get(json_object_get(keys.json, "keys"), c.tensors[i].name));
    golden_close(&keys);
    compressor_free(&c);
    free(path);
}

static void test_init_limits(void **state)
{
    (void)state;
    struct err err;
    struct compressor c;
    struct compressor_shape shape = small;
    shape.depth = COMPRESSOR_DEPTH_MAX + 1;
    assert_false(compressor_init(&c, &shape, &err));
    assert_string_equal(err.text, "compressor: projector depth: 9 is not in 1..8");
    shape = small;
    shape.E = 0;
    assert_false(compressor_init(&c, &shape, &err));
    assert_string_equal(err.text, "compressor: metric width: 0 is not in 1..65536");
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_round_trip),
        IN_DIRECTORY(test_bf16),
        IN_DIRECTORY(test_run_directory),
        IN_DIRECTORY(test_published_shards),
        IN_DIRECTORY(test_published_defaults),
        IN_DIRECTORY(test_published_refusals),
        IN_DIRECTORY(test_tensor_refusals),
        IN_DIRECTORY(test_metadata_refusals),
        cmocka_unit_test(test_reference_checkpoint),
        cmocka_unit_test(test_init_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
