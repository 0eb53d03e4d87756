#include "engine/base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

#if defined(__has_feature) /* how clang says what gcc says with a macro */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifndef ARENA_CHUNK
#ifdef __SANITIZE_ADDRESS__
#define ARENA_CHUNK 1
#else
#define ARENA_CHUNK ((size_t)1 << 20)
#endif
#endif

struct arena_chunk {
    struct arena_chunk *previous;
    unsigned char *data;
    size_t size, used;
};

static struct arena_chunk *chunk_new(size_t bytes, struct arena_chunk *previous)
{
    struct arena_chunk *chunk = xmalloc(sizeof *chunk);
    size_t size;
    if (!size_round_up(size_max(bytes, ARENA_CHUNK), 64, &size))
        mem_exhausted(bytes);
    chunk->previous = previous;
    chunk->data = mem_try_raw(size, 1, "memory of a pass", NULL);
    if (!chunk->data)
        mem_exhausted(size);
    chunk->size = size;
    chunk->used = 0;
    return chunk;
}

static void *take(struct arena *arena, size_t count, size_t bytes, size_t *size)
{
    size_t total;
    if (!size_mul(count, bytes, &total) || !size_round_up(total, 64, &total))
        mem_exhausted(count);
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < total)
        chunk = arena->chunks = chunk_new(total, chunk);
    void *p = chunk->data + chunk->used;
    chunk->used += total;
    arena->bytes += total;
    *size = total;
    return p;
}

void *arena_take(struct arena *arena, size_t count, size_t bytes)
{
    size_t size;
    void *p = take(arena, count, bytes, &size);
    return memset(p, 0, size);
}

void *arena_take_raw(struct arena *arena, size_t count, size_t bytes)
{
    size_t size;
    void *p = take(arena, count, bytes, &size);
#ifdef __SANITIZE_ADDRESS__
    memset(p, 0xff, size);
#endif
    return p;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){
        .chunk = arena->chunks,
        .used = arena->chunks ? arena->chunks->used : 0,
        .bytes = arena->bytes,
    };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
    while (arena->chunks != mark.chunk) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->previous;
        free(chunk->data);
        free(chunk);
    }
    if (arena->chunks)
        arena->chunks->used = mark.used;
    arena->bytes = mark.bytes;
}

void arena_free(struct arena *arena)
{
    arena_release(arena, (struct arena_mark){0});
}
