#include "engine/compress/published_config.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"

enum { CONFIG_BYTES_MAX = 16 << 20, SEGMENT_DEFAULT = 512, SIZE_LIMIT = 1 << 20 };

/* One file while it is read: the first problem is kept in err. */
struct reader {
    const char *path;
    struct err *err;
    bool ok;
};

static double number_of(struct reader *r, const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    if (!r->ok || !value || json_is_null(value))
        return fallback;
    if (json_is_number(value))
        return json_number_value(value);
    r->ok = err_set(r->err, ERR_INPUT, "%s: key %s is not a number", r->path, key);
    return fallback;
}

/* -1, and any other negative number, is "not said". */
static size_t size_of(struct reader *r, const json_t *object, const char *key, size_t fallback)
{
    double value = number_of(r, object, key, -1);
    if (!r->ok || value < 0)
        return fallback;
    if (value <= SIZE_LIMIT && floor(value) == value)
        return (size_t)value;
    r->ok = err_set(r->err, ERR_INPUT, "%s: key %s is %g, expected a whole number up to %d",
                    r->path, key, value, SIZE_LIMIT);
    return fallback;
}

static void check_method(struct reader *r, const json_t *json)
{
    const json_t *method = json_object_get(json, "pooling_method");
    if (!r->ok || !method || json_is_null(method))
        return;
    const char *name = json_string_value(method);
    if (!name || strcmp(name, "ot-dy-src") != 0)
        r->ok = err_set(r->err, ERR_INPUT, "%s: pooling_method \"%s\" is not supported (ot-dy-src)",
                        r->path, name ? name : "(not a string)");
}

static void read_settings(struct reader *r, const json_t *json, struct compress_settings *s)
{
    *s = compress_settings_default;
    s->window = size_of(r, json, "ot_window_size", s->window);
    s->ratio = number_of(r, json, "compression_ratio", s->ratio);
    s->eps = number_of(r, json, "ot_eps", s->eps);
    s->iters = (unsigned)size_of(r, json, "ot_n_iter", s->iters);
    s->gate_tau = number_of(r, json, "layerwise_pooling_temperature", s->gate_tau);
    s->source_tau = number_of(r, json, "ot_source_tau", s->source_tau);
    s->lambda_floor = number_of(r, json, "ot_source_lam_floor", s->lambda_floor);
}

static void read_backbone(struct reader *r, const json_t *json, struct published_config *config)
{
    const json_t *backbone = json_object_get(json, "backbone_config_dict");
    const char *type = json_string_value(json_object_get(backbone, "model_type"));
    snprintf(config->architecture, sizeof config->architecture, "%s", type ? type : "");
    config->hidden = size_of(r, json, "hidden_size", 0);
    config->hidden = size_of(r, backbone, "hidden_size", config->hidden);
    /* With top_k_layers the backbone's own count is k: the whole model's is not said. */
    size_t kept = size_of(r, json, "top_k_layers", 0);
    size_t layers = size_of(r, backbone, "num_hidden_layers", 0);
    config->layers = kept ? 0 : layers;
    config->expect.M = kept ? kept + 1 : layers ? layers + 1 : 0;
}

bool published_config_read(struct published_config *config, const char *path, struct err *err)
{
    *config = (struct published_config){0};
    json_t *json = json_parse_file(path, CONFIG_BYTES_MAX, err);
    if (!json)
        return false;
    struct reader r = {.path = path, .err = err, .ok = true};
    if (!json_is_object(json))
        r.ok = err_set(err, ERR_INPUT, "%s: not a JSON object", path);
    check_method(&r, json);
    read_settings(&r, json, &config->settings);
    read_backbone(&r, json, config);
    config->segment = size_of(&r, json, "context_length", SEGMENT_DEFAULT);
    config->segment = size_of(&r, json, "map_reduce_seg_len", config->segment);
    config->expect.H = config->hidden;
    config->expect.D = size_of(&r, json, "layerwise_pooling_gate_hidden", 0);
    config->expect.E = size_of(&r, json, "ot_metric_dim", 0);
    config->expect.depth = size_of(&r, json, "num_hidden_layers", 0);
    if (r.ok && !compress_settings_check(&config->settings, err))
        r.ok = err_prefix(err, "%s", path);
    json_decref(json);
    return r.ok;
}
