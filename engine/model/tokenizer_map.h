/* A table from texts to token ids: open addressing over an array of texts that
 * the caller owns and that outlives the table. */
#ifndef ENGINE_MODEL_TOKENIZER_MAP_H
#define ENGINE_MODEL_TOKENIZER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, not NUL-terminated. */
struct text_span {
    const char *text;
    size_t length;
};

/* Of a text with another tag the slot is not the place: most wrong texts are never looked at. */
struct token_slot {
    int32_t id; /* -1 = free */
    uint32_t tag;
};

struct token_map {
    const struct text_span *keys; /* borrowed; indexed by id */
    struct token_slot *slots;
    size_t mask;
    uint64_t seed;
    bool repeats; /* a text was put that stood there already */
};

/* An empty table with room for `count` keys. */
void token_map_init(struct token_map *map, const struct text_span *keys, size_t count);
void token_map_free(struct token_map *map);

/* Enters keys[id] and returns id, or the id under which the same text stands
 * already. */
int32_t token_map_put(struct token_map *map, int32_t id);

/* The id of a text, or -1. An all-zero table holds nothing. */
int32_t token_map_find(const struct token_map *map, const char *text, size_t length);

/* The same for `count` texts, which costs less than one after the other: the memory is asked for
 * several at a time. */
void token_map_find_all(const struct token_map *map, const struct text_span *texts, size_t count,
                        int32_t *ids);

/* Mixes two words; also hashes pairs of ids. */
static inline uint64_t token_hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product =
        (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
