/* The compressor on a device (engine/ops/device.h): the same numbers as compressor.h, for
 * all segments of a batch at once, forward and backward. Edits and ablations are not for
 * training and are not here. */
#ifndef ENGINE_COMPRESS_COMPRESSOR_DEVICE_H
#define ENGINE_COMPRESS_COMPRESSOR_DEVICE_H

#include <stddef.h>

#include "engine/compress/compressor.h"
#include "engine/ops/device.h"

/* Parameters or gradients in the device's memory, laid out as compressor.block. */
struct compressor_device {
    const struct compressor *host; /* borrowed: shape and layout */
    real *block;                   /* [host->count] */
    struct compressor_params params; /* views into block */
};

/* Room for one block, taken from the device; not filled. */
void compressor_device_init(struct compressor_device *c, const struct compressor *host,
                            struct device *d);

/* What a forward pass leaves for the way back and for plan health. */
struct compress_device_tape {
    size_t segments;
    size_t slots;             /* of all segments */
    const size_t *slot_start; /* host [segments + 1] */
    const real *slots_out;    /* device [slots, H] */
    struct compress_device_saved *saved; /* private */
};

/* hidden [M, n, H], segment s = tokens starts[s]..starts[s+1]-1 (host, [segments + 1]; none
 * empty), n = starts[segments]. Host arrays are in the arena, device memory is taken from d
 * and stays until the caller releases it. */
void compressor_device_forward(struct device *d, const struct compressor_device *c,
                               const struct compress_settings *s, const real *hidden,
                               const size_t *starts, size_t segments,
                               struct compress_device_tape *tape, struct arena *arena);

/* dslots [slots, H] on the device -> adds to the gradients in grads->block. */
void compressor_device_backward(struct device *d, const struct compressor_device *c,
                                const struct compress_device_tape *tape, const real *dslots,
                                const struct compressor_device *grads);

/* Reads gates and plans back (waits): alpha [n, M] of all tokens, and the segments' windows as
 * compressor.h has them, of which tokens, slots, capacity, mass, plan and the last row_error are
 * filled. Both in the arena. */
void compressor_device_read(struct device *d, const struct compress_device_tape *tape,
                            const real **alpha, const struct window_plan **windows,
                            size_t *n_windows, struct arena *arena);

#endif
