/* Hyper-parameters from both formats: golden models, defaults, and what is refused. */
#include "engine/model/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/golden.h"

/* ---- golden models -------------------------------------------------------- */

static json_t *golden_json(const char *file)
{
    struct err err = {0};
    char *path = golden_path(file);
    json_t *json = json_parse_file(path, 1 << 24, &err);
    if (!json)
        fail_msg("%s", err.text);
    free(path);
    return json;
}

static void assert_equals_scaling(const struct llama_config *c, const json_t *scaling)
{
    const char *type = json_string_value(json_object_get(scaling, "rope_type"));
    if (!type) {
        assert_int_equal(c->rope_scaling, ROPE_SCALING_NONE);
        return;
    }
    bool llama3 = strcmp(type, "llama3") == 0;
    assert_int_equal(c->rope_scaling, llama3 ? ROPE_SCALING_LLAMA3 : ROPE_SCALING_LINEAR);
    assert_true(c->rope_factor == golden_number(scaling, "factor"));
    if (!llama3)
        return;
    assert_true(c->rope_low_freq == golden_number(scaling, "low_freq_factor"));
    assert_true(c->rope_high_freq == golden_number(scaling, "high_freq_factor"));
    assert_true((double)c->rope_original_positions ==
                golden_number(scaling, "original_max_position_embeddings"));
}

static void assert_equals_json(const struct llama_config *c, const json_t *json)
{
    assert_true((double)c->hidden == golden_number(json, "hidden_size"));
    assert_true((double)c->layers == golden_number(json, "num_hidden_layers"));
    assert_true((double)c->heads == golden_number(json, "num_attention_heads"));
    assert_true((double)c->kv_heads == golden_number(json, "num_key_value_heads"));
    assert_true((double)c->head_dim == golden_number(json, "head_dim"));
    assert_true((double)c->ffn == golden_number(json, "intermediate_size"));
    assert_true((double)c->vocab == golden_number(json, "vocab_size"));
    assert_true((double)c->positions == golden_number(json, "max_position_embeddings"));
    assert_true(c->rms_eps == golden_number(json, "rms_norm_eps"));
    assert_true(c->rope_theta == golden_number(json, "rope_theta"));
    assert_int_equal(c->tied_embeddings,
                     json_is_true(json_object_get(json, "tie_word_embeddings")));
    assert_false(c->rope_interleaved);
    assert_equals_scaling(c, json_object_get(json, "rope_scaling"));
}

/* The same model in GGUF; A1 and B1 are cut to one block. */
static void assert_equals_gguf(const struct llama_config *c, const char *path,
                               size_t layers)
{
    struct err err = {0};
    struct llama_config g;
    struct gguf *gguf = gguf_open(path, &err);
    if (!gguf || !llama_config_from_gguf(&g, gguf, &err))
        fail_msg("%s", err.text);
    assert_int_equal(g.hidden, c->hidden);
    assert_int_equal(g.layers, layers);
    assert_int_equal(g.heads, c->heads);
    assert_int_equal(g.kv_heads, c->kv_heads);
    assert_int_equal(g.head_dim, c->head_dim);
    assert_int_equal(g.ffn, c->ffn);
    assert_int_equal(g.vocab, c->vocab);
    assert_int_equal(g.positions, c->positions);
    assert_true((float)g.rms_eps == (float)c->rms_eps);
    assert_true((float)g.rope_theta == (float)c->rope_theta);
    assert_int_equal(g.tied_embeddings, c->tied_embeddings);
    /* llama3 scaling is a tensor there, rope_freqs.weight */
    assert_int_equal(g.rope_scaling, c->rope_scaling == ROPE_SCALING_LINEAR ? ROPE_SCALING_LINEAR
                                                                            : ROPE_SCALING_NONE);
    assert_true(g.rope_interleaved);
    gguf_close(gguf);
}

static void check_gguf(const struct golden_model_file *f, void *config)
{
    char *path = golden_path(f->name);
    assert_equals_gguf(config, path, (size_t)golden_number(f->facts, "layers"));
    free(path);
}

static void reads_golden_models(void **state)
{
    (void)state;
    static const char *const models[] = {"A", "B"};
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        struct llama_config c;
        struct err err = {0};
        snprintf(name, sizeof name, "model%s/config.json", models[i]);
        json_t *json = golden_json(name);
        if (!llama_config_from_json(&c, json, name, &err))
            fail_msg("%s", err.text);
        assert_equals_json(&c, json);
        json_decref(json);
        golden_each_model_file(models[i], check_gguf, &c);
    }
}

static void reads_published_checkpoint(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    json_t *json = golden_json("refckpt/config.json");
    const json_t *backbone = json_object_get(json, "backbone_config_dict");
    if (!llama_config_from_json(&c, backbone, "refckpt/config.json", &err))
        fail_msg("%s", err.text);
    assert_equals_json(&c, backbone);
    json_decref(json);
}

/* ---- config.json ---------------------------------------------------------- */

static const char BASE[] =
    "{\"model_type\":\"llama\",\"hidden_size\":64,\"num_hidden_layers\":2,\"num_"
    "attention_heads\":4,"
    "\"intermediate_size\":96,\"vocab_size\":100,\"max_position_embeddings\":512}";

