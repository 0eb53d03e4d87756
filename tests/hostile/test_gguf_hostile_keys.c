/* Headers and keys of GGUF files that must be refused: each row of a table makes a file; its
 * number is that of the case in tests/hostile/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/gguf.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/hostile_gguf.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

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
        hostile_refused(&hostile_gguf, header_rows[i].name, b.data, b.size,
                        header_rows[i].expected);
        bytes_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_headers_and_keys),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_report();
    return failed;
}
