/* Messages for weights that are missing, of a wrong shape or not finite. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/weights.h"
#include "tests/support/gguf_builder.h"

static const struct tensor *find_gguf(const void *file, const char *name)
{
    return gguf_tensor(file, name);
}

/* Loads the model and frees it; the message must hold `expected` (NULL: no error). */
static void expect(struct gguf_builder *m, const char *expected)
{
    struct bytes b = {0};
    struct err err = {0};
    struct llama_config config;
    struct llama_weights weights;
    gguf_builder_write(m, &b);
    struct gguf *gguf = gguf_open_buffer(b.data, b.size, "t.gguf", &err);
    if (!gguf || !llama_config_from_gguf(&config, gguf, &err))
        fail_msg("%s", err.text);
    const struct tensor_source source = {find_gguf, gguf, "t.gguf"};
    bool ok = llama_weights_from_gguf(&weights, &config, &source, SIZE_MAX, &err);
    if (ok)
        llama_weights_free(&weights, &config);
    if (ok != !expected || (expected && !strstr(err.text, expected)))
        fail_msg("got \"%s\", expected \"%s\"", err.text,
                 expected ? expected : "no error");
    gguf_close(gguf);
    bytes_free(&b);
    gguf_builder_free(m);
}

static void names_what_is_missing(void **state)
{
    (void)state;
    struct gguf_builder m = gguf_builder_llama();
    expect(&m, NULL);
    m = gguf_builder_llama();
    gguf_builder_drop(&m, "blk.1.attn_k.weight");
    expect(&m, "t.gguf: missing blk.1.attn_k.weight");
    m = gguf_builder_llama();
    gguf_builder_drop(&m, "blk.1.attn_k.weight");
    gguf_builder_drop(&m, "blk.1.ffn_norm.weight");
    gguf_builder_drop(&m, "output_norm.weight");
    expect(&m, "t.gguf: missing output_norm.weight (and 2 more)");
    m = gguf_builder_llama();
    gguf_builder_drop(&m, "output.weight");
    gguf_builder_drop(&m, "token_embd.weight");
    expect(&m, "t.gguf: missing token_embd.weight");
}

static void names_wrong_shapes(void **state)
{
    (void)state;
    struct gguf_builder m = gguf_builder_llama();
    gguf_builder_drop(&m, "token_embd.weight");
    gguf_builder_tensor(&m, "token_embd.weight", 33, 260);
    expect(&m, "t.gguf: token_embd.weight is [33,260], expected [32,260]");
    m = gguf_builder_llama();
    gguf_builder_drop(&m, "output_norm.weight");
    gguf_builder_tensor(&m, "output_norm.weight", 32, 1);
    expect(&m, "output_norm.weight is [32,1], expected [32]");
    m = gguf_builder_llama();
    gguf_builder_tensor(&m, "blk.0.attn_q.bias", 31, 0);
    expect(&m, "blk.0.attn_q.bias is [31], expected [32]");
    m = gguf_builder_llama();
    gguf_builder_find(&m, "blk.0.attn_q.weight")->type = 26;
    expect(&m, "tensor blk.0.attn_q.weight has type I32");
}

static void names_nonfinite_vectors(void **state)
{
    (void)state;
    static const float bad[3] = {NAN, INFINITY, -INFINITY};
    struct gguf_builder m = gguf_builder_llama();
    memcpy(gguf_builder_find(&m, "blk.0.attn_norm.weight")->data.data, bad, sizeof bad);
    expect(&m, "tensor blk.0.attn_norm.weight holds 3 non-finite values");
    m = gguf_builder_llama();
    gguf_builder_tensor(&m, "blk.1.ffn_down.bias", 32, 0);
    expect(&m, NULL);
    m = gguf_builder_llama();
    gguf_builder_tensor(&m, "blk.1.ffn_down.bias", 32, 0);
    memcpy(gguf_builder_find(&m, "blk.1.ffn_down.bias")->data.data, bad, sizeof *bad);
    expect(&m, "tensor blk.1.ffn_down.bias holds 1 non-finite value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_is_missing),
        cmocka_unit_test(names_wrong_shapes),
        cmocka_unit_test(names_nonfinite_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