/* BASE with one key changed; value NULL removes it. */
static bool read_changed(struct llama_config *c, const char *key, const char *value,
                         struct err *err)
{
    json_t *json = json_parse(BASE, strlen(BASE), "base", err);
    if (value)
        json_object_set_new(json, key, json_parse(value, strlen(value), "value", err));
    else
        json_object_del(json, key);
    bool ok = llama_config_from_json(c, json, "/models/tiny-1/config.json", err);
    json_decref(json);
    return ok;
}

static void fills_in_defaults(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    assert_true(read_changed(&c, "none", "0", &err));
    assert_int_equal(c.kv_heads, 4);
    assert_int_equal(c.head_dim, 16);
    assert_true(c.rms_eps == 1e-6 && c.rope_theta == 10000);
    assert_int_equal(c.rope_scaling, ROPE_SCALING_NONE);
    assert_false(c.tied_embeddings || c.qkv_bias || c.rope_interleaved);
    assert_string_equal(c.name, "tiny-1");
    assert_string_equal(c.architecture, "llama");
    assert_true(read_changed(&c, "_name_or_path", "\"org/Model-7B\"", &err));
    assert_string_equal(c.name, "Model-7B");
    assert_true(read_changed(&c, "head_dim", "null", &err));
    assert_int_equal(c.head_dim, 16);
    assert_true(read_changed(&c, "head_dim", "32", &err));
    assert_int_equal(c.head_dim, 32);
}

static void reads_other_families(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    assert_true(read_changed(&c, "model_type", "\"mistral\"", &err));
    assert_false(c.qkv_bias);
    assert_true(read_changed(&c, "model_type", "\"qwen2\"", &err));
    assert_true(c.qkv_bias);
    assert_true(read_changed(&c, "attention_bias", "true", &err));
    assert_true(c.qkv_bias);
    assert_true(read_changed(&c, "sliding_window", "128", &err));
    assert_int_equal(c.positions, 128);
    assert_true(read_changed(&c, "sliding_window", "null", &err));
    assert_int_equal(c.positions, 512);
}

static void reads_rope_scaling(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    assert_true(
        read_changed(&c, "rope_scaling", "{\"type\":\"linear\",\"factor\":2}", &err));
    assert_int_equal(c.rope_scaling, ROPE_SCALING_LINEAR);
    assert_true(c.rope_factor == 2);
    assert_true(read_changed(&c, "rope_scaling", "{\"rope_type\":\"default\"}", &err));
    assert_int_equal(c.rope_scaling, ROPE_SCALING_NONE);
    assert_true(
        read_changed(&c, "rope_parameters",
                     "{\"rope_type\":\"llama3\",\"rope_theta\":500000.0,\"factor\":8,"
                     "\"low_freq_factor\":1,\"high_freq_factor\":4,"
                     "\"original_max_position_embeddings\":8192}",
                     &err));
    assert_int_equal(c.rope_scaling, ROPE_SCALING_LLAMA3);
    assert_true(c.rope_theta == 500000 && c.rope_low_freq == 1 && c.rope_high_freq == 4);
    assert_int_equal(c.rope_original_positions, 8192);
}

static const struct {
    const char *key, *value, *expected;
} bad_values[] = {
    {"model_type", "\"gpt2\"",
     "architecture \"gpt2\" is not supported (llama, mistral, qwen2"},
    {"model_type", NULL, "architecture \"\" is not supported"},
    {"hidden_size", "0", "key hidden_size: value 0 not valid for llama"},
    {"hidden_size", "-1", "key hidden_size: value -1 not valid for llama"},
    {"hidden_size", "\"64\"", "key hidden_size: value \"64\" not valid for llama"},
    {"hidden_size", "64.5", "key hidden_size: value 64.5 not valid for llama"},
    {"hidden_size", "2147483648",
     "key hidden_size: value 2147483648 not valid for llama"},
    {"hidden_size", "99999999999999999999", "key hidden_size: value 9.99"},
    {"hidden_size", NULL, "key hidden_size: value (absent) not valid for llama"},
    {"hidden_size", "66", "key num_attention_heads: value 4 not valid for llama"},
    {"num_hidden_layers", "513", "key num_hidden_layers: value 513 not valid for llama"},
    {"num_attention_heads", "0", "key num_attention_heads: value 0 not valid"},
    {"num_attention_heads", "[4]", "key num_attention_heads: value [4] not valid"},
    {"num_key_value_heads", "8", "key num_key_value_heads: value 8 not valid for llama"},
    {"num_key_value_heads", "3", "key num_key_value_heads: value 3 not valid for llama"},
    {"num_key_value_heads", "0", "key num_key_value_heads: value 0 not valid for llama"},
    {"head_dim", "15", "key head_dim: value 15 not valid for llama"},
    {"head_dim", "1048576", "key head_dim: value 1048576 not valid for llama"},
    {"vocab_size", "1048577", "key vocab_size: value 1048577 not valid for llama"},
    {"vocab_size", "0", "key vocab_size: value 0 not valid for llama"},
    {"rms_norm_eps", "0", "key rms_norm_eps: value 0 not valid for llama"},
    {"rms_norm_eps", "-1e-5", "key rms_norm_eps: value -1"},
    {"rope_theta", "\"big\"", "key rope_theta: value \"big\" not valid for llama"},
    {"hidden_act", "\"gelu\"", "key hidden_act: value \"gelu\" not valid for llama"},
    {"partial_rotary_factor", "0.5", "key partial_rotary_factor: value 0.5 not valid"},
    {"rope_scaling", "{\"type\":\"yarn\"}",
     "key type: value \"yarn\" not valid for llama"},
    {"rope_scaling", "{\"type\":\"linear\"}", "key factor: value (absent) not valid"},
    {"rope_scaling", "{\"rope_type\":7}", "key rope_type: value 7 not valid"},
    {"rope_scaling",
     "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_"
     "factor\":4,"
     "\"original_max_position_embeddings\":64}",
     "key high_freq_factor: value 4 not valid"},
    {"model_type", "\"llama\\u001b[31m\"",
     "architecture \"llama^[[31m\" is not supported"},
};

