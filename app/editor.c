#include "app/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/places.h"
#include "app/worker.h"
#include "app/signals.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { TEXT_MAX = 64 << 10 };

/* The command may have arguments ("vim -u NONE"), so a shell splits it; the file
 * name is handed over apart and is never split. */
static bool run_command(const char *command, const char *path, struct err *err)
{
    pid_t child = fork();
    if (child < 0)
        return err_set(err, ERR_OTHER, "cannot start an editor: %s", strerror(errno));
    if (child == 0) {
        signals_reset_child();
        setenv("COMPREXIT_EDITOR", command, 1);
        execl("/bin/sh", "sh", "-c", "eval \"$COMPREXIT_EDITOR \\\"\\$1\\\"\"", "sh", path,
              (char *)NULL);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_OTHER, "the editor is gone: %s", strerror(errno));
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           err_set(err, ERR_OTHER, "%s ended with an error; the text is unchanged", command);
}

char *editor_run(const char *text, bool confined, struct err *err)
{
    const char *command = getenv("VISUAL");
    if (!command || !*command)
        command = getenv("EDITOR");
    if (!command || !*command)
        command = "vi";
    char *path = file_join(places_temporary(), "comprexit-XXXXXX");
    char *edited = NULL;
    size_t size;
    int fd = mkstemp(path);
    if (fd < 0) {
        err_set(err, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
        free(path);
        return NULL;
    }
    bool written = file_write_all(fd, text, strlen(text)) && file_write_all(fd, "\n", 1);
    close(fd);
    if (!written)
        err_set(err, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    else if (run_command(command, path, err) &&
             worker_read_file(confined, path, TEXT_MAX, &edited, &size, err))
        while (size && strchr("\r\n", edited[size - 1]))
            edited[--size] = '\0';
    unlink(path);
    free(path);
    return edited;
}
