/* Kernels for other CPUs: a few steps of training, with all that they pass through both ways, and
 * an answer's arithmetic from quantised weights, give the same bits with the versions for AVX2 and
 * for the baseline as with those for this CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/cpu.h"
#include "tests/support/training.h"

enum { STEPS = 6 };

/* The weights after a few steps with kernels for at most this CPU. */
static void train_as(struct training *t, enum cpu most, char hex[65])
{
    char name[32];
    snprintf(name, sizeof name, "cpu-%d", (int)most);
    char *directory = training_directory(t, name);
    cpu_limit(most);
#if defined(__x86_64__)
    assert_true(most == CPU_OWN || !__builtin_cpu_supports("avx512f"));
    assert_true(most != CPU_BASELINE || !__builtin_cpu_supports("avx2"));
#endif
    training_run(t, 0, ERR_NONE);
    cpu_limit(CPU_OWN);
    snprintf(name, sizeof name, "step-%06d.safetensors", STEPS);
    training_hash(directory, name, hex);
    free(directory);
}

static void set(struct training *t, const char *key, const char *value)
{
    struct err err = {0};
    if (!train_config_set(&t->options.config, key, value, &err))
        fail_msg("%s", err.text);
}

static void check(const char *const (*settings)[2])
{
    char own[65], other[65];
    struct training t;
    training_open(&t);
    t.options.config.steps = t.options.config.valid_every = STEPS;
    set(&t, "frozen_precision", "f32");
    for (; (*settings)[0]; settings++)
        set(&t, (*settings)[0], (*settings)[1]);
    train_as(&t, CPU_OWN, own);
    train_as(&t, CPU_AVX2, other);
    assert_string_equal(other, own);
    train_as(&t, CPU_BASELINE, other);
    assert_string_equal(other, own);
    training_close(&t);
}

static void usual_blocks(void **state)
{
    static const char *const settings[][2] = {{"distill", "1"}, {"optimizer", "muon"}, {NULL}};
    (void)state;
    check(settings);
}

/* Windows, slots and sequences that no vector and no tile divides. */
static void odd_blocks(void **state)
{
    static const char *const settings[][2] = {
        {"blocks", "13+5,1+1,50+3"}, {"window", "7"}, {"ratio_schedule", "0:3"},
        {"mix_reconstruct", "0.3"}, {"mix_ntp", "0.7"}, {NULL}};
    (void)state;
    check(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_blocks),
        cmocka_unit_test(odd_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
