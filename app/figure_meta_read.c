/* The record of a figure out of JSON of unknown origin: every field is checked. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "app/figure_meta.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { QUESTION_MAX = 1 << 16, MUTED_MAX = 1 << 20 };

/* Reads fields one by one; the first that is wrong sets the error. */
struct reader {
    const char *name;
    struct err *err;
    bool ok;
};

static void wrong(struct reader *r, const char *field, const char *expected)
{
    if (r->ok)
        err_set(r->err, ERR_INPUT, "%s: figure record: \"%s\" is not %s", r->name, field, expected);
    r->ok = false;
}

/* An absent field and null leave *out as it is. */
static const json_t *field_of(const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);
    return json_is_null(value) ? NULL : value;
}

static void read_text(struct reader *r, const json_t *object, const char *field, char *out,
                      size_t size)
{
    const json_t *value = field_of(object, field);
    if (!value)
        return;
    if (!json_is_string(value) || json_string_length(value) >= size)
        wrong(r, field, "a short text");
    else
        text_sanitize(out, size, json_string_value(value), json_string_length(value));
}

static void read_count(struct reader *r, const json_t *object, const char *field, uint64_t most,
                       uint64_t *out)
{
    const json_t *value = field_of(object, field);
    if (!value)
        return;
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number > most)
        wrong(r, field, "a count within limits");
    else
        *out = (uint64_t)number;
}

static void read_size(struct reader *r, const json_t *object, const char *field, size_t *out)
{
    uint64_t value = *out;
    read_count(r, object, field, UINT32_MAX, &value);
    *out = (size_t)value;
}

static void read_unsigned(struct reader *r, const json_t *object, const char *field, unsigned *out)
{
    uint64_t value = *out;
    read_count(r, object, field, 1u << 30, &value);
    *out = (unsigned)value;
}

static void read_real(struct reader *r, const json_t *object, const char *field, double *out)
{
    const json_t *value = field_of(object, field);
    if (!value)
        return;
    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        wrong(r, field, "a number");
    else
        *out = json_number_value(value);
}

/* One of `count` words; *out becomes its index. */
static void read_word(struct reader *r, const json_t *object, const char *field,
                      const char *const *words, int count, int *out)
{
    const json_t *value = field_of(object, field);
    if (!value)
        return;
    for (int i = 0; json_is_string(value) && i < count; i++)
        if (strcmp(words[i], json_string_value(value)) == 0) {
            *out = i;
            return;
        }
    wrong(r, field, "a word that this version knows");
}

static bool is_hash(const char *text)
{
    if (strlen(text) != 64)
        return false;
    for (; *text; text++)
        if (!isxdigit((unsigned char)*text))
            return false;
    return true;
}

static void read_file(struct reader *r, const json_t *object, const char *field,
                      struct figure_meta_file *out)
{
    const json_t *file = field_of(object, field);
    if (!file)
        return;
    if (!json_is_object(file)) {
        wrong(r, field, "an object");
        return;
    }
    read_text(r, file, "name", out->name, sizeof out->name);
    read_count(r, file, "size", INT64_MAX, &out->size);
    read_text(r, file, "sha256", out->sha256, sizeof out->sha256);
    if (strchr(out->name, '/') || strcmp(out->name, "..") == 0)
        wrong(r, field, "a file name without directories");
    if (out->sha256[0] && !is_hash(out->sha256))
        wrong(r, field, "identified by a sha256");
}

static void read_lock(struct reader *r, const json_t *json, struct source *out)
{
    static const char *const kinds[] = {"", "token", "layer", "slot", "answer"};
    const json_t *lock = field_of(json, "lock");
    int kind = SOURCE_NONE, answer = ANSWER_COMPRESSED;
    if (!lock)
        return;
    if (!json_is_object(lock)) {
        wrong(r, "lock", "an object");
        return;
    }
    size_t window = 1;
    read_word(r, lock, "kind", kinds, 5, &kind);
    read_word(r, lock, "answer", answer_mode_name, ANSWER_MODES, &answer);
    read_size(r, lock, "token", kind == SOURCE_ANSWER ? &out->answer_token : &out->token);
    read_size(r, lock, "layer", &out->layer);
    read_size(r, lock, "slot", &out->slot);
    read_size(r, lock, "window", &window);
    if (window == 0)
        wrong(r, "window", "counted from 1");
    out->kind = (enum source_kind)kind;
    out->answer = (enum answer_mode)answer;
    out->window = window - 1;
}

