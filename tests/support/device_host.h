/* A device on the host: the operations of engine/ops/device.h as plain loops, or those of
 * engine/ops. The passes that are written for devices run on it in every build; where there
 * is a GPU, tests/gpu compares each kernel with it. */
#ifndef TESTS_SUPPORT_DEVICE_HOST_H
#define TESTS_SUPPORT_DEVICE_HOST_H

#include "engine/ops/device.h"

struct device *device_host_new(void);

#endif
