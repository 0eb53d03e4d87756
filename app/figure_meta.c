#include "app/figure_meta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

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
    meta->model.size = s->facts.model_bytes;
    meta->compressor.size = s->facts.compressor_bytes;
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
    edits->rebalance = meta->rebalance;
    edits->settings.ablations = meta->ablations;
    edits->settings.order_seed = meta->order_seed;
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
    meta->rebalance = edits_rebalanced(edits);
    meta->ablations = edits->settings.ablations;
    meta->order_seed = edits->settings.order_seed;
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

const struct ablation_name ablation_names[ABLATION_NAMES] = {
    {ABLATE_PLAN, "plan"}, {ABLATE_MASS, "mass"}, {ABLATE_ORDER, "order"}};

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
    for (size_t i = 0; i < ABLATION_NAMES; i++)
        if (meta->ablations & ablation_names[i].bit)
            json_array_append_new(list, json_pack("{s:s}", "without", ablation_names[i].name));
    if (meta->ablations & ABLATE_ORDER && meta->order_seed)
        json_array_append_new(list, json_pack("{s:I}", "order_seed", (json_int_t)meta->order_seed));
    if (meta->rebalance)
        json_array_append_new(list, json_pack("{s:b}", "rebalance", 1));
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
    if (meta->against_is_b)
        json_object_set_new(json, "against_is", json_string("B"));
    if (meta->against_file.name[0])
        json_object_set_new(json, "against_session", file_to_json(&meta->against_file));
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
    if (meta->session_file.name[0])
        json_object_set_new(json, "session", file_to_json(&meta->session_file));
    return json;
}
