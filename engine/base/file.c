#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

static bool io_error(struct err *err, const char *path, const char *doing)
{
    int code = errno;
    enum err_code kind = code == ENOENT || code == EACCES || code == ELOOP || code == ENOTDIR ||
                                 code == ENAMETOOLONG || code == EISDIR
                             ? ERR_INPUT
                         : code == ENOMEM ? ERR_MEMORY
                                          : ERR_IO;
    if (code == ELOOP)
        return err_set(err, kind, "%s: not a regular file (links in a circle)", path);
    return err_set(err, kind, "%s: cannot %s: %s", path, doing,
                   code == EACCES ? "permission denied" : strerror(code));
}

/* Opens a regular file for reading. O_NONBLOCK keeps a FIFO from hanging the
 * open; a device is refused by its type before anything is read. */
static int open_regular(const char *path, struct stat *st, struct err *err)
{
    if (stat(path, st) != 0) {
        io_error(err, path, "open");
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        err_set(err, ERR_INPUT, "%s: not a regular file%s", path,
                S_ISDIR(st->st_mode) ? " (a directory)" : "");
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        io_error(err, path, "open");
        return -1;
    }
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        err_set(err, ERR_INPUT, "%s: not a regular file", path);
        close(fd);
        return -1;
    }
    return fd;
}

bool file_check_readable(const char *path, struct err *err)
{
    struct stat st;
    int fd = open_regular(path, &st, err);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool mapped_file_open(struct mapped_file *file, const char *path, struct err *err)
{
    struct stat st;
    *file = (struct mapped_file){.fd = -1};
    int fd = open_regular(path, &st, err);
    if (fd < 0)
        return false;
    void *data = NULL;
    if (st.st_size > 0) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            io_error(err, path, "map");
            close(fd);
            return false;
        }
    }
    *file = (struct mapped_file){
        .path = xstrdup(path),
        .data = data,
        .size = (size_t)st.st_size,
        .fd = fd,
    };
    return true;
}

void mapped_file_close(struct mapped_file *file)
{
    if (!file->path)
        return;
    if (file->data)
        munmap((void *)(uintptr_t)file->data, file->size);
    close(file->fd);
    free(file->path);
    *file = (struct mapped_file){.fd = -1};
}

