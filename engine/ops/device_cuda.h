/* What the CUDA files share. Only nvcc's sources and device.c include it. */
#ifndef ENGINE_OPS_DEVICE_CUDA_H
#define ENGINE_OPS_DEVICE_CUDA_H

#ifdef __cplusplus
extern "C" {
#endif

#include "engine/ops/device.h"

struct device *device_cuda_open(struct err *err);

/* Room that a launch may use: no failure so far. */
bool device_cuda_ok(const struct device *d);
/* Keeps the first error, of the launch before it; `what` names the operation. */
void device_cuda_check(struct device *d, const char *what);

extern const struct device_transport device_transport_cuda;

#ifdef __cplusplus
}

#include <cuda_runtime.h>

struct device_blas; /* cuBLAS, found when the device is opened */

struct device_cuda {
    struct device base;
    struct device_ops ops; /* base.ops */
    cudaStream_t stream;
    struct device_blas *blas;
    char **chunks; /* regions of memory, each used up to used[i] */
    size_t *sizes, *used;
    size_t n_chunks, room;
};

static inline cudaStream_t device_cuda_stream(const struct device *d)
{
    return ((const struct device_cuda *)d)->stream;
}
#endif

#endif
