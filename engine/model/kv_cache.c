#include "engine/model/kv_cache.h"

#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/model/llama_block.h"

#define LESS "|a shorter text, or a smaller --segment, needs less"

bool kv_cache_init(struct kv_cache *cache, const struct model *model, size_t capacity,
                   struct err *err)
{
    const struct llama_config *config = &model->config;
    const struct attention_shape shape = llama_attention_shape(config);
    size_t count;
    *cache = (struct kv_cache){.capacity = capacity,
                               .rounded = precision_rounds_attention(model->precision)};
    if (!size_add(capacity, ATTENTION_STORE_ROWS - 1, &cache->room) ||
        !size_mul(config->kv_heads, config->head_dim + ATTENTION_STORE_ROWS, &count) ||
        !size_mul(count, config->layers * sizeof(real), &count) ||
        !size_mul(count, cache->room, &count))
        return err_set(err, ERR_MEMORY, "key/value cache for %zu tokens: size overflows", capacity);
    cache->room -= cache->room % ATTENTION_STORE_ROWS;
    cache->layer_bytes = attention_store_bytes(cache->rounded, cache->room, &shape);
    const size_t layers = config->layers, bytes = cache->layer_bytes;
    uint8_t *keys = mem_try_raw(layers, bytes, "key cache" LESS, err);
    uint8_t *values = keys ? mem_try_raw(layers, bytes, "value cache" LESS, err) : NULL;
    int32_t *positions =
        values ? mem_try(capacity, sizeof *positions, "cache positions" LESS, err) : NULL;
    if (!positions) {
        free(keys);
        free(values);
        return false;
    }
    cache->keys = keys;
    cache->values = values;
    cache->positions = positions;
    return true;
}

void kv_cache_free(struct kv_cache *cache)
{
    free(cache->keys);
    free(cache->values);
    free(cache->positions);
    *cache = (struct kv_cache){0};
}

struct attention_store kv_cache_layer(const struct kv_cache *cache, size_t layer)
{
    size_t at = layer * cache->layer_bytes;
    return (struct attention_store){cache->rounded, cache->keys + at, cache->values + at,
                                    cache->room};
}

void kv_cache_truncate(struct kv_cache *cache, size_t used)
{
    if (used < cache->used)
        cache->used = used;
}

size_t kv_cache_bytes(const struct model *model, size_t n)
{
    const struct llama_config *config = &model->config;
    size_t each = precision_rounds_attention(model->precision) ? sizeof(uint16_t) : sizeof(real);
    return 2 * config->layers * config->kv_heads * config->head_dim * each * n;
}
