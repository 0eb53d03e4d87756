/* Soft prompts on disk: what was written is read, in any type; what cannot be one, or not one for
 * this model, is refused in words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/eval/soft_prompt.h"
#include "engine/model/safetensors.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

enum { H = 64, ROWS = 4097 }; /* the golden model's hidden size; one more than is taken */

static struct model *model;
static char *directory, *path;

static int open_model(void **state)
{
    struct err err = {0};
    (void)state;
    golden_require();
    char *name = golden_model_path("modelA");
    model = model_open(name, NULL, 0, &err);
    free(name);
    directory = temporary_directory();
    path = file_join(directory, "prompt.safetensors");
    return model ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    model_close(model);
    free(path);
    temporary_remove(directory);
    return 0;
}

static void write_tensor(const struct safetensors_entry *entry, const char *base)
{
    struct safetensors_pair pair = {"base_sha256", base};
    struct err err = {0};
    if (!safetensors_write(path, entry, 1, &pair, base ? 1 : 0, &err))
        fail_msg("%s", err.text);
}

static void what_was_written_is_read(void **state)
{
    real vectors[3 * H];
    struct soft_prompt read;
    struct err err = {0};
    char base[65];
    (void)state;
    for (size_t i = 0; i < 3 * H; i++)
        vectors[i] = (real)i - 70;
    model_embedding_sha256(model, base);
    assert_true(soft_prompt_save(path, vectors, 3, H, base, "of a test", &err));
    assert_true(soft_prompt_load(&read, path, model, &err));
    assert_int_equal(read.n, 3);
    assert_memory_equal(read.vectors, vectors, sizeof vectors);
    soft_prompt_free(&read);
    soft_prompt_free(&read);
}

/* One that says nothing of a model, of one row and of whole numbers. */
static void other_types_are_read(void **state)
{
    int16_t whole[H];
    struct soft_prompt read;
    struct err err = {0};
    (void)state;
    for (int i = 0; i < H; i++)
        whole[i] = (int16_t)(i - 9);
    write_tensor(&(struct safetensors_entry){.name = "soft_prompt", .type = TENSOR_I16, .n_dims = 2,
                                             .dims = {1, H}, .data = whole}, NULL);
    assert_true(soft_prompt_load(&read, path, model, &err));
    assert_int_equal(read.n, 1);
    for (int i = 0; i < H; i++)
        assert_true(read.vectors[i] == (real)(i - 9));
    soft_prompt_free(&read);
}

static void what_is_none_is_refused(void **state)
{
    static const struct {
        const char *name, *base, *words;
        unsigned n_dims;
        size_t dims[3];
    } cases[] = {
        {"soft_Prompt", NULL, "no tensor \"soft_prompt\"", 2, {2, H}},
        {"soft_prompt", NULL, "has 1 dimension and 64 rows, expected [1..4096, 64]", 1, {H}},
        {"soft_prompt", NULL, "has 0 dimensions and 0 rows", 0, {0}},
        {"soft_prompt", NULL, "has 3 dimensions and 1 rows", 3, {1, 1, H}},
        {"soft_prompt", NULL, "has 2 dimensions and 2 rows", 2, {2, H - 1}},
        {"soft_prompt", NULL, "has 2 dimensions and 0 rows", 2, {0, H}},
        {"soft_prompt", NULL, "has 2 dimensions and 4097 rows", 2, {ROWS, H}},
        {"soft_prompt", "0123456789", "made for another model (embedding 01234567)", 2, {2, H}},
        {"soft_prompt", NULL, "holds 2 non-finite values", 2, {2, H}},
    };
    float *values = calloc(ROWS * H, sizeof *values);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct soft_prompt read = {0};
        struct err err = {0};
        struct safetensors_entry entry = {.name = cases[i].name, .type = TENSOR_F32,
                                          .n_dims = cases[i].n_dims, .data = values};
        memcpy(entry.dims, cases[i].dims, sizeof cases[i].dims);
        if (strstr(cases[i].words, "non-finite")) {
            values[3] = NAN;
            values[2 * H - 1] = -INFINITY;
        }
        write_tensor(&entry, cases[i].base);
        assert_false(soft_prompt_load(&read, path, model, &err));
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, cases[i].words) || !strstr(err.text, path))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].words);
        assert_null(read.vectors);
    }
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(other_types_are_read),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
