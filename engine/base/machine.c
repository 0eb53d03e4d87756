#include "engine/base/machine.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/size.h"

enum { PROC_FILE_MAX = 1 << 20, PATH_BYTES = 4096 };

/* The text of a file of the kernel, to be freed, or NULL. */
static char *kernel_file(const char *path)
{
    char *text;
    size_t size;
    return file_read(path, PROC_FILE_MAX, &text, &size, NULL) ? text : NULL;
}

/* The number behind `label` in a file (or at its start), times unit; `otherwise` when
 * there is none ("max" means no limit). */
static size_t kernel_number(const char *path, const char *label, size_t unit,
                            size_t otherwise)
{
    char *text = kernel_file(path), *end;
    const char *at = text ? strstr(text, label) : NULL;
    size_t number = otherwise;
    if (at) {
        at += strlen(label);
        unsigned long long value = strtoull(at, &end, 10);
        if (end == at || !size_mul((size_t)value, unit, &number))
            number = otherwise;
    }
    free(text);
    return number;
}

/* What the control group in directory dir leaves. */
static size_t group_left(const char *dir, const char *limit_name, const char *used_name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", dir, limit_name);
    size_t limit = kernel_number(path, "", 1, SIZE_MAX);
    snprintf(path, sizeof path, "%s/%s", dir, used_name);
    size_t used = kernel_number(path, "", 1, 0);
    return limit == SIZE_MAX ? SIZE_MAX : limit - size_min(used, limit);
}

/* The least over the group whose line in /proc/self/cgroup holds `tag`, and all groups
 * above it. */
static size_t groups_left(const char *tag, const char *root, const char *limit_name,
                          const char *used_name)
{
    char dir[PATH_BYTES / 2];
    char *groups = kernel_file("/proc/self/cgroup");
    const char *line = groups ? strstr(groups, tag) : NULL;
    const char *group = line ? line + strlen(tag) : "";
    snprintf(dir, sizeof dir, "%s%.*s", root, (int)strcspn(group, "\n"), group);
    free(groups);
    size_t left = SIZE_MAX;
    while (strlen(dir) >= strlen(root)) {
        left = size_min(left, group_left(dir, limit_name, used_name));
        *strrchr(dir, '/') = '\0';
    }
    return left;
}

size_t machine_address_space_left(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    size_t used = kernel_number("/proc/self/status", "VmSize:", 1024, 0);
    return (size_t)limit.rlim_cur - size_min(used, (size_t)limit.rlim_cur);
}

size_t machine_memory_available(void)
{
    size_t left = kernel_number("/proc/meminfo", "MemAvailable:", 1024, SIZE_MAX);
    left = size_min(left,
                    groups_left("0::", "/sys/fs/cgroup", "memory.max", "memory.current"));
    left = size_min(left, groups_left(":memory:", "/sys/fs/cgroup/memory",
                                      "memory.limit_in_bytes", "memory.usage_in_bytes"));
    return size_min(left, machine_address_space_left());
}

size_t machine_memory_resident(void)
{
    return kernel_number("/proc/self/status", "VmRSS:", 1024, 0);
}

size_t machine_memory_peak(void)
{
    return kernel_number("/proc/self/status", "VmHWM:", 1024, 0);
}

size_t machine_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (size_t)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}
