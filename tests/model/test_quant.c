/* Widening: equal to ggml bit for bit, for every tensor that the golden files list
 * (by hash) and every half float (by definition). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/model/gguf.h"
#include "engine/model/quant.h"
#include "engine/ops/half.h"
#include "tests/support/golden.h"

/* All values of a tensor as float, to be freed. */
static float *widen_all(const struct tensor *tensor)
{
    size_t count = tensor_count(tensor);
    real *wide = xcalloc(count, sizeof *wide);
    float *values = xcalloc(count, sizeof *values);
    tensor_widen(tensor, 0, count, wide);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)wide[i];
    free(wide);
    return values;
}

/* Values whose bits were compared, for the report. */
static size_t n_compared;

/* want: {"type", "shape", "sha256_f32le", ...} */
static void compare_tensor(const struct tensor *tensor, const json_t *want)
{
    char hex[65];
    const json_t *shape = json_object_get(want, "shape");
    assert_string_equal(tensor_type_name(tensor->type),
                        json_string_value(json_object_get(want, "type")));
    assert_int_equal(tensor->n_dims, json_array_size(shape));
    for (unsigned i = 0; i < tensor->n_dims; i++)
        assert_int_equal(tensor->dims[i], json_integer_value(json_array_get(shape, i)));
    float *values = widen_all(tensor);
    sha256_hex(values, tensor_count(tensor) * sizeof *values, hex);
    if (strcmp(hex, json_string_value(json_object_get(want, "sha256_f32le"))) != 0)
        fail_msg("tensor %s (%s): other values than ggml's", tensor->name,
                 tensor_type_name(tensor->type));
    n_compared += tensor_count(tensor);
    free(values);
}

static struct gguf *open_gguf(const char *path)
{
    struct err err = {0};
    struct gguf *gguf = gguf_open(path, &err);
    if (!gguf)
        fail_msg("%s", err.text);
    return gguf;
}

/* Compares the tensors of a {"name": {...}} object; returns how many. */
static size_t compare_tensors(const struct gguf *gguf, const json_t *tensors)
{
    const char *name;
    json_t *want;
    json_object_foreach((json_t *)(uintptr_t)tensors, name, want)
    {
        const struct tensor *tensor = gguf_tensor(gguf, name);
        if (!tensor)
            fail_msg("%s has no tensor %s", gguf_path(gguf), name);
        compare_tensor(tensor, want);
    }
    return json_object_size(tensors);
}

/* "q.FILE.TENSOR.first512": the beginning of a tensor in plain numbers. */
static size_t compare_starts(const struct gguf *gguf, const struct golden *golden,
                             const char *file)
{
    size_t compared = 0;
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct tensor *tensor = gguf_tensor_at(gguf, i);
        if (!golden_has(golden, "q.%s.%s.first512", file, tensor->name))
            continue;
        struct golden_tensor want =
            golden_get(golden, "q.%s.%s.first512", file, tensor->name);
        float *values = widen_all(tensor);
        for (size_t j = 0; j < want.count; j++)
            if ((double)values[j] != want.values[j])
                fail_msg("%s %s: value %zu is %.9g, expected %.9g", file, tensor->name, j,
                         (double)values[j], want.values[j]);
        free(values);
        golden_tensor_free(&want);
        compared++;
    }
    return compared;
}

/* Marks in seen [TENSOR_TYPE_COUNT] which types the file holds. */
static void compare_file(const struct golden_model_file *f, void *seen)
{
    char stem[64];
    char *path = golden_path(f->name);
    struct gguf *gguf = open_gguf(path);
    assert_true(compare_tensors(gguf, json_object_get(f->facts, "tensors")) > 0);
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(f->file, "."), f->file);
    assert_true(compare_starts(gguf, f->golden, stem) > 0);
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++)
        ((bool *)seen)[gguf_tensor_at(gguf, i)->type] = true;
    gguf_close(gguf);
    free(path);
}

static void equals_ggml_on_golden_models(void **state)
{
    (void)state;
    bool seen[TENSOR_TYPE_COUNT] = {false};
    golden_each_model_file("A", compare_file, seen);
    golden_each_model_file("B", compare_file, seen);
    unsigned unseen = 0;
    for (int type = 0; !golden_trimmed() && type < TENSOR_TYPE_COUNT; type++)
        if (tensor_type_values((enum tensor_type)type) > 1 && !seen[type]) {
            print_message("no golden tensor of type %s\n",
                          tensor_type_name((enum tensor_type)type));
            unseen++;
        }
    if (unseen > 0)
        skip();
}

