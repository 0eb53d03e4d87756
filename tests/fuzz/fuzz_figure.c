/* Figures of others: the record inside of a PNG or SVG file. */
#include "app/figure_meta.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct memory_file file;
    struct figure_meta meta;
    memory_file_open(&file, data, size);
    json_t *json = figure_metadata_read(file.path, &err);
    CHECK(json || (err.code != ERR_NONE && *err.text));
    if (json && figure_meta_from_json(&meta, json, "fuzz", &err)) {
        struct edits edits = {0};
        figure_meta_to_edits(&meta, &edits);
        edits_free(&edits);
        json_decref(figure_meta_to_json(&meta));
        figure_meta_free(&meta);
    }
    json_decref(json);
    memory_file_close(&file);
    return 0;
}
