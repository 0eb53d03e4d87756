/* safetensors files and indices that must be refused. Each row of a table makes a file;
 * its number is that of the case in tests/hostile/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/safetensors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/hostile.h"
#include "tests/support/temporary.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool opens_buffer(const void *data, size_t size, const char *name, struct err *err)
{
    struct safetensors *f = safetensors_open_buffer(data, size, name, err);
    safetensors_close(f);
    return f != NULL;
}

static bool opens_file(const char *path, struct err *err)
{
    struct safetensors *f = safetensors_open(path, err);
    safetensors_close(f);
    return f != NULL;
}

static const struct hostile_format SAFETENSORS = {"t.safetensors", opens_buffer,
                                                  opens_file};
static const struct hostile_format INDEX = {"model.safetensors.index.json", NULL,
                                            opens_file};

/* A file of a header with its length, and `data` zeros. */
static struct bytes file_of(const char *header, size_t length, size_t data)
{
    struct bytes b = {0};
    bytes_u64(&b, length);
    bytes_put(&b, header, length);
    bytes_zeros(&b, data);
    return b;
}

/* ---- what stands in front of the header (40, 41) ----------------------------- */

static void refuses_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t length;
        size_t size; /* of the file */
        const char *expected;
    } rows[] = {
        {"40 no byte", 0, 0, "header length truncated"},
        {"40 one byte", 0, 1, "header length truncated"},
        {"40 seven bytes", 0, 7, "header length truncated: the file has 7 bytes"},
        {"41 beyond the file", 101, 108, "header of 101 bytes exceeds file of 108 bytes"},
        {"41 2^64-1", UINT64_MAX, 108,
         "header of 18446744073709551615 bytes exceeds file of 108 bytes"},
        {"41 2^64-8", UINT64_MAX - 7, 108, "exceeds file of 108 bytes"},
        {"41 above the limit", 100000001, 100000009,
         "header of 100000001 bytes exceeds limit of 100000000 bytes"},
        {"42 no header", 0, 8, "header is not a JSON object at byte 1"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct bytes b = {0};
        bytes_u64(&b, rows[i].length);
        bytes_zeros(&b, rows[i].size > b.size ? rows[i].size - b.size : 0);
        hostile_refused(&SAFETENSORS, rows[i].name, b.data, rows[i].size,
                        rows[i].expected);
        bytes_free(&b);
    }
}

/* ---- the header (42-51) ------------------------------------------------------- */

/* One tensor T of type F32 with this shape and these offsets. */
#define T(shape, offsets)                                                                \
    "{\"T\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TENSOR(name, offsets)                                                            \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" offsets "}"

