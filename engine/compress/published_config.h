/* config.json of a published checkpoint (METHOD section 8): only the keys that this
 * method reads; absent ones have their defaults. */
#ifndef ENGINE_COMPRESS_PUBLISHED_CONFIG_H
#define ENGINE_COMPRESS_PUBLISHED_CONFIG_H

#include "engine/compress/compressor.h"

struct published_config {
    struct compress_settings settings;
    size_t segment;              /* map_reduce_seg_len or context_length; 512 */
    size_t layers, hidden;       /* of the frozen model; 0 = not said */
    struct compressor_shape expect; /* what it says about the tensors; 0 = not said */
    char architecture[32];
};

bool published_config_read(struct published_config *config, const char *path, struct err *err);

#endif
