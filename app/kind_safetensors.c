/* safetensors files: compressors, what `compress` wrote, and any other. */
#include <stdio.h>
#include <string.h>

#include "app/file_kind.h"
#include "app/kind_tensors.h"
#include "app/report.h"
#include "engine/base/size.h"
#include "engine/model/safetensors.h"

static const char gate_name[] = "pooling_layer.query_fusion_weights";

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

bool tensor_list_is_compressor(const struct safetensors *file)
{
    return safetensors_find(file, gate_name) != NULL;
}

static json_t *dimension(const struct safetensors *file, const char *name, size_t axis)
{
    const struct tensor *t = safetensors_find(file, name);
    return t && axis < t->n_dims ? json_integer((json_int_t)t->dims[axis]) : json_null();
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

json_t *compressor_json(const struct safetensors *file)
{
    size_t parameters = 0, depth = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        if (!is_parameter(t))
            continue;
        parameters += tensor_count(t);
        depth += strncmp(t->name, "projector.mlp.", 14) == 0 && t->n_dims == 2;
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "hidden_states", dimension(file, gate_name, 0),
        "hidden_size", dimension(file, "pooling_layer.layer_fusion_q_prj.weight", 1),
        "gate_width", dimension(file, "pooling_layer.layer_fusion_q_prj.weight", 0),
        "metric_width", dimension(file, "pooling_layer.metric_prj.weight", 0), "projector_depth",
        (json_int_t)depth, "parameters", (json_int_t)parameters, "metadata", metadata_json(file));
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
    struct safetensors *file = safetensors_open(path, err);
    if (!file)
        return NULL;
    json_t *tensors = json_array();
    size_t bytes = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        json_array_append_new(tensors, tensor_json(safetensors_at(file, i)));
        bytes += safetensors_at(file, i)->bytes;
    }
    json_t *object =
        json_pack("{s:s, s:I, s:o, s:o}", "holds",
                  tensor_list_is_compressor(file) ? "compressor" : "tensors", "data_bytes",
                  (json_int_t)bytes, "metadata", metadata_json(file), "tensors", tensors);
    if (tensor_list_is_compressor(file))
        json_object_set_new(object, "compressor", compressor_json(file));
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

static bool check_values(const struct safetensors *file, bool parameters_only,
                         const struct problem_sink *sink)
{
    bool ok = true;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        size_t bad = parameters_only && !is_parameter(t) ? 0 : count_nonfinite(t);
        if (bad == 0)
            continue;
        struct err err;
        err_set(&err, ERR_INPUT, "%s: tensor %s holds %zu non-finite values",
                safetensors_path(file), t->name, bad);
        ok = problem_error(sink, &err);
    }
    return ok;
}

bool check_compressor(const struct safetensors *file, const struct problem_sink *sink)
{
    return check_values(file, true, sink);
}

static bool check(const char *path, const struct problem_sink *sink)
{
    struct err err = {0};
    struct safetensors *file = safetensors_open(path, &err);
    if (!file)
        return problem_error(sink, &err);
    bool ok = check_values(file, false, sink);
    safetensors_close(file);
    return ok;
}

const struct file_kind file_kind_safetensors = {
    .name = "safetensors",
    .matches = is_safetensors,
    .describe = describe,
    .check = check,
};
