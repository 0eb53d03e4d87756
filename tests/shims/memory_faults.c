/* LD_PRELOAD: faults of memory. Counted are the allocations from main() on.
 *
 *   FAULT_AT=N        the allocation that fails, from 1
 *   FAULT_STAYS=1     all from N on fail
 *   FAULT_MAPS=1      no range of addresses without a file can be had (and nothing else fails)
 *   FAULT_SITES=FILE  none fails; at the end the file holds a line for each distinct
 *                     chain of callers: the number of the first allocation from there
 *
 * There are no fonts: fontconfig has crashes of its own where it gets no memory. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The allocator behind ours. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

enum { DEPTH = 7, SITES_MAX = 1 << 14 };

static long counted, fails_at = -1;
static bool counting, stays, inside, no_maps;
static FILE *sites_file; /* open before the program confines itself */
static uint64_t site_hash[SITES_MAX];
static long site_first[SITES_MAX];
static size_t sites;

static void add_site(void)
{
    void *callers[DEPTH];
    int n = backtrace(callers, DEPTH);
    uint64_t hash = 1;
    for (int i = 2; i < n; i++)
        hash = (hash ^ (uint64_t)(uintptr_t)callers[i]) * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < sites; i++)
        if (site_hash[i] == hash)
            return;
    if (sites == SITES_MAX)
        return;
    site_hash[sites] = hash;
    site_first[sites++] = counted;
}

static bool faulty(void)
{
    if (!counting || inside)
        return false;
    counted++;
    if (sites_file) {
        inside = true;
        add_site();
        inside = false;
        return false;
    }
    if (fails_at < 0 || (stays ? counted < fails_at : counted != fails_at))
        return false;
    errno = ENOMEM;
    return true;
}

static void write_sites(void)
{
    counting = false;
    if (!sites_file)
        return;
    for (size_t i = 0; i < sites; i++)
        fprintf(sites_file, "%ld\n", site_first[i]);
    fclose(sites_file);
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
    void *warm[2];
    const char *at = getenv("FAULT_AT"), *path = getenv("FAULT_SITES");
    sites_file = path ? fopen(path, "we") : NULL;
    stays = getenv("FAULT_STAYS") != NULL;
    no_maps = getenv("FAULT_MAPS") != NULL;
    if (at)
        fails_at = atol(at);
    backtrace(warm, 2); /* its first call allocates */
    atexit(write_sites);
    counting = true;
    int status = real_main(argc, argv, environment);
    counting = false;
    return status;
}

int __libc_start_main(int (*program_main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*ld_fini)(void), void *stack);
int __libc_start_main(int (*program_main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*ld_fini)(void), void *stack)
{
    real_main = program_main;
    return ((__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main"))(
        counted_main, argc, argv, init, fini, ld_fini, stack);
}

void *FcInitLoadConfigAndFonts(void);
void *FcInitLoadConfigAndFonts(void)
{
    return NULL;
}

void *malloc(size_t bytes)
{
    return faulty() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return faulty() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return faulty() ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return faulty() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    if (faulty())
        return ENOMEM;
    *out = __libc_memalign(alignment, bytes);
    return *out ? 0 : ENOMEM;
}

void *mmap(void *where, size_t bytes, int access, int flags, int fd, off_t offset)
{
    if (no_maps && counting && flags & MAP_ANONYMOUS) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return ((__typeof__(&mmap))dlsym(RTLD_NEXT, "mmap"))(where, bytes, access, flags, fd, offset);
}
