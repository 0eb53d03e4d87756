/* Files that may change on disk while they are open: the document and the model. */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct watched_file {
    char *path;
    struct timespec written;
    off_t size;
    ino_t inode;
};

/* What is open, as one or more files. */
struct watch {
    struct watched_file *files;
    size_t count, capacity;
    bool changed; /* told, and not opened again since */
};

void watch_clear(struct watch *watch);

/* As it is now. A path that is none ("-") is not watched. */
void watch_add(struct watch *watch, const char *path);

/* The path that changed, borrowed: once, until the watch is cleared. A file that is away
 * is being written anew by somebody: that counts when it is back. */
const char *watch_look(struct watch *watch);

#endif
