/* GGUF files that must be refused: what others' readers crashed on, and more. Each row of
 * a table makes a file; its number is that of the case in tests/hostile/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/gguf.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/hostile.h"
#include "tests/support/temporary.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool opens_buffer(const void *data, size_t size, const char *name, struct err *err)
{
    struct gguf *g = gguf_open_buffer(data, size, name, err);
    gguf_close(g);
    return g != NULL;
}

static bool opens_file(const char *path, struct err *err)
{
    struct gguf *g = gguf_open(path, err);
    gguf_close(g);
    return g != NULL;
}

static const struct hostile_format GGUF = {"t.gguf", opens_buffer, opens_file};

/* ---- header and keys (1-16, 19) --------------------------------------------- */

/* How a row makes its file out of a number and a text. */
typedef void build_fn(struct bytes *b, uint64_t number, const char *text);

static void only_text(struct bytes *b, uint64_t number, const char *text)
{
    bytes_put(b, text, (size_t)number);
}

static void version(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, (uint32_t)number, 0, 0);
}

static void n_tensors(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, number, 0);
    bytes_zeros(b, 200 - b->size);
}

static void n_keys(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, number);
    bytes_zeros(b, 200 - b->size);
}

/* Three good keys and a fourth whose name has this length, of which 40 bytes are there.
 */
static void key_length(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 4);
    gguf_put_key_u32(b, "a", 1);
    gguf_put_key_u32(b, "b", 1);
    gguf_put_key_u32(b, "c", 1);
    bytes_u64(b, number);
    bytes_zeros(b, 40);
}

/* A key of `number` bytes that begins with text. */
static void key_name(struct bytes *b, uint64_t number, const char *text)
{
    gguf_put_header(b, 3, 0, 1);
    bytes_u64(b, number);
    for (uint64_t i = 0; i < number; i++)
        bytes_u8(b, i < strlen(text) ? (uint8_t)text[i] : i == strlen(text) ? 0 : 'k');
    bytes_zeros(b, 40);
}

static void long_key(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    bytes_u64(b, number);
    for (uint64_t i = 0; i < number; i++)
        bytes_u8(b, 'k');
    bytes_zeros(b, 40);
}

static void same_key_twice(struct bytes *b, uint64_t number, const char *text)
{
    (void)number;
    gguf_put_header(b, 3, 0, 3);
    gguf_put_key_u32(b, text, 1);
    gguf_put_key_u32(b, "other", 2);
    gguf_put_key_u32(b, text, 3);
}

/* A key X of this type, with 8 bytes of value. */
static void value_type(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key(b, "X", (uint32_t)number);
    bytes_u64(b, 2);
}

static void string_length(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key(b, "X", CODE_STRING);
    bytes_u64(b, number);
    bytes_zeros(b, 10);
}

static void whole_string(struct bytes *b, uint64_t number, const char *text)
{
    string_length(b, number, text);
    bytes_zeros(b, (size_t)number);
}

static void array_depth(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key(b, "X", CODE_ARRAY);
    for (uint64_t i = 0; i < number; i++) {
        bytes_u32(b, CODE_ARRAY);
        bytes_u64(b, 1);
    }
}

/* An array X in a file of 2048 bytes; text: the code of the elements. */
static void array_count(struct bytes *b, uint64_t number, const char *text)
{
    gguf_put_header(b, 3, 0, 1);
    gguf_put_array(b, "X", (uint32_t)*text, number);
    bytes_zeros(b, 2048 - b->size);
}

static void alignment(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key_u32(b, "general.alignment", (uint32_t)number);
}

/* An alignment of 32 with another type; the number is the type. */
static void alignment_type(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key(b, "general.alignment", (uint32_t)number);
    bytes_u64(b, 32);
}

/* A file that ends inside a value. */
static void cut_value(struct bytes *b, uint64_t number, const char *text)
{
    (void)text;
    gguf_put_header(b, 3, 0, 1);
    gguf_put_key(b, "X", (uint32_t)number);
    bytes_zeros(b, 1);
}

/* Codes of elements for array_count. */
static const char text_of_string[] = {CODE_STRING, 0}, text_of_u64[] = {CODE_U64, 0},
                  text_of_f32[] = {CODE_F32, 0}, text_of_13[] = {13, 0};

