/* The log of all messages: what the status line said, with its time. */
#ifndef APP_NOTES_H
#define APP_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum { NOTES_MAX = 1000 };

struct note {
    time_t when;
    bool error;
    char *text; /* sanitised */
};

struct notes {
    struct note *notes;
    size_t count, capacity;
};

/* text is sanitised here; the oldest note goes when there are too many. Returns
 * the sanitised text, valid until the next call. */
const char *notes_add(struct notes *notes, bool error, const char *text);
void notes_free(struct notes *notes);

#endif
