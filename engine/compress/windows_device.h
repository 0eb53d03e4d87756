/* windows.h for all segments of a batch, on the host and on a device. */
#ifndef ENGINE_COMPRESS_WINDOWS_DEVICE_H
#define ENGINE_COMPRESS_WINDOWS_DEVICE_H

#include "engine/compress/compressor.h"
#include "engine/ops/device.h"
#include "engine/ops/device_transport.h"

struct windows_device {
    struct device_windows all;
    const struct window_plan *window; /* [all.count] as windows_layout gives them */
    const size_t *slot_start;         /* [segments + 1] */
};

/* Segment s = tokens starts[s]..starts[s + 1]-1, at least one. Host arrays are in the
 * arena, the others are taken from the device. */
void windows_device_init(struct device *d, const struct compress_settings *s, const size_t *starts,
                         size_t segments, struct windows_device *out, struct arena *arena);

#endif
