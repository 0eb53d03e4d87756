/* safetensors: what the reader gives, what the writer writes, shards, golden files.
 * What is refused is in tests/hostile/test_safetensors_hostile.c. */
#include "engine/model/safetensors.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

static struct safetensors *open_path(const char *path)
{
    struct err err = {0};
    struct safetensors *f = safetensors_open(path, &err);
    if (!f)
        fail_msg("%s", err.text);
    return f;
}

/* ---- writing and reading back ---------------------------------------------- */

static const uint8_t odd[3] = {1, 2, 3};
static const double wide[2] = {0.1, -1e300};
static const float plain[6] = {1, 2, 3, 4, 5, 6};
static const struct safetensors_entry entries[] = {
    {"odd", TENSOR_U8, 1, {3}, odd},
    {"matrix", TENSOR_F32, 2, {2, 3}, plain},
    {"one value", TENSOR_F32, 0, {0}, plain},
    {"empty", TENSOR_F32, 2, {0, 7}, NULL},
    {"wide", TENSOR_F64, 1, {2}, wide},
    {"\"quoted\" \xc3\xa9", TENSOR_F32, 1, {1}, plain + 5},
};
enum { N_ENTRIES = sizeof entries / sizeof *entries };
static const struct safetensors_pair pairs[] = {{"format", "pt"}, {"note", "a \"b\"\n"}};

static void write_entries(const char *path, const struct safetensors_entry *list)
{
    struct err err = {0};
    if (!safetensors_write(path, list, N_ENTRIES, pairs, 2, &err))
        fail_msg("%s", err.text);
}

static void gives_back_what_was_written(void **state)
{
    (void)state;
    char *dir = temporary_directory(), *path = file_join(dir, "a.safetensors");
    write_entries(path, entries);
    struct safetensors *f = open_path(path);
    assert_string_equal(safetensors_path(f), path);
    assert_int_equal(safetensors_count(f), N_ENTRIES);
    for (size_t i = 0; i < N_ENTRIES; i++) {
        const struct tensor *t = safetensors_find(f, entries[i].name);
        assert_non_null(t);
        assert_int_equal(t->type, entries[i].type);
        assert_int_equal(t->n_dims, entries[i].n_dims);
        for (unsigned d = 0; d < t->n_dims; d++)
            assert_int_equal(t->dims[d], entries[i].dims[d]);
        assert_int_equal(t->bytes, tensor_count(t) * tensor_type_bytes(t->type));
        assert_int_equal((uintptr_t)t->data % tensor_type_bytes(t->type), 0);
        if (t->bytes > 0)
            assert_memory_equal(t->data, entries[i].data, t->bytes);
    }
    assert_null(safetensors_find(f, "no such tensor"));
    for (size_t i = 1; i < N_ENTRIES; i++)
        assert_true(safetensors_at(f, i)->data >= safetensors_at(f, i - 1)->data);
    assert_string_equal(safetensors_metadata(f, "note"), "a \"b\"\n");
    assert_null(safetensors_metadata(f, "absent"));
    const char *value;
    assert_int_equal(safetensors_metadata_count(f), 2);
    assert_string_equal(safetensors_metadata_at(f, 0, &value), "format");
    assert_string_equal(value, "pt");
    safetensors_close(f);
    free(path);
    temporary_remove(dir);
}

static void bytes_depend_on_the_content_alone(void **state)
{
    (void)state;
    struct safetensors_entry turned[N_ENTRIES];
    for (size_t i = 0; i < N_ENTRIES; i++)
        turned[i] = entries[N_ENTRIES - 1 - i];
    char *dir = temporary_directory(), *a, *b;
    char *first = file_join(dir, "a.safetensors"),
         *second = file_join(dir, "b.safetensors");
    size_t a_size, b_size;
    uint64_t header;
    write_entries(first, entries);
    write_entries(second, turned);
    assert_true(file_read(first, 1 << 20, &a, &a_size, NULL));
    assert_true(file_read(second, 1 << 20, &b, &b_size, NULL));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    memcpy(&header, a, sizeof header);
    assert_int_equal(header % 8, 0);
    free(a);
    free(b);
    free(first);
    free(second);
    temporary_remove(dir);
}

