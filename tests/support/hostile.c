#include "tests/support/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/support/temporary.h"

enum { LIMIT_MS = 1000, FILE_LIMIT = 32 << 20 };

/* Processor time of this process: a busy machine does not count. Something that blocks
 * runs into the time limit of tests/run instead. */
static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static double ms_of(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec * 1e-3;
}

static struct {
    size_t refused;
    double slowest_ms;
    char slowest[64];
} report;

static void check_message(const char *row, const struct err *err, const char *name,
                          const char *expected)
{
    if (err->code != ERR_INPUT)
        fail_msg("%s: code %d, expected %d: \"%s\"", row, err->code, ERR_INPUT,
                 err->text);
    if (!strstr(err->text, expected))
        fail_msg("%s: got \"%s\", expected \"%s\"", row, err->text, expected);
    if (!strstr(err->text, name))
        fail_msg("%s: \"%s\" does not name the file %s", row, err->text, name);
    for (const char *p = err->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            fail_msg("%s: control character in \"%s\"", row, err->text);
}

static void account(const char *row, double ms)
{
    if (ms > LIMIT_MS)
        fail_msg("%s: took %.0f ms, at most %d", row, ms, LIMIT_MS);
    if (ms > report.slowest_ms) {
        report.slowest_ms = ms;
        snprintf(report.slowest, sizeof report.slowest, "%s", row);
    }
}

void hostile_path_refused(const struct hostile_format *format, const char *row,
                          const char *path, const char *expected)
{
    struct err err = {0};
    double start = cpu_ms();
    if (format->open_file(path, &err))
        fail_msg("%s: accepted", row);
    account(row, cpu_ms() - start);
    check_message(row, &err, file_name(path), expected);
    report.refused++;
}

void hostile_refused(const struct hostile_format *format, const char *row,
                     const void *data, size_t size, const char *expected)
{
    if (format->open_buffer) {
        struct err err = {0};
        void *exact = xmalloc(size);
        if (size > 0)
            memcpy(exact, data, size);
        double start = cpu_ms();
        bool accepted = format->open_buffer(exact, size, format->file_name, &err);
        account(row, cpu_ms() - start);
        free(exact);
        if (accepted)
            fail_msg("%s: accepted", row);
        check_message(row, &err, format->file_name, expected);
        report.refused += size > FILE_LIMIT;
    }
    if (format->open_buffer && size > FILE_LIMIT)
        return;
    char *dir = temporary_directory();
    char *path = temporary_file(dir, format->file_name, data, size);
    hostile_path_refused(format, row, path, expected);
    free(path);
    temporary_remove(dir);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Bytes of address space of this process. */
static size_t address_space(void)
{
    char *text;
    size_t size, pages = 0;
    if (file_read("/proc/self/statm", 4096, &text, &size, NULL)) {
        pages = strtoull(text, NULL, 10);
        free(text);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void hostile_within(const char *row, size_t bytes, bool (*job)(const void *context),
                    const void *context)
{
    if (SANITIZED)
        return;
    pid_t child = fork();
    if (child == 0) {
        size_t limit = address_space() + bytes;
        setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit});
        _exit(job(context) ? 0 : 1);
    }
    int status = 0;
    struct rusage usage;
    assert_true(child > 0 && wait4(child, &status, 0, &usage) == child);
    double ms = ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
    account(row, ms);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: failed with %zu MiB (status %d)", row, bytes >> 20, status);
    if ((size_t)usage.ru_maxrss * 1024 > bytes)
        fail_msg("%s: %ld KiB resident, at most %zu", row, usage.ru_maxrss, bytes >> 10);
    print_message("hostile: %s within %.0f ms and %ld MiB\n", row, ms,
                  usage.ru_maxrss >> 10);
}

void hostile_report(void)
{
    print_message("hostile: %zu files refused, the slowest in %.0f ms (%s)\n",
                  report.refused, report.slowest_ms, report.slowest);
}
