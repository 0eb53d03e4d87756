#include "app/slots_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/model/safetensors.h"

bool slots_file_is(const char *path)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(path), more = sizeof ending - 1;
    return length > more && strcmp(path + length - more, ending) == 0;
}

static const struct tensor *find(const struct safetensors *file, const char *path,
                                 const char *name, enum tensor_type type, unsigned n_dims,
                                 struct err *err)
{
    const struct tensor *t = safetensors_find(file, name);
    if (t && t->type == type && t->n_dims == n_dims && tensor_count(t) > 0 &&
        tensor_count_nonfinite(t) == 0)
        return t;
    err_set(err, ERR_INPUT, "%s: %s tensor %s: not a file of compress -o with slots in it", path,
            t ? "unusable" : "no", name);
    return NULL;
}

static void copy_hash(const struct safetensors *file, const char *key, char out[65])
{
    const char *hash = safetensors_metadata(file, key);
    snprintf(out, 65, "%s", hash && strlen(hash) == 64 ? hash : "");
}

static bool read_tensors(struct slots_file *out, const struct safetensors *file, struct err *err)
{
    const struct tensor *ids = find(file, out->name, "tokens", TENSOR_I32, 1, err);
    const struct tensor *slots = ids ? find(file, out->name, "slots", TENSOR_F32, 2, err) : NULL;
    if (!slots)
        return false;
    out->n_ids = ids->dims[0];
    out->n_slots = slots->dims[0];
    out->hidden = slots->dims[1];
    out->ids = xcalloc(out->n_ids, sizeof *out->ids);
    out->slots = xcalloc(tensor_count(slots), sizeof *out->slots);
    memcpy(out->ids, ids->data, ids->bytes);
    memcpy(out->slots, slots->data, slots->bytes);
    copy_hash(file, "model_sha256", out->model_sha256);
    copy_hash(file, "compressor_sha256", out->compressor_sha256);
    return true;
}

bool slots_file_read(struct slots_file *out, const char *path, struct err *err)
{
    *out = (struct slots_file){.name = path};
    if (file_is_directory(path))
        return err_set(err, ERR_INPUT, "%s: is a directory", path);
    struct safetensors *file = safetensors_open(path, err);
    if (!file)
        return false;
    bool ok = read_tensors(out, file, err);
    safetensors_close(file);
    return ok;
}

void slots_file_free(struct slots_file *file)
{
    free(file->ids);
    free(file->slots);
    *file = (struct slots_file){0};
}
