/* What the CUDA files of the compressor's operations share.
 *
 * No atomics: every output has one thread or one block that writes it, and sums have a fixed
 * order: the terms of a thread one after the other, then the lanes of a warp as a tree, then
 * the warps in order. Barriers stand only where all threads of a block come by. */
#ifndef ENGINE_OPS_DEVICE_TRANSPORT_CUH
#define ENGINE_OPS_DEVICE_TRANSPORT_CUH

#include <math.h>
#include <stdint.h>

#define _Noreturn __attribute__((noreturn))
#include "engine/ops/device_cuda.h"
#include "engine/ops/device_rows.cuh"
extern "C" {
#include "engine/ops/device_transport.h"
}

/* device_sinkhorn.cu */
void device_sinkhorn_forward(struct device *d, const struct device_sinkhorn *p,
                             const struct device_windows *w);
void device_sinkhorn_backward(struct device *d, real *dscore, real *dlog_a, real *dghost,
                              const real *dplan, const struct device_sinkhorn *p, real *scratch,
                              const struct device_windows *w);

#define LAUNCH(d, kernel, grid, block, ...)                                                        \
    do {                                                                                           \
        if (device_cuda_ok(d)) {                                                                   \
            kernel<<<grid, block, 0, device_cuda_stream(d)>>>(__VA_ARGS__);                        \
            device_cuda_check(d, #kernel);                                                         \
        }                                                                                          \
    } while (0)

static __device__ inline int lane_of_thread()
{
    return (int)threadIdx.x % WARP;
}

static __device__ inline int warp_of_thread()
{
    return (int)threadIdx.x / WARP;
}

static __device__ inline int warps_of_block()
{
    return (int)blockDim.x / WARP;
}

/* Every lane gets the sum, the same bits in all of them. */
static __device__ inline real warp_sum(real x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, offset);
    return x;
}

static __device__ inline real warp_max(real x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        x = real_fmax(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

#endif
