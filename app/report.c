#include "app/report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* Nine digits name every float32 exactly. */
enum { JSON_STYLE = JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY };

static void dump(json_t *document, size_t flags)
{
    json_dumpf(document, stdout, flags);
    putchar('\n');
    json_decref(document);
}

void report_json(json_t *document)
{
    dump(document, JSON_STYLE);
}

void report_json_line(json_t *document)
{
    dump(document, JSON_STYLE | JSON_COMPACT);
}

json_t *report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_floats(const float *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, report_number((double)values[i]));
    return list;
}

json_t *report_ids(const int32_t *ids, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(ids[i]));
    return list;
}

json_t *report_text(const char *text, size_t length)
{
    if (text_valid(text, length, NULL))
        return json_stringn(text, length);
    size_t used;
    char *clean = text_make_valid(text, length, &used);
    json_t *string = json_stringn(clean, used);
    free(clean);
    return string;
}

void report_lines(const char *text, size_t length)
{
    do {
        const char *end = length ? memchr(text, '\n', length) : NULL;
        size_t line = end ? (size_t)(end - text) : length;
        size_t room = line * TEXT_ESCAPE_MAX + 1;
        char *shown = xmalloc(room);
        text_sanitize(shown, room, text, line);
        puts(shown);
        free(shown);
        size_t taken = line + (end != NULL);
        text += taken;
        length -= taken;
    } while (length > 0);
}

void report_labelled(const char *label, const char *text)
{
    printf("%s: ", label);
    char *line = xstrdup(text);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    report_lines(line, strlen(line));
    free(line);
}

bool report_flush(struct err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return err_set(err, ERR_IO, "standard output: %s", strerror(errno));
}

/* ---- errors -------------------------------------------------------------- */

/* Does the message begin with this path (as it is printed)? Then the length of
 * the path in the message, with what follows it inside a directory. */
static size_t path_length(const char *message, const char *path)
{
    char shown[512];
    if (!path || !path[0])
        return 0;
    size_t length = text_sanitize(shown, sizeof shown, path, strlen(path));
    if (strncmp(message, shown, length) != 0)
        return 0;
    if (message[length] == '/')
        length += strcspn(message + length, ":");
    return message[length] == ':' ? length : 0;
}

/* The file that a message is about: "PATH: ...". */
static json_t *error_file(const char *message, const struct cli_arguments *a)
{
    size_t length = 0;
    for (size_t i = 0; a && i < a->n_operands && !length; i++)
        length = path_length(message, a->operands[i]);
    for (size_t i = 0; a && i < a->n_given && !length; i++)
        length = path_length(message, a->given[i].text);
    if (!length) {
        const char *colon = strstr(message, ": ");
        char *prefix = colon ? xstrndup(message, (size_t)(colon - message)) : NULL;
        if (prefix && file_exists(prefix))
            length = strlen(prefix);
        free(prefix);
    }
    return length ? report_text(message, length) : json_null();
}

void report_error(const struct err *err, const struct cli_arguments *arguments, bool json)
{
    fprintf(stderr, "comprexit: %s\n", err->text);
    if (!json)
        return;
    report_json(json_pack("{s:{s:i, s:o, s:o}}", "error", "code", (int)err->code, "message",
                          report_text(err->text, strlen(err->text)), "file",
                          error_file(err->text, arguments)));
}

void report_note(const struct cli_arguments *arguments, const char *fmt, ...)
{
    if (cli_flag(arguments, "quiet"))
        return;
    char raw[512], line[1024], whole[sizeof line + 16];
    va_list args;
    va_start(args, fmt);
    vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    text_sanitize(line, sizeof line, raw, strlen(raw));
    int length = snprintf(whole, sizeof whole, "comprexit: %s\n", line);
    /* stdio would drop a line that a signal interrupts while nobody reads */
    file_write_all(STDERR_FILENO, whole, (size_t)length);
}

/* ---- progress -------------------------------------------------------------- */

enum { PROGRESS_WIDTH = 60, BAR_WIDTH = 24 };
static const double progress_after_ms = 2000, progress_every_ms = 100;

void progress_line_start(struct progress_line *line, const struct cli_arguments *arguments)
{
    *line = (struct progress_line){
        .enabled = isatty(STDERR_FILENO) && !cli_flag(arguments, "quiet"),
        .start_ms = clock_ms(),
    };
}

void progress_line_tick(struct progress_line *line, const char *stage, size_t done, size_t total)
{
    double now = clock_ms();
    if (!line->enabled || now - line->start_ms < progress_after_ms ||
        now - line->last_ms < progress_every_ms)
        return;
    line->last_ms = now;
    line->shown = true;
    char bar[BAR_WIDTH + 1];
    size_t filled = total ? (size_t)((double)BAR_WIDTH * (double)done / (double)total) : 0;
    for (size_t i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    char text[PROGRESS_WIDTH + 1];
    snprintf(text, sizeof text, "%-12.12s [%s] %zu/%zu", stage, bar, done, total);
    fprintf(stderr, "\r%-*s", PROGRESS_WIDTH, text);
}

void progress_line_end(struct progress_line *line)
{
    if (line->shown)
        fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
    line->shown = false;
}
