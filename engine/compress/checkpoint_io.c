#include "engine/compress/checkpoint_io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/compress/published_config.h"
#include "engine/model/safetensors.h"

enum { FORMAT_VERSION = 1, VALUE_SIZE = 32, PAIRS_MAX = 24 };
static const char format_name[] = "comprexit compressor";

/* ---- shape and tensors ---------------------------------------------------------- */

/* "[32, 64]" */
static const char *dims_text(unsigned n_dims, const size_t *dims, char *out, size_t size)
{
    int used = snprintf(out, size, "[");
    for (unsigned i = 0; i < n_dims; i++)
        used += snprintf(out + used, size - (size_t)used, "%s%zu", i ? ", " : "", dims[i]);
    snprintf(out + used, size - (size_t)used, "]");
    return out;
}

static const struct tensor *find(const struct safetensors *file, const char *name,
                                 unsigned n_dims, struct err *err)
{
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor)
        err_set(err, ERR_INPUT, "%s: not a compressor: tensor %s is missing",
                safetensors_path(file), name);
    else if (tensor->n_dims != n_dims)
        err_set(err, ERR_INPUT, "%s: tensor %s has %u dimensions, expected %u",
                safetensors_path(file), name, tensor->n_dims, n_dims);
    return tensor && tensor->n_dims == n_dims ? tensor : NULL;
}

static size_t projector_depth(const struct safetensors *file)
{
    size_t depth = 0;
    char name[64];
    do {
        depth++;
        snprintf(name, sizeof name, "projector.mlp.%zu.weight", 2 * depth);
    } while (depth < COMPRESSOR_DEPTH_MAX && safetensors_find(file, name));
    return depth;
}

static bool find_shape(const struct safetensors *file, struct compressor_shape *shape,
                       struct err *err)
{
    const struct tensor *fusion = find(file, "pooling_layer.query_fusion_weights", 1, err);
    const struct tensor *query =
        fusion ? find(file, "pooling_layer.layer_fusion_q_prj.weight", 2, err) : NULL;
    const struct tensor *metric =
        query ? find(file, "pooling_layer.metric_prj.weight", 2, err) : NULL;
    if (!metric)
        return false;
    *shape = (struct compressor_shape){.M = fusion->dims[0],
                                       .H = query->dims[1],
                                       .D = query->dims[0],
                                       .E = metric->dims[0],
                                       .depth = projector_depth(file)};
    return true;
}

static bool check_expectations(const struct compressor_shape *s, const struct compressor_shape *e,
                               const char *path, struct err *err)
{
    const struct {
        const char *what;
        size_t has, said;
    } rows[] = {{"hidden states a token", s->M, e->M}, {"hidden size", s->H, e->H},
                {"gate width", s->D, e->D},            {"metric width", s->E, e->E},
                {"projector depth", s->depth, e->depth}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].said && rows[i].said != rows[i].has)
            return err_set(err, ERR_INPUT, "%s: %s is %zu by the tensors, %zu by config.json",
                           path, rows[i].what, rows[i].has, rows[i].said);
    return true;
}

static bool check_dims(const struct tensor *tensor, const struct compressor_tensor *want,
                       const char *path, struct err *err)
{
    size_t dims[2] = {want->rows, want->cols};
    unsigned n_dims = want->cols ? 2 : 1;
    if (tensor->n_dims == n_dims && memcmp(tensor->dims, dims, n_dims * sizeof *dims) == 0)
        return true;
    char has[96], expected[96];
    return err_set(err, ERR_INPUT, "%s: tensor %s is %s, expected %s", path, want->name,
                   dims_text(tensor->n_dims, tensor->dims, has, sizeof has),
                   dims_text(n_dims, dims, expected, sizeof expected));
}

static bool load_tensor(const struct safetensors *file, const struct compressor_tensor *want,
                        real *out, struct err *err)
{
    const char *path = safetensors_path(file);
    const struct tensor *tensor = find(file, want->name, want->cols ? 2 : 1, err);
    if (!tensor || !check_dims(tensor, want, path, err))
        return false;
    tensor_widen(tensor, 0, want->count, out);
    size_t bad = 0;
    for (size_t i = 0; i < want->count; i++)
        bad += isfinite(out[i]) ? 0 : 1;
    if (bad)
        return err_set(err, ERR_INPUT, "%s: tensor %s holds %zu non-finite value%s", path,
                       want->name, bad, text_plural(bad));
    return true;
}

