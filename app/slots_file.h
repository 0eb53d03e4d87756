/* A file that `compress -o` wrote, read back: tokens and slots, so that questions can be
 * answered without compressing the document again. */
#ifndef APP_SLOTS_FILE_H
#define APP_SLOTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct slots_file {
    const char *name; /* for messages; borrowed */
    int32_t *ids;     /* [n_ids] of the document, owned */
    size_t n_ids;
    float *slots;     /* [n_slots, hidden], owned */
    size_t n_slots, hidden;
    char model_sha256[65], compressor_sha256[65]; /* "" = the file does not tell */
};

bool slots_file_is(const char *path); /* by its ending */

/* ERR_INPUT names the tensor that is missing, misshapen or not finite. path is borrowed. */
bool slots_file_read(struct slots_file *out, const char *path, struct err *err);
void slots_file_free(struct slots_file *file);

#endif
