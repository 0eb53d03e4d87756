/* Keys (after the rotary turn) and values of one sequence, rounded to 16 bits where the
 * model's precision allows it. */
#ifndef ENGINE_MODEL_KV_CACHE_H
#define ENGINE_MODEL_KV_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/model.h"
#include "engine/ops/attention.h"
#include "engine/ops/real.h"

struct kv_cache {
    size_t capacity, used; /* tokens */
    size_t room;           /* capacity in whole panels: attention.h */
    bool rounded;
    size_t layer_bytes;
    uint8_t *keys, *values; /* [layers] of an attention_store */
    int32_t *positions;     /* [capacity] */
};

/* For the model's present precision. ERR_MEMORY when the capacity does not fit. */
bool kv_cache_init(struct kv_cache *cache, const struct model *model, size_t capacity,
                   struct err *err);
void kv_cache_free(struct kv_cache *cache);

/* Those of one layer, borrowed. */
struct attention_store kv_cache_layer(const struct kv_cache *cache, size_t layer);

/* Forgets all tokens from `used` on (to rewind to a shared prefix). */
void kv_cache_truncate(struct kv_cache *cache, size_t used);

/* Bytes that n tokens occupy at the model's present precision. */
size_t kv_cache_bytes(const struct model *model, size_t n);

#endif
