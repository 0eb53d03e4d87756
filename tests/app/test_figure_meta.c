/* The record inside of figures: it comes back, and nothing in it is trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/export.h"
#include "app/figure_meta.h"
#include "app/png.h"
#include "engine/base/json.h"
#include "tests/support/export_bench.h"
#include "tests/support/temporary.h"

static void fill_meta(struct export_bench *b)
{
    memset(b->snapshot->document->sha256, 'a', 64);
    memset(b->snapshot->facts.model_sha256, 'b', 64);
    b->snapshot->facts.model_bytes = 98362432;
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
    struct export_bench *b = *state;
    fill_meta(b);
    export_bench_set(b, "r.png"), export_bench_set(b, "formats=svg"),
        export_bench_set(b, "scale=sqrt"), export_bench_set(b, "map=gray");
    export_bench_set(b, "iteration=7");
    export_bench_run(b);
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

static void refuse(struct export_bench *b, const char *data, size_t size,
                   const char *reason)
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
    struct export_bench *b = *state;
    export_bench_set(b, "mass"), export_bench_set(b, "m.png");
    export_bench_run(b);
    size_t size;
    char *png = export_bench_slurp("m.png", &size);
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
    struct export_bench *b = *state;
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
        json_t *json =
            json_parse(records[i][0], strlen(records[i][0]), "record", &b->err);
        if (!json && strstr(records[i][0], "u0000"))
            continue; /* the parser itself refuses it */
        assert_non_null(json);
        if (figure_meta_from_json(&meta, json, "f.png", &b->err))
            fail_msg("%s was accepted", records[i][0]);
        assert_int_equal(b->err.code, ERR_INPUT);
        if (!strstr(b->err.text, records[i][1]) ||
            strncmp(b->err.text, "f.png: ", 7) != 0)
            fail_msg("%s: %s", records[i][0], b->err.text);
        json_decref(json);
    }
}

static void test_empty_record(void **state)
{
    struct export_bench *b = *state;
    struct figure_meta meta;
    json_t *json = json_object();
    assert_true(figure_meta_from_json(&meta, json, "f", &b->err));
    assert_int_equal(meta.kind, FIGURE_PLAN);
    assert_int_equal(meta.iteration, -1);
    assert_true(isnan(meta.limit_high));
    export_request_from_meta(&b->request, &meta);
    figure_meta_free(&meta);
    json_decref(json);
    export_bench_run(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORT_CASE(test_records_come_back),
        EXPORT_CASE(test_damaged_figures),
        EXPORT_CASE(test_hostile_records),
        EXPORT_CASE(test_empty_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
