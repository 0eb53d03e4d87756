/* What a file is: the kinds that `info` describes and `check` reads whole. A new
 * kind is one row in file_kind.c. */
#ifndef APP_FILE_KIND_H
#define APP_FILE_KIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* Where `check` tells each problem it finds: one line that begins with the file. */
struct problem_sink {
    void (*report)(void *context, const char *line);
    void *context;
};

/* The beginning of a file, enough to tell kinds apart. */
enum { FILE_HEAD_BYTES = 64 };
struct file_head {
    unsigned char bytes[FILE_HEAD_BYTES];
    size_t size;
    bool directory;
};

struct file_kind {
    const char *name; /* "model" */
    bool (*matches)(const char *path, const struct file_head *head);

    /* A new JSON object without "file" and "kind"; NULL and *err when the file
     * cannot be read as that kind. */
    json_t *(*describe)(const char *path, struct err *err);

    /* Reads everything; false when a problem was found or the file is unreadable
     * (then also reported). */
    bool (*check)(const char *path, const struct problem_sink *sink);
};

extern const struct file_kind file_kind_run, file_kind_directory, file_kind_gguf,
    file_kind_safetensors, file_kind_figure, file_kind_data;

/* The kind of path, or NULL and *err. Every readable file is of some kind: the
 * last one takes data sets and texts. */
const struct file_kind *file_kind_of(const char *path, struct err *err);

/* Reports a problem whose text is in err; returns false. */
bool problem_error(const struct problem_sink *sink, const struct err *err);

#endif
