#include "engine/base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/size.h"

/* Large blocks are made of huge pages: fewer page faults and address translations. */
enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

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

void *xmalloc_aligned(size_t count, size_t bytes)
{
    size_t total;
    if (!size_mul(count, bytes, &total) || !size_round_up(total, CACHE_LINE, &total))
        mem_exhausted(count);
    void *p = aligned_alloc(CACHE_LINE, size_max(total, CACHE_LINE));
    if (!p)
        mem_exhausted(total);
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

/* `what` up to its bar, the trouble, and behind the bar the way out. */
static void refuse(struct err *err, const char *what, const char *trouble)
{
    int length = (int)strcspn(what, "|");
    err_set(err, ERR_MEMORY, "%.*s: %s%s%s", length, what, trouble, what[length] ? "; " : "",
            what[length] ? what + length + 1 : "");
}

void *mem_try_raw(size_t count, size_t bytes, const char *what, struct err *err)
{
    size_t total, size;
    if (!size_mul(count, bytes, &total) || !size_round_up(size_max(total, 1), CACHE_LINE, &size)) {
        refuse(err, what, "size overflows");
        return NULL;
    }
    bool large = total >= 2 * HUGE_PAGE;
    void *p; /* what is behind the last whole huge page is in small ones */
    if (posix_memalign(&p, large ? HUGE_PAGE : CACHE_LINE, size) != 0) {
        char trouble[64];
        snprintf(trouble, sizeof trouble, "no memory for %.1f MiB", (double)total / 1048576.0);
        refuse(err, what, trouble);
        return NULL;
    }
    if (large)
        madvise(p, size, MADV_HUGEPAGE); /* a wish: where it fails, small pages do */
    return p;
}

void *mem_room(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void mem_room_free(void *room, size_t bytes)
{
    munmap(room, bytes);
}

void mem_trim(void)
{
    malloc_trim(0);
}

void mem_keep_little(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

void *mem_try(size_t count, size_t bytes, const char *what, struct err *err)
{
    void *p = mem_try_raw(count, bytes, what, err);
    return p ? memset(p, 0, count * bytes) : NULL;
}
