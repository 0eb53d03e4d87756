/* Where things are in a store. Internal to attention*.c. */
#ifndef ENGINE_OPS_ATTENTION_STORE_H
#define ENGINE_OPS_ATTENTION_STORE_H

#include <stdint.h>

#include "engine/ops/attention.h"

/* Bfloats of a row of d, with what fills the last pair. */
size_t attention_pair_values(size_t d);

/* The keys of a head from token `token` on, the first of a panel, and its values from column
 * `column` on, the first of a panel; as reals and as bfloats. */
const real *attention_keys(const struct attention_store *store, size_t kv, size_t token,
                           const struct attention_shape *shape);
const real *attention_values(const struct attention_store *store, size_t kv, size_t column,
                             const struct attention_shape *shape);
const uint16_t *attention_keys_rounded(const struct attention_store *store, size_t kv,
                                       size_t token, const struct attention_shape *shape);
const uint16_t *attention_values_rounded(const struct attention_store *store, size_t kv,
                                         size_t column, const struct attention_shape *shape);

#endif
