/* A model as a whole: both formats, published checkpoints, identity, change, check. */
#include "engine/model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

static struct model *open_model(const char *path, const char *tokenizer_dir)
{
    struct err err = {0};
    struct model *m = model_open(path, tokenizer_dir, 0, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

/* The model as a file in dir; its path, to be freed. Frees the builder. */
static char *write_model(const char *dir, struct gguf_builder *builder)
{
    struct bytes b = {0};
    gguf_builder_write(builder, &b);
    char *path = temporary_file(dir, "t.gguf", b.data, b.size);
    bytes_free(&b);
    gguf_builder_free(builder);
    return path;
}

static void collect(void *context, const char *line)
{
    snprintf(context, 256, "%s", line);
}

static void opens_a_file(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    struct gguf_builder builder = gguf_builder_llama();
    struct bytes b = {0};
    gguf_builder_write(&builder, &b);
    char *path = write_model(dir, &builder);
    struct model *m = open_model(path, NULL);
    char got[65], want[65];
    assert_string_equal(m->format, "gguf");
    assert_string_equal(m->file_type, "F32");
    assert_string_equal(m->path, path);
    assert_int_equal(m->file_bytes, b.size);
    assert_int_equal(m->config.layers, 2);
    assert_int_equal(tokenizer_vocab(m->tokenizer), m->config.vocab);
    model_sha256(m, got);
    sha256_hex(b.data, b.size, want);
    assert_string_equal(got, want);
    assert_int_equal(model_check(m, collect, NULL), 0);
    model_close(m);
    bytes_free(&b);
    free(path);
    temporary_remove(dir);
}

static void counts_nonfinite_weights(void **state)
{
    (void)state;
    static const float bad[3] = {NAN, 1, -INFINITY};
    char *dir = temporary_directory(), line[256] = "";
    struct gguf_builder builder = gguf_builder_llama();
    memcpy(gguf_builder_find(&builder, "blk.1.ffn_up.weight")->data.data + 400, bad,
           sizeof bad);
    char *path = write_model(dir, &builder);
    struct model *m = open_model(path, NULL);
    assert_int_equal(model_check(m, collect, line), 1);
    assert_non_null(
        strstr(line, "t.gguf: tensor blk.1.ffn_up.weight holds 2 non-finite values"));
    model_close(m);
    free(path);
    temporary_remove(dir);
}

/* Bytes behind the last tensor belong to the file, and need no disk. */
static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    struct gguf_builder builder = gguf_builder_llama();
    char *path = write_model(dir, &builder);
    struct err err = {0};
    assert_string_equal(file_name(path), "t.gguf");
    if (truncate(path, (off_t)1 << 42) == 0) {
        assert_null(model_open(path, NULL, 0, &err));
        assert_int_equal(err.code, ERR_MEMORY);
        assert_non_null(strstr(err.text, "t.gguf needs 4096.0 GiB of memory, "));
        assert_non_null(strstr(err.text, "GiB are free: take a smaller model"));
    }
    free(path);
    temporary_remove(dir);
}

static void names_its_files(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    struct gguf_builder builder = gguf_builder_llama();
    char *path = write_model(dir, &builder);
    struct model *m = open_model(path, NULL);
    assert_string_equal(model_file(m, 0), path);
    assert_null(model_file(m, 1));
    assert_true(m->memory > m->file_bytes);
    model_close(m);
    free(path);
    temporary_remove(dir);
}

static void opens_golden_directories(void **state)
{
    (void)state;
    static const char *const names[] = {"modelA", "modelB"}, *const types[] = {"F32",
                                                                               "BF16"};
    for (size_t i = 0; i < 2; i++) {
        char *path = golden_model_path(names[i]);
        struct model *m = open_model(path, NULL);
        assert_string_equal(m->format, "safetensors");
        assert_string_equal(m->file_type, types[i]);
        assert_non_null(m->tokenizer);
        assert_int_equal(model_check(m, collect, NULL), 0);
        model_close(m);
        free(path);
    }
}

/* The checkpoint has no tokenizer of its own; the base model's directory lends one. */
static void opens_a_published_checkpoint(void **state)
{
    (void)state;
    char *path = golden_path("refckpt"), *base = golden_path("modelA");
    struct model *alone = open_model(path, NULL), *m = open_model(path, base);
    assert_null(alone->tokenizer);
    assert_non_null(m->tokenizer);
    assert_string_equal(m->weights.layers[0].q.stored.name,
                        "lm.model.layers.0.self_attn.q_proj.weight");
    char stored[65], identity[65];
    model_embedding_sha256(m, identity);
    sha256_hex(m->weights.embedding.stored.data, m->weights.embedding.stored.bytes,
               stored);
    assert_string_equal(identity, stored);
    model_close(alone);
    model_close(m);
    free(path);
    free(base);
}

static void opens_the_default_model(void **state)
{
    (void)state;
    char *path = golden_default_model(), hash[65];
    struct model *m = open_model(path, NULL);
    model_sha256(m, hash);
    assert_string_equal(
        hash, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
    assert_string_equal(m->file_type, "Q4_1");
    assert_int_equal(m->file_bytes, 98362432);
    model_close(m);
    free(path);
}

static void refuses_what_is_no_model(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    struct err err = {0};
    assert_null(model_open("/nonexistent/m.gguf", NULL, 0, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(model_open(dir, NULL, 0, &err));
    assert_non_null(strstr(err.text, "config.json"));
    temporary_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_a_file),
        cmocka_unit_test(counts_nonfinite_weights),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(names_its_files),
        cmocka_unit_test(opens_golden_directories),
        cmocka_unit_test(opens_a_published_checkpoint),
        cmocka_unit_test(opens_the_default_model),
        cmocka_unit_test(refuses_what_is_no_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