static const struct {
    const char *name, *header;
    size_t data;
    const char *expected;
} headers[] = {
    /* clang-format off */
    {"42 not UTF-8", "{\"a\xff\":1}", 0, "header is not UTF-8 at byte 4"},
    {"42 overlong UTF-8", "{\"\xc0\xaf\":1}", 0, "header is not UTF-8 at byte 3"},
    {"42 brace alone", "{", 0, "header is not a JSON object at byte 2: expected '\"'"},
    {"42 array", "[]", 0, "header is not a JSON object at byte 1: expected '{'"},
    {"42 null", "null", 0, "header is not a JSON object at byte 1"},
    {"42 spaces", "    ", 0, "header is not a JSON object at byte 5"},
    {"42 text behind it", "{} {}", 0,
     "header is not a JSON object at byte 4: expected its end"},
    {"43 tensor twice", "{" TENSOR("T", "[0,4]") "," TENSOR("T", "[4,8]") "}", 8,
     "tensor T listed twice"},
    {"43 key of a tensor twice", "{\"T\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}", 0,
     "tensor T: key \"dtype\" listed twice"},
    {"44 two on one place", "{" TENSOR("A", "[0,4]") "," TENSOR("B", "[0,4]") "}", 4,
     "tensors overlap at B"},
    {"45 hole", "{" TENSOR("A", "[0,4]") "," TENSOR("B", "[8,12]") "}", 12,
     "gap at data byte 4: 4 bytes in front of tensor B"},
    {"45 hole at the start", T("[1]", "[4,8]"), 8, "gap at data byte 0"},
    {"45 bytes behind", T("[1]", "[0,4]"), 2000, "extra bytes at data byte 4: 1,996"},
    {"45 data without tensors", "{}", 3, "extra bytes at data byte 0: 3"},
    {"45 two bytes missing", T("[1]", "[0,4]"), 2,
     "missing bytes at data byte 2: tensor T ends at 4"},
    {"46 negative", T("[1]", "[-4,0]"), 4, "tensor T: bad data_offsets"},
    {"46 end before begin", T("[1]", "[4,0]"), 4, "tensor T: bad data_offsets"},
    {"46 fraction", T("[1]", "[0,4.5]"), 4, "tensor T: bad data_offsets"},
    {"46 exponent", T("[1]", "[0,1e3]"), 4, "tensor T: bad data_offsets"},
    {"46 text", T("[1]", "[\"0\",4]"), 4, "tensor T: bad data_offsets"},
    {"46 2^53+1", T("[1]", "[0,9007199254740993]"), 4, "tensor T: bad data_offsets"},
    {"46 2^64", T("[1]", "[0,18446744073709551616]"), 4, "tensor T: bad data_offsets"},
    {"46 three", T("[1]", "[0,4,4]"), 4, "tensor T: bad data_offsets"},
    {"46 one", T("[1]", "[0]"), 4, "tensor T: bad data_offsets"},
    {"46 no list", T("[1]", "4"), 4, "tensor T: bad data_offsets"},
    {"46 none", "{\"T\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor T: data_offsets missing"},
    {"47 2 x (2^64-2)", T("[2,18446744073709551614]", "[0,4]"), 4, "tensor T: shape overflows"},
    {"47 2 x (2^63-1)", T("[2,9223372036854775807]", "[0,4]"), 4, "tensor T: shape overflows"},
    {"47 bytes wrap", T("[4611686018427387905]", "[0,4]"), 4, "tensor T: shape overflows"},
    {"47 wraps to the range", T("[4294967296,4294967296]", "[0,0]"), 0,
     "tensor T: shape overflows"},
    {"48 range too short", T("[2,2]", "[0,4]"), 4, "tensor T: needs 16 bytes, range has 4"},
    {"48 range too long", T("[]", "[0,8]"), 8, "tensor T: needs 4 bytes, range has 8"},
    {"48 size 0", T("[0]", "[0,4]"), 4, "tensor T: needs 0 bytes, range has 4"},
    {"49 dtype F65", "{\"T\":{\"dtype\":\"F65\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "tensor T: unsupported dtype \"F65\""},
    {"49 dtype F4", "{\"T\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
     "tensor T: unsupported dtype \"F4\""},
    {"49 dtype of GGUF", "{\"T\":{\"dtype\":\"Q8_0\",\"shape\":[32],\"data_offsets\":[0,34]}}",
     34, "tensor T: unsupported dtype \"Q8_0\""},
    {"49 dtype a number", "{\"T\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "header is not a JSON object at byte 15: expected '\"'"},
    {"49 no dtype", "{\"T\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "tensor T: dtype missing"},
    {"49 another key", "{\"T\":{\"dtypes\":\"F32\"}}", 0,
     "tensor T: key \"dtypes\" is not known"},
    {"49 dtype hostile", "{\"T\":{\"dtype\":\"\\u001b[2J\",\"shape\":[1]}}", 4,
     "tensor T: unsupported dtype \"^[[2J\""},
    {"49 tensor a number", "{\"T\":7}", 4,
     "header is not a JSON object at byte 6: expected '{'"},
    {"49 no shape", "{\"T\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
     "tensor T: shape missing"},
    {"49 shape of text", T("[\"1\"]", "[0,4]"), 4, "tensor T: bad shape"},
    {"49 shape negative", T("[-1]", "[0,4]"), 4, "tensor T: bad shape"},
    {"49 shape of fractions", T("[1.0]", "[0,4]"), 4, "tensor T: bad shape"},
    {"49 five dimensions", T("[1,1,1,1,1]", "[0,4]"), 4, "tensor T: more than 4 dimensions"},
    {"50 nested metadata", "{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0,
     "__metadata__ must map strings to strings (key a)"},
    {"50 numeric metadata", "{\"__metadata__\":{\"a\":1}}", 0,
     "__metadata__ must map strings to strings (key a)"},
    {"50 metadata no object", "{\"__metadata__\":[]}", 0,
     "__metadata__ must map strings to strings"},
    {"50 metadata key twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0,
     "__metadata__: key \"a\" listed twice"},
    {"50 metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
     "__metadata__ listed twice"},
    {"51 NUL in a name", "{\"a\\u0000b\":{}}", 0, "header: invalid string at byte 10"},
    {"51 ESC in a name", "{\"\\u001b[31mT\":{}}", 0, "tensor ^[[31mT: dtype missing"},
    {"51 reversed name", "{\"\\u202egfr\":{}}", 0, "tensor <U+202E>gfr: dtype missing"},
    {"53 deep", "{\"T\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0,
     "header is not a JSON object at byte 6: expected '{'"},
    {"55 lone surrogate", "{\"\\ud800\":{}}", 0, "header: invalid string at byte"},
    {"55 raw control", "{\"a\nb\":{}}", 0, "header: invalid string at byte"},
    /* clang-format on */
};

static void refuses_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(headers); i++) {
        struct bytes b =
            file_of(headers[i].header, strlen(headers[i].header), headers[i].data);
        hostile_refused(&SAFETENSORS, headers[i].name, b.data, b.size,
                        headers[i].expected);
        bytes_free(&b);
    }
}

