// Attention of device.h on a CUDA device.
#ifndef ENGINE_OPS_DEVICE_ATTENTION_CUH
#define ENGINE_OPS_DEVICE_ATTENTION_CUH

#include "engine/ops/device_cuda.h"

void device_attention_forward(struct device *d, float *out, float *lse, const float *q,
                              const float *k, const float *v, const struct device_pack *pack,
                              const struct attention_shape *shape);
void device_attention_backward(struct device *d, float *dq, float *dk, float *dv, const float *dout,
                               const float *out, const float *lse, const float *q, const float *k,
                               const float *v, float *scratch, const struct device_pack *pack,
                               const struct attention_shape *shape);

#endif
