/* Notes which files below FAULT_ROOT are opened for reading, and by whom: a line
 * "confined PATH" or "free PATH" each in FAULT_OPENED. A thread is confined when it has given
 * up new privileges, as a thread does on its way into the sandbox.
 *
 * Paths count as they are given; relative ones are not noted. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef int open_fn(const char *path, int flags, ...);

static int log_file = -1;
static const char *root;

__attribute__((constructor)) static void prepare(void)
{
    open_fn *next;
    *(void **)&next = dlsym(RTLD_NEXT, "open");
    root = getenv("FAULT_ROOT");
    if (root && getenv("FAULT_OPENED"))
        log_file = next(getenv("FAULT_OPENED"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static void note(const char *path, int flags)
{
    char line[4096];
    bool read_only = (flags & O_ACCMODE) == O_RDONLY && !(flags & (O_PATH | O_DIRECTORY));
    if (log_file < 0 || !read_only || strncmp(path, root, strlen(root)) != 0)
        return;
    const char *who = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "confined" : "free";
    int n = snprintf(line, sizeof line, "%s %s\n", who, path);
    if (n > 0 && (size_t)n < sizeof line && write(log_file, line, (size_t)n) != n)
        abort();
}

int open(const char *path, int flags, ...)
{
    open_fn *next;
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    *(void **)&next = dlsym(RTLD_NEXT, "open");
    note(path, flags);
    return next(path, flags, mode);
}