void mapped_bytes_forget(const void *data, size_t size)
{
    long page = sysconf(_SC_PAGESIZE);
    if (page <= 0)
        return;
    uintptr_t first = (uintptr_t)data, end = first + size;
    uintptr_t from = size_div_up(first, (size_t)page) * (size_t)page;
    uintptr_t to = end / (size_t)page * (size_t)page;
    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Reads fd to its end; `hint` bytes are expected. */
static bool read_all(int fd, const char *path, size_t hint, size_t limit, char **data, size_t *size,
                     struct err *err)
{
    size_t capacity = hint + 1, used = 0;
    char *buffer = xmalloc(capacity);
    for (;;) {
        if (used + 1 >= capacity)
            buffer = xrealloc(buffer, capacity = 2 * capacity + 4096, 1);
        ssize_t n = read(fd, buffer + used, capacity - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            io_error(err, path, "read");
            break;
        }
        if (n == 0) {
            buffer[used] = '\0';
            *data = buffer;
            *size = used;
            return true;
        }
        used += (size_t)n;
        if (used > limit) {
            err_set(err, ERR_INPUT, "%s: larger than the limit of %zu bytes", path, limit);
            break;
        }
    }
    free(buffer);
    return false;
}

bool file_read(const char *path, size_t limit, char **data, size_t *size, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", 4096, limit, data, size, err);
    struct stat st;
    int fd = open_regular(path, &st, err);
    if (fd < 0)
        return false;
    bool ok;
    if ((uintmax_t)st.st_size > limit)
        ok = err_set(err, ERR_INPUT, "%s: %jd bytes, over the limit of %zu", path,
                     (intmax_t)st.st_size, limit);
    else
        ok = read_all(fd, path, (size_t)st.st_size, limit, data, size, err);
    close(fd);
    return ok;
}

bool file_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool file_same(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

char *file_join(const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    bool slash = a > 0 && dir[a - 1] != '/';
    char *path = xmalloc(a + b + 2);
    memcpy(path, dir, a);
    if (slash)
        path[a] = '/';
    memcpy(path + a + slash, name, b + 1);
    return path;
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool file_make_directories(const char *path, struct err *err)
{
    char *copy = xstrdup(path);
    bool ok = true;
    for (char *p = copy + 1; ok && *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
        *p = '/';
    }
    ok = ok && (mkdir(copy, 0777) == 0 || errno == EEXIST);
    free(copy);
    if (ok && !file_is_directory(path))
        return err_set(err, ERR_IO, "%s: not a directory", path);
    return ok || io_error(err, path, "create the directory");
}

/* Between the name of a file and the process that writes its next content. */
static const char temporary_mark[] = ".tmp-";

bool atomic_file_open(struct atomic_file *file, const char *path, size_t expected, struct err *err)
{
    *file = (struct atomic_file){.fd = -1};
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%s: not replaced: %s", path,
                       S_ISLNK(st.st_mode) ? "it is a symbolic link" : "not a regular file");
    size_t room = strlen(path) + 32;
    char *temporary = xmalloc(room);
    snprintf(temporary, room, "%s%s%ld", path, temporary_mark, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        err_set(err, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        free(temporary);
        return false;
    }
    *file = (struct atomic_file){.path = xstrdup(path), .temporary = temporary, .fd = fd};
    int reserved = expected ? posix_fallocate(fd, 0, (off_t)expected) : 0;
    if (reserved == ENOSPC || reserved == EFBIG) {
        err_set(err, ERR_IO, "%s: %s, %zu bytes needed: nothing was written, free some room or "
                             "write elsewhere", path, strerror(reserved), expected);
        atomic_file_abort(file);
        return false;
    }
    return true;
}

bool atomic_file_write(struct atomic_file *file, const void *data, size_t size, struct err *err)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(file->fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(err, ERR_IO, "%s: cannot write at byte %zu: %s", file->path,
                           file->written, strerror(n < 0 ? errno : EIO));
        p += n;
        size -= (size_t)n;
        file->written += (size_t)n;
    }
    return true;
}

static bool sync_directory_of(const char *path)
{
    char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

static int close_once(int *fd)
{
    int result = close(*fd);
    *fd = -1;
    return result;
}

bool atomic_file_commit(struct atomic_file *file, struct err *err)
{
    /* Reserved space beyond what was written must not stay. */
    const char *failed = NULL;
    if (ftruncate(file->fd, (off_t)file->written) != 0)
        failed = "truncate";
    else if (fsync(file->fd) != 0)
        failed = "sync";
    else if (close_once(&file->fd) != 0)
        failed = "close";
    else if (rename(file->temporary, file->path) != 0)
        failed = "rename";
    else if (!sync_directory_of(file->path))
        failed = "sync the directory of";
    if (!failed) {
        free(file->path);
        free(file->temporary);
        *file = (struct atomic_file){.fd = -1};
        return true;
    }
    err_set(err, ERR_IO, "%s: cannot %s the new file: %s", file->path, failed, strerror(errno));
    atomic_file_abort(file);
    return false;
}

void atomic_file_abort(struct atomic_file *file)
{
    if (!file->path)
        return;
    if (file->fd >= 0)
        close(file->fd);
    unlink(file->temporary);
    free(file->path);
    free(file->temporary);
    *file = (struct atomic_file){.fd = -1};
}

/* Is name that of a temporary file whose process is gone? */
static bool is_orphan(const char *name)
{
    const char *tail = strstr(name, temporary_mark);
    if (!tail)
        return false;
    char *end;
    long pid = strtol(tail + sizeof temporary_mark - 1, &end, 10);
    return *end == '\0' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

void file_drop_orphans(const char *directory)
{
    DIR *d = opendir(directory);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!is_orphan(entry->d_name))
            continue;
        char *path = file_join(directory, entry->d_name);
        unlink(path);
        free(path);
    }
    closedir(d);
}

bool file_replace(const char *path, const void *data, size_t size, struct err *err)
{
    struct atomic_file file;
    if (!atomic_file_open(&file, path, size, err))
        return false;
    if (!atomic_file_write(&file, data, size, err)) {
        atomic_file_abort(&file);
        return false;
    }
    return atomic_file_commit(&file, err);
}

/* ---- logs and locks ------------------------------------------------------------ */

bool append_file_open(struct append_file *file, const char *path, size_t keep, struct err *err)
{
    *file = (struct append_file){.fd = -1};
    errno = 0; /* stays so where the file is merely of the wrong kind */
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        ((uintmax_t)st.st_size > keep && ftruncate(fd, (off_t)keep) != 0)) {
        err_set(err, ERR_IO, "%s: cannot append: %s", path,
                errno ? strerror(errno) : "not a regular file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    *file = (struct append_file){.path = xstrdup(path), .fd = fd};
    return true;
}

bool file_write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

bool append_file_line(struct append_file *file, const char *line, struct err *err)
{
    off_t before = lseek(file->fd, 0, SEEK_END);
    size_t length = strlen(line);
    char *whole = xmalloc(length + 1);
    memcpy(whole, line, length);
    whole[length] = '\n';
    bool ok = file_write_all(file->fd, whole, length + 1);
    int code = errno;
    free(whole);
    if (ok)
        return true;
    if (before >= 0 && ftruncate(file->fd, before) != 0)
        code = errno;
    return err_set(err, ERR_IO, "%s: cannot append: %s", file->path, strerror(code));
}

bool append_file_sync(struct append_file *file, struct err *err)
{
    return fsync(file->fd) == 0 || io_error(err, file->path, "sync");
}

void append_file_close(struct append_file *file)
{
    if (!file->path)
        return;
    close(file->fd);
    free(file->path);
    *file = (struct append_file){.fd = -1};
}

int file_lock(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        io_error(err, path, "open the lock");
        return -1;
    }
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
        err_set(err, ERR_LOCKED, "%s: another process (%s) works there", path,
                *text ? text : "unknown");
        close(fd);
        return -1;
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        io_error(err, path, "write the lock");
        close(fd);
        return -1;
    }
    return fd;
}

void file_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}
