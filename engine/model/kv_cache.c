#include "engine/model/kv_cache.h"

#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

bool kv_cache_init(struct kv_cache *cache, const struct llama_config *config, size_t capacity,
                   struct err *err)
{
    *cache = (struct kv_cache){.capacity = capacity};
    const struct attention_shape shape = {config->heads, config->kv_heads, config->head_dim};
    size_t count;
    if (!size_add(capacity, ATTENTION_STORE_ROWS - 1, &cache->room) ||
        !size_mul(config->kv_heads, config->head_dim + ATTENTION_STORE_ROWS, &count) ||
        !size_mul(count, config->layers, &count) || !size_mul(count, cache->room, &count))
        return err_set(err, ERR_MEMORY, "key/value cache for %zu tokens: size overflows", capacity);
    cache->room -= cache->room % ATTENTION_STORE_ROWS;
    count = config->layers * attention_store_reals(cache->room, &shape);
    cache->keys = mem_try_raw(count, sizeof *cache->keys, "key cache", err);
    if (cache->keys)
        cache->values = mem_try_raw(count, sizeof *cache->values, "value cache", err);
    if (cache->values)
        cache->positions = mem_try(capacity, sizeof *cache->positions, "cache positions", err);
    if (!cache->positions)
        kv_cache_free(cache);
    return cache->positions != NULL;
}

void kv_cache_free(struct kv_cache *cache)
{
    free(cache->keys);
    free(cache->values);
    free(cache->positions);
    *cache = (struct kv_cache){0};
}

struct attention_store kv_cache_layer(const struct kv_cache *cache,
                                      const struct llama_config *config, size_t layer)
{
    const struct attention_shape shape = {config->heads, config->kv_heads, config->head_dim};
    size_t each = attention_store_reals(cache->room, &shape);
    return (struct attention_store){cache->keys + layer * each, cache->values + layer * each,
                                    cache->room};
}

void kv_cache_truncate(struct kv_cache *cache, size_t used)
{
    if (used < cache->used)
        cache->used = used;
}

size_t kv_cache_bytes(const struct llama_config *config, size_t n)
{
    return 2 * config->layers * config->kv_heads * config->head_dim * sizeof(real) * n;
}
