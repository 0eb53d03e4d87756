/* Files: only regular ones are read, a target is the old file or the whole new
 * one, and every failure names the path. */
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"

/* Every test works in a directory of its own, which is empty in the end. */
struct place {
    char dir[64], path[128];
};

static int enter(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "/tmp/comprexit-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof place->path, "%s/target", place->dir);
    *state = place;
    return 0;
}

static int leave(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    int left = rmdir(place->dir);
    free(place);
    return left; /* a temporary file that stayed fails the test */
}

static void write_target(const struct place *place, const char *text)
{
    struct err err = {0};
    if (!file_replace(place->path, text, strlen(text), &err))
        fail_msg("%s", err.text);
}

static void check_target(const struct place *place, const char *expected)
{
    struct err err = {0};
    char *data;
    size_t size;
    if (!file_read(place->path, 1000, &data, &size, &err))
        fail_msg("%s", err.text);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(data, expected);
    free(data);
}

static void check_error(const struct err *err, enum err_code code, const char *path,
                        const char *expected)
{
    assert_int_equal(err->code, code);
    if (!strstr(err->text, path) || !strstr(err->text, expected))
        fail_msg("\"%s\" does not say \"%s\" of %s", err->text, expected, path);
}

/* ---- reading ---- */

static void files_are_read_and_mapped(void **state)
{
    struct place *place = *state;
    struct mapped_file file;
    struct err err = {0};
    write_target(place, "content");
    check_target(place, "content");
    assert_true(mapped_file_open(&file, place->path, &err));
    assert_int_equal(file.size, 7);
    assert_memory_equal(file.data, "content", 7);
    assert_string_equal(file.path, place->path);
    mapped_file_close(&file);
    mapped_file_close(&file);
}

static size_t resident_pages(void)
{
    size_t all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu %zu", &all, &resident), 2);
    fclose(f);
    return resident;
}

static size_t sum_bytes(const struct mapped_file *file)
{
    size_t sum = 0;
    for (size_t i = 0; i < file->size; i++)
        sum += file->data[i];
    return sum;
}

/* Forgotten bytes take no memory until they are read again. */
static void mapped_bytes_are_forgotten(void **state)
{
    enum { SIZE = 8 << 20 };
    struct place *place = *state;
    struct mapped_file file;
    struct err err = {0};
    char *content = calloc(1, SIZE + 1);
    memset(content, 'x', SIZE);
    write_target(place, content);
    free(content);
    assert_true(mapped_file_open(&file, place->path, &err));
    assert_int_equal(sum_bytes(&file), (size_t)SIZE * 'x');
    size_t before = resident_pages();
    mapped_bytes_forget(file.data + 1, file.size - 2);
    assert_true(resident_pages() + SIZE / 2 / (size_t)sysconf(_SC_PAGESIZE) < before);
    assert_int_equal(sum_bytes(&file), (size_t)SIZE * 'x');
    mapped_bytes_forget(file.data + 1, 1); /* less than a page: nothing */
    mapped_file_close(&file);
}

static void an_empty_file_is_legal(void **state)
{
    struct place *place = *state;
    struct mapped_file file;
    struct err err = {0};
    write_target(place, "");
    check_target(place, "");
    assert_true(mapped_file_open(&file, place->path, &err));
    assert_int_equal(file.size, 0);
    mapped_file_close(&file);
}

static void too_much_is_refused(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char *data;
    size_t size;
    write_target(place, "content");
    assert_true(file_read(place->path, 7, &data, &size, &err));
    free(data);
    assert_false(file_read(place->path, 6, &data, &size, &err));
    check_error(&err, ERR_INPUT, place->path, "7 bytes, over the limit of 6");
}

/* Neither way of reading takes it, and none of them waits. */
static void check_unreadable(const char *path, const char *expected)
{
    struct mapped_file file;
    struct err err = {0};
    char *data;
    size_t size;
    assert_false(mapped_file_open(&file, path, &err));
    check_error(&err, ERR_INPUT, path, expected);
    mapped_file_close(&file);
    assert_false(file_read(path, 1000, &data, &size, &err));
    check_error(&err, ERR_INPUT, path, expected);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    struct place *place = *state;
    check_unreadable(place->dir, "not a regular file (a directory)");
    check_unreadable("/dev/zero", "not a regular file");
    check_unreadable(place->path, "cannot open: No such file or directory");
    assert_int_equal(mkfifo(place->path, 0600), 0);
    check_unreadable(place->path, "not a regular file");
    unlink(place->path);
    assert_int_equal(symlink(place->path, place->path), 0);
    check_unreadable(place->path, "not a regular file (links in a circle)");
    unlink(place->path);
    assert_int_equal(symlink(place->dir, place->path), 0);
    check_unreadable(place->path, "not a regular file (a directory)");
}

