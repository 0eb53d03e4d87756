/* The CPU taken for one with less: the versions of the kernels for others are then tested here,
 * too. COMPREXIT_CPU=avx2|baseline does so from the start of any test program. */
#ifndef TESTS_SUPPORT_CPU_H
#define TESTS_SUPPORT_CPU_H

enum cpu { CPU_BASELINE, CPU_AVX2, CPU_OWN };

/* Kernels that are called from now on use no more than `most`; what this CPU does not have it
 * does not get. Nothing happens where the compiler keeps no table of what there is. */
void cpu_limit(enum cpu most);

#endif
