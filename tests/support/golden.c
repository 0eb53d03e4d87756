#include "tests/support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/usage.h"

static struct usages usages; /* of the whole program */

static const char *golden_directory(void)
{
    const char *directory = getenv("COMPREXIT_GOLDEN");
    return directory ? directory : "tests/golden";
}

void golden_require(void)
{
    if (!file_is_directory(golden_directory())) {
        print_message("no golden vectors in %s\n", golden_directory());
        skip();
    }
}

/* What a trimmed set says about itself, or NULL for a whole one. */
static json_t *trimmed_json(void)
{
    char *path = file_join(golden_directory(), "trimmed.json");
    struct err err = {0};
    json_t *json = NULL;
    if (file_exists(path)) {
        json = json_parse_file(path, 1 << 20, &err);
        if (!json)
            fail_msg("%s", err.text);
    }
    free(path);
    return json;
}

bool golden_trimmed(void)
{
    json_t *json = trimmed_json();
    bool trimmed = json != NULL;
    json_decref(json);
    return trimmed;
}

static void skip_when_dropped(const char *name)
{
    json_t *json = trimmed_json();
    size_t i;
    const json_t *value;
    bool dropped = false;
    json_array_foreach (json_object_get(json, "dropped"), i, value)
        dropped = dropped || strcmp(json_string_value(value), name) == 0;
    json_decref(json);
    if (dropped) {
        print_message("the trimmed set has no %s\n", name);
        skip();
    }
}

char *golden_path(const char *name)
{
    golden_require();
    skip_when_dropped(name);
    return file_join(golden_directory(), name);
}

char *golden_model_path(const char *name)
{
    const char *const weights[] = {"model.safetensors", "model.safetensors.index.json"};
    golden_require();
    for (size_t i = 0; i < 2; i++) {
        char file[256];
        snprintf(file, sizeof file, "%s/%s", name, weights[i]);
        skip_when_dropped(file);
    }
    return golden_path(name);
}

void golden_each_model_file(const char *letter,
                            void (*visit)(const struct golden_model_file *f, void *context),
                            void *context)
{
    struct golden g;
    char name[96];
    const char *file;
    json_t *facts;
    snprintf(name, sizeof name, "frozen%s", letter);
    golden_open(&g, name);
    json_object_foreach(json_object_get(g.json, "files"), file, facts)
    {
        snprintf(name, sizeof name, "model%s/%s", letter, file);
        visit(&(struct golden_model_file){name, file, facts, &g}, context);
    }
    golden_close(&g);
}

char *golden_optional_path(const char *name)
{
    char *path = golden_path(name);
    if (!file_exists(path)) {
        print_message("the golden vectors have no %s\n", name);
        free(path);
        skip();
    }
    return path;
}

static char *with_suffix(const char *name, const char *suffix)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    return golden_path(full);
}

void golden_open(struct golden *g, const char *name)
{
    *g = (struct golden){0};
    struct err err = {0};
    char *tensors = with_suffix(name, ".safetensors"), *json = with_suffix(name, ".json");
    if (file_exists(tensors)) {
        g->file = safetensors_open(tensors, &err);
        if (!g->file)
            fail_msg("%s", err.text);
    }
    if (file_exists(json)) {
        g->json = json_parse_file(json, 1 << 26, &err);
        if (!g->json)
            fail_msg("%s", err.text);
    }
    if (!g->file && !g->json)
        fail_msg("neither %s nor %s", tensors, json);
    free(tensors);
    free(json);
}

void golden_close(struct golden *g)
{
    if (g->file)
        safetensors_close(g->file);
    json_decref(g->json);
    *g = (struct golden){0};
}

__attribute__((format(printf, 2, 0)))
static const struct tensor *find(const struct golden *g, const char *format, va_list args)
{
    char name[128];
    vsnprintf(name, sizeof name, format, args);
    return g->file ? safetensors_find(g->file, name) : NULL;
}

bool golden_has(const struct golden *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct tensor *tensor = find(g, format, args);
    va_end(args);
    return tensor != NULL;
}

/* Value i of the stored tensor, exactly. */
static double value_at(const struct tensor *tensor, size_t i)
{
    const unsigned char *data = tensor->data;
    union {
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
    } v;
    switch (tensor->type) {
    case TENSOR_F32:
        memcpy(&v.f32, data + 4 * i, 4);
        return (double)v.f32;
    case TENSOR_F64:
        memcpy(&v.f64, data + 8 * i, 8);
        return v.f64;
    case TENSOR_I32:
        memcpy(&v.i32, data + 4 * i, 4);
        return v.i32;
    case TENSOR_I64:
        memcpy(&v.i64, data + 8 * i, 8);
        return (double)v.i64;
    case TENSOR_U8:
        return data[i];
    case TENSOR_BF16:
        v.i32 = 0;
        memcpy((char *)&v + 2, data + 2 * i, 2);
        return (double)v.f32;
    default:
        fail_msg("tensor %s: type %s is not read here", tensor->name,
                 tensor_type_name(tensor->type));
        return 0;
    }
}