static void a_path_is_put_together(void **state)
{
    (void)state;
    char *path = file_join("/a", "b");
    assert_string_equal(path, "/a/b");
    free(path);
    path = file_join("/a/", "b");
    assert_string_equal(path, "/a/b");
    free(path);
    path = file_join("", "b");
    assert_string_equal(path, "b");
    free(path);
    assert_string_equal(file_name("/a/b"), "b");
    assert_string_equal(file_name("b"), "b");
    assert_string_equal(file_name("/a/"), "");
}

static void directories_are_made(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char deep[160], below[160];
    snprintf(deep, sizeof deep, "%s/a/b", place->dir);
    assert_true(file_make_directories(deep, &err));
    assert_true(file_make_directories(deep, &err));
    assert_true(file_is_directory(deep));
    assert_int_equal(rmdir(deep), 0);
    snprintf(deep, sizeof deep, "%s/a", place->dir);
    assert_int_equal(rmdir(deep), 0);
    write_target(place, "in the way");
    assert_false(file_make_directories(place->path, &err));
    check_error(&err, ERR_IO, place->path, "not a directory");
    snprintf(below, sizeof below, "%s/x", place->path);
    assert_false(file_make_directories(below, &err));
    assert_non_null(strstr(err.text, below));
    assert_true(file_exists(place->path));
    assert_false(file_exists(below));
    assert_false(file_is_directory(place->path));
}

/* ---- replacing ---- */

static void an_aborted_replacement_changes_nothing(void **state)
{
    struct place *place = *state;
    struct atomic_file file;
    struct err err = {0};
    write_target(place, "old");
    assert_true(atomic_file_open(&file, place->path, 100, &err));
    assert_true(atomic_file_write(&file, "half of", 7, &err));
    check_target(place, "old");
    atomic_file_abort(&file);
    atomic_file_abort(&file);
    check_target(place, "old");
}

static void a_replacement_comes_whole(void **state)
{
    struct place *place = *state;
    struct atomic_file file;
    struct err err = {0};
    write_target(place, "old");
    assert_true(atomic_file_open(&file, place->path, 1000, &err)); /* more than comes */
    assert_true(atomic_file_write(&file, "new ", 4, &err));
    check_target(place, "old");
    assert_true(atomic_file_write(&file, "content", 7, &err));
    assert_int_equal(file.written, 11);
    assert_true(atomic_file_commit(&file, &err));
    check_target(place, "new content");
}

static void a_link_is_not_replaced(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    assert_int_equal(symlink("/dev/null", place->path), 0);
    assert_false(file_replace(place->path, "x", 1, &err));
    check_error(&err, ERR_IO, place->path, "not replaced: it is a symbolic link");
    unlink(place->path);
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_false(file_replace(place->path, "x", 1, &err));
    check_error(&err, ERR_IO, place->path, "not replaced: not a regular file");
    assert_false(file_replace(place->dir, "x", 1, &err));
    check_error(&err, ERR_IO, place->dir, "not replaced: not a regular file");
}

static void a_place_that_is_not_there_is_named(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char path[192];
    snprintf(path, sizeof path, "%s/none/target", place->dir);
    assert_false(file_replace(path, "x", 1, &err));
    check_error(&err, ERR_IO, path, "cannot write: No such file or directory");
}