static bool load_tensors(struct compressor *c, const struct safetensors *file, struct err *err)
{
    for (size_t i = 0; i < c->n_tensors; i++)
        if (!load_tensor(file, &c->tensors[i], c->block + c->tensors[i].offset, err))
            return false;
    return true;
}

/* ---- metadata -------------------------------------------------------------------- */

static void get_text(const struct safetensors *file, const char *key, char *out, size_t size)
{
    const char *value = safetensors_metadata(file, key);
    if (value)
        text_sanitize(out, size, value, strlen(value));
}

/* Leaves *out alone when the key is absent. */
static bool get_number(const struct safetensors *file, const char *key, double *out,
                       struct err *err)
{
    const char *value = safetensors_metadata(file, key);
    if (!value)
        return true;
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !isfinite(number) || number < 0 || number > 0x1p63)
        return err_set(err, ERR_INPUT, "%s: metadata %s: \"%s\" is not a number",
                       safetensors_path(file), key, value);
    *out = number;
    return true;
}

static bool check_version(const struct safetensors *file, struct err *err)
{
    const char *format = safetensors_metadata(file, "format");
    if (!format || strcmp(format, format_name) != 0)
        return true;
    double version = 0;
    if (!get_number(file, "version", &version, err))
        return false;
    if (version == FORMAT_VERSION)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: written by a newer comprexit: format version %g, this one reads %d",
                   safetensors_path(file), version, FORMAT_VERSION);
}

static bool get_settings(const struct safetensors *file, struct compressor_info *info,
                         struct err *err)
{
    struct compress_settings *s = &info->settings;
    double window = (double)s->window, iters = s->iters, ablations = s->ablations;
    double segment = (double)info->segment;
    bool ok = get_number(file, "window", &window, err) &&
              get_number(file, "ratio", &s->ratio, err) &&
              get_number(file, "eps", &s->eps, err) && get_number(file, "iters", &iters, err) &&
              get_number(file, "gate_tau", &s->gate_tau, err) &&
              get_number(file, "source_tau", &s->source_tau, err) &&
              get_number(file, "lambda_floor", &s->lambda_floor, err) &&
              get_number(file, "ablations", &ablations, err) &&
              get_number(file, "segment", &segment, err);
    if (!ok)
        return false;
    s->window = (size_t)fmin(window, UINT32_MAX);
    s->iters = (unsigned)fmin(iters, UINT32_MAX);
    s->ablations = (unsigned)fmin(ablations, UINT32_MAX);
    info->segment = (size_t)fmin(segment, UINT32_MAX);
    const char *align = safetensors_metadata(file, "align");
    if (align && strcmp(align, "tail") != 0 && strcmp(align, "head") != 0)
        return err_set(err, ERR_INPUT, "%s: metadata align: \"%s\" is neither tail nor head",
                       safetensors_path(file), align);
    if (align)
        s->align = strcmp(align, "head") == 0 ? ALIGN_HEAD : ALIGN_TAIL;
    return compress_settings_check(s, err) || err_prefix(err, "%s", safetensors_path(file));
}

static bool get_metadata(const struct safetensors *file, struct compressor_info *info,
                         struct err *err)
{
    double hidden = 0, layers = 0, totals[4] = {0};
    /* A training checkpoint, which opens as a compressor too, counts "step". */
    const char *steps = safetensors_metadata(file, "step") ? "step" : "steps";
    const char *const keys[4] = {steps, "samples", "tokens", "seconds"};
    if (!check_version(file, err) || !get_settings(file, info, err) ||
        !get_number(file, "base_hidden", &hidden, err) ||
        !get_number(file, "base_layers", &layers, err))
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!get_number(file, keys[i], &totals[i], err))
            return false;
    info->base_hidden = (size_t)hidden;
    info->base_layers = (size_t)layers;
    info->steps = (uint64_t)totals[0];
    info->samples = (uint64_t)totals[1];
    info->tokens = (uint64_t)totals[2];
    info->seconds = (uint64_t)totals[3];
    get_text(file, "name", info->name, sizeof info->name);
    get_text(file, "note", info->note, sizeof info->note);
    get_text(file, "base_architecture", info->base_architecture, sizeof info->base_architecture);
    get_text(file, "base_sha256", info->base_sha256, sizeof info->base_sha256);
    return true;
}

