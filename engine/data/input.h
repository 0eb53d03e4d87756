/* A stream of lines out of a plain, gzip or zstd file, told apart by content.
 * Bounded: a line has at most LINE_BYTES_MAX bytes, and compressed data may not
 * expand over 1000 : 1 once the first 64 MiB are through. */
#ifndef ENGINE_DATA_INPUT_H
#define ENGINE_DATA_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

enum {
    LINE_BYTES_MAX = 64 << 20,
    INPUT_RATIO_MAX = 1000,
    INPUT_FREE_BYTES = 64 << 20,
    INPUT_ZSTD_WINDOW_LOG = 27
};

struct input;

/* NULL and *err when path cannot be read or its beginning is neither text nor a
 * known compression (Parquet is named and refused). */
struct input *input_open(const char *path, struct err *err);
void input_close(struct input *input);

/* The next line without its end (LF or CRLF), NUL-terminated, borrowed until the
 * next call. false at the end of the file (*err untouched) and on an error. */
bool input_line(struct input *input, char **line, size_t *length, struct err *err);

/* Had the line that input_line returned last an end? Only the last one of a file may lack it. */
bool input_line_ended(const struct input *input);

/* All that is left, at most `limit` bytes, to be freed by the caller. */
bool input_rest(struct input *input, size_t limit, char **data, size_t *length, struct err *err);

/* Number of the line that input_line returned last, from 1. */
size_t input_line_number(const struct input *input);

/* How much of the file was read, in percent. */
size_t input_percent(const struct input *input);

/* The first bytes of the (decompressed) content, without consuming them. */
const char *input_peek(const struct input *input, size_t *length);

const char *input_path(const struct input *input);

#endif