/* The directory goes away between writing and renaming. */
static void a_failed_rename_leaves_nothing_behind(void **state)
{
    struct place *place = *state;
    struct atomic_file file;
    struct err err = {0};
    char dir[128], path[160], temporary[192];
    snprintf(dir, sizeof dir, "%s/sub", place->dir);
    snprintf(path, sizeof path, "%s/target", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_true(atomic_file_open(&file, path, 0, &err));
    snprintf(temporary, sizeof temporary, "%s", file.temporary);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(atomic_file_commit(&file, &err));
    check_error(&err, ERR_IO, path, "cannot rename the new file");
    assert_false(file_exists(temporary));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* In a child, where no file may grow beyond a kilobyte: 0 when both ways of running
 * out of space are errors that leave the old file. */
static int run_out_of_space(struct place *place)
{
    struct atomic_file file;
    struct err err = {0};
    char block[4096] = {0};
    struct stat st;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1024, 1024});
    if (file_replace(place->path, block, sizeof block, &err) || err.code != ERR_IO ||
        !strstr(err.text, "4096 bytes needed"))
        return 1;
    if (!atomic_file_open(&file, place->path, 0, &err) ||
        atomic_file_write(&file, block, sizeof block, &err) || err.code != ERR_IO ||
        !strstr(err.text, "cannot write at byte 1024"))
        return 2;
    atomic_file_abort(&file);
    return stat(place->path, &st) != 0 || st.st_size != 3 ? 3 : 0;
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    struct place *place = *state;
    int status;
    write_target(place, "old");
    pid_t child = fork();
    if (child == 0)
        _exit(run_out_of_space(place));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_target(place, "old");
}

/* ---- logs and locks ---- */

static void a_log_grows_by_lines(void **state)
{
    struct place *place = *state;
    struct append_file log;
    struct err err = {0};
    assert_true(append_file_open(&log, place->path, SIZE_MAX, &err));
    assert_true(append_file_line(&log, "one", &err));
    assert_true(append_file_line(&log, "two", &err));
    append_file_close(&log);
    append_file_close(&log);
    check_target(place, "one\ntwo\n");
    assert_true(append_file_open(&log, place->path, 4, &err));
    assert_true(append_file_line(&log, "three", &err));
    append_file_close(&log);
    check_target(place, "one\nthree\n");
}

static void a_log_is_a_regular_file(void **state)
{
    struct place *place = *state;
    struct append_file log;
    struct err err = {0};
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_false(append_file_open(&log, place->path, SIZE_MAX, &err));
    check_error(&err, ERR_IO, place->path, "cannot append: not a regular file");
    assert_false(append_file_open(&log, place->dir, SIZE_MAX, &err));
    check_error(&err, ERR_IO, place->dir, "cannot append: Is a directory");
}

static void one_process_holds_a_lock(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char expected[64];
    int first = file_lock(place->path, &err);
    assert_true(first >= 0);
    assert_int_equal(file_lock(place->path, &err), -1);
    snprintf(expected, sizeof expected, "another process (%ld) works there",
             (long)getpid());
    check_error(&err, ERR_LOCKED, place->path, expected);
    file_unlock(first);
    int second = file_lock(place->path, &err);
    assert_true(second >= 0);
    file_unlock(second);
    file_unlock(-1);
}

/* A process that is killed leaves its temporary file; one that runs still needs it. */
static void orphans_are_dropped(void **state)
{
    struct place *place = *state;
    struct atomic_file file;
    struct err err = {0};
    pid_t child = fork();
    if (child == 0) {
        _exit(atomic_file_open(&file, place->path, 10, &err) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char left[160];
    snprintf(left, sizeof left, "%s.tmp-%ld", place->path, (long)child);
    assert_true(file_exists(left));
    assert_true(atomic_file_open(&file, place->path, 10, &err));
    file_drop_orphans(place->dir);
    assert_false(file_exists(left));
    assert_true(atomic_file_write(&file, "new", 3, &err));
    assert_true(atomic_file_commit(&file, &err));
    check_target(place, "new");
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(files_are_read_and_mapped),
        IN_PLACE(mapped_bytes_are_forgotten),
        IN_PLACE(an_empty_file_is_legal),
        IN_PLACE(too_much_is_refused),
        IN_PLACE(what_is_no_regular_file_is_refused),
        cmocka_unit_test(a_path_is_put_together),
        IN_PLACE(directories_are_made),
        IN_PLACE(an_aborted_replacement_changes_nothing),
        IN_PLACE(a_replacement_comes_whole),
        IN_PLACE(a_link_is_not_replaced),
        IN_PLACE(a_place_that_is_not_there_is_named),
        IN_PLACE(a_failed_rename_leaves_nothing_behind),
        IN_PLACE(a_full_disk_leaves_the_old_file),
        IN_PLACE(orphans_are_dropped),
        IN_PLACE(a_log_grows_by_lines),
        IN_PLACE(a_log_is_a_regular_file),
        IN_PLACE(one_process_holds_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