static const struct {
    const char *name;
    build_fn *build;
    uint64_t number;
    const char *text, *expected;
} header_rows[] = {
    {"1 no byte", only_text, 0, "", "invalid GGUF: empty file"},
    {"2 magic alone", only_text, 4, "GGUF", "header truncated at byte 4 of 24"},
    {"2 one byte", only_text, 1, "G", "header truncated at byte 1 of 24"},
    {"2 a byte short", only_text, 23, "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
     "header truncated at byte 23 of 24"},
    {"3 other magic", only_text, 4, "FUGG", "not a GGUF file (magic 46 55 47 47)"},
    {"3 escape sequence", only_text, 30, "\033[31mred\033[0m and more than that",
     "not a GGUF file (magic 1b 5b 33 31)"},
    {"4 version 0", version, 0, "", "GGUF version 0 not supported (2–3)"},
    {"4 version 1", version, 1, "", "GGUF version 1 not supported (2–3)"},
    {"4 version 4", version, 4, "", "GGUF version 4 not supported (2–3)"},
    {"5 big-endian", version, 0x03000000, "", "big-endian GGUF not supported"},
    {"6 2^64-1 tensors", n_tensors, UINT64_MAX, "",
     "tensor count 18,446,744,073,709,551,615 over limit 65,536"},
    {"6 2^63 tensors", n_tensors, (uint64_t)1 << 63, "", "over limit 65,536"},
    {"6 sizes that wrap", n_tensors, SIZE_MAX / sizeof(struct tensor) + 1, "",
     "over limit 65,536"},
    {"6 65,537 tensors", n_tensors, 65537, "", "tensor count 65,537 over limit 65,536"},
    {"6 more tensors than bytes", n_tensors, 60000, "", "needs at least"},
    {"7 2^64-1 keys", n_keys, UINT64_MAX, "", "metadata count over limit"},
    {"8 more keys than bytes", n_keys, 60000, "",
     "metadata needs at least 840024 bytes, file has 200"},
    {"9 key length 2^64-1", key_length, UINT64_MAX, "",
     "key 3: length 18446744073709551615 exceeds the 40 bytes left"},
    {"9 key length 41", key_length, 41, "", "key 3: length 41 exceeds the 40 bytes left"},
    {"10 empty key", key_length, 0, "", "key 3: empty"},
    {"10 long key", long_key, 70000, "", "key 0: too long: 70000 bytes, at most 65535"},
    {"10 key with NUL", key_name, 9, "a.b", "key 0: not printable ASCII"},
    {"10 key with ESC", key_name, 9, "a\033[31m",
     "key 0: not printable ASCII: \"a^[[31m"},
    {"10 key not ASCII", key_name, 9, "a\xc3\xa9", "key 0: not printable ASCII"},
    {"11 key twice", same_key_twice, 0, "general.name", "key general.name appears twice"},
    {"12 type 13", value_type, 13, "", "key X: unknown type 13"},
    {"12 type -1", value_type, UINT32_MAX, "", "key X: unknown type -1"},
    {"12 element type 13", array_count, 1, text_of_13, "key X: unknown type 13"},
    {"12 bool of 2", value_type, CODE_BOOL, "", "key X: bool is 2, must be 0 or 1"},
    {"13 string of 2^63", string_length, (uint64_t)1 << 63, "",
     "key X: string length exceeds file"},
    {"13 string of 11", string_length, 11, "", "key X: string length exceeds file"},
    {"13 string of 2^64-1", string_length, UINT64_MAX, "",
     "key X: string length exceeds file"},
    {"13 string of 17 MB", whole_string, 17 << 20, "",
     "key X: string length 17825792 over limit 16777216"},
    {"14 arrays in arrays", array_depth, 10000, "", "key X: nested arrays not supported"},
    {"15 array that wraps", array_count, (uint64_t)1 << 61, text_of_u64,
     "key X: array too large"},
    {"15 array of 2^64-1", array_count, UINT64_MAX, text_of_f32,
     "key X: array too large"},
    {"16 many strings", array_count, 1 << 26, text_of_string,
     "key X: needs at least 512 MiB, file has 2 KiB"},
    {"16 many numbers", array_count, 1 << 26, text_of_f32,
     "key X: needs at least 256 MiB, file has 2 KiB"},
    {"16 strings that end", array_count, 1000, text_of_string, "key X: needs at least"},
    {"19 alignment 0", alignment, 0, "",
     "alignment must be u32 power of two 8–4096, is u32 0"},
    {"19 alignment 3", alignment, 3, "",
     "alignment must be u32 power of two 8–4096, is u32 3"},
    {"19 alignment 4", alignment, 4, "", "alignment must be u32 power of two 8–4096"},
    {"19 alignment 8192", alignment, 8192, "",
     "alignment must be u32 power of two 8–4096"},
    {"19 alignment 2^31", alignment, 0x80000000, "",
     "alignment must be u32 power of two 8–4096"},
    {"19 alignment i32", alignment_type, CODE_I32, "",
     "alignment must be u32 power of two 8–4096, is i32 32"},
    {"19 alignment u64", alignment_type, CODE_U64, "",
     "alignment must be u32 power of two 8–4096, is u64 32"},
    {"cut number", cut_value, CODE_U32, "", "key X: truncated: the file ends at byte 38"},
    {"cut string length", cut_value, CODE_STRING, "", "key X: truncated"},
    {"cut array", cut_value, CODE_ARRAY, "", "key X: truncated"},
};

