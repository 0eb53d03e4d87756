/* Readers of training data: every form, compressed or not, and hostile files
 * (RELIABILITY 1.3, cases 63 to 68). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/base/mem.h"
#include "engine/data/input.h"
#include "engine/data/mrqa.h"
#include "engine/data/records.h"
#include "tests/support/temporary.h"

struct outcome {
    size_t records, questions, bad;
    char first[128];
    char reason[256];
    struct err err;
};

static void note_bad(void *context, size_t line, const char *reason)
{
    struct outcome *o = context;
    snprintf(o->reason, sizeof o->reason, "%zu: %s", line, reason);
}

/* Reads a whole file of these bytes. */
static struct outcome read_bytes(const void *data, size_t size, const char *separator)
{
    struct outcome o = {0};
    char *dir = temporary_directory();
    char *path = temporary_file(dir, "data", data, size);
    struct records_options options = {
        .separator = separator, .bad = note_bad, .context_pointer = &o};
    struct records *records = records_open(path, &options, &o.err);
    struct record r;
    while (records && records_next(records, &r, &o.err)) {
        if (o.records == 0)
            snprintf(o.first, sizeof o.first, "%.100s", r.text);
        o.records++;
        o.questions += r.n_questions;
        record_free(&r);
    }
    o.bad = records ? records_bad(records) : 0;
    records_close(records);
    free(path);
    temporary_remove(dir);
    return o;
}

static struct outcome read_text(const char *text)
{
    return read_bytes(text, strlen(text), NULL);
}

static void *gzip(const void *data, size_t size, size_t *out_size)
{
    z_stream z = {0};
    size_t room = size / 2 + 65536;
    void *out = xmalloc(room);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *out_size = room - z.avail_out;
    deflateEnd(&z);
    return out;
}

static void plain_text_is_one_document(void **state)
{
    (void)state;
    struct outcome o = read_text("The kiln\nwas lit.\r\n\nTwice.");
    assert_int_equal(o.err.code, ERR_NONE);
    assert_int_equal(o.records, 1);
    assert_string_equal(o.first, "The kiln\nwas lit.\n\nTwice.");
    o = read_text("Twice.\r\n");
    assert_string_equal(o.first, "Twice.\n");
}

static void separators_split_text(void **state)
{
    (void)state;
    static const char text[] = "one\n----\n\n----\ntwo\n";
    struct outcome o = read_bytes(text, sizeof text - 1, "----");
    assert_int_equal(o.records, 2);
    assert_string_equal(o.first, "one\n");
}

static void json_lines_hold_text_or_questions(void **state)
{
    (void)state;
    struct outcome o = read_text("{\"text\": \"a\"}\n\n{\"text\": \"b\", \"n\": 1}\n");
    assert_int_equal(o.records, 2);
    assert_int_equal(o.questions, 0);
    static const char *const answers[] = {
        "[\"x\", \"y\"]", "\"x\"", "[{\"text\": \"x\"}]", "{\"text\": \"x\"}",
        "{\"text\": [\"x\", \"y\"], \"answer_start\": [0, 2]}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "{\"context\": \"c\", \"question\": \"q?\", \"answers\": %s}\n", answers[i]);
        o = read_text(line);
        assert_int_equal(o.err.code, ERR_NONE);
        assert_int_equal(o.records, 1);
        assert_int_equal(o.questions, 1);
    }
}

