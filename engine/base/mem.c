#include "engine/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"

__attribute__((weak)) _Noreturn void mem_exhausted(size_t bytes)
{
    fprintf(stderr, "comprexit: out of memory (%zu more bytes wanted)\n", bytes);
    exit(ERR_MEMORY);
}

/* readline has functions of these names; the build hides ours from it (-fvisibility
 * in the Makefile). */
void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p)
        mem_exhausted(bytes);
    return p;
}

void *xcalloc(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes ? bytes : 1);
    if (!p)
        mem_exhausted(count);
    return p;
}

void *xrealloc(void *old, size_t count, size_t bytes)
{
    size_t total;
    if (!size_mul(count, bytes, &total))
        mem_exhausted(count);
    void *p = realloc(old, total ? total : 1);
    if (!p)
        mem_exhausted(total);
    return p;
}

char *xstrndup(const char *text, size_t length)
{
    char *copy = xmalloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

void *mem_try(size_t count, size_t bytes, const char *what, struct err *err)
{
    size_t total;
    if (!size_mul(count, bytes, &total) || !size_round_up(total, 64, &total)) {
        err_set(err, ERR_MEMORY, "%s: size overflows", what);
        return NULL;
    }
    void *p = aligned_alloc(64, total ? total : 64);
    if (!p) {
        err_set(err, ERR_MEMORY, "%s: no memory for %.1f MiB", what,
                (double)total / 1048576.0);
        return NULL;
    }
    memset(p, 0, total);
    return p;
}
