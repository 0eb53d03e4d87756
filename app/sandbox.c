#include "app/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

/* Headers may be older than the kernel. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
enum { NET_BIND = 1, NET_CONNECT = 2 };

/* The kernel's landlock_ruleset_attr up to version 4; older ones take its beginning. */
struct ruleset {
    uint64_t files, net;
};

static const uint64_t changes =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
    LANDLOCK_ACCESS_FS_TRUNCATE;

/* Nothing was confined yet; the kernel's version of Landlock; it has none. */
enum { NOT_CONFINED = -1, NO_LANDLOCK = 0 };
static atomic_int state = NOT_CONFINED;

static int landlock_version(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : NO_LANDLOCK;
}

/* Version 3 is the first that tells truncating from writing. */
static uint64_t changes_known(int abi)
{
    return abi < 3 ? changes & ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE : changes;
}

static int make_ruleset(int abi)
{
    struct ruleset ruleset = {changes_known(abi) | LANDLOCK_ACCESS_FS_EXECUTE,
                              NET_BIND | NET_CONNECT};
    size_t size = abi < 4 ? sizeof ruleset.files : sizeof ruleset;
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

static bool allow(int ruleset, const char *folder, uint64_t access)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return ok;
}

/* The folder that holds `path`, following a link to where it leads. To be freed. */
static char *folder_of(const char *path)
{
    char *real = realpath(path, NULL);
    char *folder = real ? real : xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        return folder;
    }
    free(folder);
    return xstrdup(slash ? "/" : ".");
}

static bool allow_folders(int ruleset, int abi, const char *const *paths, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        char *folder = folder_of(paths[i]);
        ok = !file_is_directory(folder) || allow(ruleset, folder, changes_known(abi));
        free(folder);
    }
    return ok;
}

static bool restrict_self(int ruleset)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

bool sandbox_confine(const char *const *paths, size_t n, struct err *err)
{
    int abi = landlock_version();
    atomic_store(&state, abi);
    if (abi == NO_LANDLOCK)
        return true;
    int ruleset = make_ruleset(abi);
    bool ok = ruleset >= 0 && allow_folders(ruleset, abi, paths, n) && restrict_self(ruleset);
    int reason = errno;
    if (ruleset >= 0)
        close(ruleset);
    return ok || err_set(err, ERR_OTHER, "the sandbox cannot be set up: %s (--sandbox off goes "
                         "without)", strerror(reason));
}

bool sandbox_wanted(const struct cli_arguments *arguments)
{
    const char *choice = cli_text(arguments, "sandbox");
    return !choice || strcmp(choice, "on") == 0;
}

bool sandbox_is_on(void)
{
    return atomic_load(&state) > 0;
}

const char *sandbox_describe(char out[SANDBOX_TEXT_MAX])
{
    int abi = atomic_load(&state);
    if (abi > 0)
        snprintf(out, SANDBOX_TEXT_MAX, "on (abi %d)", abi);
    else
        snprintf(out, SANDBOX_TEXT_MAX, "%s",
                 abi == NO_LANDLOCK ? "off (the kernel has no Landlock)" : "off");
    return out;
}
