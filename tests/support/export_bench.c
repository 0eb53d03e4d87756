#include "tests/support/export_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/temporary.h"

int export_bench_begin(void **state)
{
    struct export_bench *b = calloc(1, sizeof *b);
    b->dir = temporary_directory();
    b->before = getcwd(NULL, 0);
    assert_int_equal(chdir(b->dir), 0);
    b->snapshot = sample_snapshot();
    export_request_init(&b->request);
    b->request.builtin_face = true;
    b->request.window = 2;
    *state = b;
    return 0;
}

int export_bench_end(void **state)
{
    struct export_bench *b = *state;
    export_request_free(&b->request);
    edits_free(&b->edits);
    export_result_free(&b->result);
    snapshot_release(b->snapshot);
    assert_int_equal(chdir(b->before), 0);
    temporary_remove(b->dir);
    free(b->before);
    free(b);
    return 0;
}

void export_bench_set(struct export_bench *b, const char *word)
{
    if (!export_word(&b->request, word, &b->err))
        fail_msg("%s: %s", word, b->err.text);
}

void export_bench_view(struct export_bench *b, const char *name)
{
    b->request.n_kinds = 0;
    export_bench_set(b, name);
}

void export_bench_run(struct export_bench *b)
{
    export_result_free(&b->result);
    if (!export_run(b->snapshot, &b->request, &b->result, &b->err))
        fail_msg("%s", b->err.text);
}

char *export_bench_slurp(const char *path, size_t *size)
{
    char *data;
    struct err err;
    if (!file_read(path, 1 << 26, &data, size, &err))
        fail_msg("%s", err.text);
    return data;
}
