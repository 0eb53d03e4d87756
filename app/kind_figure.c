/* Figures: PNG and SVG files with the record of how they were made. */
#include <string.h>

#include "app/figure_meta.h"
#include "app/file_kind.h"

static bool matches(const char *path, const struct file_head *head)
{
    (void)path;
    return (head->size >= 8 && memcmp(head->bytes, "\x89PNG\r\n\x1a\n", 8) == 0) ||
           (head->size > 0 && memmem(head->bytes, head->size, "<svg", 4) != NULL);
}

/* The record as it stands in the file, once it is known to be sound. */
static json_t *describe(const char *path, struct err *err)
{
    struct figure_meta meta;
    json_t *json = figure_metadata_read(path, err);
    if (json && figure_meta_from_json(&meta, json, path, err)) {
        figure_meta_free(&meta);
        return json;
    }
    json_decref(json);
    return NULL;
}

static bool check(const char *path, const struct problem_sink *sink)
{
    struct err err;
    json_t *json = describe(path, &err);
    bool ok = json != NULL;
    json_decref(json);
    return ok || problem_error(sink, &err);
}

const struct file_kind file_kind_figure = {"figure", matches, describe, check};
