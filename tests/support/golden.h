/* Golden vectors ($COMPREXIT_GOLDEN, described by the README.md there): opens the
 * files, reads tensors as double whatever their type, compares with a tolerance,
 * names the worst element, and collects for each quantity how much of its
 * tolerance was used.
 *
 *     struct golden g;
 *     golden_open(&g, "frozenA");          frozenA.safetensors and frozenA.json
 *     struct golden_tensor want = golden_get(&g, "s%d.hidden", 0);
 *     golden_near("hidden", want.name, got, want.values, want.count, 2e-4);
 *     golden_tensor_free(&want);
 *     golden_close(&g);
 *     ...
 *     golden_report();                     last in main()
 *
 * A missing directory skips the test, a missing file or tensor fails it. Take
 * every shape and case from the files: other sets of this layout must pass too. */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/safetensors.h"
#include "engine/ops/real.h"

struct golden {
    struct safetensors *file; /* NULL when there is only a .json */
    json_t *json;             /* NULL when there is only a .safetensors */
};
void golden_open(struct golden *g, const char *name);
void golden_close(struct golden *g);

/* Skips the test when there is no such directory, as golden_open and golden_path
 * do; for tests that allocate something before. */
void golden_require(void);

/* "$COMPREXIT_GOLDEN/name", to be freed. Skips the test when the set is a trimmed
 * one (trimmed.json, tests/gen/trim_golden.py) that dropped this file. */
char *golden_path(const char *name);

/* The same for a model directory; skips when a trimmed set dropped its weights. */
char *golden_model_path(const char *name);

/* A GGUF file of golden model `letter`: "modelA/FILE", what frozenA.json says of it, and
 * frozenA itself. */
struct golden_model_file {
    const char *name, *file;
    const json_t *facts;
    const struct golden *golden;
};
void golden_each_model_file(const char *letter,
                            void (*visit)(const struct golden_model_file *f, void *context),
                            void *context);

/* The same for a file that not every set has; skips when it is not there. */
char *golden_optional_path(const char *name);

/* Is it a trimmed set, in which some kinds of files do not occur? */
bool golden_trimmed(void);

struct golden_tensor {
    char name[128];
    unsigned n_dims;
    size_t dims[TENSOR_DIMS_MAX], count;
    double *values; /* [count] */
};
bool golden_has(const struct golden *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct golden_tensor golden_get(const struct golden *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void golden_tensor_free(struct golden_tensor *tensor);

/* The same as token ids, or as input for a stage; to be freed. count may be NULL. */
int32_t *golden_ids(const struct golden *g, size_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
real *golden_reals(const struct golden *g, size_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The number at a key of an object; fails the test when it is not there. */
double golden_number(const json_t *object, const char *key);

/* |got - want| <= tolerance, element by element. place: where, for the message. */
void golden_near(const char *quantity, const char *place, const real *got, const double *want,
                 size_t count, double tolerance);

/* |got - want| <= tolerance * |want| as vectors (Euclidean norm). */
void golden_near_norm(const char *quantity, const char *place, const real *got, const double *want,
                      size_t count, double tolerance);

/* sqrt(mean (got - want)^2) <= tolerance. */
void golden_near_rms(const char *quantity, const char *place, const real *got, const double *want,
                     size_t count, double tolerance);

/* One line a quantity: the largest part of its tolerance that was used, and where. */
void golden_report(void);

/* Path of the default model, to be freed; skips the test when it was not fetched. */
char *golden_default_model(void);

#endif
