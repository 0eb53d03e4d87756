/* What the program runs on. */
#ifndef APP_HOST_H
#define APP_HOST_H

#include <jansson.h>
#include <stddef.h>

/* {"version", "cpu", "cores", "memory_bytes", "available_bytes", "cpu_features",
 * "kernels", "sandbox", "libraries"}: a new object. */
json_t *host_json(void);

/* The processor's name, or "unknown". size >= 1. */
void host_cpu(char *out, size_t size);

/* Threads that the engine computes with: set before its first use (0: as the
 * environment says, else all cores), and asked. */
void host_set_threads(int threads);
int host_threads(void);

/* The most memory that this process has had, in bytes. */
size_t host_peak_bytes(void);

#endif