static void writes_nothing_that_it_would_not_read(void **state)
{
    (void)state;
    static const struct safetensors_entry twice[2] = {{"a", TENSOR_U8, 1, {3}, odd},
                                                      {"a", TENSOR_U8, 1, {3}, odd}};
    static const struct safetensors_entry broken = {"\xff", TENSOR_U8, 1, {3}, odd};
    static const struct safetensors_entry huge = {"h", TENSOR_F32, 2, {SIZE_MAX, 2}, odd};
    static const struct safetensors_pair bad_pair = {"k", "\xff"};
    char *dir = temporary_directory(), *path = file_join(dir, "a.safetensors");
    struct err err = {0};
    assert_false(safetensors_write(path, twice, 2, NULL, 0, &err));
    assert_non_null(strstr(err.text, "cannot write tensor \"a\""));
    assert_false(safetensors_write(path, &broken, 1, NULL, 0, &err));
    assert_false(safetensors_write(path, &huge, 1, NULL, 0, &err));
    assert_false(safetensors_write(path, NULL, 0, &bad_pair, 1, &err));
    assert_non_null(strstr(err.text, "cannot write metadata \"k\""));
    assert_false(file_exists(path));
    assert_true(safetensors_write(path, NULL, 0, NULL, 0, &err));
    struct safetensors *f = open_path(path);
    assert_int_equal(safetensors_count(f), 0);
    safetensors_close(f);
    free(path);
    temporary_remove(dir);
}

/* Random sets of tensors survive a round trip. */
static void random_files_survive(void **state)
{
    (void)state;
    static const enum tensor_type types[] = {TENSOR_F64, TENSOR_F32, TENSOR_BF16,
                                             TENSOR_I8};
    char *dir = temporary_directory(), *path = file_join(dir, "a.safetensors");
    struct rng rng;
    rng_seed(&rng, 11);
    uint8_t data[8 * 6 * 6 * 6];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)rng_next(&rng);
    for (int round = 0; round < 40; round++) {
        struct safetensors_entry list[12];
        char names[12][24];
        size_t count = rng_below(&rng, 13);
        for (size_t i = 0; i < count; i++) {
            snprintf(names[i], sizeof names[i], "t%zu", i);
            list[i] = (struct safetensors_entry){.name = names[i], .data = data};
            list[i].type = types[rng_below(&rng, 4)];
            list[i].n_dims = (unsigned)rng_below(&rng, 4);
            for (unsigned d = 0; d < list[i].n_dims; d++)
                list[i].dims[d] = rng_below(&rng, 7);
        }
        struct err err = {0};
        if (!safetensors_write(path, list, count, NULL, 0, &err))
            fail_msg("%s", err.text);
        struct safetensors *f = open_path(path);
        assert_int_equal(safetensors_count(f), count);
        for (size_t i = 0; i < count; i++) {
            const struct tensor *t = safetensors_find(f, names[i]);
            assert_non_null(t);
            assert_memory_equal(t->data, data, t->bytes);
        }
        safetensors_close(f);
    }
    free(path);
    temporary_remove(dir);
}

/* ---- shards --------------------------------------------------------------- */

