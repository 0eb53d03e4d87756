/* Words of two short texts compared: what was added, what is gone, what is missing. */
#ifndef VIEWS_DIFF_H
#define VIEWS_DIFF_H

#include <stdbool.h>
#include <stddef.h>

enum diff_kind { DIFF_SAME, DIFF_ADDED, DIFF_GONE };

/* A word: bytes [start, end) of the new text (same, added) or of the old one (gone). */
struct diff_word {
    enum diff_kind kind;
    size_t start, end;
};

/* The shortest edit from one text to the other, word by word, gone words before added
 * ones. Free *words. Texts of more than 1000 words are compared by their first 1000. */
size_t diff_words(const char *before, const char *after, struct diff_word **words);

/* Words of `reference` that `text` has not, compared without case and punctuation and
 * counted as often as they occur; names at most `size` bytes of them, separated by
 * blanks. *total = words of the reference. */
size_t missing_words(const char *reference, const char *text, size_t *total, char *out,
                     size_t size);

#endif
