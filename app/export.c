#include "app/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/export_data.h"
#include "app/faces.h"
#include "app/png.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/raster.h"
#include "views/svg.h"

enum { NAME_TRIES = 10000, WIDTH_MIN_MM = 10, WIDTH_MAX_MM = 5000 };

/* ---- what is drawn ---------------------------------------------------------------- */

bool export_tokens(const struct snapshot *s, const struct export_request *request, size_t *from,
                   size_t *to, struct err *err)
{
    if (!s->document || s->windows == 0)
        return err_set(err, ERR_INPUT, "export: no document is open");
    size_t tokens = s->document->tokens;
    *from = 0, *to = tokens;
    if (request->has_range) {
        if (request->to >= tokens)
            return err_set(err, ERR_USAGE, "range=%zu-%zu: the document has tokens 0 to %zu",
                           request->from, request->to, tokens - 1);
        *from = request->from;
        *to = request->to + 1;
    } else if (request->window > 0) {
        if (request->window > s->windows)
            return err_set(err, ERR_USAGE, "window=%zu: the document has windows 1 to %zu",
                           request->window, s->windows);
        *from = s->window_first[request->window - 1];
        *to = s->window_first[request->window];
    }
    return true;
}

static double millimetres(double number, enum value_unit unit, double dpi)
{
    return unit == UNIT_MM ? number : unit == UNIT_IN ? number * 25.4 : number / dpi * 25.4;
}

static bool check_size(const char *key, double mm, struct err *err)
{
    return (mm >= WIDTH_MIN_MM && mm <= WIDTH_MAX_MM) ||
           err_set(err, ERR_USAGE, "%s: %.4g mm is not in %d..%d", key, mm, WIDTH_MIN_MM,
                   WIDTH_MAX_MM);
}

/* The figure's options with tokens, size and value settled. */
static bool settle(const struct snapshot *s, const struct export_request *request,
                   struct figure_options *out, struct err *err)
{
    *out = request->figure;
    if (!request->has_dpi && request->preset_dpi > 0)
        out->dpi = request->preset_dpi;
    out->width_mm = millimetres(request->width, request->width_unit, out->dpi);
    out->height_mm = millimetres(request->height, request->height_unit, out->dpi);
    if (!check_size("width", out->width_mm, err) ||
        (request->height > 0 && !check_size("height", out->height_mm, err)))
        return false;
    enum pane pane = view_value_pane[out->value];
    if (request->has_value && (out->kind == FIGURE_PLAN || out->kind == FIGURE_GATE) &&
        pane != (out->kind == FIGURE_PLAN ? PANE_PLAN : PANE_GATES))
        return err_set(err, ERR_USAGE, "value=%s: not a value of the figure \"%s\"",
                       view_value_name[out->value], figure_kind_name[out->kind]);
    if (out->kind == FIGURE_GATE && !request->has_value)
        out->value = request->gate_value;
    out->value = figure_value_of(out->kind, out->value);
    if (out->kind == FIGURE_ANSWERS)
        return true;
    return export_tokens(s, request, &out->from, &out->to, err);
}

/* ---- names ------------------------------------------------------------------------ */

/* The document's name without its ending, as a name for files anywhere. */
static void document_stem(const struct snapshot *s, char *out, size_t size)
{
    const char *name = s->document && s->document->name ? file_name(s->document->name) : "";
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name), n = 0;
    for (size_t i = 0; i < length && n + 1 < size; i++) {
        char c = name[i];
        bool plain = (unsigned char)c > ' ' && !strchr("\"'\\/:*?<>|&;$`!(){}[]#~", c);
        out[n++] = plain ? c : '_';
    }
    n -= text_incomplete(out, n);
    out[n] = '\0';
    if (n == 0 || out[0] == '-' || out[0] == '.')
        snprintf(out, size, "document");
}

static char *default_stem(const struct snapshot *s, const struct export_request *request)
{
    char document[200], name[300];
    const char *kind = figure_kind_name[request->figure.kind];
    document_stem(s, document, sizeof document);
    if (request->figure.kind == FIGURE_ANSWERS || (!request->has_range && request->window == 0))
        snprintf(name, sizeof name, "%s-%s", document, kind);
    else if (request->has_range)
        snprintf(name, sizeof name, "%s-t%zu-%zu-%s", document, request->from, request->to, kind);
    else
        snprintf(name, sizeof name, "%s-w%02zu-%s", document, request->window, kind);
    return xstrdup(name);
}

