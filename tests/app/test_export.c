/* Exported files, read back byte by byte: numbers, names, panels, captions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/export.h"
#include "app/faces.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tests/support/export_bench.h"
#include "tests/support/sample_snapshot.h"

/* ---- numbers
 * ----------------------------------------------------------------------------- */

static void test_npy(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "plan"), export_bench_set(b, "p.npy");
    export_bench_run(b);
    size_t size;
    char *npy = export_bench_slurp("p.npy", &size);
    assert_memory_equal(npy, "\x93NUMPY\x01\x00", 8);
    size_t length = (uint8_t)npy[8] + 256u * (uint8_t)npy[9];
    assert_int_equal((10 + length) % 64, 0);
    assert_int_equal(npy[10 + length - 1], '\n');
    static const char want[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (32, 128), }";
    assert_memory_equal(npy + 10, want, strlen(want));
    assert_int_equal(size, 10 + length + 32 * 128 * 4);
    const struct snapshot_window *w = b->snapshot->window[1];
    for (size_t j = 0; j < 32; j++)
        for (size_t t = 0; t < 128; t++)
            assert_memory_equal(npy + 10 + length + (j * 128 + t) * 4,
                                &w->plan[t * 32 + j], 4);
    free(npy);
}

/* Splits one RFC 4180 record in place; returns the start of the next one. */
static char *split_record(char *at, char *field[], size_t most, size_t *count)
{
    *count = 0;
    for (;;) {
        assert_true(*count < most);
        char *out = at;
        field[(*count)++] = at;
        if (*at == '"') {
            for (at++; *at && !(at[0] == '"' && at[1] != '"'); at += at[0] == '"' ? 2 : 1)
                *out++ = *at;
            assert_int_equal(*at++, '"');
        } else {
            while (*at && *at != ',' && *at != '\r')
                assert_true(*at != '"'), *out++ = *at++;
        }
        char stop = *at;
        *out = '\0';
        if (stop == ',') {
            at++;
            continue;
        }
        assert_int_equal(stop, '\r');
        assert_int_equal(at[1], '\n');
        return at + 2;
    }
}

static void test_csv(void **state)
{
    struct export_bench *b = *state;
    static const char text[] =
        "one, \"two\"\n\x1b[2J =cmd \xe6\xbc\xa2 three. More, and \"more\".";
    snapshot_release(b->snapshot);
    b->snapshot = sample_document(text, sizeof text - 1);
    sample_read_window(b->snapshot, 0);
    b->request.window = 1;
    export_bench_set(b, "gate"), export_bench_set(b, "g.csv");
    export_bench_run(b);
    size_t size, count, tokens = b->snapshot->document->tokens;
    size_t layers = b->snapshot->window[0]->layers;
    char *csv = export_bench_slurp("g.csv", &size), *field[64];
    char *at = split_record(csv, field, 64, &count);
    assert_int_equal(count, 4 + layers);
    assert_string_equal(field[0], "token");
    assert_string_equal(field[1], "index");
    assert_string_equal(field[2], "text");
    assert_string_equal(field[3], "mass");
    assert_string_equal(field[4], "L0");
    size_t lines = 0;
    bool quoted = false, comma = false;
    for (; *at; lines++) {
        at = split_record(at, field, 64, &count);
        assert_int_equal(count, 4 + layers);
        assert_int_equal(strtoul(field[0], NULL, 10), lines);
        float gate = b->snapshot->window[0]->gate[lines * layers + 2];
        assert_true(strtof(field[6], NULL) == gate);
        assert_null(strchr(field[2], '\x1b'));
        quoted = quoted || strchr(field[2], '"');
        comma = comma || strchr(field[2], ',');
    }
    assert_int_equal(lines, tokens);
    assert_true(quoted && comma);
    free(csv);
}

static void test_json(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "gate"), export_bench_set(b, "g.json");
    export_bench_run(b);
    json_t *json = json_parse_file("g.json", 1 << 24, &b->err);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "view")), "gate");
    assert_int_equal(json_array_size(json_object_get(json, "tokens")), 128);
    const json_t *values = json_object_get(json, "values");
    size_t layers = b->snapshot->window[1]->layers;
    assert_int_equal(json_array_size(values), layers);
    double value = json_number_value(json_array_get(json_array_get(values, 3), 5));
    assert_true((float)value == b->snapshot->window[1]->gate[5 * layers + 3]);
    json_decref(json);
}

