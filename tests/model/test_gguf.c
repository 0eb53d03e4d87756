/* The GGUF reader on files that are right: the golden models, built files, split files.
 * What it refuses is in tests/hostile/test_gguf_hostile.c. */
#include "engine/model/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

static struct gguf *open_bytes(const struct bytes *b)
{
    struct err err = {0};
    struct gguf *g = gguf_open_buffer(b->data, b->size, "t.gguf", &err);
    if (!g)
        fail_msg("%s", err.text);
    return g;
}

static void reads_a_model(void **state)
{
    (void)state;
    struct gguf_builder m = gguf_builder_llama();
    struct bytes b = {0};
    gguf_builder_write(&m, &b);
    struct gguf *g = open_bytes(&b);
    assert_int_equal(gguf_tensor_count(g), m.n_tensors);
    assert_int_equal(gguf_key_count(g), m.n_keys);
    for (size_t i = 0; i < m.n_tensors; i++) {
        const struct tensor *t = gguf_tensor(g, m.tensors[i].name);
        assert_ptr_equal(t, gguf_tensor_at(g, i));
        assert_int_equal(t->bytes, m.tensors[i].data.size);
        assert_memory_equal(t->data, m.tensors[i].data.data, t->bytes);
        assert_int_equal(t->dims[t->n_dims - 1], m.tensors[i].dims[0]);
    }
    assert_null(gguf_tensor(g, "no such tensor"));
    gguf_close(g);
    bytes_free(&b);
    gguf_builder_free(&m);
}

/* Every type of metadata value. */
static void write_values(struct bytes *b)
{
    gguf_put_header(b, 3, 0, 16);
    gguf_put_key(b, "u8", CODE_U8);
    bytes_u8(b, 250);
    gguf_put_key(b, "i8", CODE_I8);
    bytes_u8(b, 250);
    gguf_put_key(b, "u16", CODE_U16);
    bytes_put(b, &(uint16_t){65000}, 2);
    gguf_put_key(b, "i16", CODE_I16);
    bytes_put(b, &(int16_t){-2}, 2);
    gguf_put_key_u32(b, "u32", UINT32_MAX);
    gguf_put_key(b, "i32", CODE_I32);
    bytes_u32(b, 7);
    gguf_put_key(b, "u64", CODE_U64);
    bytes_u64(b, UINT64_MAX);
    gguf_put_key(b, "i64", CODE_I64);
    bytes_u64(b, INT64_MAX);
    gguf_put_key(b, "f32", CODE_F32);
    bytes_f32(b, 0.5f);
    gguf_put_key(b, "f64", CODE_F64);
    bytes_put(b, &(double){0.1}, 8);
    gguf_put_key(b, "bool", CODE_BOOL);
    bytes_u8(b, 1);
    gguf_put_key(b, "string", CODE_STRING);
    gguf_put_string(b, "a\033b");
    gguf_put_array(b, "strings", CODE_STRING, 2);
    gguf_put_string(b, "");
    gguf_put_string(b, "xy");
    gguf_put_array(b, "i32s", CODE_I32, 1);
    bytes_u32(b, 9);
    gguf_put_array(b, "f32s", CODE_F32, 1);
    bytes_f32(b, 2);
    gguf_put_array(b, "none", CODE_U16, 0);
}

static void assert_u64(const struct gguf *g, const char *key, uint64_t want)
{
    uint64_t value = ~want;
    assert_int_equal(gguf_get_u64(g, key, &value, NULL), GGUF_FOUND);
    assert_true(value == want);
}

static void reads_numbers(void **state)
{
    (void)state;
    struct bytes b = {0};
    write_values(&b);
    struct gguf *g = open_bytes(&b);
    double number;
    bool flag = false;
    assert_u64(g, "u8", 250);
    assert_u64(g, "u16", 65000);
    assert_u64(g, "u32", UINT32_MAX);
    assert_u64(g, "i32", 7);
    assert_u64(g, "u64", UINT64_MAX);
    assert_u64(g, "i64", INT64_MAX);
    assert_int_equal(gguf_get_f64(g, "f32", &number, NULL), GGUF_FOUND);
    assert_true(number == 0.5);
    assert_int_equal(gguf_get_f64(g, "f64", &number, NULL), GGUF_FOUND);
    assert_true(number == 0.1);
    assert_int_equal(gguf_get_bool(g, "bool", &flag, NULL), GGUF_FOUND);
    assert_true(flag);
    assert_int_equal(gguf_get_f64(g, "absent", &number, NULL), GGUF_ABSENT);
    gguf_close(g);
    bytes_free(&b);
}

static void reads_strings_and_arrays(void **state)
{
    (void)state;
    struct bytes b = {0};
    write_values(&b);
    struct gguf *g = open_bytes(&b);
    struct gguf_string string;
    const struct gguf_string *strings;
    const void *numbers;
    size_t count;
    assert_int_equal(gguf_get_string(g, "string", &string, NULL), GGUF_FOUND);
    assert_int_equal(string.length, 3);
    assert_memory_equal(string.text, "a\033b", 3);
    assert_int_equal(gguf_get_strings(g, "strings", &strings, &count, NULL), GGUF_FOUND);
    assert_int_equal(count, 2);
    assert_int_equal(strings[0].length, 0);
    assert_memory_equal(strings[1].text, "xy", 2);
    assert_int_equal(gguf_get_i32s(g, "i32s", &numbers, &count, NULL), GGUF_FOUND);
    assert_int_equal(count, 1);
    assert_memory_equal(numbers, &(int32_t){9}, 4);
    assert_int_equal(gguf_get_f32s(g, "f32s", &numbers, &count, NULL), GGUF_FOUND);
    assert_memory_equal(numbers, &(float){2}, 4);
    gguf_close(g);
    bytes_free(&b);
}

