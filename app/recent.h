/* The list of recent documents in the state directory: a line each, newest first, with
 * the window at which the document was left, the questions that were asked, when it was open
 * (seconds since 1970), and the model that was open.
 *
 *   /home/ada/saltworks.txt<TAB>2<TAB>1<TAB>1764165600<TAB>/home/ada/models/small.gguf
 */
#ifndef APP_RECENT_H
#define APP_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct recent {
    char *path;       /* absolute */
    size_t window;    /* counted from 1; 0: not known */
    size_t questions;
    char *model; /* absolute; NULL: not known */
    time_t opened; /* last; 0: not known */
};

/* To be freed with recent_free; empty when there is no list. confined: is the file read in a
 * thread that can change nothing (sandbox.h)? Here and below. */
struct recent *recent_list(bool confined, size_t *count);
void recent_free(struct recent *recent, size_t count);

/* Puts a document in front; what is known of it stays. A failure is silent, here and
 * below: the list is a comfort. */
void recent_opened(const char *path, bool confined);

/* Remembers where a document of the list was left, and with which model (or NULL). */
void recent_left(const char *path, size_t window, size_t questions, const char *model,
                 bool confined);

#endif