static void refuses_headers_and_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(header_rows); i++) {
        struct bytes b = {0};
        header_rows[i].build(&b, header_rows[i].number, header_rows[i].text);
        hostile_refused(&GGUF, header_rows[i].name, b.data, b.size,
                        header_rows[i].expected);
        bytes_free(&b);
    }
}

/* ---- one tensor (20-28, 31) -------------------------------------------------- */

enum { F32 = 0, Q8_0 = 8, Q4_K = 12, I8 = 24 };

static const char long_name[] =
    "a234567890123456789012345678901234567890123456789012345678901234";

static const struct {
    const char *name, *tensor;
    uint32_t n_dims;
    uint64_t dims[5];
    uint32_t type;
    uint64_t offset;
    size_t data; /* bytes behind the padded header */
    const char *expected;
} tensor_rows[] = {
    /* clang-format off */
    {"20 five dimensions", "T", 5, {1, 1, 1, 1, 1}, F32, 0, 64,
     "tensor 0 \"T\": 5 dimensions, at most 4"},
    {"20 2^32-1 dimensions", "T", UINT32_MAX, {1}, F32, 0, 64,
     "tensor 0 \"T\": 4294967295 dimensions, at most 4"},
    {"21 dimension -1", "T", 2, {32, UINT64_MAX}, F32, 0, 128,
     "tensor 0 \"T\": dimension 1 is -1"},
    {"21 dimension 0", "T", 2, {32, 0}, F32, 0, 128,
     "tensor 0 \"T\": dimension 1 is 0"},
    {"22 2^42+1 x 1152", "T", 2, {1152, ((uint64_t)1 << 42) + 1}, F32, 0, 64,
     "tensor 0 \"T\": element count overflows"},
    {"22 INT32_MAX^4", "T", 4, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}, F32, 0, 64,
     "tensor 0 \"T\": element count overflows"},
    {"22 product wraps to 0", "T", 2, {(uint64_t)1 << 32, (uint64_t)1 << 32}, I8, 0, 64,
     "tensor 0 \"T\": element count overflows"},
    {"23 F32 bytes wrap", "T", 1, {SIZE_MAX / 4}, F32, 0, 64,
     "tensor 0 \"T\": byte size overflows"},
    {"23 F32 bytes wrap to 0", "T", 1, {(uint64_t)1 << 62}, F32, 0, 64,
     "tensor 0 \"T\": byte size overflows"},
    {"23 Q8_0 bytes wrap", "T", 1, {INT64_MAX / 32 * 32}, Q8_0, 0, 64,
     "tensor 0 \"T\": byte size overflows"},
    {"24 Q8_0 rows of 33", "T", 2, {33, 32}, Q8_0, 0, 2048,
     "tensor 0 \"T\": row length 33 not a multiple of 32 (Q8_0)"},
    {"24 Q4_K rows of 128", "T", 2, {128, 2}, Q4_K, 0, 2048,
     "tensor 0 \"T\": row length 128 not a multiple of 256 (Q4_K)"},
    {"24 Q8_0 without dimensions", "T", 0, {0}, Q8_0, 0, 64,
     "row length 1 not a multiple of 32 (Q8_0)"},
    {"25 type -1", "T", 1, {32}, UINT32_MAX, 0, 128,
     "tensor 0 \"T\": unsupported type -1"},
    {"25 type 9999", "T", 1, {32}, 9999, 0, 128,
     "tensor 0 \"T\": unsupported type 9999"},
    {"25 removed type", "T", 1, {32}, 4, 0, 128,
     "tensor 0 \"T\": unsupported type 4"},
    {"25 a type of others", "T", 1, {256}, 16, 0, 128,
     "tensor 0 \"T\": unsupported type 16 (IQ2_XXS)"},
    {"26 name of 64 bytes", long_name, 1, {8}, F32, 0, 64,
     "tensor 0: bad or duplicate name \"a2345678901234567890"},
    {"26 empty name", "", 1, {8}, F32, 0, 64,
     "tensor 0: bad or duplicate name \"\""},
    {"26 name with ESC", "a\033]0;x\a", 1, {8}, F32, 0, 64,
     "tensor 0: bad or duplicate name \"a^[]0;x^G\""},
    {"26 name with newline", "a\nb", 1, {8}, F32, 0, 64,
     "tensor 0: bad or duplicate name \"a^Jb\""},
    {"27 offset not aligned", "T", 1, {8}, F32, 4, 64,
     "tensor 0 \"T\": offset 4 invalid"},
    {"27 offset 2^64-32", "T", 1, {8}, F32, UINT64_MAX - 31, 64,
     "tensor 0 \"T\": offset 18446744073709551584 invalid"},
    {"27 offset + size wraps", "T", 1, {256}, F32, UINT64_MAX - 1023, 64,
     "tensor 0 \"T\": offset 18446744073709550592 invalid"},
    {"28 data beyond the file", "T", 1, {2250000}, F32, 0, 64,
     "tensor 0 \"T\": data ends at byte 9,000,064 but the file has 128"},
    {"28 offset beyond the file", "T", 1, {8}, F32, (uint64_t)1 << 40, 64,
     "tensor 0 \"T\": data ends at byte 1,099,511,627,872 but the file has 128"},
    {"31 last byte removed", "T", 1, {8}, F32, 0, 31, "file is 1 byte short"},
    {"31 no data", "T", 1, {8}, F32, 0, 0, "file is 32 bytes short"},
    /* clang-format on */
};

