/* safetensors files: compressors, training checkpoints, what `compress` wrote, and
 * any other. */
#include <stdio.h>
#include <string.h>

#include "app/file_kind.h"
#include "app/kind_tensors.h"
#include "app/report.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/model/safetensors.h"
#include "engine/train/checkpoint.h"

static bool is_safetensors(const char *path, const struct file_head *head)
{
    static const char ending[] = ".safetensors", index_ending[] = ".safetensors.index.json";
    size_t length = strlen(path), n = sizeof ending - 1, m = sizeof index_ending - 1;
    bool named = (length > n && strcmp(path + length - n, ending) == 0) ||
                 (length > m && strcmp(path + length - m, index_ending) == 0);
    return named || (head->size > 9 && head->bytes[8] == '{' && head->bytes[6] == 0 &&
                     head->bytes[7] == 0);
}

/* ---- description -------------------------------------------------------------------- */

json_t *tensor_list_types(const struct tensor_list *list)
{
    size_t count[TENSOR_TYPE_COUNT] = {0}, bytes[TENSOR_TYPE_COUNT] = {0};
    for (size_t i = 0; i < list->count; i++) {
        const struct tensor *t = list->at(list->file, i);
        count[t->type]++;
        bytes[t->type] += t->bytes;
    }
    json_t *types = json_object();
    for (size_t type = 0; type < TENSOR_TYPE_COUNT; type++)
        if (count[type])
            json_object_set_new(types, tensor_type_name((enum tensor_type)type),
                                json_pack("{s:I, s:I}", "tensors", (json_int_t)count[type],
                                          "bytes", (json_int_t)bytes[type]));
    return types;
}

static bool is_parameter(const struct tensor *t)
{
    return strncmp(t->name, "pooling_layer.", 14) == 0 || strncmp(t->name, "projector.", 10) == 0;
}

static json_t *metadata_json(const struct safetensors *file)
{
    json_t *object = json_object();
    for (size_t i = 0; i < safetensors_metadata_count(file); i++) {
        const char *value, *key = safetensors_metadata_at(file, i, &value);
        json_object_set_new(object, key, report_text(value, strlen(value)));
    }
    return object;
}

static json_t *settings_json(const struct compressor_info *info)
{
    const struct compress_settings *s = &info->settings;
    return json_pack("{s:I, s:f, s:f, s:I, s:s}", "window", (json_int_t)s->window, "ratio",
                     s->ratio, "eps", s->eps, "iters", (json_int_t)s->iters, "align",
                     s->align == ALIGN_HEAD ? "head" : "tail");
}

json_t *compressor_json(const char *path, struct err *err)
{
    struct compressor c;
    struct compressor_info info;
    if (!compressor_load(&c, &info, path, err))
        return NULL;
    json_t *object = json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:I, s:I, s:I}", "name",
        info.name, "note", info.note, "published", (int)info.published, "parameters",
        (json_int_t)c.count, "hidden_states", (json_int_t)c.shape.M, "hidden_size",
        (json_int_t)c.shape.H, "gate_width", (json_int_t)c.shape.D, "metric_width",
        (json_int_t)c.shape.E, "projector_depth", (json_int_t)c.shape.depth, "settings",
        settings_json(&info), "base_sha256", info.base_sha256, "steps", (json_int_t)info.steps,
        "samples", (json_int_t)info.samples, "tokens", (json_int_t)info.tokens);
    compressor_free(&c);
    return object;
}

static json_t *tensor_json(const struct tensor *t)
{
    json_t *shape = json_array();
    for (unsigned i = 0; i < t->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->dims[i]));
    return json_pack("{s:o, s:s, s:o}", "name", report_text(t->name, strlen(t->name)), "type",
                     tensor_type_name(t->type), "shape", shape);
}

static json_t *describe(const char *path, struct err *err)
{
    json_t *compressor = NULL;
    if (compressor_present(path) && !(compressor = compressor_json(path, err)))
        return NULL;
    struct safetensors *file = safetensors_open(path, err);
    if (!file) {
        json_decref(compressor);
        return NULL;
    }
    json_t *tensors = json_array();
    size_t bytes = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        json_array_append_new(tensors, tensor_json(safetensors_at(file, i)));
        bytes += safetensors_at(file, i)->bytes;
    }
    json_t *object = json_pack("{s:I, s:o*, s:o, s:o}", "data_bytes", (json_int_t)bytes,
                               "compressor", compressor, "metadata", metadata_json(file),
                               "tensors", tensors);
    safetensors_close(file);
    return object;
}

/* ---- check ----------------------------------------------------------------------------- */

enum { PANEL = 4096 };

static size_t count_nonfinite(const struct tensor *t)
{
    size_t total = tensor_count(t), bad = 0;
    real panel[PANEL];
    for (size_t first = 0; first < total; first += PANEL) {
        size_t n = size_min(PANEL, total - first);
        tensor_widen(t, first, n, panel);
        for (size_t i = 0; i < n; i++)
            bad += isfinite(panel[i]) ? 0 : 1;
    }
    return bad;
}

bool check_tensors(const char *path, bool parameters_only, const struct problem_sink *sink)
{
    struct err err = {0};
    struct safetensors *file = safetensors_open(path, &err);
    if (!file)
        return problem_error(sink, &err);
    bool ok = true;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        size_t bad = parameters_only && !is_parameter(t) ? 0 : count_nonfinite(t);
        if (bad == 0)
            continue;
        err_set(&err, ERR_INPUT, "%s: tensor %s holds %zu non-finite value%s",
                safetensors_path(file), t->name, bad, text_plural(bad));
        ok = problem_error(sink, &err);
    }
    safetensors_close(file);
    return ok;
}

bool check_compressor(const char *path, const struct problem_sink *sink)
{
    struct compressor c;
    struct compressor_info info;
    struct err err = {0};
    if (!compressor_load(&c, &info, path, &err))
        return problem_error(sink, &err);
    compressor_free(&c);
    return true;
}

static bool check_checkpoint(const char *path, const struct problem_sink *sink)
{
    struct err err = {0};
    return checkpoint_verify(path, &err) || problem_error(sink, &err);
}

static bool check(const char *path, const struct problem_sink *sink)
{
    if (checkpoint_present(path))
        return check_checkpoint(path, sink);
    return check_tensors(path, false, sink) &&
           (!compressor_present(path) || check_compressor(path, sink));
}

const struct file_kind file_kind_safetensors = {
    .name = "safetensors",
    .matches = is_safetensors,
    .describe = describe,
    .check = check,
};
