/* Exported files, read back byte by byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "app/export.h"
#include "app/faces.h"
#include "app/png.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/temporary.h"
#include "views/raster.h"

/* Works in a directory of its own, with the built-in face. */
struct bench {
    char *dir, *before;
    struct snapshot *snapshot;
    struct export_request request;
    struct edits edits; /* of the request */
    struct export_result result;
    struct err err;
};

static int begin(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
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

static int end(void **state)
{
    struct bench *b = *state;
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

static void set(struct bench *b, const char *word)
{
    if (!export_word(&b->request, word, &b->err))
        fail_msg("%s: %s", word, b->err.text);
}

/* Another figure in place of those named before. */
static void view(struct bench *b, const char *name)
{
    b->request.n_kinds = 0;
    set(b, name);
}

static void run(struct bench *b)
{
    export_result_free(&b->result);
    if (!export_run(b->snapshot, &b->request, &b->result, &b->err))
        fail_msg("%s", b->err.text);
}

static char *slurp(const char *path, size_t *size)
{
    char *data;
    struct err err;
    if (!file_read(path, 1 << 26, &data, size, &err))
        fail_msg("%s", err.text);
    return data;
}

/* ---- PNG ------------------------------------------------------------------------------- */

static uint32_t big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The data of the first chunk of a type; checks all checksums on the way. */
static const uint8_t *chunk(const uint8_t *png, size_t size, const char *type, size_t *length)
{
    const uint8_t *found = NULL;
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    for (size_t at = 8; at < size; at += 12 + big(png + at)) {
        uint32_t n = big(png + at);
        assert_true(at + 12 + n <= size);
        assert_int_equal(crc32(crc32(0, png + at + 4, 4), n ? png + at + 8 : (const Bytef *)"", n),
                         big(png + at + 8 + n));
        if (!found && memcmp(png + at + 4, type, 4) == 0) {
            found = png + at + 8;
            *length = n;
        }
    }
    return found;
}

/* Undoes the filters that png.c uses. */
static uint8_t *decode(const uint8_t *png, size_t size, size_t width, size_t height,
                       size_t channels)
{
    size_t n, line = width * channels;
    const uint8_t *packed = chunk(png, size, "IDAT", &n);
    uLongf room = (uLongf)(height * (line + 1));
    uint8_t *raw = malloc(room), *out = calloc(height, line);
    assert_int_equal(uncompress(raw, &room, packed, (uLong)n), Z_OK);
    assert_int_equal(room, height * (line + 1));
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < line; x++) {
            uint8_t filter = raw[y * (line + 1)], *at = out + y * line + x;
            assert_in_range(filter, 0, 2);
            *at = raw[y * (line + 1) + 1 + x];
            if (filter == 1 && x >= channels)
                *at = (uint8_t)(*at + at[-(ptrdiff_t)channels]);
            else if (filter == 2 && y > 0)
                *at = (uint8_t)(*at + at[-(ptrdiff_t)line]);
        }
    free(raw);
    return out;
}

static void test_png_chunks(void **state)
{
    struct bench *b = *state;
    set(b, "plan"), set(b, "a.png"), set(b, "width=89mm"), set(b, "dpi=300");
    run(b);
    size_t size, n;
    uint8_t *png = (uint8_t *)slurp("a.png", &size);
    const uint8_t *head = chunk(png, size, "IHDR", &n);
    assert_int_equal(n, 13);
    assert_int_equal(big(head), 1051);
    assert_memory_equal(head + 8, "\x08\x02\0\0\0", 5);
    const uint8_t *phys = chunk(png, size, "pHYs", &n);
    assert_int_equal(n, 9);
    assert_int_equal(big(phys), 11811);
    assert_int_equal(big(phys + 4), 11811);
    assert_int_equal(phys[8], 1);
    assert_non_null(chunk(png, size, "IEND", &n));
    assert_memory_equal(png + size - 8, "IEND", 4);
    free(decode(png, size, big(head), big(head + 4), 3));
    free(png);
}

static void test_png_holds_the_pixels(void **state)
{
    (void)state;
    for (size_t channels = 3; channels <= 4; channels++) {
        struct raster raster = {17, 9, channels, malloc(17 * 9 * channels)};
        uint32_t noise = 1;
        for (size_t i = 0; i < 17 * 9 * channels; i++) {
            noise = noise * 1664525 + 1013904223;
            raster.pixels[i] = i < 200 ? (uint8_t)(noise >> 24) : (uint8_t)(i / 60 * 9);
        }
        size_t size;
        uint8_t *png = png_write(&raster, 96, "key", "text", &size);
        uint8_t *pixels = decode(png, size, 17, 9, channels);
        assert_memory_equal(pixels, raster.pixels, 17 * 9 * channels);
        free(pixels);
        free(png);
        raster_free(&raster);
    }
}

static void test_data_addresses(void **state)
{
    (void)state;
    static const char *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="};
    for (size_t n = 0; n < 5; n++) {
        char *address = png_data_address((const uint8_t *)"foob", n);
        assert_string_equal(address + strlen("data:image/png;base64,"), want[n]);
        free(address);
    }
}

static void test_transparent_png(void **state)
{
    struct bench *b = *state;
    set(b, "mass"), set(b, "t.png"), set(b, "background=transparent");
    run(b);
    size_t size, n;
    uint8_t *png = (uint8_t *)slurp("t.png", &size);
    const uint8_t *head = chunk(png, size, "IHDR", &n);
    assert_int_equal(head[9], 6);
    uint8_t *pixels = decode(png, size, big(head), big(head + 4), 4);
    assert_int_equal(pixels[3], 0);
    free(pixels);
    free(png);
}

/* ---- numbers ----------------------------------------------------------------------------- */

static void test_npy(void **state)
{
    struct bench *b = *state;
    set(b, "plan"), set(b, "p.npy");
    run(b);
    size_t size;
    char *npy = slurp("p.npy", &size);
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
            assert_memory_equal(npy + 10 + length + (j * 128 + t) * 4, &w->plan[t * 32 + j], 4);
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
    struct bench *b = *state;
    static const char text[] = "one, \"two\"\n\x1b[2J =cmd \xe6\xbc\xa2 three. More, and \"more\".";
    snapshot_release(b->snapshot);
    b->snapshot = sample_document(text, sizeof text - 1);
    sample_read_window(b->snapshot, 0);
    b->request.window = 1;
    set(b, "gate"), set(b, "g.csv");
    run(b);
    size_t size, count, tokens = b->snapshot->document->tokens;
    size_t layers = b->snapshot->window[0]->layers;
    char *csv = slurp("g.csv", &size), *field[64];
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
    struct bench *b = *state;
    set(b, "gate"), set(b, "g.json");
    run(b);
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
    struct bench *b = *state;
    set(b, "answers"), set(b, "formats=png,svg,csv,json");
    run(b);
    assert_int_equal(b->result.n, 4);
    assert_string_equal(b->result.path[0], "saltworks-answers.png");
    size_t size, count;
    char *csv = slurp("saltworks-answers.csv", &size), *field[16];
    char *at = split_record(csv, field, 16, &count);
    assert_string_equal(field[6], "answer");
    split_record(at, field, 16, &count);
    assert_string_equal(field[0], "full");
    assert_string_equal(field[6], "briquettes of pressed coal dust");
    free(csv);
    set(b, "formats=npy");
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_int_equal(b->err.code, ERR_USAGE);
}

/* ---- names ---------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    struct bench *b = *state;
    run(b);
    assert_string_equal(b->result.path[0], "saltworks-w02-plan.png");
    set(b, "gate"), set(b, "range=114-241"), set(b, "formats=svg,npy");
    run(b);
    assert_int_equal(b->result.n, 2);
    assert_string_equal(b->result.path[0], "saltworks-t114-241-gate.svg");
    assert_string_equal(b->result.path[1], "saltworks-t114-241-gate.npy");
    set(b, "window=all"), view(b, "mass"), set(b, "width=183mm");
    run(b);
    assert_string_equal(b->result.path[0], "saltworks-mass.svg");
    set(b, "sub.png"), set(b, "formats=csv");
    run(b);
    assert_string_equal(b->result.path[0], "sub.png");
    assert_string_equal(b->result.path[1], "sub.csv");
}

/* One number for all formats, and the old files stay as they are. */
static void test_names_in_use(void **state)
{
    struct bench *b = *state;
    assert_true(file_replace("fig.svg", "old", 3, &b->err));
    assert_true(file_replace("fig-2.npy", "old", 3, &b->err));
    set(b, "fig.png"), set(b, "formats=svg,npy");
    run(b);
    assert_string_equal(b->result.path[0], "fig-3.png");
    assert_string_equal(b->result.path[1], "fig-3.svg");
    assert_string_equal(b->result.path[2], "fig-3.npy");
    size_t size;
    char *old = slurp("fig.svg", &size);
    assert_string_equal(old, "old");
    free(old);
    b->request.force = true;
    run(b);
    assert_string_equal(b->result.path[1], "fig.svg");
    old = slurp("fig.svg", &size);
    assert_memory_equal(old, "<?xml", 5);
    free(old);
}

static void test_names_of_hostile_documents(void **state)
{
    struct bench *b = *state;
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
        run(b);
        assert_string_equal(b->result.path[0], names[i][1]);
        unlink(b->result.path[0]);
    }
}