static void test_answers(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "answers"), export_bench_set(b, "formats=png,svg,csv,json");
    export_bench_run(b);
    assert_int_equal(b->result.n, 4);
    assert_string_equal(b->result.path[0], "saltworks-answers.png");
    size_t size, count;
    char *csv = export_bench_slurp("saltworks-answers.csv", &size), *field[16];
    char *at = split_record(csv, field, 16, &count);
    assert_string_equal(field[6], "answer");
    split_record(at, field, 16, &count);
    assert_string_equal(field[0], "full");
    assert_string_equal(field[6], "briquettes of pressed coal dust");
    free(csv);
    export_bench_set(b, "formats=npy");
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_int_equal(b->err.code, ERR_USAGE);
}

/* ---- names
 * ---------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    struct export_bench *b = *state;
    export_bench_run(b);
    assert_string_equal(b->result.path[0], "saltworks-w02-plan.png");
    export_bench_set(b, "gate"), export_bench_set(b, "range=114-241"),
        export_bench_set(b, "formats=svg,npy");
    export_bench_run(b);
    assert_int_equal(b->result.n, 2);
    assert_string_equal(b->result.path[0], "saltworks-t114-241-gate.svg");
    assert_string_equal(b->result.path[1], "saltworks-t114-241-gate.npy");
    export_bench_set(b, "window=all"), export_bench_view(b, "mass"),
        export_bench_set(b, "width=183mm");
    export_bench_run(b);
    assert_string_equal(b->result.path[0], "saltworks-mass.svg");
    export_bench_set(b, "sub.png"), export_bench_set(b, "formats=csv");
    export_bench_run(b);
    assert_string_equal(b->result.path[0], "sub.png");
    assert_string_equal(b->result.path[1], "sub.csv");
}

/* One number for all formats, and the old files stay as they are. */
static void test_names_in_use(void **state)
{
    struct export_bench *b = *state;
    assert_true(file_replace("fig.svg", "old", 3, &b->err));
    assert_true(file_replace("fig-2.npy", "old", 3, &b->err));
    export_bench_set(b, "fig.png"), export_bench_set(b, "formats=svg,npy");
    export_bench_run(b);
    assert_string_equal(b->result.path[0], "fig-3.png");
    assert_string_equal(b->result.path[1], "fig-3.svg");
    assert_string_equal(b->result.path[2], "fig-3.npy");
    size_t size;
    char *old = export_bench_slurp("fig.svg", &size);
    assert_string_equal(old, "old");
    free(old);
    b->request.force = true;
    export_bench_run(b);
    assert_string_equal(b->result.path[1], "fig.svg");
    old = export_bench_slurp("fig.svg", &size);
    assert_memory_equal(old, "<?xml", 5);
    free(old);
}

static void test_names_of_hostile_documents(void **state)
{
    struct export_bench *b = *state;
    static const char *const names[][2] = {
        {"../../etc/pass wd.txt", "pass_wd-w02-plan.png"},
        {"-rf.md", "document-w02-plan.png"},
        {".hidden", "document-w02-plan.png"},
        {"a\nb;$(x).tar.gz", "a_b___x_.tar-w02-plan.png"},
        {"standard input", "standard_input-w02-plan.png"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        free(b->snapshot->document->name);
        b->snapshot->document->name = strdup(names[i][0]);
        export_bench_run(b);
        assert_string_equal(b->result.path[0], names[i][1]);
        unlink(b->result.path[0]);
    }
}

static void test_written_whole_or_not_at_all(void **state)
{
    struct export_bench *b = *state;
    assert_int_equal(mkdir("d.png", 0777), 0);
    export_bench_set(b, "d.png");
    b->request.force = true;
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_int_equal(b->err.code, ERR_IO);
    assert_int_equal(b->result.n, 0);
    char temporary[64];
    snprintf(temporary, sizeof temporary, "d.png.tmp-%ld", (long)getpid());
    assert_false(file_exists(temporary));
    assert_int_equal(rmdir("d.png"), 0);
    export_bench_set(b, "nowhere/e.png");
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "nowhere/e.png"));
    unlink("d.png");
}

static void test_same_bytes_again(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "one.png"), export_bench_set(b, "formats=svg,npy,csv,json");
    export_bench_run(b);
    export_bench_run(b);
    static const char *const endings[] = {"png", "svg", "npy", "csv", "json"};
    for (size_t i = 0; i < 5; i++) {
        char first[16], second[16];
        snprintf(first, sizeof first, "one.%s", endings[i]);
        snprintf(second, sizeof second, "one-2.%s", endings[i]);
        size_t n, m;
        char *x = export_bench_slurp(first, &n), *y = export_bench_slurp(second, &m);
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n);
        free(x);
        free(y);
    }
}

