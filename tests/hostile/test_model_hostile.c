/* GGUF models whose parts contradict each other: metadata, tensors and tokenizer. Each
 * row of the table changes a good model; its number is that of the case in
 * tests/hostile/README.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/model.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/hostile.h"

static bool opens_model(const char *path, struct err *err)
{
    struct model *m = model_open(path, NULL, 0, err);
    model_close(m);
    return m != NULL;
}

static const struct hostile_format MODEL = {"t.gguf", NULL, opens_model};

/* How a row changes the model: by a number or a text. */
struct change {
    const char *key;
    double value;
    const char *text;
};
typedef void change_fn(struct gguf_builder *m, const struct change *c);

static void set_u32(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_u32(m, c->key, (uint32_t)c->value);
}

static void set_f32(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_f32(m, c->key, (float)c->value);
}

static void set_text(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_string(m, c->key, c->text);
}

/* As many empty strings, or zeros, as the value says. */
static void set_strings(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_zeros(m, c->key, CODE_STRING, sizeof(uint64_t), (size_t)c->value);
}

/* The same for an SPM vocabulary, which reads scores. */
static void set_i8s(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_string(m, "tokenizer.ggml.model", "llama");
    gguf_builder_zeros(m, c->key, CODE_I8, 1, (size_t)c->value);
}

static void set_f32s(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_string(m, "tokenizer.ggml.model", "llama");
    gguf_builder_zeros(m, c->key, CODE_F32, sizeof(float), (size_t)c->value);
}

static void set_i32s(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_zeros(m, c->key, CODE_I32, sizeof(int32_t), (size_t)c->value);
}

static void drop(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_drop(m, c->key);
}

static void drop_four(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_drop(m, c->key);
    gguf_builder_drop(m, "blk.1.attn_k.weight");
    gguf_builder_drop(m, "blk.1.ffn_up.weight");
    gguf_builder_drop(m, "blk.1.ffn_down.weight");
}

/* Another width of a matrix with a row for each token. */
static void set_width(struct gguf_builder *m, const struct change *c)
{
    gguf_builder_drop(m, c->key);
    gguf_builder_tensor(m, c->key, (uint64_t)c->value, 260);
}

/* Three values of a tensor. */
static void set_values(struct gguf_builder *m, const struct change *c)
{
    float bad = (float)c->value;
    for (size_t i = 0; i < 3; i++)
        memcpy(gguf_builder_find(m, c->key)->data.data + 16 * i, &bad, sizeof bad);
}

