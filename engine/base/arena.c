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
    bool room; /* data is room, not of the heap */
};

/* A chunk of the heap where the system has no room. */
static struct arena_chunk *chunk_new(size_t bytes, bool wide, struct arena_chunk *previous)
{
    struct arena_chunk *chunk = xmalloc(sizeof *chunk);
    *chunk = (struct arena_chunk){.previous = previous, .size = size_max(bytes, ARENA_ROOM)};
    chunk->data = wide && ARENA_CHUNK > 1 ? mem_room(chunk->size) : NULL;
    chunk->room = chunk->data;
    if (chunk->room)
        return chunk;
    chunk->size = size_max(bytes, ARENA_CHUNK);
    chunk->data = mem_try_raw(chunk->size, 1, "memory of a pass", NULL);
    if (!chunk->data)
        mem_exhausted(chunk->size);
    return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
    if (chunk->room)
        mem_room_free(chunk->data, chunk->size);
    else
        free(chunk->data);
    free(chunk);
}

static void *take(struct arena *arena, size_t count, size_t bytes, size_t *size)
{
    size_t total;
    if (!size_mul(count, bytes, &total) || !size_round_up(total, 64, &total))
        mem_exhausted(count);
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < total)
        chunk = arena->chunks = chunk_new(total, arena->wide, chunk);
    void *p = chunk->data + chunk->used;
    chunk->used += total;
    arena->bytes += total;
    arena->most = size_max(arena->most, arena->bytes);
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
        chunk_free(chunk);
    }
    if (arena->chunks)
        arena->chunks->used = mark.used;
    arena->bytes = mark.bytes;
}

void arena_rewind(struct arena *arena)
{
    struct arena_chunk *first = ARENA_CHUNK > 1 ? arena->chunks : NULL;
    while (first && first->previous)
        first = first->previous;
    arena_release(arena, (struct arena_mark){.chunk = first});
}

void arena_free(struct arena *arena)
{
    arena_release(arena, (struct arena_mark){0});
}
