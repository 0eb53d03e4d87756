/* Files. Reading: only regular files, mapped or copied, with a limit. Writing:
 * always to a temporary file beside the target, synced and renamed, so that the
 * target is the old file or the whole new one. Nothing else in the program
 * opens a file for writing. */
#ifndef ENGINE_BASE_FILE_H
#define ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct mapped_file {
    char *path;
    const uint8_t *data; /* borrowed by readers; NULL for an empty file */
    size_t size;
    int fd;
};

/* Maps a regular file read-only. Anything else (directory, FIFO, device, link
 * loop) is refused without being opened for reading; an empty file is legal
 * here. */
bool mapped_file_open(struct mapped_file *file, const char *path, struct err *err);
void mapped_file_close(struct mapped_file *file);

/* Gives the memory back that these bytes of a mapped file take; what reads them later gets
 * them again. Pages that others begin or end on stay. */
void mapped_bytes_forget(const void *data, size_t size);

/* Reads a whole regular file, or standard input for "-", of at most `limit`
 * bytes into *data (owned by the caller, NUL-terminated beyond *size). */
bool file_read(const char *path, size_t limit, char **data, size_t *size, struct err *err);

/* Could file_read read it? Looks at what it is and opens it. */
bool file_check_readable(const char *path, struct err *err);

/* What path is: a directory? */
bool file_is_directory(const char *path);
bool file_exists(const char *path);

/* Do both paths lead to one and the same file that is there? */
bool file_same(const char *a, const char *b);

/* dir "/" name, to be freed. */
char *file_join(const char *dir, const char *name);

/* The part after the last slash, borrowed from path. */
const char *file_name(const char *path);

/* mkdir -p; true when the directory is there afterwards. */
bool file_make_directories(const char *path, struct err *err);

struct atomic_file {
    char *path, *temporary;
    int fd;
    size_t written;
};

/* Begins a replacement of path. A target that is a symbolic link or not a
 * regular file is refused. expected: bytes to come, reserved at once so that a
 * full disk shows before the work (0: unknown). */
bool atomic_file_open(struct atomic_file *file, const char *path, size_t expected, struct err *err);
bool atomic_file_write(struct atomic_file *file, const void *data, size_t size, struct err *err);

/* Syncs, renames over the target and syncs the directory. On failure the
 * temporary file is gone and the target untouched. Ends the use of *file. */
bool atomic_file_commit(struct atomic_file *file, struct err *err);
void atomic_file_abort(struct atomic_file *file);

/* Removes temporary files that processes that are gone have left in a directory. */
void file_drop_orphans(const char *directory);

/* A growing log: opened for appending after `keep` bytes of what is there (the
 * rest is cut off; SIZE_MAX keeps all). Whole lines only; a line that could not be
 * written whole is cut off again. */
struct append_file {
    char *path;
    int fd;
};
bool append_file_open(struct append_file *file, const char *path, size_t keep, struct err *err);
bool append_file_line(struct append_file *file, const char *line, struct err *err);
/* What was appended so far survives a loss of power from here on. */
bool append_file_sync(struct append_file *file, struct err *err);
void append_file_close(struct append_file *file);

/* An exclusive lock on path (created when absent), held until the process ends or
 * file_unlock; the holder's process id stands in the file. ERR_LOCKED names the
 * process that has it. Returns the descriptor, or -1. */
int file_lock(const char *path, struct err *err);
void file_unlock(int fd);

/* The three in one. */
bool file_replace(const char *path, const void *data, size_t size, struct err *err);

/* All of data to an open file; false with errno. Safe in a signal handler. */
bool file_write_all(int fd, const void *data, size_t size);

#endif
