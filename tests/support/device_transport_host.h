/* The twin of engine/ops/device_transport.h on the host. */
#ifndef TESTS_SUPPORT_DEVICE_TRANSPORT_HOST_H
#define TESTS_SUPPORT_DEVICE_TRANSPORT_HOST_H

#include "engine/ops/device.h"

extern const struct device_transport device_transport_host;

#endif
