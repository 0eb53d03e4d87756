/* A text file that another process appends lines to, read as it grows: the log and the
 * looks of a run directory. Nothing is locked and nothing is written. */
#ifndef APP_GROWING_H
#define APP_GROWING_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

struct growing {
    char *path;       /* owned; NULL: closed */
    long long offset; /* bytes taken so far, up to the end of a line */
    unsigned long long inode; /* of the file that they came from */
};

/* name: of the file in the directory. It need not be there yet. */
void growing_open(struct growing *file, const char *directory, const char *name);
void growing_close(struct growing *file);

/* Who takes the lines. again(): the file became shorter, or is another one; all that was
 * told is void and comes anew. */
struct growing_listener {
    void (*line)(void *context, const char *text, size_t length);
    void (*again)(void *context);
    void *context;
};

/* Tells the whole lines that came since the last call, of at most GROWING_BYTES. *changed
 * says whether there was anything, *more whether there still is. An absent file is an
 * empty one. */
enum { GROWING_BYTES = 256 << 10 };
bool growing_read(struct growing *file, const struct growing_listener *listener, bool *changed,
                  bool *more, struct err *err);

/* Seconds since the file was written to, -1 when there is none. */
double growing_age(const struct growing *file);

#endif
