/* linear.h on a device: y = x W^T + bias, W [out, in], in full precision. */
#ifndef ENGINE_COMPRESS_LINEAR_DEVICE_H
#define ENGINE_COMPRESS_LINEAR_DEVICE_H

#include <stddef.h>

#include "engine/ops/device.h"

void linear_device_forward(struct device *d, real *y, const real *x, const real *w,
                           const real *bias, size_t n, size_t in, size_t out);

/* Overwrites dx [n, in]; adds to dw [out, in] and, unless it is NULL, to dbias [out]. */
void linear_device_backward(struct device *d, real *dx, real *dw, real *dbias, const real *dy,
                            const real *x, const real *w, size_t n, size_t in, size_t out);

#endif
