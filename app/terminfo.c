#include "app/terminfo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/mem.h"

enum { MAGIC_32BIT = 01036, ENTRY_MAX = 32768, ABSENT = -1 };

static void put_number(struct buffer *b, long value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)((unsigned long)value >> 8 * i);
        buffer_add(b, &byte, 1);
    }
}

static void put_short(struct buffer *b, size_t value)
{
    put_number(b, (long)value, 2);
}

/* Numbers begin at even offsets. */
static void align_even(struct buffer *b)
{
    if (b->size % 2)
        buffer_add(b, "", 1);
}

static size_t table_size(const struct terminfo *d)
{
    size_t size = 0;
    for (size_t i = 0; i < d->n_strings; i++)
        size += d->strings[i] ? strlen(d->strings[i]) + 1 : 0;
    return size;
}

static void put_strings(struct buffer *b, const struct terminfo *d)
{
    size_t offset = 0;
    for (size_t i = 0; i < d->n_strings; i++) {
        put_number(b, d->strings[i] ? (long)offset : ABSENT, 2);
        offset += d->strings[i] ? strlen(d->strings[i]) + 1 : 0;
    }
    for (size_t i = 0; i < d->n_strings; i++)
        if (d->strings[i])
            buffer_add(b, d->strings[i], strlen(d->strings[i]) + 1);
}

/* The second part: counts, values, then the offsets and texts of the names. */
static void put_extended_flag(struct buffer *b, const char *name)
{
    align_even(b);
    put_short(b, 1); /* flags */
    put_short(b, 0); /* numbers */
    put_short(b, 0); /* strings */
    put_short(b, 1); /* entries of the string table */
    put_short(b, strlen(name) + 1);
    buffer_add(b, "\1", 1);
    align_even(b);
    put_short(b, 0);
    buffer_add(b, name, strlen(name) + 1);
}

static char *to_hex(const struct buffer *b)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = xmalloc(4 + 2 * b->size + 1), *p = out;
    memcpy(p, "hex:", 4);
    p += 4;
    for (size_t i = 0; i < b->size; i++) {
        *p++ = digits[(unsigned char)b->data[i] >> 4];
        *p++ = digits[b->data[i] & 15];
    }
    *p = '\0';
    return out;
}

char *terminfo_encode(const struct terminfo *d)
{
    struct buffer b = {0};
    put_short(&b, MAGIC_32BIT);
    put_short(&b, strlen(d->name) + 1);
    put_short(&b, d->n_flags);
    put_short(&b, d->n_numbers);
    put_short(&b, d->n_strings);
    put_short(&b, table_size(d));
    buffer_add(&b, d->name, strlen(d->name) + 1);
    for (size_t i = 0; i < d->n_flags; i++)
        buffer_add(&b, d->flags[i] == 1 ? "\1" : "", 1);
    align_even(&b);
    for (size_t i = 0; i < d->n_numbers; i++)
        put_number(&b, d->numbers[i] < 0 ? ABSENT : d->numbers[i], 4);
    put_strings(&b, d);
    if (d->extended_flag)
        put_extended_flag(&b, d->extended_flag);
    char *text = b.size <= ENTRY_MAX && table_size(d) < 32767 ? to_hex(&b) : NULL;
    buffer_free(&b);
    return text;
}
