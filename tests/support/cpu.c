#include "tests/support/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

/* What __builtin_cpu_supports looks into: a table of libgcc's, with a bit for each extension. */
struct cpu_table {
    unsigned vendor, type, subtype, features[1];
};
extern struct cpu_table __cpu_model __attribute__((visibility("hidden")));

enum { AVX2 = 10, FMA = 14, AVX512F = 15 };

void cpu_limit(enum cpu most)
{
    static unsigned own;
    own = own ? own : __cpu_model.features[0];
    unsigned without = 0;
    if (most < CPU_OWN)
        without |= 1u << AVX512F;
    if (most < CPU_AVX2)
        without |= 1u << AVX2 | 1u << FMA;
    __cpu_model.features[0] = own & ~without;
}

#else

void cpu_limit(enum cpu most)
{
    (void)most;
}

#endif

/* Behind the table's own. */
__attribute__((constructor(1000))) static void limit_from_the_start(void)
{
    static const char *const names[] = {[CPU_BASELINE] = "baseline", [CPU_AVX2] = "avx2"};
    const char *wanted = getenv("COMPREXIT_CPU");
    for (int i = CPU_BASELINE; wanted && i < CPU_OWN; i++)
        if (strcmp(wanted, names[i]) == 0)
            cpu_limit((enum cpu)i);
}
