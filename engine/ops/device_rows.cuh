// Sums and maxima over the threads of a block, for kernels with one block a row. All
// threads must call them; every thread gets the result. A fixed tree: the same bits in
// each run.
#ifndef ENGINE_OPS_DEVICE_ROWS_CUH
#define ENGINE_OPS_DEVICE_ROWS_CUH

#include <cuda_runtime.h>

enum { WARP = 32 };

template <typename F> __device__ inline float block_reduce(float x, float empty, F join)
{
    __shared__ float of_warp[WARP];
    unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    for (unsigned step = WARP / 2; step > 0; step /= 2)
        x = join(x, __shfl_xor_sync(0xffffffffu, x, step));
    __syncthreads(); /* the last call's results have been read */
    if (lane == 0)
        of_warp[warp] = x;
    __syncthreads();
    x = lane < blockDim.x / WARP ? of_warp[lane] : empty;
    for (unsigned step = WARP / 2; step > 0; step /= 2)
        x = join(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}

__device__ inline float block_sum(float x)
{
    return block_reduce(x, 0.0f, [](float a, float b) { return a + b; });
}

__device__ inline float block_max(float x)
{
    return block_reduce(x, -INFINITY, [](float a, float b) { return fmaxf(a, b); });
}

#endif