static void test_written_whole_or_not_at_all(void **state)
{
    struct bench *b = *state;
    assert_int_equal(mkdir("d.png", 0777), 0);
    set(b, "d.png");
    b->request.force = true;
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_int_equal(b->err.code, ERR_IO);
    assert_int_equal(b->result.n, 0);
    char temporary[64];
    snprintf(temporary, sizeof temporary, "d.png.tmp-%ld", (long)getpid());
    assert_false(file_exists(temporary));
    assert_int_equal(rmdir("d.png"), 0);
    set(b, "nowhere/e.png");
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "nowhere/e.png"));
    unlink("d.png");
}

static void test_same_bytes_again(void **state)
{
    struct bench *b = *state;
    set(b, "one.png"), set(b, "formats=svg,npy,csv,json");
    run(b);
    run(b);
    static const char *const endings[] = {"png", "svg", "npy", "csv", "json"};
    for (size_t i = 0; i < 5; i++) {
        char first[16], second[16];
        snprintf(first, sizeof first, "one.%s", endings[i]);
        snprintf(second, sizeof second, "one-2.%s", endings[i]);
        size_t n, m;
        char *x = slurp(first, &n), *y = slurp(second, &m);
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n);
        free(x);
        free(y);
    }
}

/* More files than one call may name, in all formats, with a caption. */
static void test_many_files(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < EXPORT_FILES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%d.csv", i);
        set(b, name);
    }
    assert_false(export_word(&b->request, "more.csv", &b->err));
    set(b, "formats=png,svg,npy,csv,json"), set(b, "caption=m.tex");
    run(b);
    assert_int_equal(b->result.n, EXPORT_FILES_MAX + 4 + 1);
}