/* ---- loading ----------------------------------------------------------------------- */

static bool load_from(struct compressor *c, struct compressor_info *info,
                      const struct safetensors *file, const struct compressor_shape *expect,
                      struct err *err)
{
    struct compressor_shape shape;
    return get_metadata(file, info, err) && find_shape(file, &shape, err) &&
           check_expectations(&shape, expect, safetensors_path(file), err) &&
           (compressor_init(c, &shape, err) || err_prefix(err, "%s", safetensors_path(file))) &&
           load_tensors(c, file, err);
}

/* config.json of a directory, if there is one. */
static bool read_config(const char *directory, struct compressor_info *info,
                        struct compressor_shape *expect, struct err *err)
{
    char *path = file_join(directory, "config.json");
    bool ok = true;
    if (file_exists(path)) {
        struct published_config config;
        ok = published_config_read(&config, path, err);
        info->published = true;
        info->settings = config.settings;
        info->segment = config.segment;
        info->base_hidden = config.hidden;
        info->base_layers = config.layers;
        memcpy(info->base_architecture, config.architecture, sizeof info->base_architecture);
        *expect = config.expect;
    }
    free(path);
    return ok;
}

/* The file inside a run directory, or path itself; to be freed. */
static char *resolve(const char *path)
{
    char *inside = file_join(path, "compressor.safetensors");
    if (file_is_directory(path) && file_exists(inside))
        return inside;
    free(inside);
    return xstrdup(path);
}

/* What people call it: the file without its ending; the directory of a run or of a
 * published checkpoint. */
static void name_after_path(struct compressor_info *info, const char *path)
{
    static const char ending[] = ".safetensors";
    size_t whole = strlen(path), cut = sizeof ending - 1;
    while (whole > 1 && path[whole - 1] == '/')
        whole--;
    char *trimmed = xstrndup(path, whole);
    const char *name = file_name(trimmed);
    size_t length = strlen(name);
    if (length > cut && strcmp(name + length - cut, ending) == 0)
        length -= cut;
    text_sanitize(info->name, sizeof info->name, name, length);
    free(trimmed);
}

/* The file of a compressor, and what is known before its tensors; NULL with *err. */
static struct safetensors *open_file(const char *path, struct compressor_info *info,
                                     struct compressor_shape *expect, struct err *err)
{
    *info = (struct compressor_info){.settings = compress_settings_default};
    *expect = (struct compressor_shape){0};
    char *resolved = resolve(path);
    name_after_path(info, path);
    bool ok = !file_is_directory(resolved) || read_config(resolved, info, expect, err);
    struct safetensors *file = ok ? safetensors_open(resolved, err) : NULL;
    free(resolved);
    return file;
}

bool compressor_load(struct compressor *c, struct compressor_info *info, const char *path,
                     struct err *err)
{
    struct compressor_shape expect;
    *c = (struct compressor){0};
    struct safetensors *file = open_file(path, info, &expect, err);
    bool ok = file && load_from(c, info, file, &expect, err);
    if (!ok)
        compressor_free(c);
    if (file)
        safetensors_close(file);
    return ok;
}

bool compressor_peek(struct compressor_info *info, struct compressor_shape *shape,
                     const char *path, struct err *err)
{
    struct compressor_shape expect;
    struct safetensors *file = open_file(path, info, &expect, err);
    bool ok = file && get_metadata(file, info, err) && find_shape(file, shape, err);
    if (file)
        safetensors_close(file);
    return ok;
}

