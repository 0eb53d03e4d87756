#include "app/host.h"

#include <fontconfig/fontconfig.h>
#include <nettle/version.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <readline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utf8proc.h>
#include <zlib.h>
#include <zstd.h>

#include "app/sandbox.h"
#include "engine/base/file.h"
#include "engine/base/machine.h"
#include "engine/base/team.h"
#include "engine/base/text.h"
#include "engine/ops/matmul.h"

void host_cpu(char *out, size_t size)
{
    snprintf(out, size, "unknown");
    char *text;
    size_t length;
    enum { CPUINFO_MAX = 1 << 20 };
    if (!file_read("/proc/cpuinfo", CPUINFO_MAX, &text, &length, NULL))
        return;
    const char *name = strstr(text, "model name");
    const char *value = name ? strchr(name, ':') : NULL;
    if (value) {
        value += strspn(value, ": \t");
        text_sanitize(out, size, value, strcspn(value, "\n"));
    }
    free(text);
}

void host_set_threads(int threads)
{
    if (threads > 0)
        team_set_threads((size_t)threads);
}

int host_threads(void)
{
    return (int)team_threads();
}

size_t host_peak_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

static json_t *cpu_features(void)
{
    json_t *list = json_array();
#if defined(__x86_64__)
#define FEATURE(name)                                                          \
    if (__builtin_cpu_supports(name))                                          \
        json_array_append_new(list, json_string(name));
    FEATURE("sse4.2")
    FEATURE("avx")
    FEATURE("fma")
    FEATURE("avx2")
    FEATURE("avx512f")
    FEATURE("avx512bw")
    FEATURE("avx512vnni")
    FEATURE("avx512bf16")
#undef FEATURE
#endif
    return list;
}

static json_t *libraries(void)
{
    char pcre[64] = "", fontconfig[32], nettle[32];
    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    int font = FcGetVersion();
    snprintf(fontconfig, sizeof fontconfig, "%d.%d.%d", font / 10000, font / 100 % 100, font % 100);
    snprintf(nettle, sizeof nettle, "%d.%d", nettle_version_major(), nettle_version_minor());
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "jansson",
                     jansson_version_str(), "zlib", zlibVersion(), "zstd", ZSTD_versionString(),
                     "pcre2", pcre, "readline", rl_library_version, "utf8proc",
                     utf8proc_version(), "nettle", nettle, "fontconfig", fontconfig);
}

json_t *host_json(void)
{
    char cpu[128];
    host_cpu(cpu, sizeof cpu);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    json_int_t memory = pages > 0 && page > 0 ? (json_int_t)pages * page : 0;
    size_t available = machine_memory_available();
    char sandbox[SANDBOX_TEXT_MAX];
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s, s:s, s:o}", "version", COMPREXIT_VERSION,
                     "cpu", cpu, "cores", (json_int_t)machine_cores(), "memory_bytes", memory,
                     "available_bytes",
                     available == SIZE_MAX ? json_null() : json_integer((json_int_t)available),
                     "cpu_features", cpu_features(), "kernels", matmul_backend(), "sandbox",
                     sandbox_describe(sandbox), "libraries", libraries());
}
