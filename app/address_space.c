#include "app/address_space.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/machine.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/matmul.h"

void address_space_fit_threads(void)
{
    /* A thread has its area, a stack and a heap of the C library's; the rest is the model's. */
    const size_t each = 4 * (size_t)MATMUL_AREA_BYTES, left = machine_address_space_left();
    if (left == SIZE_MAX)
        return;
    team_limit_threads(size_min(team_threads(), left / each)); /* at least one */
    matmul_reserve(team_threads());
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
/* Sanitizers take terabytes of address space, and are not ready before the libraries are. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&         \
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

/* For how many threads OpenBLAS is loaded. The C library does not know the environment yet. */
static size_t loaded_threads(char *const *environment)
{
    static const char name[] = "OMP_NUM_THREADS=";
    for (; *environment; environment++)
        if (strncmp(*environment, name, sizeof name - 1) == 0) {
            long given = strtol(*environment + sizeof name - 1, NULL, 10);
            return given > 0 ? size_min((size_t)given, machine_cores()) : machine_cores();
        }
    return machine_cores();
}

static void require_room(int count, char **words, char **environment)
{
    (void)count, (void)words;
    const size_t mebi = 1 << 20, others = 8; /* what the libraries take besides */
    size_t threads = loaded_threads(environment);
    size_t needed = (threads + 1) * (MATMUL_AREA_BYTES / mebi) + others;
    void *room = mmap(NULL, needed * mebi, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room != MAP_FAILED) {
        munmap(room, needed * mebi);
        return;
    }
    dprintf(STDERR_FILENO,
            "comprexit: no memory for the %zu MiB of address space that multiplying matrices "
            "takes: raise the limit (ulimit -v)%s\n",
            needed, threads > 1 ? ", or set OMP_NUM_THREADS=1" : "");
    _exit(ERR_MEMORY);
}

/* The one list that the loader works through before the libraries' own beginnings. */
__attribute__((section(".preinit_array"), used)) static void (*before_libraries)(
    int, char **, char **) = require_room;
#endif