static void squad_and_mrqa_are_recognised(void **state)
{
    (void)state;
    struct outcome o = read_text(
        "{\"version\": \"1.1\",\n \"data\": [{\"paragraphs\": [{\"context\": \"The pier.\",\n"
        "\"qas\": [{\"id\": \"1\", \"question\": \"What?\", \"answers\": [{\"text\": \"pier\"}]},"
        "{\"id\": \"2\", \"question\": \"Who?\", \"answers\": [], \"is_impossible\": true}]}]}]}");
    assert_int_equal(o.err.code, ERR_NONE);
    assert_int_equal(o.records, 1);
    assert_int_equal(o.questions, 1);
    /* All on one line, whatever ends it. */
    static const char *const ends[] = {"", "\n", " \r\n", "\n\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"data\": [{\"paragraphs\": [{\"context\": \"The pier.\", "
                 "\"qas\": [{\"id\": \"1\", \"question\": \"What?\", "
                 "\"answers\": [{\"text\": \"pier\"}]}]}]}]}%s", ends[i]);
        o = read_text(text);
        assert_int_equal(o.err.code, ERR_NONE);
        assert_int_equal(o.questions, 1);
    }
    /* A line with such a name is no such document. */
    o = read_text("{\"text\": \"The pier.\", \"data\": [1]}\n{\"text\": \"The rope.\"}\n");
    assert_int_equal(o.err.code, ERR_NONE);
    assert_int_equal(o.records, 2);
    o = read_text("{\"header\": {\"dataset\": \"x\"}}\n"
                  "{\"context\": \"[PAR] [TLE] Salt [SEP] It dries .\", \"qas\": [{\"qid\": \"7\", "
                  "\"question\": \"what dries\", \"answers\": [\"salt\"]}]}\n");
    assert_int_equal(o.questions, 1);
    assert_string_equal(o.first, "\n\nTitle: Salt \nPassage: It dries .");
}

static void mrqa_texts_are_cleaned(void **state)
{
    (void)state;
    char *question = mrqa_clean_question("who 's there , then");
    assert_string_equal(question, "who's there, then?");
    free(question);
    char *answer = mrqa_clean_answer("`` Yes '' .");
    assert_string_equal(answer, "\"Yes\".");
    free(answer);
}

static void compressed_files_read_alike(void **state)
{
    (void)state;
    static const char text[] = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
    size_t n;
    void *packed = gzip(text, sizeof text - 1, &n);
    assert_int_equal(read_bytes(packed, n, NULL).records, 2);
    free(packed);
    char zstd[256];
    n = ZSTD_compress(zstd, sizeof zstd, text, sizeof text - 1, 3);
    assert_int_equal(read_bytes(zstd, n, NULL).records, 2);
}

/* Case 65. */
static void damaged_gzip_says_where(void **state)
{
    (void)state;
    static const char text[] = "{\"text\": \"some words that do not repeat at all\"}\n";
    size_t n;
    char *packed = gzip(text, sizeof text - 1, &n);
    struct outcome o = read_bytes(packed, n - 9, NULL);
    assert_int_equal(o.err.code, ERR_INPUT);
    assert_non_null(strstr(o.err.text, "corrupt gzip at compressed byte"));
    packed[n - 6] ^= 1; /* the CRC */
    o = read_bytes(packed, n, NULL);
    assert_non_null(strstr(o.err.text, "corrupt gzip"));
    packed[n - 6] ^= 1;
    packed = xrealloc(packed, n + 4, 1);
    memcpy(packed + n, "more", 4);
    o = read_bytes(packed, n + 4, NULL);
    assert_non_null(strstr(o.err.text, "rubbish"));
    free(packed);
}

/* Case 63: 256 MiB of zeros, which deflate packs over 1000 : 1. */
static void bombs_are_refused(void **state)
{
    (void)state;
    size_t size = (size_t)256 << 20, n;
    char *zeros = xcalloc(size, 1);
    char *packed = gzip(zeros, size, &n);
    free(zeros);
    struct outcome o = read_bytes(packed, n, NULL);
    free(packed);
    assert_int_equal(o.err.code, ERR_INPUT);
    assert_true(strstr(o.err.text, "expands over 1000:1") ||
                strstr(o.err.text, "longer than 64 MiB"));
}

/* Case 66. */
static void endless_lines_are_refused(void **state)
{
    (void)state;
    size_t size = ((size_t)64 << 20) + 4096;
    char *line = xmalloc(size);
    memset(line, 'x', size);
    struct outcome o = read_bytes(line, size, NULL);
    free(line);
    assert_non_null(strstr(o.err.text, "line 1 longer than 64 MiB"));
}

