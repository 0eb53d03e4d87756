#include "engine/model/tokenizer_map.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

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

void token_map_init(struct token_map *map, const struct text_span *keys, size_t count)
{
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    map->keys = keys;
    map->slots = xmalloc(size * sizeof *map->slots);
    memset(map->slots, 0xff, size * sizeof *map->slots);
    map->mask = size - 1;
    /* An address differs from run to run: a file cannot be made to collide. */
    map->seed = (uint64_t)(uintptr_t)map->slots;
}

void token_map_free(struct token_map *map)
{
    free(map->slots);
    *map = (struct token_map){0};
}

/* The slot that holds this text, or the free one where it would go. */
static int32_t *find_slot(const struct token_map *map, const char *text, size_t length)
{
    size_t at = hash_text(map->seed, text, length) & map->mask;
    for (;; at = (at + 1) & map->mask) {
        int32_t id = map->slots[at];
        if (id < 0)
            return &map->slots[at];
        const struct text_span *key = &map->keys[id];
        if (key->length == length && memcmp(key->text, text, length) == 0)
            return &map->slots[at];
    }
}

int32_t token_map_put(struct token_map *map, int32_t id)
{
    int32_t *slot = find_slot(map, map->keys[id].text, map->keys[id].length);
    if (*slot < 0)
        *slot = id;
    return *slot;
}

int32_t token_map_find(const struct token_map *map, const char *text, size_t length)
{
    return map->slots ? *find_slot(map, text, length) : -1;
}
