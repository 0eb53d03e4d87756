#include "app/figure_meta.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/png.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { FIGURE_LIMIT = 256 << 20, SVG_HEAD = 2 << 20, QUESTION_MAX = 1 << 16, MUTED_MAX = 1 << 20 };

void figure_meta_free(struct figure_meta *meta)
{
    free(meta->muted);
    free(meta->tokens);
    free(meta->question);
    *meta = (struct figure_meta){0};
}

static void copy_text(char *out, size_t size, const char *text)
{
    text_sanitize(out, size, text, strlen(text));
}

void figure_meta_from_snapshot(struct figure_meta *meta, const struct snapshot *s)
{
    copy_text(meta->version, sizeof meta->version, COMPREXIT_VERSION);
    meta->settings = s->settings;
    copy_text(meta->precision, sizeof meta->precision, s->facts.precision);
    meta->question = s->question ? xstrdup(s->question) : NULL;
    copy_text(meta->model.name, sizeof meta->model.name, s->facts.model);
    copy_text(meta->model.sha256, sizeof meta->model.sha256, s->facts.model_sha256);
    copy_text(meta->compressor.name, sizeof meta->compressor.name, s->facts.compressor);
    copy_text(meta->compressor.sha256, sizeof meta->compressor.sha256, s->facts.compressor_sha256);
    if (!s->document)
        return;
    if (s->document->name)
        copy_text(meta->document.name, sizeof meta->document.name, file_name(s->document->name));
    meta->document.size = s->document->size;
    copy_text(meta->document.sha256, sizeof meta->document.sha256, s->document->sha256);
}

void figure_meta_to_edits(const struct figure_meta *meta, struct edits *edits)
{
    for (size_t i = 0; i < meta->n_muted; i++)
        edits_mute(edits, meta->muted[i], true);
    for (size_t i = 0; i < meta->n_tokens; i++)
        edits_set_token(edits, meta->tokens[i].token, meta->tokens[i].factor);
    memcpy(edits->layer_off, meta->layer_off, sizeof edits->layer_off);
    edits->settings.ablations = meta->ablations;
}

void figure_meta_from_edits(struct figure_meta *meta, const struct edits *edits)
{
    meta->muted = xcalloc(edits->muted_count, sizeof *meta->muted);
    for (size_t i = 0; i < edits->muted_count; i++)
        if (edits->muted[i])
            meta->muted[meta->n_muted++] = i;
    meta->n_tokens = edits->token_count;
    meta->tokens = xcalloc(edits->token_count, sizeof *meta->tokens);
    for (size_t i = 0; i < edits->token_count; i++)
        meta->tokens[i] = edits->tokens[i];
    memcpy(meta->layer_off, edits->layer_off, sizeof meta->layer_off);
    meta->ablations = edits->settings.ablations;
}