static void write_shards(const char *dir)
{
    static const char index[] = "{\"metadata\":{\"total_size\":28},\"weight_map\":{"
                                "\"x\":\"m-2.safetensors\",\"y\":\"m-1.safetensors\","
                                "\"z\":\"m-2.safetensors\"}}";
    static const struct safetensors_entry first = {"y", TENSOR_F32, 1, {2}, plain};
    static const struct safetensors_entry second[2] = {
        {"x", TENSOR_F32, 1, {4}, plain}, {"z", TENSOR_F32, 1, {1}, plain + 3}};
    char *a = file_join(dir, "m-1.safetensors"), *b = file_join(dir, "m-2.safetensors");
    assert_true(safetensors_write(a, &first, 1, pairs, 2, NULL));
    assert_true(safetensors_write(b, second, 2, NULL, 0, NULL));
    free(temporary_file(dir, "model.safetensors.index.json", index, sizeof index - 1));
    free(a);
    free(b);
}

static void opens_shards(void **state)
{
    (void)state;
    char *dir = temporary_directory();
    char *index = file_join(dir, "model.safetensors.index.json");
    write_shards(dir);
    const char *const paths[] = {dir, index};
    for (size_t i = 0; i < 2; i++) {
        struct safetensors *f = open_path(paths[i]);
        assert_int_equal(safetensors_file_count(f), 2);
        assert_string_equal(file_name(safetensors_file_at(f, 0)->path),
                            "m-1.safetensors");
        assert_int_equal(safetensors_count(f), 3);
        assert_memory_equal(safetensors_find(f, "x")->data, plain, 16);
        assert_memory_equal(safetensors_find(f, "y")->data, plain, 8);
        assert_memory_equal(safetensors_find(f, "z")->data, plain + 3, 4);
        assert_string_equal(safetensors_metadata(f, "format"), "pt");
        safetensors_close(f);
    }
    free(index);
    temporary_remove(dir);
}

/* ---- golden files ---------------------------------------------------------- */

/* Every safetensors file in the golden directory opens, whatever it is called. */
static void opens_golden_files(void **state)
{
    (void)state;
    char *root = golden_path("");
    DIR *stream = opendir(root);
    size_t opened = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (!strstr(entry->d_name, ".safetensors"))
            continue;
        char *path = file_join(root, entry->d_name);
        struct safetensors *f = open_path(path);
        assert_true(safetensors_count(f) > 0);
        for (size_t i = 0; i < safetensors_count(f); i++)
            assert_int_equal(tensor_count_nonfinite(safetensors_at(f, i)), 0);
        safetensors_close(f);
        free(path);
        opened++;
    }
    closedir(stream);
    free(root);
    assert_true(opened > 0);
}

/* refckpt_keys.json lists every tensor of the published layout with type and shape. */
static void reads_the_published_layout(void **state)
{
    (void)state;
    struct golden golden;
    char *path = golden_path("refckpt");
    const char *name;
    json_t *want;
    golden_open(&golden, "refckpt_keys");
    struct safetensors *f = open_path(path);
    const json_t *keys = json_object_get(golden.json, "keys");
    assert_int_equal(safetensors_count(f), json_object_size(keys));
    json_object_foreach((json_t *)(uintptr_t)keys, name, want)
    {
        const struct tensor *t = safetensors_find(f, name);
        const json_t *shape = json_array_get(want, 1);
        if (!t)
            fail_msg("no tensor %s", name);
        assert_string_equal(tensor_type_name(t->type),
                            json_string_value(json_array_get(want, 0)));
        assert_int_equal(t->n_dims, json_array_size(shape));
        for (unsigned i = 0; i < t->n_dims; i++)
            assert_int_equal(t->dims[i], json_integer_value(json_array_get(shape, i)));
    }
    json_object_foreach(json_object_get(golden.json, "metadata"), name, want)
        assert_string_equal(safetensors_metadata(f, name), json_string_value(want));
    safetensors_close(f);
    golden_close(&golden);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_written),
        cmocka_unit_test(bytes_depend_on_the_content_alone),
        cmocka_unit_test(writes_nothing_that_it_would_not_read),
        cmocka_unit_test(random_files_survive),
        cmocka_unit_test(opens_shards),
        cmocka_unit_test(opens_golden_files),
        cmocka_unit_test(reads_the_published_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
