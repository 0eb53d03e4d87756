#include "engine/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

void buffer_add(struct buffer *b, const void *bytes, size_t size)
{
    MEM_GROW(b->data, b->capacity, b->size + size + 1);
    if (size)
        memcpy(b->data + b->size, bytes, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0)
        return;
    MEM_GROW(b->data, b->capacity, b->size + (size_t)length + 1);
    va_start(args, fmt);
    vsnprintf(b->data + b->size, (size_t)length + 1, fmt, args);
    va_end(args);
    b->size += (size_t)length;
}

char *buffer_take(struct buffer *b, size_t *size)
{
    buffer_add(b, "", 0);
    char *data = b->data;
    if (size)
        *size = b->size;
    *b = (struct buffer){0};
    return data;
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}
