/* What tests of exports share: a sample snapshot and a request in a directory of their
 * own, with the built-in face. */
#ifndef TESTS_SUPPORT_EXPORT_BENCH_H
#define TESTS_SUPPORT_EXPORT_BENCH_H

#include <stddef.h>

#include "app/export.h"
#include "app/undo.h"

struct export_bench {
    char *dir, *before;
    struct snapshot *snapshot;
    struct export_request request;
    struct edits edits; /* of the request */
    struct export_result result;
    struct err err;
};

/* cmocka's set-up and tear-down; *state is the bench. */
int export_bench_begin(void **state);
int export_bench_end(void **state);
#define EXPORT_CASE(name)                                                                \
    cmocka_unit_test_setup_teardown(name, export_bench_begin, export_bench_end)

/* One word of the request. */
void export_bench_set(struct export_bench *b, const char *word);

/* Another figure in place of those named before. */
void export_bench_view(struct export_bench *b, const char *name);

/* Writes what was asked for. */
void export_bench_run(struct export_bench *b);

/* A whole file, to be freed. */
char *export_bench_slurp(const char *path, size_t *size);

#endif