static void read_token_edit(struct reader *r, const json_t *edit, struct figure_meta *meta)
{
    struct token_edit *to = &meta->tokens[meta->n_tokens++];
    to->factor = 1;
    read_size(r, edit, "token", &to->token);
    read_real(r, edit, "mass", &to->factor);
    if (to->factor < 0)
        wrong(r, "mass", "0 or more");
}

static void read_edit(struct reader *r, const json_t *edit, struct figure_meta *meta)
{
    const char *without = json_string_value(json_object_get(edit, "without"));
    size_t i = 0;
    uint64_t layer = 0, seed = 0;
    while (without && i < ABLATION_NAMES && strcmp(without, ablation_names[i].name) != 0)
        i++;
    if (json_object_get(edit, "mute_slot")) {
        read_size(r, edit, "mute_slot", &meta->muted[meta->n_muted++]);
    } else if (json_object_get(edit, "token")) {
        read_token_edit(r, edit, meta);
    } else if (json_object_get(edit, "mute_layer")) {
        read_count(r, edit, "mute_layer", EDIT_LAYERS_MAX - 1, &layer);
        meta->layer_off[layer] = true;
    } else if (json_object_get(edit, "order_seed")) {
        read_count(r, edit, "order_seed", UINT32_MAX, &seed);
        meta->order_seed = (unsigned)seed;
    } else if (json_is_true(json_object_get(edit, "rebalance"))) {
        meta->rebalance = true;
    } else if (without && i < ABLATION_NAMES) {
        meta->ablations |= ablation_names[i].bit;
    } else {
        wrong(r, "edits", "a list of edits that this version knows");
    }
}

static void read_edits(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    const json_t *list = field_of(json, "edits");
    if (!list)
        return;
    if (!json_is_array(list) || json_array_size(list) > MUTED_MAX) {
        wrong(r, "edits", "a list");
        return;
    }
    meta->muted = xcalloc(json_array_size(list), sizeof *meta->muted);
    meta->tokens = xcalloc(json_array_size(list), sizeof *meta->tokens);
    for (size_t i = 0; i < json_array_size(list); i++)
        read_edit(r, json_array_get(list, i), meta);
}

static void read_settings(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    static const char *const aligns[] = {"tail", "head"};
    const json_t *settings = field_of(json, "settings");
    struct snapshot_settings *s = &meta->settings;
    int align = 0;
    uint64_t seed = 0;
    if (!settings)
        return;
    if (!json_is_object(settings)) {
        wrong(r, "settings", "an object");
        return;
    }
    read_unsigned(r, settings, "window", &s->window);
    read_real(r, settings, "ratio", &s->ratio);
    read_real(r, settings, "eps", &s->eps);
    read_unsigned(r, settings, "iterations", &s->iters);
    read_unsigned(r, settings, "segment", &s->segment);
    read_word(r, settings, "align", aligns, 2, &align);
    read_count(r, settings, "seed", INT64_MAX, &seed);
    read_text(r, settings, "precision", meta->precision, sizeof meta->precision);
    s->align_head = align == 1;
    s->seed = (unsigned long)seed;
}

static void read_range(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    const json_t *range = field_of(json, "range");
    read_size(r, json, "window", &meta->window);
    if (!range)
        return;
    json_int_t from = json_integer_value(json_array_get(range, 0));
    json_int_t to = json_integer_value(json_array_get(range, 1));
    if (json_array_size(range) != 2 || from < 0 || to < from || to > UINT32_MAX) {
        wrong(r, "range", "a pair of tokens in order");
        return;
    }
    meta->has_range = true;
    meta->from = (size_t)from;
    meta->to = (size_t)to;
}

