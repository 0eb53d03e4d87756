/* Records of training and evaluation files, whatever their form (told apart by
 * content): UTF-8 text (one document, or several behind a separator line), JSON
 * lines {"text"} or {"context", "question", "answers"}, SQuAD v1/v2 JSON, MRQA
 * JSON lines (a {"header": ...} line first). Plain, gzip or zstd. */
#ifndef ENGINE_DATA_RECORDS_H
#define ENGINE_DATA_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

struct question {
    char *id; /* "" when the file has none */
    char *text;
    char **answers; /* at least one */
    size_t n_answers;
};

struct record {
    size_t line;   /* where it begins, from 1; for SQuAD the number of the paragraph */
    char *text;    /* a document, or the context of the questions */
    size_t length; /* bytes of text */
    struct question *questions;
    size_t n_questions; /* 0: plain text */
};
void record_free(struct record *record);

struct records_options {
    const char *separator; /* line between documents of a text file, or NULL */
    /* JSON field names, NULL = "text", "context", "question", "answers", "id". */
    const char *text, *context, *question, *answers, *id;
    bool any_bad; /* go on, however many records are bad: to look, not to train */
    void (*bad)(void *context_pointer, size_t line, const char *reason);
    void *context_pointer;
};

struct records;
struct records *records_open(const char *path, const struct records_options *options,
                             struct err *err);
void records_close(struct records *records);

/* The next good record (to be freed by the caller). false at the end, with
 * err->code still ERR_NONE, or on an error: unreadable, or more than 1 % bad
 * (unless any_bad). */
bool records_next(struct records *records, struct record *out, struct err *err);

/* Is more than 1 % bad? */
bool records_refused(size_t good, size_t bad);

size_t records_good(const struct records *records);
size_t records_bad(const struct records *records);

/* How much of the file was read, in percent. */
size_t records_percent(const struct records *records);

/* "text", "JSON lines", "SQuAD", "MRQA". */
const char *records_form(const struct records *records);

#endif