__attribute__((format(printf, 2, 0)))
static struct golden_tensor get(const struct golden *g, const char *format, va_list args)
{
    struct golden_tensor out = {.count = 1};
    va_list again;
    va_copy(again, args);
    vsnprintf(out.name, sizeof out.name, format, again);
    va_end(again);
    const struct tensor *tensor = find(g, format, args);
    if (!tensor)
        fail_msg("golden file has no tensor %s", out.name);
    out.n_dims = tensor->n_dims;
    memcpy(out.dims, tensor->dims, sizeof out.dims);
    out.count = tensor_count(tensor);
    out.values = xcalloc(out.count, sizeof *out.values);
    for (size_t i = 0; i < out.count; i++)
        out.values[i] = value_at(tensor, i);
    return out;
}

struct golden_tensor golden_get(const struct golden *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct golden_tensor out = get(g, format, args);
    va_end(args);
    return out;
}

void golden_tensor_free(struct golden_tensor *tensor)
{
    free(tensor->values);
    *tensor = (struct golden_tensor){0};
}

__attribute__((format(printf, 3, 0))) static struct golden_tensor
get_counted(const struct golden *g, size_t *count, const char *format, va_list args)
{
    struct golden_tensor tensor = get(g, format, args);
    if (count)
        *count = tensor.count;
    return tensor;
}

int32_t *golden_ids(const struct golden *g, size_t *count, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct golden_tensor tensor = get_counted(g, count, format, args);
    va_end(args);
    int32_t *ids = xcalloc(tensor.count, sizeof *ids);
    for (size_t i = 0; i < tensor.count; i++)
        ids[i] = (int32_t)tensor.values[i];
    golden_tensor_free(&tensor);
    return ids;
}

real *golden_reals(const struct golden *g, size_t *count, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct golden_tensor tensor = get_counted(g, count, format, args);
    va_end(args);
    real *values = xcalloc(tensor.count, sizeof *values);
    for (size_t i = 0; i < tensor.count; i++)
        values[i] = (real)tensor.values[i];
    golden_tensor_free(&tensor);
    return values;
}

double golden_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("golden JSON has no number \"%s\"", key);
    return json_number_value(value);
}

void golden_near(const char *quantity, const char *place, const real *got, const double *want,
                 size_t count, double tolerance)
{
    size_t worst = 0;
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - want[i]);
        if (!(difference <= most)) {
            most = difference;
            worst = i;
        }
        if (isnan(difference))
            break;
    }
    usages_add(&usages, quantity, place, most / tolerance, count);
    if (!(most <= tolerance))
        fail_msg("%s, %s: element %zu of %zu is %.9g, expected %.9g (off by %.3g, tolerance %.3g)",
                 quantity, place, worst, count, (double)got[worst], want[worst], most, tolerance);
}

static double distance(const real *got, const double *want, size_t count)
{
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
    return sqrt(square);
}

void golden_near_norm(const char *quantity, const char *place, const real *got, const double *want,
                      size_t count, double tolerance)
{
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += want[i] * want[i];
    double off = distance(got, want, count), allowed = tolerance * sqrt(square);
    usages_add(&usages, quantity, place, off / allowed, count);
    if (!(off <= allowed))
        fail_msg("%s, %s: off by %.3g in norm, %.3g allowed (norm %.6g)", quantity, place, off,
                 allowed, sqrt(square));
}

void golden_near_rms(const char *quantity, const char *place, const real *got, const double *want,
                     size_t count, double tolerance)
{
    double off = distance(got, want, count) / sqrt((double)count);
    usages_add(&usages, quantity, place, off / tolerance, count);
    if (!(off <= tolerance))
        fail_msg("%s, %s: root mean square difference %.3g, tolerance %.3g", quantity, place, off,
                 tolerance);
}

void golden_report(void)
{
    usages_report(&usages, "golden");
}

char *golden_default_model(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *base = cache && *cache ? xstrdup(cache) : file_join(home ? home : "/", ".cache");
    char *path = file_join(base, "comprexit/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    free(base);
    if (!file_exists(path)) {
        print_message("default model not fetched (make model)\n");
        free(path);
        skip();
    }
    return path;
}