/* ---- writing --------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    json_t *json = text && *text ? json_string(text) : NULL;
    return json ? json : json_null();
}

static json_t *file_to_json(const struct figure_meta_file *file)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", text_or_null(file->name));
    json_object_set_new(json, "size",
                        file->size ? json_integer((json_int_t)file->size) : json_null());
    json_object_set_new(json, "sha256", text_or_null(file->sha256));
    return json;
}

static json_t *lock_to_json(const struct source *locked)
{
    switch (locked->kind) {
    case SOURCE_TOKEN:
        return json_pack("{s:s, s:I}", "kind", "token", "token", (json_int_t)locked->token);
    case SOURCE_LAYER:
        return json_pack("{s:s, s:I}", "kind", "layer", "layer", (json_int_t)locked->layer);
    case SOURCE_SLOT:
        return json_pack("{s:s, s:I, s:I}", "kind", "slot", "window",
                         (json_int_t)locked->window + 1, "slot", (json_int_t)locked->slot);
    case SOURCE_ANSWER:
        return json_pack("{s:s, s:s, s:I}", "kind", "answer", "answer",
                         answer_mode_name[locked->answer], "token",
                         (json_int_t)locked->answer_token);
    case SOURCE_NONE:
        break;
    }
    return json_null();
}

static const struct {
    unsigned bit;
    const char *name;
} ablations[] = {{ABLATE_PLAN, "plan"}, {ABLATE_MASS, "mass"}, {ABLATE_ORDER, "order"}};

static json_t *edits_to_json(const struct figure_meta *meta)
{
    json_t *list = json_array();
    for (size_t i = 0; i < meta->n_muted; i++)
        json_array_append_new(list, json_pack("{s:I}", "mute_slot", (json_int_t)meta->muted[i]));
    for (size_t i = 0; i < meta->n_tokens; i++)
        json_array_append_new(list, json_pack("{s:I, s:f}", "token",
                                              (json_int_t)meta->tokens[i].token, "mass",
                                              meta->tokens[i].factor));
    for (size_t l = 0; l < EDIT_LAYERS_MAX; l++)
        if (meta->layer_off[l])
            json_array_append_new(list, json_pack("{s:I}", "mute_layer", (json_int_t)l));
    for (size_t i = 0; i < sizeof ablations / sizeof *ablations; i++)
        if (meta->ablations & ablations[i].bit)
            json_array_append_new(list, json_pack("{s:s}", "without", ablations[i].name));
    return list;
}

static json_t *settings_to_json(const struct figure_meta *meta)
{
    const struct snapshot_settings *s = &meta->settings;
    json_t *json = json_pack(
        "{s:I, s:f, s:f, s:I, s:s, s:I, s:I}", "window", (json_int_t)s->window, "ratio", s->ratio,
        "eps", s->eps, "iterations", (json_int_t)s->iters, "align", s->align_head ? "head" : "tail",
        "segment", (json_int_t)s->segment, "seed", (json_int_t)s->seed);
    json_object_set_new(json, "precision", text_or_null(meta->precision));
    return json;
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void put_matrix_fields(json_t *json, const struct figure_meta *meta)
{
    json_object_set_new(json, "value", json_string(view_value_name[meta->value]));
    json_object_set_new(json, "norm", json_string(normalise_name[meta->norm]));
    json_object_set_new(json, "scale", json_string(scale_name[meta->scale]));
    json_t *limits = json_array();
    json_array_append_new(limits, number_or_null(meta->limit_low));
    json_array_append_new(limits, number_or_null(meta->limit_high));
    json_object_set_new(json, "limits", limits);
    json_object_set_new(json, "map", json_string(color_map_name[meta->map]));
    json_object_set_new(json, "unit", json_string(unit_name[meta->unit]));
    if (meta->has_range)
        json_object_set_new(json, "range", json_pack("[I, I]", (json_int_t)meta->from,
                                                     (json_int_t)meta->to));
    else if (meta->window > 0)
        json_object_set_new(json, "window", json_integer((json_int_t)meta->window));
    if (meta->iteration >= 0)
        json_object_set_new(json, "iteration", json_integer(meta->iteration));
    json_object_set_new(json, "lock", lock_to_json(&meta->locked));
    if (meta->against[0])
        json_object_set_new(json, "against", json_string(meta->against));
}

json_t *figure_meta_to_json(const struct figure_meta *meta)
{
    json_t *json = json_object();
    json_object_set_new(json, "version", text_or_null(meta->version));
    json_object_set_new(json, "view", json_string(figure_kind_name[meta->kind]));
    if (meta->n_panels > 0) {
        json_t *panels = json_array();
        for (size_t i = 0; i < meta->n_panels; i++)
            json_array_append_new(panels, json_string(figure_kind_name[meta->panel[i]]));
        json_object_set_new(json, "panels", panels);
    }
    if (meta->kind != FIGURE_ANSWERS)
        put_matrix_fields(json, meta);
    json_object_set_new(json, "edits", edits_to_json(meta));
    json_object_set_new(json, "settings", settings_to_json(meta));
    json_object_set_new(json, "question", text_or_null(meta->question));
    json_object_set_new(json, "model", file_to_json(&meta->model));
    json_object_set_new(json, "compressor", file_to_json(&meta->compressor));
    json_object_set_new(json, "document", file_to_json(&meta->document));
    return json;
}

/* ---- reading --------------------------------------------------------------------- */

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
    size_t i = 0, count = sizeof ablations / sizeof *ablations;
    uint64_t layer = 0;
    while (without && i < count && strcmp(without, ablations[i].name) != 0)
        i++;
    if (json_object_get(edit, "mute_slot")) {
        read_size(r, edit, "mute_slot", &meta->muted[meta->n_muted++]);
    } else if (json_object_get(edit, "token")) {
        read_token_edit(r, edit, meta);
    } else if (json_object_get(edit, "mute_layer")) {
        read_count(r, edit, "mute_layer", EDIT_LAYERS_MAX - 1, &layer);
        meta->layer_off[layer] = true;
    } else if (without && i < count) {
        meta->ablations |= ablations[i].bit;
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
    read_file(&r, json, "model", &meta->model);
    read_file(&r, json, "compressor", &meta->compressor);
    read_file(&r, json, "document", &meta->document);
    if (!r.ok)
        figure_meta_free(meta);
    return r.ok;
}

/* ---- out of a file ------------------------------------------------------------------ */

/* Turns the entities that svg.c writes back into characters, in place. */
static void unescape(char *text)
{
    static const struct {
        const char *entity;
        char character;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    char *out = text;
    while (*text) {
        size_t length = 1;
        char character = *text;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strncmp(text, known[i].entity, strlen(known[i].entity)) == 0) {
                length = strlen(known[i].entity);
                character = known[i].character;
            }
        *out++ = character;
        text += length;
    }
    *out = '\0';
}

/* The text between the metadata tags, to be freed. Only the head of the file is
 * searched: the record stands in front of the picture. */
static char *svg_read_text(const char *data, size_t size, const char *name, struct err *err)
{
    static const char open[] = "<metadata id=\"" FIGURE_META_KEYWORD "\">", close[] = "</metadata>";
    size_t head = size < SVG_HEAD ? size : SVG_HEAD;
    const char *begin = head ? memmem(data, head, open, strlen(open)) : NULL;
    const char *end = NULL;
    if (begin) {
        begin += strlen(open);
        end = memmem(begin, head - (size_t)(begin - data), close, strlen(close));
    }
    if (!end || memchr(begin, 0, (size_t)(end - begin))) {
        err_set(err, ERR_INPUT,
                "%s: an SVG without a comprexit record: it was not exported by comprexit, or other "
                "software rewrote it without the record", name);
        return NULL;
    }
    char *text = xstrndup(begin, (size_t)(end - begin));
    unescape(text);
    return text;
}

static bool looks_like_svg(const char *data, size_t size)
{
    size_t head = size < 1024 ? size : 1024;
    return head > 0 && memmem(data, head, "<svg", 4) != NULL;
}

json_t *figure_metadata_read(const char *path, struct err *err)
{
    char *data, *text;
    size_t size;
    if (!file_read(path, FIGURE_LIMIT, &data, &size, err))
        return NULL;
    if (looks_like_svg(data, size))
        text = svg_read_text(data, size, path, err);
    else
        text = png_read_text((const uint8_t *)data, size, path, FIGURE_META_KEYWORD, err);
    free(data);
    json_t *json = text ? json_parse(text, strlen(text), path, err) : NULL;
    free(text);
    return json;
}