/* More files than one call may name, in all formats, with a caption. */
static void test_many_files(void **state)
{
    struct export_bench *b = *state;
    for (int i = 0; i < EXPORT_FILES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%d.csv", i);
        export_bench_set(b, name);
    }
    assert_false(export_word(&b->request, "more.csv", &b->err));
    export_bench_set(b, "formats=png,svg,npy,csv,json"),
        export_bench_set(b, "caption=m.tex");
    export_bench_run(b);
    assert_int_equal(b->result.n, EXPORT_FILES_MAX + 4 + 1);
}

/* ---- panels and captions
 * ------------------------------------------------------------------ */

static void test_panels(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "gate"), export_bench_set(b, "plan"),
        export_bench_set(b, "answers"), export_bench_set(b, "width=183mm");
    assert_false(export_word(&b->request, "plan", &b->err));
    export_bench_set(b, "formats=png,svg");
    export_bench_run(b);
    assert_string_equal(b->result.path[0], "saltworks-w02-panels.png");
    struct figure_meta meta;
    json_t *json = figure_metadata_read(b->result.path[0], &b->err);
    assert_true(figure_meta_from_json(&meta, json, "r", &b->err));
    assert_int_equal(meta.n_panels, 3);
    assert_int_equal(meta.panel[1], FIGURE_PLAN);
    assert_int_equal(meta.kind, FIGURE_GATE);
    struct export_request again;
    export_request_init(&again);
    export_request_from_meta(&again, &meta);
    enum figure_kind kind[FIGURE_KIND_COUNT];
    assert_int_equal(export_kinds(&again, kind), 3);
    assert_int_equal(kind[2], FIGURE_ANSWERS);
    figure_meta_free(&meta);
    json_decref(json);
    export_bench_set(b, "columns=2");
    export_bench_run(b);
    export_bench_set(b, "formats=npy");
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "npy"));
}

static void test_caption(void **state)
{
    struct export_bench *b = *state;
    free(b->snapshot->document->name);
    b->snapshot->document->name = strdup("a_b%c$.txt");
    export_bench_set(b, "plan"), export_bench_set(b, "gate"),
        export_bench_set(b, "caption=cap.tex"), export_bench_set(b, "width=nature-2col");
    export_bench_run(b);
    assert_int_equal(b->result.n, 2);
    size_t size;
    char *tex = export_bench_slurp("cap.tex", &size);
    assert_non_null(strstr(tex, "\\includegraphics[width=183mm]{a_b_c_-w02-panels.png}"));
    assert_non_null(strstr(tex, "Document a\\_b\\%c\\$.txt, tokens 114 to 241."));
    assert_non_null(strstr(tex, "\\textbf{b}~layer gates"));
    assert_non_null(strstr(
        tex, "windows of 128 tokens, ratio 4, $\\varepsilon = 0.1$, 30 iterations"));
    int depth = 0;
    for (const char *p = tex; *p; p++)
        if (*p == '\\')
            p++; /* escaped */
        else
            depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
    assert_int_equal(depth, 0);
    free(tex);
    export_bench_set(b, "formats=csv"), export_bench_view(b, "plan");
    b->request.n_files = 0;
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "caption"));
}

/* ---- faces
 * ----------------------------------------------------------------------------------------
 */

static void test_faces(void **state)
{
    (void)state;
    struct faces faces;
    faces_open(&faces, true);
    assert_true(font_is_builtin(faces.regular) && !faces.bold);
    faces_close(&faces);
    faces_open(&faces, false);
    assert_non_null(faces.regular);
    if (!font_is_builtin(faces.regular)) {
        assert_true(font_has(faces.regular, 0x2026));
        assert_false(font_has(faces.regular, 0x6f22));
        double a = font_text_width(faces.regular, "mmm", 10);
        assert_true(a > 20 && a < 35);
    }
    faces_close(&faces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORT_CASE(test_npy),
        EXPORT_CASE(test_csv),
        EXPORT_CASE(test_json),
        EXPORT_CASE(test_answers),
        EXPORT_CASE(test_names),
        EXPORT_CASE(test_names_in_use),
        EXPORT_CASE(test_names_of_hostile_documents),
        EXPORT_CASE(test_written_whole_or_not_at_all),
        EXPORT_CASE(test_same_bytes_again),
        EXPORT_CASE(test_many_files),
        EXPORT_CASE(test_panels),
        EXPORT_CASE(test_caption),
        EXPORT_CASE(test_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
