/* Growing bytes: texts and files that are put together piece by piece.
 *
 *     struct buffer b = {0};
 *     buffer_printf(&b, "%d tokens", n);
 *     return buffer_take(&b, &size);
 *
 * A NUL that does not count stands behind the last byte, from the first call on. */
#ifndef ENGINE_BASE_BUFFER_H
#define ENGINE_BASE_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data; /* NULL while nothing was added */
    size_t size, capacity;
};

void buffer_add(struct buffer *b, const void *bytes, size_t size);
void buffer_text(struct buffer *b, const char *text);
void buffer_printf(struct buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The bytes, to be freed, never NULL, and their number (size NULL: not wanted); b is
 * empty again. */
char *buffer_take(struct buffer *b, size_t *size);

void buffer_free(struct buffer *b);

#endif
