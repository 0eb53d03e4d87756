/* What Tab may offer for the word that is typed: words that begin like it, each once. */
#ifndef APP_MATCHES_H
#define APP_MATCHES_H

#include <stddef.h>

enum { MATCHES_MAX = 200 };

struct matches {
    char **words; /* owned; NULL behind the last; NULL while there is none */
    size_t count, capacity;
    const char *prefix; /* borrowed: what was typed */
    size_t length;      /* of the prefix */
};

void matches_add(struct matches *m, const char *word, size_t length);

/* The words of "a|b|c", behind the first `head` bytes of what was typed ("formats=png,"). */
void matches_add_list(struct matches *m, size_t head, const char *list);

/* Names in the folder that was typed last, behind the first `head` bytes of the word ("data=",
 * "data=a.txt,"), of the kind `wanted` (file_wanted.h). */
void matches_add_paths(struct matches *m, size_t head, const char *wanted);

/* Where the last item of a list with commas begins: `head` bytes, or behind the last comma. */
size_t matches_last_item(const struct matches *m, size_t head);

#endif
