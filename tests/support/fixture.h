/* Tokenizer fixtures: files of JSON lines {"text", "ids", ...}, split at \n only.
 *
 *     struct fixture f;
 *     fixture_open(&f, path);
 *     while (fixture_next(&f)) ... f.line, f.text, f.length, f.json ...
 *
 * fixture_close() is called by fixture_next() at the end of the file. */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/model/tokenizer.h"

struct fixture {
    char *data;
    const char *path;
    size_t size, at, number;
    json_t *json;     /* the line */
    const char *text; /* its "text" */
    size_t length;
};
void fixture_open(struct fixture *f, const char *path);
bool fixture_next(struct fixture *f);
void fixture_close(struct fixture *f);

/* Are the tokens those of the line's list at `key`? A mismatch fails the test,
 * naming line, text and the first id that differs. */
void fixture_check_ids(const struct fixture *f, const char *key,
                       const struct token_list *got);

/* Properties of any encoding of text[0..length): ranges in order, inside of the
 * text and not overlapping, and ids inside of the vocabulary. */
void fixture_check_ranges(const struct tokenizer *t, const struct token_list *list,
                          size_t length);

/* The tokenizer of a tokenizer.json; free it. Fails the test when it can't be read. */
struct tokenizer *fixture_open_tokenizer(const char *path);

/* The default model's path, to be freed; skips the test when it is absent. */
char *fixture_default_model(void);

#endif
