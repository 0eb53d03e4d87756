// The kernels of rows and single numbers, for the table of a CUDA device.
#ifndef ENGINE_OPS_DEVICE_KERNELS_CUH
#define ENGINE_OPS_DEVICE_KERNELS_CUH

#include "engine/ops/device_cuda.h"

/* Sets the members of ops that they are. */
void device_kernels_fill(struct device_ops *ops);

#endif
