/* Data sets and texts: whatever the readers of engine/data take. */
#include <string.h>

#include "app/file_kind.h"
#include "app/report.h"
#include "engine/data/records.h"

static bool is_anything(const char *path, const struct file_head *head)
{
    (void)path;
    return !head->directory;
}

/* What one reading of a file found. */
struct reading {
    const char *path;
    const struct problem_sink *sink; /* NULL: count only */
    size_t documents, questions, bytes;
};

static void bad_record(void *context, size_t line, const char *reason)
{
    const struct reading *reading = context;
    struct err err;
    err_set(&err, ERR_INPUT, "%s:%zu: %s", reading->path, line, reason);
    if (reading->sink)
        problem_error(reading->sink, &err);
}

/* Reads all records; *form is borrowed from the reader's constants. */
static bool read_all(struct reading *reading, const char **form, size_t *bad, struct err *err)
{
    struct records_options options = {.bad = bad_record, .context_pointer = reading};
    struct records *records = records_open(reading->path, &options, err);
    if (!records)
        return false;
    struct record record;
    while (records_next(records, &record, err)) {
        reading->documents++;
        reading->questions += record.n_questions;
        reading->bytes += record.length;
        record_free(&record);
    }
    *form = records_form(records);
    *bad = records_bad(records);
    records_close(records);
    return err->code == ERR_NONE;
}

static json_t *describe(const char *path, struct err *err)
{
    struct reading reading = {.path = path};
    const char *form;
    size_t bad;
    if (!read_all(&reading, &form, &bad, err))
        return NULL;
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "form", form, "documents",
                     (json_int_t)reading.documents, "questions", (json_int_t)reading.questions,
                     "text_bytes", (json_int_t)reading.bytes, "bad_records", (json_int_t)bad);
}

static bool check(const char *path, const struct problem_sink *sink)
{
    struct reading reading = {.path = path, .sink = sink};
    struct err err = {0};
    const char *form;
    size_t bad;
    if (!read_all(&reading, &form, &bad, &err))
        return problem_error(sink, &err);
    return bad == 0;
}

const struct file_kind file_kind_data = {
    .name = "data",
    .matches = is_anything,
    .describe = describe,
    .check = check,
};
