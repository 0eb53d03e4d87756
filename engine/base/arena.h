/* A region of memory that is freed as a whole: the scratch space of one job.
 *
 *     struct arena a = {0};
 *     float *x = arena_array(&a, float, n);
 *     ...
 *     arena_free(&a);
 */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t bytes; /* handed out since the last reset */
    size_t most;  /* that `bytes` ever was */
    /* Of a large job: blocks lie one behind the other in room for ARENA_ROOM bytes, so that the
     * job takes `most` bytes of memory and no more. */
    bool wide;
};
#define ARENA_ROOM ((size_t)1 << 30)

/* Where the arena stood, to give back everything taken since. */
struct arena_mark {
    struct arena_chunk *chunk;
    size_t used, bytes;
};

/* count * bytes of zeroed memory aligned to 64 bytes; never NULL. Under
 * AddressSanitizer every allocation is a block of its own, so that overruns
 * between neighbours are seen. */
void *arena_take(struct arena *arena, size_t count, size_t bytes);

/* The same for what is written before it is read: its bytes are anything, and all ones, which
 * is not a number, under AddressSanitizer. */
void *arena_take_raw(struct arena *arena, size_t count, size_t bytes);

#define arena_raw(arena, type, count) ((type *)arena_take_raw((arena), (count), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_take((arena), (count), sizeof(type)))

struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/* Forgets everything that was taken, but keeps the first chunk for the next of several jobs
 * alike: its pages need not be cleared by the system each time. */
void arena_rewind(struct arena *arena);

/* Frees everything; the arena can be used again. */
void arena_free(struct arena *arena);

#endif
