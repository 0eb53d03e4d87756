#include "engine/eval/soft_prompt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/model/safetensors.h"

enum { SOFT_TOKENS_MAX = 4096 };

static bool check(const struct safetensors *file, const struct tensor *t, const char *path,
                  const struct model *model, struct err *err)
{
    size_t H = model->config.hidden;
    if (!t)
        return err_set(err, ERR_INPUT, "%s: not a soft prompt: no tensor \"soft_prompt\"", path);
    if (t->n_dims != 2 || t->dims[1] != H || t->dims[0] == 0 || t->dims[0] > SOFT_TOKENS_MAX)
        return err_set(err, ERR_INPUT,
                       "%s: soft_prompt has %zu dimension%s and %zu rows, expected [1..%d, %zu], "
                       "the hidden size of %s", path, (size_t)t->n_dims, t->n_dims == 1 ? "" : "s",
                       (size_t)(t->n_dims ? t->dims[0] : 0), SOFT_TOKENS_MAX, H,
                       model->config.name);
    size_t wrong = tensor_count_nonfinite(t);
    if (wrong)
        return err_set(err, ERR_INPUT, "%s: soft_prompt holds %zu non-finite value%s", path, wrong,
                       text_plural(wrong));
    const char *base = safetensors_metadata(file, "base_sha256");
    char hex[65];
    model_embedding_sha256(model, hex);
    if (base && *base && strcmp(base, hex) != 0)
        return err_set(err, ERR_INPUT, "%s: made for another model (embedding %.8s) than %s (%.8s)",
                       path, base, model->config.name, hex);
    return true;
}

bool soft_prompt_load(struct soft_prompt *prompt, const char *path, const struct model *model,
                      struct err *err)
{
    *prompt = (struct soft_prompt){0};
    struct safetensors *file = safetensors_open(path, err);
    if (!file)
        return false;
    const struct tensor *t = safetensors_find(file, "soft_prompt");
    bool ok = check(file, t, path, model, err);
    if (ok) {
        prompt->n = t->dims[0];
        prompt->vectors = xmalloc(tensor_count(t) * sizeof(real));
        tensor_widen(t, 0, tensor_count(t), prompt->vectors);
    }
    safetensors_close(file);
    return ok;
}

void soft_prompt_free(struct soft_prompt *prompt)
{
    free(prompt->vectors);
    *prompt = (struct soft_prompt){0};
}

bool soft_prompt_save(const char *path, const real *vectors, size_t n, size_t H,
                      const char *base_sha256, const char *note, struct err *err)
{
    struct safetensors_entry entry = {.name = "soft_prompt",
                                      .type = sizeof(real) == 4 ? TENSOR_F32 : TENSOR_F64,
                                      .n_dims = 2,
                                      .dims = {n, H},
                                      .data = vectors};
    struct safetensors_pair pairs[] = {{"format", "comprexit soft prompt"},
                                       {"version", "1"},
                                       {"base_sha256", base_sha256},
                                       {"note", note}};
    return safetensors_write(path, &entry, 1, pairs, sizeof pairs / sizeof *pairs, err);
}
