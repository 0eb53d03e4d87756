/* `make CUDA=1 device-check`: every operation of a device on this machine's GPU against its
 * twin on the host, with random numbers. Prints a line for each; exit status 1 when one is
 * wrong. */
#include <stdio.h>

#include "engine/ops/device.h"
#include "tests/gpu/check_core.h"
#include "tests/gpu/check_transport.h"
#include "tests/support/device_host.h"

int main(void)
{
    struct err err = {0};
    struct device *cuda = device_open(&err), *host = device_host_new();
    if (!cuda) {
        fprintf(stderr, "device_check: %s\n", err.text);
        return 1;
    }
    bool core = check_core(cuda, host), transport = check_transport(cuda, host);
    bool finished = device_finish(cuda, &err);
    if (!finished)
        fprintf(stderr, "device_check: %s\n", err.text);
    device_close(cuda);
    device_close(host);
    printf("%s\n", core && transport && finished ? "all as on the host" : "NOT as on the host");
    return !(core && transport && finished);
}
