/* Run directories of `train` (engine/train/run_dir.h): their settings, the last
 * lines of the log, the files that hold parameters. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/file_kind.h"
#include "app/report.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/data/input.h"
#include "engine/train/config.h"
#include "engine/train/run_dir.h"

static bool is_run(const char *path, const struct file_head *head)
{
    if (!head->directory)
        return false;
    char *config = file_join(path, "config"), *log = file_join(path, "log.jsonl");
    bool found = file_exists(config) && file_exists(log);
    free(config);
    free(log);
    return found;
}

/* ---- the log ---------------------------------------------------------------------- */

/* Calls line() for each parsed line; a line that does not parse, or for which it
 * returns false, ends the reading. */
static bool read_log(const char *run, bool (*line)(void *, json_t *), void *context,
                     struct err *err)
{
    char *path = file_join(run, "log.jsonl");
    struct input *input = input_open(path, err);
    char *text, place[512];
    size_t length;
    bool ok = input != NULL;
    while (ok && input_line(input, &text, &length, err)) {
        snprintf(place, sizeof place, "%s:%zu", path, input_line_number(input));
        json_t *json = json_parse(text, length, place, err);
        ok = json && line(context, json);
        json_decref(json);
    }
    input_close(input);
    free(path);
    return ok && err->code == ERR_NONE;
}

struct last_lines {
    json_t *step, *validation;
    size_t lines;
};

/* A line of a step has a loss of its own; that of a validation has not. */
static bool keep_last(void *context, json_t *json)
{
    struct last_lines *last = context;
    json_t **which = json_object_get(json, "grad_norm") ? &last->step : &last->validation;
    json_decref(*which);
    *which = json_incref(json);
    last->lines++;
    return true;
}

static bool accept_line(void *context, json_t *json)
{
    (void)context;
    return json_is_object(json);
}

/* ---- its files ------------------------------------------------------------------------ */

static int is_tensor_file(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return ending && strcmp(ending, ".safetensors") == 0;
}

/* Visits the safetensors files in the order of their names. */
static bool each_file(const char *run, bool (*visit)(void *, const char *path), void *context,
                      struct err *err)
{
    struct dirent **entries;
    int count = scandir(run, &entries, is_tensor_file, alphasort);
    if (count < 0)
        return err_set(err, ERR_IO, "%s: cannot list the directory: %s", run, strerror(errno));
    bool ok = true;
    for (int i = 0; i < count; i++) {
        char *path = file_join(run, entries[i]->d_name);
        ok = visit(context, path) && ok;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool list_file(void *context, const char *path)
{
    json_array_append_new(context, report_text(file_name(path), strlen(file_name(path))));
    return true;
}

static bool check_file(void *context, const char *path)
{
    return file_kind_safetensors.check(path, context);
}

/* ---- the kind -------------------------------------------------------------------------- */

/* One row of the table of settings as JSON. */
#define JSON_OF_COUNT(value) json_integer((json_int_t)(value))
#define JSON_OF_NUMBER(value) report_number(value)
#define JSON_OF_TEXT(value) report_text(value, strlen(value))
#define SET_JSON(kind, key, standard, help)                                                    \
    json_object_set_new(object, #key, JSON_OF_##kind(config->key));

static json_t *config_json(const struct train_config *config)
{
    json_t *object = json_object();
    TRAIN_CONFIG(SET_JSON)
    return object;
}

static json_t *describe(const char *path, struct err *err)
{
    struct train_config config;
    train_config_defaults(&config);
    struct last_lines last = {0};
    json_t *files = json_array();
    if (!run_dir_config(path, &config, err) || !read_log(path, keep_last, &last, err) ||
        !each_file(path, list_file, files, err)) {
        json_decref(last.step);
        json_decref(last.validation);
        json_decref(files);
        return NULL;
    }
    return json_pack("{s:I, s:o?, s:o?, s:o, s:o}", "log_lines", (json_int_t)last.lines,
                     "last_step", last.step, "last_validation", last.validation, "files", files,
                     "config", config_json(&config));
}

static bool check(const char *path, const struct problem_sink *sink)
{
    struct train_config config;
    train_config_defaults(&config);
    struct err err = {0};
    bool ok = run_dir_config(path, &config, &err) || problem_error(sink, &err);
    err = (struct err){0};
    ok = (read_log(path, accept_line, NULL, &err) || problem_error(sink, &err)) && ok;
    err = (struct err){0};
    return each_file(path, check_file, (void *)(uintptr_t)sink, &err) && ok;
}

const struct file_kind file_kind_run = {
    .name = "run directory",
    .matches = is_run,
    .describe = describe,
    .check = check,
};