static void refuses_long_names(void **state)
{
    (void)state;
    static const char tail[] =
        "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    struct bytes header = {0};
    bytes_put(&header, "{\"", 2);
    for (int i = 0; i < 10000000; i++)
        bytes_u8(&header, 'n');
    bytes_put(&header, tail, sizeof tail - 1);
    struct bytes b = file_of((const char *)header.data, header.size, 4);
    hostile_refused(&SAFETENSORS, "51 name of 10 MB", b.data, b.size,
                    "tensor name of 10000000 bytes, at most 512: \"nnnnnnnn");
    bytes_free(&b);
    bytes_free(&header);
}

/* What is odd but legal: leading spaces, tensors without values, a rank of 0. */
static void accepts_odd_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
    } rows[] = {
        {"{}", 0},
        {" \n\t{}  ", 0},
        {"{\"__metadata__\":{}}", 0},
        {T("[]", "[0,4]"), 4},
        {T("[3,0,7]", "[0,0]"), 0},
        {"{" TENSOR("A", "[0,4]") ",\"E\":{\"dtype\":\"F64\",\"shape\":[0],"
                                  "\"data_offsets\":[4,4]}," TENSOR("B", "[4,8]") "}",
         8},
        {"{" TENSOR("B", "[4,8]") "," TENSOR("A", "[0,4]") "}", 8},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct err err = {0};
        struct bytes b = file_of(rows[i].header, strlen(rows[i].header), rows[i].data);
        if (!opens_buffer(b.data, b.size, "t", &err))
            fail_msg("%s: %s", rows[i].header, err.text);
        bytes_free(&b);
    }
}

/* ---- bombs (44) ------------------------------------------------------------------ */

