/* gate.h on a device, all tokens at once: the same factored form, and the hidden states are
 * read three times each way. */
#ifndef ENGINE_COMPRESS_GATE_DEVICE_H
#define ENGINE_COMPRESS_GATE_DEVICE_H

#include "engine/compress/compressor_device.h"

struct gate_device_saved {
    real *fusion; /* [M] softmax of the fusion weights */
    real *keys;   /* [M, D] bk + e[l] */
    real *pooled; /* [n, H] */
    real *query;  /* [n, D] */
    real *alpha;  /* [n, M] */
    real *mixed;  /* [n, H] */
};

/* The arrays of *saved are taken from the device; anchors [n, H] is the caller's. */
void gate_device_forward(struct device *d, const struct compressor_device *c,
                         const struct compress_settings *s, const real *hidden, size_t n,
                         struct gate_device_saved *saved, real *anchors);

void gate_device_backward(struct device *d, const struct compressor_device *c,
                          const struct compress_settings *s, const real *hidden, size_t n,
                          const struct gate_device_saved *saved, const real *danchors,
                          const struct compressor_params *grads);

#endif