/* Cases 67 and 68: what is wrong with a line, and when it is too much. */
static void bad_records_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *line, *reason;
    } table[] = {
        {"{\"text\": 7}", "2: \"text\" is not a string"},
        {"{\"title\": \"x\"}", "2: \"text\" is missing"},
        {"{\"text\": \"\"}", "2: \"text\" is empty"},
        {"{\"text\": \"a\\u0000b\"}", "2: \"text\" holds a NUL character"},
        {"{\"text\": \"\xff\"}", "2: invalid UTF-8 at byte 10"},
        {"[1]", "2: not a JSON object"},
        {"{\"context\": \"c\", \"question\": \"q\"}", "2: \"answers\" is missing"},
        {"{\"context\": \"c\", \"question\": \"q\", \"answers\": {\"text\": []}}",
         "2: \"answers\" is missing"},
        {"{\"context\": \"c\", \"question\": \"q\", \"answers\": [\"\"]}",
         "2: \"answers\" is empty"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[8192];
        int used = snprintf(text, sizeof text, "{\"text\": \"good\"}\n%s\n", table[i].line);
        for (int k = 0; k < 120; k++)
            used += snprintf(text + used, sizeof text - (size_t)used, "{\"text\": \"good\"}\n");
        struct outcome o = read_bytes(text, (size_t)used, NULL);
        assert_int_equal(o.err.code, ERR_NONE);
        assert_int_equal(o.records, 121);
        assert_int_equal(o.bad, 1);
        assert_string_equal(o.reason, table[i].reason);
    }
    struct outcome o = read_text("{\"text\": \"good\"}\n{\"text\": 7}\n");
    assert_int_equal(o.err.code, ERR_INPUT);
    assert_non_null(strstr(o.err.text, "1 of 2 records is bad, more than 1 %: not used; "
                                       "the first, line "));
}

/* What is no text is no document; a stray byte in a long one is. */
static void binary_is_no_text(void **state)
{
    (void)state;
    static const char zeros[] = "salt\na\0b\npeat\n";
    struct outcome o = read_text("salt\n\xff\n");
    assert_int_equal(o.err.code, ERR_INPUT);
    assert_non_null(strstr(o.err.text, "the first, line 1: not a text: line 2 has invalid UTF-8 "
                                       "at byte 0, as have 1 of 2"));
    o = read_bytes(zeros, sizeof zeros - 1, NULL);
    assert_non_null(strstr(o.err.text, "line 2 has a NUL character at byte 1, as have 1 of 3"));
    char text[1024] = "sa\xfflt\n";
    for (int i = 0; i < 120; i++)
        strcat(text, "peat\n");
    o = read_text(text);
    assert_int_equal(o.err.code, ERR_NONE);
    assert_int_equal(o.records, 1);
}

static void nothing_usable_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "  \n\t\n", "{\"header\": {}}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct outcome o = read_text(texts[i]);
        assert_int_equal(o.err.code, ERR_INPUT);
        assert_non_null(strstr(o.err.text, "no usable records"));
    }
}

static void parquet_is_refused_with_the_way_out(void **state)
{
    (void)state;
    struct outcome o = read_text("PAR1 and more");
    assert_non_null(strstr(o.err.text, "Parquet is not read; convert it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_one_document),
        cmocka_unit_test(separators_split_text),
        cmocka_unit_test(json_lines_hold_text_or_questions),
        cmocka_unit_test(squad_and_mrqa_are_recognised),
        cmocka_unit_test(mrqa_texts_are_cleaned),
        cmocka_unit_test(compressed_files_read_alike),
        cmocka_unit_test(damaged_gzip_says_where),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(endless_lines_are_refused),
        cmocka_unit_test(bad_records_are_counted),
        cmocka_unit_test(binary_is_no_text),
        cmocka_unit_test(nothing_usable_is_an_error),
        cmocka_unit_test(parquet_is_refused_with_the_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