/* 100,000 tensors; all of them on the same place, or each on its own. */
static struct bytes many_tensors(bool same)
{
    struct bytes header = {0};
    char entry[128];
    for (int i = 0; i < 100000; i++) {
        int begin = same ? 0 : 4 * i;
        int n = snprintf(entry, sizeof entry,
                         "%c\"tensor.%d\":{\"dtype\":\"F32\",\"shape\":[1],"
                         "\"data_offsets\":[%d,%d]}",
                         i ? ',' : '{', i, begin, begin + 4);
        bytes_put(&header, entry, (size_t)n);
    }
    bytes_u8(&header, '}');
    struct bytes b = file_of((const char *)header.data, header.size, same ? 4 : 400000);
    bytes_free(&header);
    return b;
}

static bool accepts(const void *context)
{
    const struct bytes *b = context;
    return opens_buffer(b->data, b->size, "t.safetensors", NULL);
}

static bool refuses(const void *context)
{
    return !accepts(context);
}

static void many_tensors_are_not_slow(void **state)
{
    (void)state;
    struct bytes good = many_tensors(false), bad = many_tensors(true);
    hostile_within("44 100,000 tensors", 200 << 20, accepts, &good);
    hostile_within("44 100,000 on one place", 200 << 20, refuses, &bad);
    hostile_refused(&SAFETENSORS, "44 on one place", bad.data, bad.size,
                    "tensors overlap at tensor.");
    bytes_free(&good);
    bytes_free(&bad);
}

/* A header of nothing but numbers, which a tree of values would turn into gigabytes. */
static void many_numbers_cost_nothing(void **state)
{
    (void)state;
    static const char head[] = "{\"T\":{\"dtype\":\"F32\",\"shape\":[0";
    struct bytes header = {0};
    bytes_put(&header, head, sizeof head - 1);
    for (int i = 0; i < 3000000; i++)
        bytes_put(&header, ",0", 2);
    bytes_put(&header, "]}}", 3);
    struct bytes b = file_of((const char *)header.data, header.size, 0);
    bytes_free(&header);
    hostile_within("44 3,000,001 dimensions", 200 << 20, refuses, &b);
    hostile_refused(&SAFETENSORS, "44 3,000,001 dimensions", b.data, b.size,
                    "tensor T: more than 4 dimensions");
    bytes_free(&b);
}

/* ---- index.json (52) --------------------------------------------------------------- */