static void read_limits(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    const json_t *limits = field_of(json, "limits");
    double *const out[2] = {&meta->limit_low, &meta->limit_high};
    if (!limits)
        return;
    if (json_array_size(limits) != 2) {
        wrong(r, "limits", "a pair of numbers");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        double value = json_number_value(json_array_get(limits, i));
        if (json_is_number(json_array_get(limits, i)) && isfinite(value))
            *out[i] = value;
    }
}

static void read_panels(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    const json_t *panels = field_of(json, "panels");
    if (!panels)
        return;
    if (!json_is_array(panels) || json_array_size(panels) > FIGURE_KIND_COUNT) {
        wrong(r, "panels", "a short list");
        return;
    }
    for (size_t i = 0; i < json_array_size(panels); i++) {
        json_t *item = json_pack("{s:O}", "panels", json_array_get(panels, i));
        int kind = FIGURE_PLAN;
        read_word(r, item, "panels", figure_kind_name, FIGURE_KIND_COUNT, &kind);
        for (size_t j = 0; j < meta->n_panels; j++)
            if (meta->panel[j] == (enum figure_kind)kind)
                wrong(r, "panels", "a list of different figures");
        meta->panel[meta->n_panels++] = (enum figure_kind)kind;
        json_decref(item);
    }
}

static void read_question(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    const json_t *question = field_of(json, "question");
    if (!question)
        return;
    if (!json_is_string(question) || json_string_length(question) > QUESTION_MAX ||
        strlen(json_string_value(question)) != json_string_length(question))
        wrong(r, "question", "a text of a sensible length");
    else
        meta->question = xstrdup(json_string_value(question));
}

static void read_view(struct reader *r, const json_t *json, struct figure_meta *meta)
{
    int kind = FIGURE_PLAN, value = VALUE_NONE, norm = 0, scale = 0, map = 0, unit = 0;
    uint64_t iteration = UINT64_MAX;
    read_word(r, json, "view", figure_kind_name, FIGURE_KIND_COUNT, &kind);
    read_word(r, json, "value", view_value_name, VALUE_COUNT, &value);
    read_word(r, json, "norm", normalise_name, NORM_COUNT, &norm);
    read_word(r, json, "scale", scale_name, SCALE_COUNT, &scale);
    read_word(r, json, "map", color_map_name, MAP_ALL, &map);
    read_word(r, json, "unit", unit_name, UNIT_COUNT, &unit);
    read_count(r, json, "iteration", 1u << 30, &iteration);
    meta->kind = (enum figure_kind)kind;
    meta->value = figure_value_of(meta->kind, (enum view_value)value);
    meta->norm = (enum normalise)norm;
    meta->scale = (enum scale)scale;
    meta->map = (enum color_map)map;
    meta->unit = (enum unit)unit;
    meta->iteration = iteration == UINT64_MAX ? -1 : (int)iteration;
}

bool figure_meta_from_json(struct figure_meta *meta, const json_t *json, const char *name,
                           struct err *err)
{
    struct reader r = {name, err, true};
    char letter[4] = "";
    *meta = (struct figure_meta){.limit_low = (double)NAN, .limit_high = (double)NAN};
    if (!json_is_object(json))
        return err_set(err, ERR_INPUT, "%s: figure record: not a JSON object", name);
    read_text(&r, json, "version", meta->version, sizeof meta->version);
    read_view(&r, json, meta);
    read_panels(&r, json, meta);
    read_limits(&r, json, meta);
    read_range(&r, json, meta);
    read_lock(&r, json, &meta->locked);
    read_edits(&r, json, meta);
    read_settings(&r, json, meta);
    read_question(&r, json, meta);
    read_text(&r, json, "against", meta->against, sizeof meta->against);
    read_text(&r, json, "against_is", letter, sizeof letter);
    meta->against_is_b = strcmp(letter, "B") == 0;
    read_file(&r, json, "against_session", &meta->against_file);
    read_file(&r, json, "session", &meta->session_file);
    read_file(&r, json, "model", &meta->model);
    read_file(&r, json, "compressor", &meta->compressor);
    read_file(&r, json, "document", &meta->document);
    if (!r.ok)
        figure_meta_free(meta);
    return r.ok;
}
