/* A soft prompt on disk: virtual tokens [n, H] that stand before everything else
 * (METHOD section 10), one safetensors file with the tensor "soft_prompt". */
#ifndef ENGINE_EVAL_SOFT_PROMPT_H
#define ENGINE_EVAL_SOFT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/model/model.h"

struct soft_prompt {
    real *vectors; /* [n, H], owned */
    size_t n;
};

/* Refuses a prompt that was made for another model, and values that are not finite. */
bool soft_prompt_load(struct soft_prompt *prompt, const char *path, const struct model *model,
                      struct err *err);
void soft_prompt_free(struct soft_prompt *prompt);

/* base_sha256: of the frozen model's embedding; note: for people. */
bool soft_prompt_save(const char *path, const real *vectors, size_t n, size_t H,
                      const char *base_sha256, const char *note, struct err *err);

#endif
