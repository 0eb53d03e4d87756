#include "tests/support/golden_compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"

static double number_or(const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : fallback;
}

struct compress_settings golden_settings(const json_t *object)
{
    struct compress_settings s = compress_settings_default;
    const char *align = json_string_value(json_object_get(object, "align"));
    s.window = (size_t)golden_number(object, "W");
    s.ratio = golden_number(object, "r");
    s.align = align && strcmp(align, "head") == 0 ? ALIGN_HEAD : ALIGN_TAIL;
    s.eps = number_or(object, "eps", s.eps);
    s.iters = (unsigned)number_or(object, "iters", s.iters);
    s.gate_tau = number_or(object, "gate_tau", s.gate_tau);
    s.source_tau = number_or(object, "source_tau", s.source_tau);
    s.lambda_floor = number_or(object, "lambda_floor", s.lambda_floor);
    return s;
}

void golden_compressor(struct compressor *c, struct compressor_info *info, const char *name)
{
    struct err err = {0};
    char *path = golden_path(name);
    if (!compressor_load(c, info, path, &err))
        fail_msg("%s", err.text);
    free(path);
}

char *golden_model_name(void)
{
    struct golden forward;
    golden_open(&forward, "forward");
    const char *name = json_string_value(json_object_get(forward.json, "model"));
    char *copy = xstrdup(name ? name : "modelA");
    golden_close(&forward);
    return copy;
}

void golden_compare(const struct golden *g, const char *label, const char *quantity,
                    const char *tensor, const real *got, size_t count, double tolerance)
{
    struct golden_tensor want = golden_get(g, "%s", tensor);
    char place[192];
    snprintf(place, sizeof place, "%s %s", label, tensor);
    if (count != want.count)
        fail_msg("%s: %zu values, expected %zu", place, count, want.count);
    golden_near(quantity, place, got, want.values, count, tolerance);
    golden_tensor_free(&want);
}
