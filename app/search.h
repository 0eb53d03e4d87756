/* Finding text in the document. Plain text, or after a backslash a regular
 * expression; case counts only when the text has a capital letter. */
#ifndef APP_SEARCH_H
#define APP_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* The first match at or after `from` (backward: the last one that begins before
 * it), going on at the other end when there is none: *wrapped. An expression that
 * takes too long is an error. */
bool search_text(const char *text, size_t size, const char *needle, size_t from, bool backward,
                 size_t *found, bool *wrapped, struct err *err);

#endif
