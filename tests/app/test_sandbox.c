/* The sandbox, in processes of their own, since there is no way out of one. */
#include "app/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tests/support/temporary.h"

/* Runs body(folder) in a child; what it returns is the exit code. */
static int in_child(int (*body)(const char *folder), const char *folder)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(body(folder));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool refused(int result)
{
    return result < 0 && (errno == EACCES || errno == EXDEV);
}

static bool make_file(const char *folder, const char *name)
{
    char *path = file_join(folder, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    bool ok = fd >= 0 && write(fd, "x", 1) == 1;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    free(path);
    errno = reason;
    return ok;
}

/* What folder/out/ is confined to: 0, or the number of the first line that fails. */
static int confined(const char *folder)
{
    struct err err = {0};
    char *old = file_join(folder, "old"), *new = file_join(folder, "new");
    char *out = file_join(folder, "out"), *target = file_join(folder, "out/slots");
    char *later = file_join(folder, "later/slots"); /* its folder comes too late */
    char *inside = file_join(folder, "out/a"), *moved = file_join(folder, "out/b");
    if (!sandbox_confine((const char *const[]){target, later}, 2, &err))
        return 1;
    if (make_file(folder, "new") || errno != EACCES)
        return 2;
    if (!refused(truncate(old, 0)) || !refused(unlink(old)) || !refused(rename(old, new)))
        return 3;
    if (!refused(mkdir(new, 0700)) || !refused(symlink(old, new)))
        return 4;
    if (!make_file(out, "a") || truncate(inside, 0) != 0 || rename(inside, moved) != 0 ||
        unlink(moved) != 0)
        return 5;
    if (execl("/bin/true", "true", (char *)NULL) != -1 || errno != EACCES)
        return 6;
    int fd = open(old, O_RDONLY);
    char text[SANDBOX_TEXT_MAX];
    if (fd < 0 || strncmp(sandbox_describe(text), "on (abi ", 8) != 0)
        return 7;
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(9)};
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    bool told = atoi(text + 8) >= 4; /* TCP */
    if (told && peer >= 0 && !refused(connect(peer, (struct sockaddr *)&local, sizeof local)))
        return 8;
    return 0;
}

/* A kernel without Landlock, as far as this process can tell. */
static bool take_landlock_away(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int without_landlock(const char *folder)
{
    struct err err = {0};
    char text[SANDBOX_TEXT_MAX];
    if (!take_landlock_away())
        return 77;
    if (strcmp(sandbox_describe(text), "off") != 0)
        return 1;
    if (!sandbox_confine(NULL, 0, &err) || !make_file(folder, "new"))
        return 2;
    return strcmp(sandbox_describe(text), "off (the kernel has no Landlock)") == 0 ? 0 : 3;
}

static void test_confined(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0) {
        print_message("this kernel has no Landlock\n");
        skip();
    }
    char *folder = temporary_directory();
    char *out = file_join(folder, "out");
    assert_true(make_file(folder, "old"));
    assert_int_equal(mkdir(out, 0700), 0);
    assert_int_equal(in_child(confined, folder), 0);
    assert_true(make_file(folder, "new")); /* this process is as free as before */
    free(out);
    temporary_remove(folder);
}

static void test_works_without_landlock(void **state)
{
    (void)state;
    char *folder = temporary_directory();
    int code = in_child(without_landlock, folder);
    temporary_remove(folder);
    if (code == 77) {
        print_message("this process may not filter its system calls\n");
        skip();
    }
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confined),
        cmocka_unit_test(test_works_without_landlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