static void names_wrong_types(void **state)
{
    (void)state;
    struct bytes b = {0};
    write_values(&b);
    struct gguf *g = open_bytes(&b);
    struct err err = {0};
    uint64_t number;
    const void *numbers;
    size_t count;
    bool flag;
    assert_int_equal(gguf_get_u64(g, "i16", &number, &err), GGUF_WRONG);
    assert_string_equal(err.text, "t.gguf: invalid GGUF: key i16 must be a non-negative "
                                  "integer, is i16 -2");
    assert_int_equal(gguf_get_u64(g, "string", &number, &err), GGUF_WRONG);
    assert_string_equal(err.text,
                        "t.gguf: invalid GGUF: key string must be a non-negative "
                        "integer, is string \"a^[b\"");
    assert_int_equal(gguf_get_f32s(g, "i32s", &numbers, &count, &err), GGUF_WRONG);
    assert_string_equal(
        err.text, "t.gguf: invalid GGUF: key i32s must be f32 array, is i32 array of 1");
    assert_int_equal(gguf_get_bool(g, "u8", &flag, &err), GGUF_WRONG);
    gguf_close(g);
    bytes_free(&b);
}

static void prints_values(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } want[] = {{"u8", "250"},
                {"i8", "-6"},
                {"u64", "18446744073709551615"},
                {"f32", "0.5"},
                {"bool", "true"},
                {"string", "\"a^[b\""},
                {"i16", "-2"},
                {"strings", "string array of 2"}};
    struct bytes b = {0};
    write_values(&b);
    struct gguf *g = open_bytes(&b);
    char value[64];
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_string_equal(gguf_value(g, want[i].key, value, sizeof value),
                            want[i].value);
    assert_string_equal(gguf_key_at(g, 1, value, sizeof value), "i8");
    assert_string_equal(value, "-6");
    gguf_close(g);
    bytes_free(&b);
}

/* Writes the model in n parts, tensor i to part i % n; only the first has all keys. */
static void write_parts(const char *dir, size_t n)
{
    struct gguf_builder m = gguf_builder_llama();
    size_t total = m.n_tensors;
    gguf_builder_free(&m);
    for (size_t part = 0; part < n; part++) {
        struct bytes b = {0};
        char name[64];
        m = gguf_builder_llama();
        for (size_t i = total; i-- > 0;)
            if (i % n != part)
                gguf_builder_drop(&m, m.tensors[i].name);
        while (part > 0 && m.n_keys > 0)
            gguf_builder_drop(&m, m.keys[0].name);
        gguf_builder_u32(&m, "split.no", (uint32_t)part);
        gguf_builder_u32(&m, "split.count", (uint32_t)n);
        gguf_builder_u32(&m, "split.tensors.count", (uint32_t)total);
        gguf_builder_write(&m, &b);
        snprintf(name, sizeof name, "m-%05zu-of-%05zu.gguf", part + 1, n);
        free(temporary_file(dir, name, b.data, b.size));
        bytes_free(&b);
        gguf_builder_free(&m);
    }
}

static void opens_split_files(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    write_parts(dir, 3);
    char *first = file_join(dir, "m-00001-of-00003.gguf");
    char *second = file_join(dir, "m-00002-of-00003.gguf");
    struct err err = {0};
    struct gguf *g = gguf_open(first, &err);
    if (!g)
        fail_msg("%s", err.text);
    struct gguf_builder m = gguf_builder_llama();
    assert_int_equal(gguf_file_count(g), 3);
    assert_int_equal(gguf_tensor_count(g), m.n_tensors);
    for (size_t i = 0; i < m.n_tensors; i++) {
        const struct tensor *t = gguf_tensor(g, m.tensors[i].name);
        assert_non_null(t);
        assert_memory_equal(t->data, m.tensors[i].data.data, t->bytes);
    }
    gguf_close(g);
    assert_null(gguf_open(second, &err));
    assert_non_null(
        strstr(err.text, "the first of 3 parts must be called ...-00001-of-00003.gguf"));
    unlink(second);
    assert_null(gguf_open(first, &err));
    assert_non_null(strstr(err.text, second));
    gguf_builder_free(&m);
    free(first);
    free(second);
    temporary_remove(dir);
}

static void open_file(const struct golden_model_file *f, void *context)
{
    (void)context;
    struct err err = {0};
    uint64_t layers = 0;
    char *path = golden_path(f->name);
    struct gguf *g = gguf_open(path, &err);
    if (!g)
        fail_msg("%s", err.text);
    assert_string_equal(gguf_path(g), path);
    assert_int_equal(gguf_get_u64(g, "llama.block_count", &layers, &err), GGUF_FOUND);
    assert_true((double)layers == golden_number(f->facts, "layers"));
    gguf_close(g);
    free(path);
}

static void opens_golden_models(void **state)
{
    (void)state;
    golden_each_model_file("A", open_file, NULL);
    golden_each_model_file("B", open_file, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_model),       cmocka_unit_test(reads_numbers),
        cmocka_unit_test(prints_values),       cmocka_unit_test(reads_strings_and_arrays),
        cmocka_unit_test(names_wrong_types),   cmocka_unit_test(opens_split_files),
        cmocka_unit_test(opens_golden_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
