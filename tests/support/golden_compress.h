/* What the tests of compressor and training share about golden vectors: the
 * settings of a case, the compressor and the frozen model that it was made with. */
#ifndef TESTS_SUPPORT_GOLDEN_COMPRESS_H
#define TESTS_SUPPORT_GOLDEN_COMPRESS_H

#include "engine/compress/checkpoint_io.h"
#include "tests/support/golden.h"

/* W, r, align and, where they are given, eps, iters and temperatures. */
struct compress_settings golden_settings(const json_t *object);

/* name: a file or directory of the golden directory. A failure fails the test. */
void golden_compressor(struct compressor *c, struct compressor_info *info, const char *name);

/* Directory name of the frozen model that forward.json names, to be freed. */
char *golden_model_name(void);

/* golden_near against a whole tensor of g, whose size must be `count`. label: the
 * case, for messages. */
void golden_compare(const struct golden *g, const char *label, const char *quantity,
                    const char *tensor, const real *got, size_t count, double tolerance);

#endif
