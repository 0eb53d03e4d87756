/* The command language: a name, then words separated by blanks; "..." and key="..." keep
 * blanks, with \" and \\ inside; a name may end in '!' (overwrite, do not ask). */
#ifndef APP_WORDS_H
#define APP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

enum { WORDS_MAX = 32 };

struct words {
    char *name;            /* "" for an empty line or a comment */
    bool force;            /* the '!' */
    char *word[WORDS_MAX]; /* arguments */
    bool quoted[WORDS_MAX]; /* as a whole: "...", not key="..." */
    size_t count;
    char *rest; /* everything after the name, as it was typed; a single quoted word
                   without its quotes */
};

/* False, with a message, for an unfinished quotation or too many words; the words
 * must be freed in either case. */
bool words_split(struct words *words, const char *line, struct err *err);

/* Where the quotation of the word at `at` begins: at its first byte or behind "=". SIZE_MAX
 * when the word has none. */
size_t words_quote(const char *at);

/* Behind the word at `at`; *open: its quotation is not closed. */
const char *words_end(const char *at, bool *open);
/* "~/" at the beginning of the text and of words, and behind = and commas in these, becomes the
 * home folder, so that what Tab completed can be opened. */
void words_expand_home(struct words *words);

void words_free(struct words *words);

#endif