bool compressor_present(const char *path)
{
    struct err ignored = {0};
    char *resolved = resolve(path);
    struct safetensors *file = safetensors_open(resolved, &ignored);
    bool present = file && safetensors_find(file, "pooling_layer.query_fusion_weights");
    if (file)
        safetensors_close(file);
    free(resolved);
    return present;
}

/* ---- saving ------------------------------------------------------------------------- */

/* Keys and values of the metadata; numbers are kept in `text`. */
struct metadata {
    struct safetensors_pair pairs[PAIRS_MAX];
    char text[PAIRS_MAX][VALUE_SIZE];
    size_t count;
};

static void put_text(struct metadata *m, const char *key, const char *value)
{
    if (*value)
        m->pairs[m->count++] = (struct safetensors_pair){key, value};
}

/* The shortest form that reads back as the same number. */
static void put_number(struct metadata *m, const char *key, double value)
{
    char *text = m->text[m->count];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, VALUE_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put_text(m, key, text);
}

static void put_count(struct metadata *m, const char *key, uint64_t value)
{
    if (!value)
        return;
    snprintf(m->text[m->count], VALUE_SIZE, "%" PRIu64, value);
    put_text(m, key, m->text[m->count]);
}

static void fill_metadata(struct metadata *m, const struct compressor_info *info)
{
    const struct compress_settings *s = &info->settings;
    put_text(m, "format", format_name);
    put_count(m, "version", FORMAT_VERSION);
    put_text(m, "name", info->name);
    put_text(m, "note", info->note);
    put_text(m, "base_architecture", info->base_architecture);
    put_count(m, "base_hidden", info->base_hidden);
    put_count(m, "base_layers", info->base_layers);
    put_text(m, "base_sha256", info->base_sha256);
    put_count(m, "window", s->window);
    put_number(m, "ratio", s->ratio);
    put_number(m, "eps", s->eps);
    put_count(m, "iters", s->iters);
    put_text(m, "align", s->align == ALIGN_HEAD ? "head" : "tail");
    put_number(m, "gate_tau", s->gate_tau);
    put_number(m, "source_tau", s->source_tau);
    put_number(m, "lambda_floor", s->lambda_floor);
    put_count(m, "ablations", s->ablations);
    put_count(m, "segment", info->segment);
    put_count(m, "steps", info->steps);
    put_count(m, "samples", info->samples);
    put_count(m, "tokens", info->tokens);
    put_count(m, "seconds", info->seconds);
}

/* The upper half of a float, rounded to nearest, ties to even. Finite input. */
static uint16_t bfloat_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void narrow(void *out, const real *values, size_t count, enum tensor_type type)
{
    for (size_t i = 0; i < count; i++) {
        if (type == TENSOR_F64)
            ((double *)out)[i] = (double)values[i];
        else if (type == TENSOR_F32)
            ((float *)out)[i] = (float)values[i];
        else
            ((uint16_t *)out)[i] = bfloat_of((float)values[i]);
    }
}

bool compressor_save(const char *path, const struct compressor *c,
                     const struct compressor_info *info, enum tensor_type type, struct err *err)
{
    CHECK(type == TENSOR_F32 || type == TENSOR_BF16 || type == TENSOR_F64);
    size_t bytes = tensor_type_bytes(type);
    unsigned char *data = mem_try(c->count, bytes, "the compressor's file", err);
    if (!data)
        return false;
    narrow(data, c->block, c->count, type);
    struct safetensors_entry *entries = xcalloc(c->n_tensors, sizeof *entries);
    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct compressor_tensor *t = &c->tensors[i];
        entries[i] = (struct safetensors_entry){.name = t->name,
                                                .type = type,
                                                .n_dims = t->cols ? 2 : 1,
                                                .dims = {t->rows, t->cols},
                                                .data = data + t->offset * bytes};
    }
    struct metadata *metadata = xcalloc(1, sizeof *metadata);
    fill_metadata(metadata, info);
    bool ok = safetensors_write(path, entries, c->n_tensors, metadata->pairs, metadata->count, err);
    free(metadata);
    free(entries);
    free(data);
    return ok;
}