static void refuses_indices(void **state)
{
    (void)state;
#define MAP(shard) "{\"weight_map\":{\"a\":" shard "}}"
    static const struct {
        const char *name, *json, *expected;
    } rows[] = {
        {"52 parent directory", MAP("\"../../x.safetensors\""),
         "shard path leaves the model directory: tensor a in \"../../x.safetensors\""},
        {"52 absolute path", MAP("\"/etc/passwd\""),
         "shard path leaves the model directory"},
        {"52 subdirectory", MAP("\"sub/x.safetensors\""),
         "shard path leaves the model directory"},
        {"52 dots", MAP("\"..\""), "shard path leaves the model directory"},
        {"52 no name", MAP("\"\""), "shard path leaves the model directory"},
        {"52 number", MAP("7"), "shard path leaves the model directory"},
        {"52 hostile name", MAP("\"\\u001b]0;x/\""), "tensor a in \"^[]0;x/\""},
        {"52 no map", "{}", "weight_map missing"},
        {"52 map a list", "{\"weight_map\":[]}", "weight_map missing"},
        {"52 no JSON", "{", "invalid JSON at byte"},
        {"52 tensor not there", "{\"weight_map\":{\"b\":\"s.safetensors\"}}",
         "tensor b is not in s.safetensors"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char *dir = temporary_directory();
        static const char shard[] = T("[1]", "[0,4]");
        struct bytes b = file_of(shard, sizeof shard - 1, 4);
        free(temporary_file(dir, "s.safetensors", b.data, b.size));
        char *path =
            temporary_file(dir, INDEX.file_name, rows[i].json, strlen(rows[i].json));
        hostile_path_refused(&INDEX, rows[i].name, path, rows[i].expected);
        free(path);
        bytes_free(&b);
        temporary_remove(dir);
    }
#undef MAP
}

static void refuses_missing_shards(void **state)
{
    (void)state;
    static const char index[] = "{\"weight_map\":{\"T\":\"gone.safetensors\"}}";
    char *dir = temporary_directory(), *gone = file_join(dir, "gone.safetensors");
    char *path = temporary_file(dir, INDEX.file_name, index, sizeof index - 1);
    struct err err = {0};
    assert_false(opens_file(path, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, gone));
    assert_non_null(strstr(err.text, "cannot open"));
    free(path);
    free(gone);
    temporary_remove(dir);
}

/* The same tensor in two shards. */
static void refuses_tensors_in_two_shards(void **state)
{
    (void)state;
    static const char index[] =
        "{\"weight_map\":{\"T\":\"a.safetensors\",\"U\":\"b.safetensors\"}}";
    static const char shard[] = T("[1]", "[0,4]");
    char *dir = temporary_directory();
    struct bytes b = file_of(shard, sizeof shard - 1, 4);
    free(temporary_file(dir, "a.safetensors", b.data, b.size));
    free(temporary_file(dir, "b.safetensors", b.data, b.size));
    char *path = temporary_file(dir, INDEX.file_name, index, sizeof index - 1);
    struct err err = {0};
    assert_false(opens_file(path, &err));
    assert_non_null(
        strstr(err.text, "b.safetensors: invalid safetensors: tensor T listed twice"));
    free(path);
    bytes_free(&b);
    temporary_remove(dir);
}

/* ---- damage -------------------------------------------------------------------------
 */

static const char GOOD[] = "{\"__metadata__\":{\"k\":\"v\"}," TENSOR(
    "A", "[0,4]") ","
                  "\"B\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]}}";

static void refuses_every_truncation(void **state)
{
    (void)state;
    struct bytes b = file_of(GOOD, sizeof GOOD - 1, 16);
    assert_true(accepts(&b));
    for (size_t size = 0; size < b.size; size++) {
        uint8_t *cut = xmalloc(size);
        memcpy(cut, b.data, size);
        if (opens_buffer(cut, size, "t", NULL))
            fail_msg("accepted when cut to %zu of %zu bytes", size, b.size);
        free(cut);
    }
    bytes_free(&b);
}

static void survives_random_damage(void **state)
{
    (void)state;
    struct bytes b = file_of(GOOD, sizeof GOOD - 1, 16);
    uint8_t *copy = xmalloc(b.size);
    struct rng rng;
    rng_seed(&rng, 44);
    size_t refused = 0;
    for (int round = 0; round < 5000; round++) {
        memcpy(copy, b.data, b.size);
        for (uint64_t i = 0; i < 1 + rng_below(&rng, 3); i++)
            copy[rng_below(&rng, b.size)] = (uint8_t)rng_next(&rng);
        struct safetensors *f = safetensors_open_buffer(copy, b.size, "t", NULL);
        for (size_t i = 0; f && i < safetensors_count(f); i++)
            tensor_count_nonfinite(safetensors_at(f, i));
        refused += !f;
        safetensors_close(f);
    }
    assert_true(refused > 1000);
    free(copy);
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_lengths),
        cmocka_unit_test(refuses_headers),
        cmocka_unit_test(refuses_long_names),
        cmocka_unit_test(accepts_odd_headers),
        cmocka_unit_test(many_tensors_are_not_slow),
        cmocka_unit_test(many_numbers_cost_nothing),
        cmocka_unit_test(refuses_indices),
        cmocka_unit_test(refuses_missing_shards),
        cmocka_unit_test(refuses_tensors_in_two_shards),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(survives_random_damage),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_report();
    return failed;
}
