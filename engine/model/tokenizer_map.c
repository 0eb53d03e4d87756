#include "engine/model/tokenizer_map.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

enum { BATCH = 64 }; /* texts that are looked up at a time */

static uint64_t hash_text(uint64_t seed, const char *text, size_t length)
{
    uint64_t hash = seed ^ length;
    for (; length >= 8; text += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        hash = token_hash_mix(hash, word);
    }
    uint64_t tail = 0;
    memcpy(&tail, text, length);
    return token_hash_mix(hash, tail);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

void token_map_init(struct token_map *map, const struct text_span *keys, size_t count)
{
    size_t size = 16;
    while (size < count + count / 3)
        size *= 2;
    map->keys = keys;
    map->slots = xmalloc(size * sizeof *map->slots);
    memset(map->slots, 0xff, size * sizeof *map->slots);
    map->mask = size - 1;
    map->repeats = false;
    /* An address differs from run to run: a file cannot be made to collide. */
    map->seed = (uint64_t)(uintptr_t)map->slots;
}

void token_map_free(struct token_map *map)
{
    free(map->slots);
    *map = (struct token_map){0};
}

/* The slot that holds this text, or the free one where it would go. */
static struct token_slot *find_slot(const struct token_map *map, uint64_t hash, const char *text,
                                    size_t length)
{
    for (size_t at = hash & map->mask;; at = (at + 1) & map->mask) {
        struct token_slot *slot = &map->slots[at];
        if (slot->id < 0)
            return slot;
        const struct text_span *key = &map->keys[slot->id];
        if (slot->tag == tag_of(hash) && key->length == length &&
            memcmp(key->text, text, length) == 0)
            return slot;
    }
}

int32_t token_map_put(struct token_map *map, int32_t id)
{
    const struct text_span *key = &map->keys[id];
    uint64_t hash = hash_text(map->seed, key->text, key->length);
    struct token_slot *slot = find_slot(map, hash, key->text, key->length);
    if (slot->id < 0)
        *slot = (struct token_slot){id, tag_of(hash)};
    map->repeats = map->repeats || slot->id != id;
    return slot->id;
}

int32_t token_map_find(const struct token_map *map, const char *text, size_t length)
{
    return map->slots ? find_slot(map, hash_text(map->seed, text, length), text, length)->id : -1;
}

/* The first slot whose text may be the one with this hash, or a free one. */
static const struct token_slot *likely_slot(const struct token_map *map, uint64_t hash)
{
    size_t at = hash & map->mask;
    while (map->slots[at].id >= 0 && map->slots[at].tag != tag_of(hash))
        at = (at + 1) & map->mask;
    return &map->slots[at];
}

static void find_batch(const struct token_map *map, const struct text_span *texts, size_t count,
                       int32_t *ids)
{
    uint64_t hashes[BATCH];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_text(map->seed, texts[i].text, texts[i].length);
        __builtin_prefetch(&map->slots[hashes[i] & map->mask]);
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = likely_slot(map, hashes[i])->id;
        if (ids[i] >= 0)
            __builtin_prefetch(&map->keys[ids[i]]);
    }
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= 0)
            __builtin_prefetch(map->keys[ids[i]].text);
    for (size_t i = 0; i < count; i++)
        ids[i] = find_slot(map, hashes[i], texts[i].text, texts[i].length)->id;
}

void token_map_find_all(const struct token_map *map, const struct text_span *texts, size_t count,
                        int32_t *ids)
{
    for (size_t i = 0; i < count; i += BATCH)
        find_batch(map, texts + i, size_min(BATCH, count - i), ids + i);
}