static void equals_ggml_on_the_default_model(void **state)
{
    (void)state;
    free(golden_optional_path("smol.json"));
    char *path = golden_default_model();
    struct golden golden;
    golden_open(&golden, "smol");
    struct gguf *gguf = open_gguf(path);
    assert_true(compare_tensors(gguf, json_object_get(golden.json, "dequant")) > 0);
    gguf_close(gguf);
    golden_close(&golden);
    free(path);
}

static void widens_every_half(void **state)
{
    (void)state;
    for (unsigned h = 0; h <= UINT16_MAX; h++) {
        int exponent = (int)(h >> 10 & 31), mantissa = (int)(h & 1023);
        double want =
            ldexp(exponent ? 1024 + mantissa : mantissa, exponent ? exponent - 25 : -24);
        if (exponent == 31)
            want = mantissa ? (double)NAN : (double)INFINITY;
        float got = half_to_float((uint16_t)h);
        if (isnan(want)) {
            assert_true(isnan(got));
            continue;
        }
        assert_true(fabs((double)got) == want);
        assert_int_equal(signbit(got) != 0, h >> 15);
    }
}

static void widens_every_bfloat(void **state)
{
    (void)state;
    for (unsigned b = 0; b <= UINT16_MAX; b++) {
        float got = bfloat_to_float((uint16_t)b);
        uint32_t bits;
        memcpy(&bits, &got, sizeof bits);
        assert_int_equal(bits, b << 16);
    }
}

/* Every byte of the simple formats, with a scale of 1/2 and an offset of 3. */
static void widens_every_byte(void **state)
{
    (void)state;
    static const uint8_t scale[2] = {0x00, 0x38}, offset[2] = {0x00, 0x42};
    real out[32];
    for (int byte = 0; byte < 256; byte++) {
        uint8_t block[34];
        memcpy(block, scale, 2);
        memset(block + 2, byte, 32);
        quant_widener(TENSOR_Q8_0)(block, out);
        assert_true(out[31] == (real)((int8_t)byte * 0.5));
        quant_widener(TENSOR_Q4_0)(block, out);
        assert_true(out[15] == (real)(((byte & 15) - 8) * 0.5));
        assert_true(out[16] == (real)(((byte >> 4) - 8) * 0.5));
        memcpy(block + 2, offset, 2);
        quant_widener(TENSOR_Q4_1)(block, out);
        assert_true(out[0] == (real)((byte & 15) * 0.5 + 3));
        assert_true(out[31] == (real)((byte >> 4) * 0.5 + 3));
    }
}

/* Plain types, from an odd address as safetensors allows it. */
static void widens_plain_types(void **state)
{
    (void)state;
    uint8_t bytes[17] = {0};
    real out[2];
    struct tensor t = {.n_dims = 1, .dims = {2}, .data = bytes + 1};
#define CASE(id, ctype, a, b)                                                            \
    do {                                                                                 \
        ctype values[2] = {a, b};                                                        \
        memcpy(bytes + 1, values, sizeof values);                                        \
        t.type = TENSOR_##id;                                                            \
        tensor_widen(&t, 0, 2, out);                                                     \
        assert_true(out[0] == (real)(a) && out[1] == (real)(b));                         \
        tensor_widen(&t, 1, 1, out);                                                     \
        assert_true(out[0] == (real)(b));                                                \
    } while (0)
    CASE(F32, float, 1.5f, -3.25f);
    CASE(F64, double, 0.1, -1e30);
    CASE(I64, int64_t, INT64_MIN, 7);
    CASE(I32, int32_t, INT32_MIN, 7);
    CASE(I16, int16_t, -32768, 7);
    CASE(I8, int8_t, -128, 7);
    CASE(U8, uint8_t, 255, 7);
#undef CASE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widens_every_half),
        cmocka_unit_test(widens_every_bfloat),
        cmocka_unit_test(widens_every_byte),
        cmocka_unit_test(widens_plain_types),
        cmocka_unit_test(equals_ggml_on_golden_models),
        cmocka_unit_test(equals_ggml_on_the_default_model),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed && n_compared > 0)
        print_message(
            "golden: %-28s %9zu values, at most %5.1f%% of the tolerance (%s)\n",
            "dequantised values", n_compared, 0.0, "equal bits");
    return failed;
}
