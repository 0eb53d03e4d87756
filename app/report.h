/* What batch commands print: results on standard output, everything else on
 * standard error; no escape sequence ever goes into a pipe. */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "app/cli.h"
#include "engine/base/err.h"

/* Prints one document and a line end on standard output; takes the reference. */
void report_json(json_t *document);

/* The same on one line, for JSON lines. */
void report_json_line(json_t *document);

/* A number, or null where it was not measured (NaN) or is not finite. */
json_t *report_number(double value);
json_t *report_floats(const float *values, size_t count);
json_t *report_ids(const int32_t *ids, size_t count);

/* Text of unknown origin as a JSON string: invalid UTF-8 becomes U+FFFD. */
json_t *report_text(const char *text, size_t length);

/* Text of unknown origin for people: what could act on a terminal is escaped, line
 * ends are kept; ends with one. */
void report_lines(const char *text, size_t length);

/* The same on one line: "label: text", line ends as blanks. */
void report_labelled(const char *label, const char *text);

/* Writes out what is buffered; ERR_IO when standard output did not take it all. */
bool report_flush(struct err *err);

/* "comprexit: MESSAGE" on standard error and, when json, the document
 * {"error": {"code", "message", "file"}} on standard output. arguments (may be
 * NULL) tell which part of the message is a file name. */
void report_error(const struct err *err, const struct cli_arguments *arguments, bool json);

/* A note for people on standard error, unless --quiet. */
void report_note(const struct cli_arguments *arguments, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One line of progress, rewritten in place: only when standard error is a
 * terminal, the user did not say --quiet, and the work takes longer than two
 * seconds. */
struct progress_line {
    bool enabled, shown;
    double start_ms, last_ms;
};
void progress_line_start(struct progress_line *line, const struct cli_arguments *arguments);
void progress_line_tick(struct progress_line *line, const char *stage, size_t done, size_t total);
void progress_line_end(struct progress_line *line);

#endif