/* ---- panels and captions ------------------------------------------------------------------ */

static void test_panels(void **state)
{
    struct bench *b = *state;
    set(b, "gate"), set(b, "plan"), set(b, "answers"), set(b, "width=183mm");
    assert_false(export_word(&b->request, "plan", &b->err));
    set(b, "formats=png,svg");
    run(b);
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
    set(b, "columns=2");
    run(b);
    set(b, "formats=npy");
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "npy"));
}

static void test_caption(void **state)
{
    struct bench *b = *state;
    free(b->snapshot->document->name);
    b->snapshot->document->name = strdup("a_b%c$.txt");
    set(b, "plan"), set(b, "gate"), set(b, "caption=cap.tex"), set(b, "width=nature-2col");
    run(b);
    assert_int_equal(b->result.n, 2);
    size_t size;
    char *tex = slurp("cap.tex", &size);
    assert_non_null(strstr(tex, "\\includegraphics[width=183mm]{a_b_c_-w02-panels.png}"));
    assert_non_null(strstr(tex, "Document a\\_b\\%c\\$.txt, tokens 114 to 241."));
    assert_non_null(strstr(tex, "\\textbf{b}~layer gates"));
    assert_non_null(strstr(tex, "windows of 128 tokens, ratio 4, $\\varepsilon = 0.1$, 30 iterations"));
    int depth = 0;
    for (const char *p = tex; *p; p++)
        if (*p == '\\')
            p++; /* escaped */
        else
            depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
    assert_int_equal(depth, 0);
    free(tex);
    set(b, "formats=csv"), view(b, "plan");
    b->request.n_files = 0;
    export_result_free(&b->result);
    assert_false(export_run(b->snapshot, &b->request, &b->result, &b->err));
    assert_non_null(strstr(b->err.text, "caption"));
}

/* ---- options ---------------------------------------------------------------------------------- */

