#include "app/inputrc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <readline/tilde.h>

#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

/* A file that includes itself twice is read 2 ^ depth times: both limits are needed. */
enum { SIZE_MOST = 1 << 20, DEPTH_MOST = 8, FILES_MOST = 64 };

struct walk {
    const char *root;
    size_t files;
};

static bool look_into(struct walk *w, const char *path, size_t depth, struct err *err);

/* The file behind `$include` on a line; to be freed, NULL when it is another line. */
static char *included(const char *line, size_t length)
{
    static const char directive[] = "$include";
    const size_t n = sizeof directive - 1;
    size_t at = 0;
    while (at < length && strchr(" \t", line[at]))
        at++;
    if (length - at <= n || strncasecmp(line + at, directive, n) != 0 ||
        !strchr(" \t", line[at + n]))
        return NULL;
    at += n;
    while (at < length && strchr(" \t", line[at]))
        at++;
    while (length > at && strchr(" \t\r", line[length - 1]))
        length--;
    char *named = xstrndup(line + at, length - at), *path = tilde_expand(named);
    free(named);
    return path;
}

static bool follow(struct walk *w, const char *text, size_t size, size_t depth, struct err *err)
{
    bool ok = true;
    for (size_t at = 0; ok && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) : size - at;
        char *path = included(text + at, length);
        ok = !path || look_into(w, path, depth + 1, err);
        free(path);
        at += length + 1;
    }
    return ok;
}

/* What cannot be opened is no reason to refuse: readline passes over it as well. */
static bool look_into(struct walk *w, const char *path, size_t depth, struct err *err)
{
    struct stat st;
    char *text;
    size_t size;
    if (stat(path, &st) != 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
        return true; /* nothing there, or /dev/null */
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INPUT, "keys of %s are not used: %s is no regular file", w->root,
                       path);
    if (depth > DEPTH_MOST || ++w->files > FILES_MOST)
        return err_set(err, ERR_INPUT, "keys of %s are not used: it includes itself, or too many "
                                       "files (%d, %d deep)", w->root, FILES_MOST, DEPTH_MOST);
    if ((size_t)st.st_size > SIZE_MOST)
        return err_set(err, ERR_INPUT, "keys of %s are not used: %s is larger than 1 MiB", w->root,
                       path);
    if (!file_read(path, SIZE_MOST, &text, &size, NULL))
        return true;
    bool ok = follow(w, text, size, depth, err);
    free(text);
    return ok;
}

static bool walk_all(void *context, struct err *err)
{
    struct walk *w = context;
    return look_into(w, w->root, 0, err);
}

bool inputrc_guard(bool confined, struct err *err)
{
    const char *named = getenv("INPUTRC");
    char *path = tilde_expand(named && *named ? named : "~/.inputrc");
    bool ok = worker_call(confined, walk_all, &(struct walk){.root = path}, err);
    if (!ok)
        setenv("INPUTRC", "/dev/null", 1);
    free(path);
    return ok;
}