/* A file to come: its name without ending, ending, format. */
struct target {
    char *stem;
    const char *ending; /* without the dot; borrowed */
    enum export_format format;
};

struct targets {
    struct target at[EXPORT_FILES_MAX + EXPORT_FORMAT_COUNT];
    size_t n;
};

static void add_target(struct targets *targets, char *stem, const char *ending,
                       enum export_format format)
{
    targets->at[targets->n++] = (struct target){stem, ending, format};
}

static bool has_format(const struct targets *targets, enum export_format format)
{
    for (size_t i = 0; i < targets->n; i++)
        if (targets->at[i].format == format)
            return true;
    return false;
}

/* Named files, then further formats under the name of the first. */
static void list_targets(struct targets *targets, const struct snapshot *s,
                         const struct export_request *request)
{
    *targets = (struct targets){0};
    for (size_t i = 0; i < request->n_files; i++) {
        const char *path = request->file[i], *ending = strrchr(path, '.') + 1;
        for (int f = 0; f < EXPORT_FORMAT_COUNT; f++)
            if (strcasecmp(ending, export_format_name[f]) == 0)
                add_target(targets, xstrndup(path, (size_t)(ending - 1 - path)), ending,
                           (enum export_format)f);
    }
    unsigned formats = request->formats ? request->formats : targets->n ? 0 : 1u << EXPORT_PNG;
    char *stem = targets->n ? xstrdup(targets->at[0].stem) : default_stem(s, request);
    for (int f = 0; f < EXPORT_FORMAT_COUNT; f++)
        if (formats & 1u << f && !has_format(targets, (enum export_format)f))
            add_target(targets, xstrdup(stem), export_format_name[f], (enum export_format)f);
    free(stem);
}

static void free_targets(struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++)
        free(targets->at[i].stem);
}

static char *target_path(const struct target *target, unsigned number)
{
    size_t size = strlen(target->stem) + strlen(target->ending) + 16;
    char *path = xmalloc(size);
    if (number > 1)
        snprintf(path, size, "%s-%u.%s", target->stem, number, target->ending);
    else
        snprintf(path, size, "%s.%s", target->stem, target->ending);
    return path;
}

static bool all_free(const struct targets *targets, unsigned number)
{
    bool free_names = true;
    for (size_t i = 0; i < targets->n && free_names; i++) {
        char *path = target_path(&targets->at[i], number);
        free_names = !file_exists(path);
        free(path);
    }
    return free_names;
}

/* The first number under which no name is in use, the same for all formats. */
static bool choose_number(const struct targets *targets, bool force, unsigned *number,
                          struct err *err)
{
    for (*number = 1; *number < NAME_TRIES; (*number)++)
        if (force || all_free(targets, *number))
            return true;
    return err_set(err, ERR_IO, "%s: this name and %d numbered ones are in use",
                   targets->at[0].stem, NAME_TRIES);
}

/* ---- files in memory --------------------------------------------------------------- */

struct work {
    const struct snapshot *snapshot;
    const struct export_request *request;
    struct figure_options options;
    struct figure_data data;
    struct drawing drawing;
    struct faces faces;
    json_t *record;
};

static json_t *make_record(const struct work *w)
{
    const struct export_request *request = w->request;
    const struct figure_options *o = &w->options;
    struct figure_meta meta = {
        .kind = o->kind, .value = o->value, .norm = o->norm, .scale = o->scale, .map = o->map,
        .unit = o->unit, .has_range = request->has_range, .window = request->window,
        .from = request->from, .to = request->to, .iteration = o->iteration, .locked = o->locked,
        .limit_low = w->data.scale.low, .limit_high = w->data.scale.high,
    };
    if (!request->has_range && request->window == 0 && o->kind != FIGURE_ANSWERS) {
        meta.has_range = true;
        meta.from = o->from;
        meta.to = o->to - 1;
    }
    meta.muted = xcalloc(request->n_muted, sizeof *meta.muted);
    for (size_t i = 0; request->muted && i < request->n_muted; i++)
        if (request->muted[i])
            meta.muted[meta.n_muted++] = i;
    figure_meta_from_snapshot(&meta, w->snapshot);
    meta.model.size = request->model_bytes;
    meta.compressor.size = request->compressor_bytes;
    json_t *record = figure_meta_to_json(&meta);
    figure_meta_free(&meta);
    return record;
}

