/* Tensors, names, paths and damage of GGUF files that must be refused: what others'
 * readers crashed on, and more. Each row of a table makes a file; its number is that of the case
 * in tests/hostile/README.md. */
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
#include "tests/support/hostile_gguf.h"
#include "tests/support/temporary.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

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
        hostile_refused(&hostile_gguf, tensor_rows[i].name, b.data, b.size,
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
        hostile_refused(&hostile_gguf, rows[i].name, b.data, b.size, rows[i].expected);
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
    return hostile_gguf.open_buffer(b->data, b->size, "t.gguf", NULL);
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
        &hostile_gguf, "37 twice", bad.data, bad.size,
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
        bool opened = (geteuid() != 0 || setuid(65534) == 0) &&
                      hostile_gguf.open_file(path, &local);
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
    hostile_path_refused(&hostile_gguf, "39 a directory", dir,
                         "not a regular file (a directory)");
    hostile_path_refused(&hostile_gguf, "39 a FIFO", fifo, "not a regular file");
    hostile_path_refused(&hostile_gguf, "39 /dev/zero", "/dev/zero", "not a regular file");
    hostile_path_refused(&hostile_gguf, "39 a link to itself", loop, "not a regular file");
    hostile_path_refused(&other_user, "39 unreadable", secret, "permission denied");
    hostile_path_refused(&hostile_gguf, "39 absent", "/nonexistent/m.gguf", "cannot open");
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
        if (hostile_gguf.open_buffer(cut, size, "t.gguf", &err))
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