static void refuses_tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(tensor_rows); i++) {
        struct bytes b = {0};
        gguf_put_header(&b, 3, 1, 0);
        gguf_put_string(&b, tensor_rows[i].tensor);
        bytes_u32(&b, tensor_rows[i].n_dims);
        for (uint32_t d = 0; d < tensor_rows[i].n_dims && d < LENGTH(tensor_rows[i].dims);
             d++)
            bytes_u64(&b, tensor_rows[i].dims[d]);
        bytes_u32(&b, tensor_rows[i].type);
        bytes_u64(&b, tensor_rows[i].offset);
        bytes_pad(&b, 32);
        bytes_zeros(&b, tensor_rows[i].data);
        hostile_refused(&GGUF, tensor_rows[i].name, b.data, b.size,
                        tensor_rows[i].expected);
        bytes_free(&b);
    }
}

/* ---- two tensors (26, 29, 30) ------------------------------------------------- */

static void refuses_pairs_of_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *name, *second;
        uint64_t values, offset; /* of both; of the second */
        const char *expected;
    } rows[] = {
        {"26 name twice", "A", 8, 32, "tensor 1: bad or duplicate name \"A\""},
        {"29 total wraps", "B", 0x7FFFFFFFFFFFFFC0, 0x7FFFFFFFFFFFFFC0,
         "total tensor size overflows"},
        {"30 same place", "B", 32, 0, "tensors A and B overlap"},
        {"30 half covered", "B", 64, 32, "tensors A and B overlap"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct bytes b = {0};
        gguf_put_header(&b, 3, 2, 0);
        gguf_put_tensor(&b, "A", 1, &rows[i].values, I8, 0);
        gguf_put_tensor(&b, rows[i].second, 1, &rows[i].values, I8, rows[i].offset);
        bytes_pad(&b, 32);
        bytes_zeros(&b, 256);
        hostile_refused(&GGUF, rows[i].name, b.data, b.size, rows[i].expected);
        bytes_free(&b);
    }
}

/* ---- many names (37) ------------------------------------------------------------ */

enum { MANY = 65536 };

/* 65,536 keys and as many tensors of one value, with names that share a long start. */
static struct bytes many_names(bool repeat_last)
{
    struct bytes b = {0};
    char name[64];
    gguf_put_header(&b, 3, MANY, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "key.with.a.long.common.start.%d", i);
        gguf_put_key_u32(&b, name, 1);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "blk.with.a.long.common.start.%d",
                 repeat_last && i == MANY - 1 ? 0 : i);
        gguf_put_tensor(&b, name, 1, (uint64_t[]){1}, F32, (uint64_t)i * 32);
    }
    bytes_pad(&b, 32);
    bytes_zeros(&b, (size_t)MANY * 32);
    return b;
}

