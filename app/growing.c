#include "app/growing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

void growing_open(struct growing *file, const char *directory, const char *name)
{
    *file = (struct growing){.path = file_join(directory, name)};
}

void growing_close(struct growing *file)
{
    free(file->path);
    *file = (struct growing){0};
}

/* Whole lines of text[0..size): the bytes that were taken. */
static size_t take_lines(const struct growing_listener *l, const char *text, size_t size)
{
    size_t at = 0;
    for (const char *end; (end = memchr(text + at, '\n', size - at));) {
        size_t length = (size_t)(end - text) - at;
        if (length > 0)
            l->line(l->context, text + at, length);
        at += length + 1;
    }
    return at;
}

bool growing_read(struct growing *file, const struct growing_listener *listener, bool *changed,
                  bool *more, struct err *err)
{
    struct stat st;
    *changed = *more = false;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return err_set(err, ERR_INPUT, "%s: cannot be read as a log", file->path);
    }
    bool other = file->offset && file->inode != st.st_ino;
    file->inode = st.st_ino;
    if (st.st_size < file->offset || other) {
        file->offset = 0;
        listener->again(listener->context);
        *changed = true;
    }
    char *text = xmalloc(GROWING_BYTES);
    ssize_t n = pread(fd, text, GROWING_BYTES, file->offset);
    close(fd);
    size_t taken = n > 0 ? take_lines(listener, text, (size_t)n) : 0;
    if (taken == 0 && n == GROWING_BYTES)
        taken = GROWING_BYTES; /* no line is that long: not a log of ours */
    free(text);
    file->offset += (long long)taken;
    *changed |= taken > 0;
    *more = taken > 0 && n == GROWING_BYTES;
    return n >= 0 || err_set(err, ERR_IO, "%s: %s", file->path, strerror(errno));
}

double growing_age(const struct growing *file)
{
    struct stat st;
    return file->path && stat(file->path, &st) == 0 ? fmax(difftime(time(NULL), st.st_mtime), 0)
                                                    : -1;
}