static char *record_text(const struct work *w)
{
    return json_dumps(w->record, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
}

static char *make_png(const struct work *w, size_t *size)
{
    struct raster raster;
    struct figure_fonts fonts = faces_fonts(&w->faces);
    raster_paint(&w->drawing, fonts.regular, fonts.bold, &raster);
    char *text = record_text(w);
    uint8_t *file = png_write(&raster, w->drawing.dpi, FIGURE_META_KEYWORD, text, size);
    free(text);
    raster_free(&raster);
    return (char *)file;
}

/* A grid as one pixel a cell, for <image>; unpainted cells are transparent. */
static char *cells_image(const struct drawing_cells *cells)
{
    size_t n = cells->columns * cells->rows, size;
    struct raster raster = {cells->columns, cells->rows, 4, xcalloc(n, 4)};
    for (size_t i = 0; i < n; i++) {
        uint32_t color = cells->color[i];
        if (color == DRAWING_NO_COLOR)
            continue;
        uint8_t *pixel = raster.pixels + 4 * i;
        pixel[0] = (uint8_t)(color >> 16), pixel[1] = (uint8_t)(color >> 8);
        pixel[2] = (uint8_t)color, pixel[3] = 255;
    }
    uint8_t *png = png_write(&raster, 72, "", NULL, &size);
    char *address = png_data_address(png, size);
    free(png);
    raster_free(&raster);
    return address;
}

static char *make_svg(const struct work *w, size_t *size)
{
    enum export_cells cells = w->request->cells;
    char *text = record_text(w);
    struct svg_options options = {
        .metadata = text,
        .rect_limit = cells == CELLS_IMAGE ? 0 : EXPORT_CELLS_AS_RECTS,
        .image = cells == CELLS_RECT ? NULL : cells_image,
    };
    char *file = svg_write(&w->drawing, &options, size);
    free(text);
    return file;
}

static char *make_file(const struct work *w, enum export_format format, size_t *size)
{
    bool answers = w->options.kind == FIGURE_ANSWERS;
    switch (format) {
    case EXPORT_PNG:
        return make_png(w, size);
    case EXPORT_SVG:
        return make_svg(w, size);
    case EXPORT_NPY:
        return export_npy(&w->data, size);
    case EXPORT_CSV:
        return answers ? export_answers_csv(w->snapshot, size) : export_csv(&w->data, size);
    case EXPORT_JSON:
        return answers ? export_answers_json(json_deep_copy(w->record), w->snapshot, size)
                       : export_json(json_deep_copy(w->record), &w->data, size);
    case EXPORT_FORMAT_COUNT:
        break;
    }
    return NULL;
}

/* ---- all of it --------------------------------------------------------------------- */

static bool needs_drawing(const struct targets *targets)
{
    return has_format(targets, EXPORT_PNG) || has_format(targets, EXPORT_SVG);
}

static bool prepare(struct work *w, const struct targets *targets, struct err *err)
{
    bool answers = w->options.kind == FIGURE_ANSWERS;
    if (answers && has_format(targets, EXPORT_NPY))
        return err_set(err, ERR_USAGE, "export: answers are no matrix: csv, json, svg or png");
    if (answers && !w->snapshot->question)
        return err_set(err, ERR_INPUT, "export: no question was asked");
    if (!answers && !figure_data_build(&w->data, w->snapshot, &w->options, err))
        return false;
    w->record = make_record(w);
    if (!needs_drawing(targets))
        return true;
    faces_open(&w->faces, w->request->builtin_face);
    struct figure_fonts fonts = faces_fonts(&w->faces);
    if (answers)
        return figure_draw_answers(&w->drawing, w->snapshot, &w->options, &fonts, err);
    return figure_draw(&w->drawing, &w->data, &w->options, &fonts, err);
}

static bool write_all(const struct work *w, const struct targets *targets,
                      struct export_result *result, struct err *err)
{
    unsigned number;
    if (!choose_number(targets, w->request->force, &number, err))
        return false;
    for (size_t i = 0; i < targets->n; i++) {
        size_t size;
        char *path = target_path(&targets->at[i], number);
        char *file = make_file(w, targets->at[i].format, &size);
        bool ok = file_replace(path, file, size, err);
        free(file);
        if (!ok) {
            free(path);
            return false;
        }
        result->path[result->n++] = path;
    }
    return true;
}

bool export_run(const struct snapshot *s, const struct export_request *request,
                struct export_result *result, struct err *err)
{
    struct work work = {.snapshot = s, .request = request};
    struct targets targets;
    *result = (struct export_result){0};
    if (!settle(s, request, &work.options, err))
        return false;
    list_targets(&targets, s, request);
    bool ok = prepare(&work, &targets, err) && write_all(&work, &targets, result, err);
    free_targets(&targets);
    json_decref(work.record);
    faces_close(&work.faces);
    drawing_free(&work.drawing);
    figure_data_free(&work.data);
    return ok;
}

bool export_maximum(const struct snapshot *s, const struct export_request *request, double *high,
                    struct err *err)
{
    struct figure_options options;
    struct figure_data data;
    if (!settle(s, request, &options, err))
        return false;
    options.limit_low = options.limit_high = (double)NAN;
    bool ok = figure_data_build(&data, s, &options, err);
    if (ok)
        *high = data.scale.high;
    figure_data_free(&data);
    return ok;
}

/* ---- from elsewhere --------------------------------------------------------------- */

void export_request_from_view(struct export_request *request, const struct snapshot *s,
                              const struct view_state *v)
{
    struct figure_options *figure = &request->figure;
    figure->kind = v->focus == PANE_GATES     ? FIGURE_GATE
                   : v->focus == PANE_ANSWERS ? FIGURE_ANSWERS
                                              : FIGURE_PLAN;
    figure->value = v->value[PANE_PLAN];
    request->gate_value = v->value[PANE_GATES];
    figure->norm = v->normalise;
    figure->scale = v->scale;
    figure->limit_low = v->limit_low;
    figure->limit_high = v->limit_high;
    figure->map = v->map;
    figure->turned = v->turned;
    figure->iteration = v->iteration;
    figure->locked = v->locked;
    figure->unit = v->unit;
    request->has_range = v->has_range;
    request->from = v->range_from;
    request->to = v->range_to;
    if (s->document && v->token < s->document->tokens && s->windows > 0)
        request->window = snapshot_window_of(s, v->token) + 1;
    request->muted = v->muted_any ? v->muted : NULL;
    request->n_muted = request->muted ? v->muted_count : 0;
}

void export_request_from_meta(struct export_request *request, const struct figure_meta *meta)
{
    struct figure_options *figure = &request->figure;
    figure->kind = meta->kind;
    figure->value = request->gate_value = meta->value;
    figure->norm = meta->norm;
    figure->scale = meta->scale;
    figure->limit_low = meta->limit_low;
    figure->limit_high = meta->limit_high;
    figure->map = meta->map < MAP_COUNT ? meta->map : MAP_VIRIDIS;
    figure->unit = meta->unit;
    figure->iteration = meta->iteration;
    figure->locked = meta->locked;
    request->has_range = meta->has_range;
    request->from = meta->from;
    request->to = meta->to;
    if (meta->window > 0)
        request->window = meta->window;
}

void export_suggest(const struct snapshot *s, const struct view_state *v, enum figure_kind kind,
                    char *out, size_t size)
{
    struct export_request request;
    export_request_init(&request);
    export_request_from_view(&request, s, v);
    request.figure.kind = kind;
    char *stem = default_stem(s, &request);
    snprintf(out, size, "export %s %s.png width=89mm dpi=300", figure_kind_name[kind], stem);
    free(stem);
    export_request_free(&request);
}