static void test_options_that_are_fine(void **state)
{
    struct bench *b = *state;
    static const char *const words[] = {
        "gate", "plan", "value=slot-share", "window=all", "window=3", "range=3-9", "range=3,9",
        "iteration=0", "norm=token", "scale=log", "limits=0,0.02", "limits=auto", "map=Cividis",
        "unit=word", "turn", "turn=off", "width=3.5in", "width=acl-2col", "width=1200px",
        "height=60mm", "dpi=600", "ticks=all", "ticks=12", "ticks=0", "select=3,4", "title=A = b",
        "marginals=off", "colorbar=off", "theme=dark", "background=transparent", "cells=image",
        "formats=png,npy", "x.PNG", "./a=b.svg",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        set(b, words[i]);
    assert_string_equal(b->request.figure.title, "A = b");
    assert_int_equal(b->request.n_files, 2);
    assert_int_equal(b->request.figure.map, MAP_CIVIDIS);
    set(b, "width=slide");
    assert_true(b->request.width == 254 && b->request.height == 143);
}

static void test_options_that_are_not(void **state)
{
    struct bench *b = *state;
    static const char *const words[][2] = {
        {"map=jet", "rainbow"},
        {"map=vik", "differences"},
        {"map=plasmoid", "viridis"},
        {"widht=3mm", "did you mean width?"},
        {"width=wide", "nature-1col"},
        {"width=-3mm", "expected"},
        {"dpi=1e9", "20..2400"},
        {"dpi=nan", "20..2400"},
        {"limits=3", "rising"},
        {"limits=2,1", "rising"},
        {"range=9-3", "114-241"},
        {"window=0", "counted from 1"},
        {"ticks=some", "auto"},
        {"select=a", "162"},
        {"scale=cube", "sqrt"},
        {"formats=gif", "png"},
        {"turn=maybe", "on or off"},
        {"value=looked-at", "slot-share"},
        {"fig.gif", ".svg"},
        {"fig", ".svg"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (export_word(&b->request, words[i][0], &b->err))
            fail_msg("%s was accepted", words[i][0]);
        assert_int_equal(b->err.code, ERR_USAGE);
        if (!strstr(b->err.text, words[i][1]))
            fail_msg("%s: %s", words[i][0], b->err.text);
    }
    static const char *const late[][2] = {
        {"window=9", "windows 1 to 4"}, {"range=4-900", "tokens 0 to 497"},
        {"width=1mm", "10..5000"},      {"value=entropy", "figure \"plan\""},
    };
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct export_request r;
        export_request_init(&r);
        assert_true(export_word(&r, late[i][0], &b->err));
        assert_false(export_run(b->snapshot, &r, &b->result, &b->err));
        if (!strstr(b->err.text, late[i][1]))
            fail_msg("%s: %s", late[i][0], b->err.text);
    }
}

static void test_the_explorer_s_line(void **state)
{
    struct bench *b = *state;
    struct view_state v = {.limit_low = (double)NAN, .limit_high = (double)NAN, .iteration = -1,
                           .focus = PANE_PLAN, .token = 162, .map = MAP_MAGMA, .turned = true};
    v.value[PANE_PLAN] = VALUE_LIKENESS;
    v.value[PANE_GATES] = VALUE_ENTROPY;
    v.locked = (struct source){.kind = SOURCE_SLOT, .window = 1, .slot = 12};
    char line[256];
    export_suggest(b->snapshot, &v, FIGURE_PLAN, line, sizeof line);
    assert_string_equal(line, "export plan saltworks-w02-plan.png width=89mm dpi=300");
    export_suggest(b->snapshot, &v, FIGURE_KIND_COUNT, line, sizeof line);
    assert_string_equal(
        line, "export gate plan answers saltworks-w02-panels.png width=183mm dpi=300");
    export_request_from_view(&b->request, b->snapshot, &v);
    assert_int_equal(b->request.window, 2);
    assert_int_equal(b->request.figure.value, VALUE_LIKENESS);
    assert_true(b->request.figure.turned && b->request.figure.map == MAP_MAGMA);
    assert_false(b->request.figure.dark);
    run(b);
    /* A word chooses another pane: its own value is drawn. */
    set(b, "gate"), set(b, "gate.json");
    run(b);
    json_t *json = json_parse_file("gate.json", 1 << 24, &b->err);
    assert_string_equal(json_string_value(json_object_get(json, "value")), "entropy");
    json_decref(json);
}

/* ---- the record ---------------------------------------------------------------------------------- */

static void fill_meta(struct bench *b)
{
    memset(b->snapshot->document->sha256, 'a', 64);
    memset(b->snapshot->facts.model_sha256, 'b', 64);
    b->request.model_bytes = 98362432;
    edits_mute(&b->edits, 44, true);
    edits_set_token(&b->edits, 162, 0);
    edits_set_token(&b->edits, 9, 2.5);
    b->edits.layer_off[7] = true;
    b->edits.settings.ablations = ABLATE_ORDER;
    b->request.edits = &b->edits;
    b->request.figure.locked = (struct source){.kind = SOURCE_TOKEN, .token = 162};
    b->request.figure.limit_high = 0.02;
}

static void test_records_come_back(void **state)
{
    struct bench *b = *state;
    fill_meta(b);
    set(b, "r.png"), set(b, "formats=svg"), set(b, "scale=sqrt"), set(b, "map=gray");
    set(b, "iteration=7");
    run(b);
    for (size_t i = 0; i < 2; i++) {
        struct figure_meta meta;
        json_t *json = figure_metadata_read(b->result.path[i], &b->err);
        if (!json || !figure_meta_from_json(&meta, json, "r", &b->err))
            fail_msg("%s", b->err.text);
        assert_int_equal(meta.kind, FIGURE_PLAN);
        assert_int_equal(meta.value, VALUE_PLAN_MASS);
        assert_int_equal(meta.scale, SCALE_SQRT);
        assert_int_equal(meta.map, MAP_GRAY);
        assert_int_equal(meta.window, 2);
        assert_int_equal(meta.iteration, 7);
        assert_true(meta.limit_low == 0 && meta.limit_high == 0.02);
        assert_int_equal(meta.locked.kind, SOURCE_TOKEN);
        assert_int_equal(meta.locked.token, 162);
        assert_int_equal(meta.n_muted, 1);
        assert_int_equal(meta.muted[0], 44);
        struct edits edits = {.settings = b->edits.settings};
        figure_meta_to_edits(&meta, &edits);
        assert_true(edits_equal(&edits, &b->edits));
        edits_free(&edits);
        assert_int_equal(meta.settings.window, b->snapshot->settings.window);
        assert_true(meta.settings.eps == b->snapshot->settings.eps);
        assert_string_equal(meta.question, b->snapshot->question);
        assert_string_equal(meta.document.name, "saltworks.txt");
        assert_int_equal(meta.model.size, 98362432);
        assert_string_equal(meta.model.sha256, b->snapshot->facts.model_sha256);
        char *dump = json_dumps(json, 0);
        assert_null(strstr(dump, b->dir));
        free(dump);
        figure_meta_free(&meta);
        json_decref(json);
    }
}

static void refuse(struct bench *b, const char *data, size_t size, const char *reason)
{
    char *path = temporary_file(b->dir, "bad.png", data, size);
    json_t *json = figure_metadata_read(path, &b->err);
    assert_null(json);
    assert_int_equal(b->err.code, ERR_INPUT);
    if (reason && !strstr(b->err.text, reason))
        fail_msg("%s", b->err.text);
    unlink(path);
    free(path);
}

static void test_damaged_figures(void **state)
{
    struct bench *b = *state;
    set(b, "mass"), set(b, "m.png");
    run(b);
    size_t size;
    char *png = slurp("m.png", &size);
    size_t itxt = 0;
    while (memcmp(png + itxt, "iTXt", 4) != 0)
        itxt++;
    refuse(b, "", 0, "not a PNG");
    refuse(b, "GIF89a........", 14, "not a PNG");
    for (size_t cut = 8; cut < itxt + 60; cut++)
        refuse(b, png, cut, NULL);
    for (size_t i = itxt; i < itxt + 40; i++) {
        png[i] ^= 0x20;
        refuse(b, png, size, NULL);
        png[i] ^= 0x20;
    }
    memcpy(png + itxt - 4, "\xff\xff\xff\xf0", 4);
    refuse(b, png, size, "beyond the end");
    free(png);
    struct raster raster = {1, 1, 3, calloc(3, 1)};
    uint8_t *plain = png_write(&raster, 96, "other", "x", &size);
    refuse(b, (char *)plain, size, "other software");
    free(plain);
    plain = png_write(&raster, 96, FIGURE_META_KEYWORD, "{\"a\":", &size);
    refuse(b, (char *)plain, size, NULL);
    free(plain);
    raster_free(&raster);
    static const char svg[] = "<svg><metadata id=\"comprexit\">{&quot;a&quot;:1}";
    refuse(b, svg, sizeof svg - 1, "other software");
}

static void test_hostile_records(void **state)
{
    struct bench *b = *state;
    static const char *const records[][2] = {
        {"[]", "not a JSON object"},
        {"{\"view\":\"pie\"}", "view"},
        {"{\"view\":3}", "view"},
        {"{\"window\":-1}", "window"},
        {"{\"window\":1e300}", "window"},
        {"{\"range\":[5,4]}", "range"},
        {"{\"range\":5}", "range"},
        {"{\"panels\":\"plan\"}", "panels"},
        {"{\"panels\":[\"plan\",\"plan\"]}", "panels"},
        {"{\"panels\":[\"pie\"]}", "panels"},
        {"{\"panels\":[[]]}", "panels"},
        {"{\"panels\":[1,2,3,4,5,6,7]}", "panels"},
        {"{\"limits\":[1]}", "limits"},
        {"{\"lock\":{\"kind\":\"token\",\"token\":-4}}", "token"},
        {"{\"lock\":{\"kind\":\"slot\",\"window\":0}}", "window"},
        {"{\"lock\":7}", "lock"},
        {"{\"edits\":[7]}", "edits"},
        {"{\"edits\":{}}", "edits"},
        {"{\"settings\":{\"window\":99999999999}}", "window"},
        {"{\"settings\":{\"align\":\"left\"}}", "align"},
        {"{\"settings\":[]}", "settings"},
        {"{\"question\":\"a\\u0000b\"}", "question"},
        {"{\"document\":{\"name\":\"../../etc/passwd\"}}", "without directories"},
        {"{\"document\":{\"name\":\"..\"}}", "without directories"},
        {"{\"document\":{\"sha256\":\"xyz\"}}", "sha256"},
        {"{\"model\":{\"size\":\"big\"}}", "size"},
        {"{\"model\":3}", "model"},
        {"{\"iteration\":-2}", "iteration"},
    };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct figure_meta meta;
        json_t *json = json_parse(records[i][0], strlen(records[i][0]), "record", &b->err);
        if (!json && strstr(records[i][0], "u0000"))
            continue; /* the parser itself refuses it */
        assert_non_null(json);
        if (figure_meta_from_json(&meta, json, "f.png", &b->err))
            fail_msg("%s was accepted", records[i][0]);
        assert_int_equal(b->err.code, ERR_INPUT);
        if (!strstr(b->err.text, records[i][1]) || strncmp(b->err.text, "f.png: ", 7) != 0)
            fail_msg("%s: %s", records[i][0], b->err.text);
        json_decref(json);
    }
}