static const struct {
    const char *name;
    change_fn *change;
    struct change with;
    const char *expected;
} contradictions[] = {
    /* clang-format off */
    {"17 scores of i8", set_i8s, {"tokenizer.ggml.scores", 260, NULL},
     "scores must be f32 array, is i8"},
    {"17 token types of i8", set_i8s, {"tokenizer.ggml.token_type", 260, NULL},
     "token_type must be i32 array, is i8"},
    {"17 tokens of i8", set_i8s, {"tokenizer.ggml.tokens", 260, NULL},
     "tokens must be string array, is i8"},
    {"18 scores too short", set_f32s, {"tokenizer.ggml.scores", 259, NULL},
     "scores has 259 entries, vocabulary 260"},
    {"18 token types too short", set_i32s, {"tokenizer.ggml.token_type", 7, NULL},
     "token_type has 7 entries, vocabulary 260"},
    {"32 no blocks", set_u32, {"llama.block_count", 0, NULL},
     "key llama.block_count: value 0 not valid for llama"},
    {"32 2^31 blocks", set_u32, {"llama.block_count", 2147483648.0, NULL},
     "key llama.block_count: value 2147483648 not valid for llama"},
    {"32 blocks as text", set_text, {"llama.block_count", 0, "2"},
     "key llama.block_count: value \"2\" not valid for llama"},
    {"32 blocks as float", set_f32, {"llama.block_count", 2, NULL},
     "key llama.block_count: value 2 not valid for llama"},
    {"32 no heads", set_u32, {"llama.attention.head_count", 0, NULL},
     "key llama.attention.head_count: value 0 not valid for llama"},
    {"32 more kv heads", set_u32, {"llama.attention.head_count_kv", 8, NULL},
     "key llama.attention.head_count_kv: value 8 not valid for llama"},
    {"32 no kv heads", set_u32, {"llama.attention.head_count_kv", 0, NULL},
     "key llama.attention.head_count_kv: value 0 not valid for llama"},
    {"32 width and heads", set_u32, {"llama.embedding_length", 33, NULL},
     "key llama.attention.head_count: value 4 not valid for llama"},
    {"32 no width", set_u32, {"llama.embedding_length", 0, NULL},
     "key llama.embedding_length: value 0 not valid for llama"},
    {"32 width of 2^32-1", set_u32, {"llama.embedding_length", 4294967295.0, NULL},
     "key llama.embedding_length: value 4294967295 not valid for llama"},
    {"32 odd head", set_u32, {"llama.attention.key_length", 7, NULL},
     "key llama.attention.key_length: value 7 not valid for llama"},
    {"32 odd rope", set_u32, {"llama.rope.dimension_count", 7, NULL},
     "key llama.rope.dimension_count: value 7 not valid for llama"},
    {"32 eps 0", set_f32, {"llama.attention.layer_norm_rms_epsilon", 0, NULL},
     "key llama.attention.layer_norm_rms_epsilon: value 0 not valid for llama"},
    {"32 eps NaN", set_f32, {"llama.attention.layer_norm_rms_epsilon", (double)NAN, NULL},
     "not valid for llama"},
    {"32 eps infinite", set_f32,
     {"llama.attention.layer_norm_rms_epsilon", (double)INFINITY, NULL},
     "key llama.attention.layer_norm_rms_epsilon: value inf not valid for llama"},
    {"32 theta negative", set_f32, {"llama.rope.freq_base", -1, NULL},
     "key llama.rope.freq_base: value -1 not valid for llama"},
    {"32 no context", set_u32, {"llama.context_length", 0, NULL},
     "key llama.context_length: value 0 not valid for llama"},
    {"32 no feed-forward", set_u32, {"llama.feed_forward_length", 0, NULL},
     "key llama.feed_forward_length: value 0 not valid for llama"},
    {"32 experts", set_u32, {"llama.expert_count", 8, NULL},
     "key llama.expert_count: value 8 not valid for llama"},
    {"32 scaling", set_text, {"llama.rope.scaling.type", 0, "yarn"},
     "key llama.rope.scaling.type: value \"yarn\" not valid for llama"},
    {"other architecture", set_text, {"general.architecture", 0, "gemma\033[31m"},
     "architecture \"gemma^[[31m\" is not supported"},
    {"no architecture", drop, {"general.architecture", 0, NULL},
     "architecture \"\" is not supported"},
    {"33 embedding too wide", set_width, {"token_embd.weight", 33, NULL},
     "token_embd.weight is [33,260], expected [32,260]"},
    {"34 one missing", drop, {"blk.1.attn_k.weight", 0, NULL},
     "missing blk.1.attn_k.weight"},
    {"34 four missing", drop_four, {"blk.0.attn_k.weight", 0, NULL},
     "missing blk.0.attn_k.weight (and 3 more)"},
    {"35 bos outside", set_u32, {"tokenizer.ggml.bos_token_id", 50000, NULL},
     "bos token 50000 outside vocabulary 260"},
    {"35 empty vocabulary", set_strings, {"tokenizer.ggml.tokens", 0, NULL},
     "empty vocabulary"},
    {"35 another vocabulary", set_strings, {"tokenizer.ggml.tokens", 100, NULL},
     "token_embd.weight is [32,260], expected [32,100]"},
    {"36 NaN in a norm", set_values, {"output_norm.weight", (double)NAN, NULL},
     "tensor output_norm.weight holds 3 non-finite values"},
    {"36 infinity in a norm", set_values, {"blk.0.ffn_norm.weight", (double)INFINITY, NULL},
     "tensor blk.0.ffn_norm.weight holds"},
    {"split without a name", set_u32, {"split.count", 3, NULL},
     "the first of 3 parts must be called ...-00001-of-00003.gguf"},
    {"split into 65,536", set_u32, {"split.count", 65536, NULL},
     "split.count: 65536 parts"},
    {"split as text", set_text, {"split.count", 0, "3"},
     "key split.count must be a non-negative integer, is string \"3\""},
    /* clang-format on */
};

static void refuses_contradictions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
        struct bytes b = {0};
        struct gguf_builder m = gguf_builder_llama();
        contradictions[i].change(&m, &contradictions[i].with);
        gguf_builder_write(&m, &b);
        hostile_refused(&MODEL, contradictions[i].name, b.data, b.size,
                        contradictions[i].expected);
        bytes_free(&b);
        gguf_builder_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_contradictions),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_report();
    return failed;
}
