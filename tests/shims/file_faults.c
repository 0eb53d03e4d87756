/* LD_PRELOAD: faults of files. Counted are the calls that change a file below
 * FAULT_ROOT (open with O_CREAT, write, pwrite, fsync, ftruncate, posix_fallocate,
 * rename, unlink), or, with FAULT_READS, the calls of read on any file there.
 *
 *   FAULT_ROOT=DIR     what is counted
 *   FAULT_AT=N         the call that goes wrong, from 1
 *   FAULT_KIND=        kill    the process ends there; a write is torn in the middle
 *                      short   half of the bytes are transferred
 *                      eintr, eio, enospc
 *   FAULT_STAYS=1      all calls from N on go wrong
 *   FAULT_ROOM=BYTES   a disk with room for so many bytes more: ENOSPC beyond
 *   FAULT_COUNT=FILE   at the end: how many calls were counted
 *   FAULT_JOURNAL=FILE every change, for a replay: a line "op path offset length", then
 *                      the bytes of a write, or a line with the new name of a rename */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static long counted, fails_at = -1;
static long long room = -1;
static bool stays, reads;
static const char *root, *kind = "";
static int journal = -1, count_file = -1; /* open before the program confines itself */

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("FAULT_AT"), *bytes = getenv("FAULT_ROOM");
    const char *log = getenv("FAULT_JOURNAL"), *count = getenv("FAULT_COUNT");
    root = getenv("FAULT_ROOT");
    stays = getenv("FAULT_STAYS") != NULL;
    reads = getenv("FAULT_READS") != NULL;
    if (getenv("FAULT_KIND"))
        kind = getenv("FAULT_KIND");
    if (at)
        fails_at = atol(at);
    if (bytes)
        room = atoll(bytes);
    if (count)
        count_file = NEXT(open)(count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log)
        journal = NEXT(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

__attribute__((destructor)) static void end(void)
{
    if (count_file >= 0)
        dprintf(count_file, "%ld\n", counted);
}

static bool below_root(const char *path)
{
    return root && strncmp(path, root, strlen(root)) == 0;
}

/* The path of an open file below the root. */
static bool find_path(int fd, char path[PATH_BYTES])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_BYTES - 1);
    path[n > 0 ? n : 0] = '\0';
    return below_root(path);
}

/* Is this call to go wrong? Sets errno then; "kill" with nothing to tear ends here. */
static bool faulty(void)
{
    counted++;
    if (fails_at < 0 || (stays ? counted < fails_at : counted != fails_at))
        return false;
    errno = strcmp(kind, "enospc") == 0  ? ENOSPC
            : strcmp(kind, "eintr") == 0 ? EINTR
                                         : EIO;
    return true;
}

static bool is(const char *word)
{
    return strcmp(kind, word) == 0;
}

static void die_if_killed(void)
{
    if (is("kill"))
        raise(SIGKILL);
}

static bool no_room(size_t bytes)
{
    if (room < 0)
        return false;
    room -= (long long)bytes;
    if (room >= 0)
        return false;
    room = 0; /* what was let go does not come back */
    errno = ENOSPC;
    return true;
}

static void note(const char *op, const char *path, long long offset, const void *data,
                 size_t length)
{
    char line[PATH_BYTES + 128];
    if (journal < 0)
        return;
    int n = snprintf(line, sizeof line, "%s %s %lld %zu\n", op, path, offset, length);
    if (NEXT(write)(journal, line, (size_t)n) != n ||
        (data && NEXT(write)(journal, data, length) != (ssize_t)length))
        abort();
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    bool creates = flags & O_CREAT && below_root(path) && !reads;
    if (creates && faulty()) {
        die_if_killed();
        if (!is("short") && !is("eintr"))
            return -1;
    }
    int fd = NEXT(open)(path, flags, mode);
    if (creates && fd >= 0)
        note(flags & O_TRUNC ? "truncated" : "open", path, 0, NULL, 0);
    return fd;
}

ssize_t write(int fd, const void *data, size_t size)
{
    char path[PATH_BYTES];
    if (reads || !find_path(fd, path))
        return NEXT(write)(fd, data, size);
    if (faulty()) {
        if (is("kill") && NEXT(write)(fd, data, size / 2) >= 0)
            raise(SIGKILL);
        if (!is("short"))
            return -1;
        size = size > 1 ? size / 2 : size;
    }
    if (no_room(size))
        return -1;
    off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t n = NEXT(write)(fd, data, size);
    if (n > 0)
        note("write", path, at, data, (size_t)n);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    char path[PATH_BYTES];
    bool below = !reads && find_path(fd, path);
    if (below && faulty()) {
        die_if_killed();
        if (!is("short"))
            return -1;
    }
    ssize_t n = NEXT(pwrite)(fd, data, size, at);
    if (below && n > 0)
        note("write", path, at, data, (size_t)n);
    return n;
}

ssize_t read(int fd, void *data, size_t size)
{
    char path[PATH_BYTES];
    if (reads && find_path(fd, path) && faulty()) {
        die_if_killed();
        if (!is("short"))
            return -1;
        size = size > 1 ? size / 2 : size;
    }
    return NEXT(read)(fd, data, size);
}

/* The others either happen or do not. */
#define PLAIN_FAULT                                \
    if (faulty()) {                                \
        die_if_killed();                           \
        if (!is("short") && !is("eintr"))          \
            return -1;                             \
    }

int fsync(int fd)
{
    char path[PATH_BYTES];
    if (reads || !find_path(fd, path))
        return NEXT(fsync)(fd);
    PLAIN_FAULT
    note("fsync", path, 0, NULL, 0);
    return 0; /* the tests cut processes, not machines: the page cache is enough */
}

int ftruncate(int fd, off_t size)
{
    char path[PATH_BYTES];
    if (reads || !find_path(fd, path))
        return NEXT(ftruncate)(fd, size);
    PLAIN_FAULT
    note("ftruncate", path, size, NULL, 0);
    return NEXT(ftruncate)(fd, size);
}

int posix_fallocate(int fd, off_t from, off_t size)
{
    char path[PATH_BYTES];
    if (reads || !find_path(fd, path))
        return NEXT(posix_fallocate)(fd, from, size);
    if (faulty()) {
        die_if_killed();
        if (!is("short") && !is("eintr"))
            return errno;
    }
    if (room >= 0 && (long long)size > room)
        return ENOSPC;
    note("ftruncate", path, from + size, NULL, 0);
    return NEXT(posix_fallocate)(fd, from, size);
}

int rename(const char *from, const char *to)
{
    if (reads || !below_root(to))
        return NEXT(rename)(from, to);
    PLAIN_FAULT
    note("rename", from, 0, to, strlen(to));
    return NEXT(rename)(from, to);
}

int unlink(const char *path)
{
    if (reads || !below_root(path))
        return NEXT(unlink)(path);
    PLAIN_FAULT
    note("unlink", path, 0, NULL, 0);
    return NEXT(unlink)(path);
}
