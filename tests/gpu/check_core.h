/* The operations of device.h on a GPU against their twins on the host. */
#ifndef TESTS_GPU_CHECK_CORE_H
#define TESTS_GPU_CHECK_CORE_H

#include "tests/gpu/pair.h"

/* Prints a line an operation and shape; false when one is wrong. */
bool check_core(struct device *cuda, struct device *host);

#endif
