/* What the machine has, and what is left of it. */
#ifndef ENGINE_BASE_MACHINE_H
#define ENGINE_BASE_MACHINE_H

#include <stddef.h>

/* Bytes of memory that this process can still take without swapping: the least of what
 * the kernel calls available and what the limits of its control group and its address
 * space leave. SIZE_MAX when nothing is known. */
size_t machine_memory_available(void);

/* Bytes that the limit on its address space leaves this process; SIZE_MAX without one. */
size_t machine_address_space_left(void);

/* Bytes of this process in memory: now, and the most so far. 0 when unknown. */
size_t machine_memory_resident(void);
size_t machine_memory_peak(void);

/* Cores that this process may run on. */
size_t machine_cores(void);

#endif