static void test_empty_record(void **state)
{
    struct bench *b = *state;
    struct figure_meta meta;
    json_t *json = json_object();
    assert_true(figure_meta_from_json(&meta, json, "f", &b->err));
    assert_int_equal(meta.kind, FIGURE_PLAN);
    assert_int_equal(meta.iteration, -1);
    assert_true(isnan(meta.limit_high));
    export_request_from_meta(&b->request, &meta);
    figure_meta_free(&meta);
    json_decref(json);
    run(b);
}

/* ---- faces ---------------------------------------------------------------------------------------- */

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_png_chunks),
        CASE(test_png_holds_the_pixels),
        CASE(test_data_addresses),
        CASE(test_transparent_png),
        CASE(test_npy),
        CASE(test_csv),
        CASE(test_json),
        CASE(test_answers),
        CASE(test_names),
        CASE(test_names_in_use),
        CASE(test_names_of_hostile_documents),
        CASE(test_written_whole_or_not_at_all),
        CASE(test_same_bytes_again),
        CASE(test_many_files),
        CASE(test_panels),
        CASE(test_caption),
        CASE(test_options_that_are_fine),
        CASE(test_options_that_are_not),
        CASE(test_the_explorer_s_line),
        CASE(test_records_come_back),
        CASE(test_damaged_figures),
        CASE(test_hostile_records),
        CASE(test_empty_record),
        CASE(test_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
