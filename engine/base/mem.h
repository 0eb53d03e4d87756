/* Heap memory. The x-functions never return NULL: out of memory ends the
 * program through mem_exhausted(). Large blocks whose failure a user can act
 * upon (weights, caches, documents) are taken with mem_try(). */
#ifndef ENGINE_BASE_MEM_H
#define ENGINE_BASE_MEM_H

#include <stddef.h>

#include "engine/base/err.h"

/* A new block; never NULL. */
#define MEM_NEW __attribute__((malloc, returns_nonnull))

MEM_NEW void *xmalloc(size_t bytes);
MEM_NEW void *xcalloc(size_t count, size_t bytes);
__attribute__((returns_nonnull)) void *xrealloc(void *old, size_t count, size_t bytes);

/* count * bytes, unspecified, aligned to a cache line: vectors that straddle two cost twice. */
MEM_NEW void *xmalloc_aligned(size_t count, size_t bytes);
MEM_NEW char *xstrdup(const char *text);
MEM_NEW char *xstrndup(const char *text, size_t length);

/* A zeroed block of count * bytes aligned to 64 bytes (freed with free), or
 * NULL with an ERR_MEMORY that names `what` and the size, and behind them what `what` says behind
 * a bar: "key cache|a shorter text needs less". */
void *mem_try(size_t count, size_t bytes, const char *what, struct err *err);

/* The same with unspecified content, for what is written in full anyway. */
void *mem_try_raw(size_t count, size_t bytes, const char *what, struct err *err);

/* Room for `bytes`: addresses alone, whose pages are memory (zeroed) once they are touched.
 * NULL where the system has no such room. Freed with mem_room_free. */
void *mem_room(size_t bytes);
void mem_room_free(void *room, size_t bytes);

/* Gives back to the system what freed blocks leave in the heap: after a stage of large ones. */
void mem_trim(void);

/* For a process that lives long beside others: blocks from 1 MiB and 256 KiB at the heap's end
 * go back when they are freed. Left alone, the allocator keeps the more the larger the largest
 * block was that it ever gave back. */
void mem_keep_little(void);

/* Grows an array by doubling so that it can hold `need` elements. */
#define MEM_GROW(array, capacity, need)                                        \
    do {                                                                       \
        if ((need) > (capacity)) {                                             \
            (capacity) = (need) < 8 ? 8 : 2 * (need);                          \
            (array) = xrealloc((array), (capacity), sizeof *(array));          \
        }                                                                      \
    } while (0)

/* Writes one line and exits with ERR_MEMORY. Weak: the program overrides it to
 * give the terminal back first. */
_Noreturn void mem_exhausted(size_t bytes);

#endif