static void refuses_bad_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++) {
        struct llama_config c;
        struct err err = {0};
        if (read_changed(&c, bad_values[i].key, bad_values[i].value, &err))
            fail_msg("%s = %s accepted", bad_values[i].key, bad_values[i].value);
        if (err.code != ERR_INPUT || !strstr(err.text, bad_values[i].expected))
            fail_msg("got \"%s\", expected \"%s\"", err.text, bad_values[i].expected);
    }
}

static void refuses_what_is_no_object(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    json_t *json = json_integer(3);
    assert_false(llama_config_from_json(&c, json, "config.json", &err));
    assert_string_equal(err.text, "config.json: not a JSON object");
    json_decref(json);
}

/* ---- GGUF ----------------------------------------------------------------- */

/* Reads the model's configuration; frees the model. */
static bool read_gguf(struct llama_config *c, struct gguf_builder *m, struct err *err)
{
    struct bytes b = {0};
    gguf_builder_write(m, &b);
    struct gguf *gguf = gguf_open_buffer(b.data, b.size, "dir/t.gguf", err);
    bool ok = gguf && llama_config_from_gguf(c, gguf, err);
    gguf_close(gguf);
    bytes_free(&b);
    gguf_builder_free(m);
    return ok;
}

static void reads_gguf_variants(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    struct gguf_builder m = gguf_builder_llama();
    gguf_builder_drop(&m, "llama.attention.head_count_kv");
    gguf_builder_drop(&m, "llama.rope.freq_base");
    gguf_builder_drop(&m, "general.name");
    gguf_builder_drop(&m, "output.weight");
    assert_true(read_gguf(&c, &m, &err));
    assert_int_equal(c.kv_heads, c.heads);
    assert_true(c.rope_theta == 10000);
    assert_string_equal(c.name, "t.gguf");
    assert_true(c.tied_embeddings && c.rope_interleaved);

    m = gguf_builder_llama();
    gguf_builder_drop(&m, "tokenizer.ggml.tokens");
    gguf_builder_u32(&m, "llama.attention.key_length", 16);
    gguf_builder_u32(&m, "llama.attention.value_length", 16);
    gguf_builder_u32(&m, "llama.rope.dimension_count", 16);
    gguf_builder_u32(&m, "llama.attention.sliding_window", 32);
    gguf_builder_string(&m, "llama.rope.scaling.type", "linear");
    gguf_builder_f32(&m, "llama.rope.scaling.factor", 4);
    assert_true(read_gguf(&c, &m, &err));
    assert_int_equal(c.vocab, 260); /* the rows of the embedding */
    assert_int_equal(c.head_dim, 16);
    assert_int_equal(c.positions, 32);
    assert_int_equal(c.rope_scaling, ROPE_SCALING_LINEAR);
    assert_true(c.rope_factor == 4);
    assert_false(c.tied_embeddings);
}

static void reads_gguf_of_qwen2(void **state)
{
    (void)state;
    struct llama_config c;
    struct err err = {0};
    struct gguf_builder m = gguf_builder_llama();
    for (size_t i = 0; i < m.n_keys; i++)
        if (strncmp(m.keys[i].name, "llama.", 6) == 0)
            memcpy(m.keys[i].name, "qwen2.", 6);
    gguf_builder_string(&m, "general.architecture", "qwen2");
    if (!read_gguf(&c, &m, &err))
        fail_msg("%s", err.text);
    assert_string_equal(c.architecture, "qwen2");
    assert_true(c.qkv_bias);
    assert_false(c.rope_interleaved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_golden_models),
        cmocka_unit_test(reads_published_checkpoint),
        cmocka_unit_test(fills_in_defaults),
        cmocka_unit_test(reads_other_families),
        cmocka_unit_test(reads_rope_scaling),
        cmocka_unit_test(refuses_bad_values),
        cmocka_unit_test(reads_gguf_variants),
        cmocka_unit_test(reads_gguf_of_qwen2),
        cmocka_unit_test(refuses_what_is_no_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