static bool accepts(const void *context)
{
    const struct bytes *b = context;
    return opens_buffer(b->data, b->size, "t.gguf", NULL);
}

static bool refuses(const void *context)
{
    return !accepts(context);
}

static void many_names_are_not_slow(void **state)
{
    (void)state;
    struct bytes good = many_names(false), bad = many_names(true);
    hostile_within("37 65,536 keys and tensors", 256 << 20, accepts, &good);
    hostile_within("37 the last of them twice", 256 << 20, refuses, &bad);
    hostile_refused(
        &GGUF, "37 twice", bad.data, bad.size,
        "tensor 65535: bad or duplicate name \"blk.with.a.long.common.start.0\"");
    bytes_free(&good);
    bytes_free(&bad);
}

/* ---- paths (39) ------------------------------------------------------------------ */

/* Opens as a user without rights; root may read everything. */
static bool opens_without_rights(const char *path, struct err *err)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct err local = {0};
        bool opened = (geteuid() != 0 || setuid(65534) == 0) && opens_file(path, &local);
        _exit(write(ends[1], &local, sizeof local) != (ssize_t)sizeof local || opened);
    }
    int status = 1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(read(ends[0], err, sizeof *err), sizeof *err);
    close(ends[0]);
    close(ends[1]);
    return status != 0;
}

static void refuses_paths(void **state)
{
    (void)state;
    static const struct hostile_format other_user = {"t.gguf", NULL,
                                                     opens_without_rights};
    char *dir = temporary_directory();
    char *fifo = file_join(dir, "fifo.gguf"), *loop = file_join(dir, "loop.gguf");
    char *secret = temporary_file(dir, "secret.gguf", "GGUF", 4);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink(loop, loop), 0);
    assert_int_equal(chmod(secret, 0), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    hostile_path_refused(&GGUF, "39 a directory", dir,
                         "not a regular file (a directory)");
    hostile_path_refused(&GGUF, "39 a FIFO", fifo, "not a regular file");
    hostile_path_refused(&GGUF, "39 /dev/zero", "/dev/zero", "not a regular file");
    hostile_path_refused(&GGUF, "39 a link to itself", loop, "not a regular file");
    hostile_path_refused(&other_user, "39 unreadable", secret, "permission denied");
    hostile_path_refused(&GGUF, "39 absent", "/nonexistent/m.gguf", "cannot open");
    free(fifo);
    free(loop);
    free(secret);
    temporary_remove(dir);
}

/* ---- damage ------------------------------------------------------------------------ */

static struct bytes good_model(void)
{
    struct bytes b = {0};
    struct gguf_builder m = gguf_builder_llama();
    gguf_builder_write(&m, &b);
    gguf_builder_free(&m);
    return b;
}

/* Cut anywhere, the file is refused. */
static void refuses_every_truncation(void **state)
{
    (void)state;
    struct bytes b = good_model();
    for (size_t size = 0; size < b.size; size += size < 400 ? 1 : 613) {
        struct err err = {0};
        uint8_t *cut = xmalloc(size);
        memcpy(cut, b.data, size);
        if (opens_buffer(cut, size, "t.gguf", &err))
            fail_msg("accepted when cut to %zu of %zu bytes", size, b.size);
        free(cut);
    }
    bytes_free(&b);
}

/* Bytes changed at random: refused or not, nothing breaks, and what is accepted can be
 * read from end to end. */
static void survives_random_damage(void **state)
{
    (void)state;
    struct bytes b = good_model();
    uint8_t *copy = xmalloc(b.size);
    struct rng rng;
    rng_seed(&rng, 37);
    size_t refused = 0;
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, b.data, b.size);
        for (uint64_t i = 0; i < 1 + rng_below(&rng, 4); i++)
            copy[rng_below(&rng, round % 2 ? 8192 : b.size)] = (uint8_t)rng_next(&rng);
        struct gguf *g = gguf_open_buffer(copy, b.size, "t.gguf", NULL);
        for (size_t i = 0; g && i < gguf_tensor_count(g); i++)
            tensor_count_nonfinite(gguf_tensor_at(g, i));
        refused += !g;
        gguf_close(g);
    }
    assert_true(refused > 100);
    free(copy);
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_headers_and_keys),
        cmocka_unit_test(refuses_tensors),
        cmocka_unit_test(refuses_pairs_of_tensors),
        cmocka_unit_test(many_names_are_not_slow),
        cmocka_unit_test(refuses_paths),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(survives_random_damage),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_report();
    return failed;
}
