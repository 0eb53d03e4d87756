/* The compressor's operations on a GPU against their twins on the host. */
#ifndef TESTS_GPU_CHECK_TRANSPORT_H
#define TESTS_GPU_CHECK_TRANSPORT_H

#include <stdbool.h>

#include "engine/ops/device.h"

/* Runs each operation of device_transport.h on both with the same random numbers, in several
 * shapes; prints the largest difference of each and whether it is too large. */
bool check_transport(struct device *cuda, struct device *host);

#endif
