#include "app/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/export_caption.h"
#include "app/export_data.h"
#include "app/export_names.h"
#include "app/faces.h"
#include "app/png.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/compare.h"
#include "views/loss.h"
#include "views/raster.h"
#include "views/svg.h"

enum { WIDTH_MIN_MM = 10, WIDTH_MAX_MM = 5000 };

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

size_t export_kinds(const struct export_request *request, enum figure_kind kind[FIGURE_KIND_COUNT])
{
    kind[0] = request->figure.kind;
    for (size_t i = 0; i < request->n_kinds; i++)
        kind[i] = request->kind[i];
    return request->n_kinds ? request->n_kinds : 1;
}

/* The value that a figure of this kind paints. */
static bool settle_value(const struct export_request *request, struct figure_options *out,
                         struct err *err)
{
    enum pane pane = view_value_pane[out->value];
    bool matrix = out->kind == FIGURE_PLAN || out->kind == FIGURE_GATE;
    if (request->has_value && request->n_kinds < 2 && matrix &&
        pane != (out->kind == FIGURE_PLAN ? PANE_PLAN : PANE_GATES))
        return err_set(err, ERR_USAGE, "value=%s: not a value of the figure \"%s\"",
                       view_value_name[out->value], figure_kind_name[out->kind]);
    if (out->kind == FIGURE_GATE && (!request->has_value || pane != PANE_GATES))
        out->value = request->gate_value;
    out->value = figure_value_of(out->kind, out->value);
    bool diff = out->kind == FIGURE_DIFF || out->kind == FIGURE_LOSS;
    if (request->has_diff_map && request->n_kinds < 2 && !diff)
        return err_set(err, ERR_USAGE,
                       "map=%s: only for differences, which lie on both sides of 0; expected "
                       "viridis, cividis, magma or gray", color_map_name[out->diff_map]);
    return true;
}

bool export_page(const struct export_request *request, struct figure_options *out,
                 struct err *err)
{
    *out = request->figure;
    if (!request->has_dpi && request->preset_dpi > 0)
        out->dpi = request->preset_dpi;
    out->width_mm = millimetres(request->width, request->width_unit, out->dpi);
    out->height_mm = millimetres(request->height, request->height_unit, out->dpi);
    return check_size("width", out->width_mm, err) &&
           (request->height <= 0 || check_size("height", out->height_mm, err));
}

/* Where losses were measured, are there any among these tokens? */
static bool require_losses(const struct snapshot *s, size_t from, size_t to, struct err *err)
{
    for (size_t t = from; s->loss && t < to; t++)
        if (!isnan(loss_of_compression(s, t)))
            return true;
    return !s->loss ||
           err_set(err, ERR_USAGE,
                   "loss: tokens %zu..%zu have none: it is measured behind the first window, "
                   "before which nothing is compressed \u00b7 name a window or a range further on",
                   from, to - 1);
}

/* The figure's options with tokens, size and value settled. */
static bool settle(const struct snapshot *s, const struct export_request *request,
                   enum figure_kind kind, struct figure_options *out, struct err *err)
{
    if (!export_page(request, out, err))
        return false;
    out->kind = kind;
    if (!settle_value(request, out, err))
        return false;
    if (kind == FIGURE_ANSWERS)
        return true;
    return export_tokens(s, request, &out->from, &out->to, err) &&
           (kind != FIGURE_LOSS || require_losses(s, out->from, out->to, err));
}

/* ---- files in memory --------------------------------------------------------------- */

struct work {
    const struct snapshot *snapshot;
    const struct export_request *request;
    size_t n; /* figures */
    struct figure_panel panel[FIGURE_KIND_COUNT];
    struct figure_data data[FIGURE_KIND_COUNT];
    struct drawing drawing;
    struct faces faces;
    json_t *record;
};

/* The first figure with a matrix, which the record describes; else the first. */
static const struct figure_panel *main_panel(const struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->panel[i].data)
            return &w->panel[i];
    return &w->panel[0];
}

static void record_tokens(const struct work *w, const struct figure_options *o,
                          struct figure_meta *meta)
{
    const struct export_request *request = w->request;
    meta->has_range = request->has_range;
    meta->window = request->window;
    meta->from = request->from;
    meta->to = request->to;
    if (!request->has_range && request->window == 0 && o->kind != FIGURE_ANSWERS) {
        meta->has_range = true;
        meta->from = o->from;
        meta->to = o->to - 1;
    }
}

static void record_panels(const struct work *w, struct figure_meta *meta)
{
    for (size_t i = 0; w->n > 1 && i < w->n; i++)
        meta->panel[meta->n_panels++] = w->panel[i].options.kind;
}

static json_t *make_record(const struct work *w)
{
    const struct export_request *request = w->request;
    const struct figure_panel *panel = main_panel(w);
    const struct figure_options *o = &panel->options;
    struct figure_meta meta = {
        .kind = o->kind, .value = o->value, .norm = o->norm, .scale = o->scale,
        .map = figure_map(o), .unit = o->unit, .iteration = o->iteration, .locked = o->locked,
    };
    if (panel->data) {
        meta.limit_low = panel->data->scale.low;
        meta.limit_high = panel->data->scale.high;
    }
    record_tokens(w, o, &meta);
    record_panels(w, &meta);
    if (o->kind == FIGURE_DIFF) {
        compare_name(o->against, w->snapshot, meta.against, sizeof meta.against);
        meta.against_file = request->against_file;
        meta.against_is_b = o->against_is_b;
    }
    meta.session_file = request->session_file;
    if (request->edits)
        figure_meta_from_edits(&meta, request->edits);
    figure_meta_from_snapshot(&meta, w->snapshot);
    if (!meta.question && request->question)
        meta.question = xstrdup(request->question);
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

/* A grid for <image>, across x down pixels a cell; unpainted cells are transparent. */
static char *cells_image(const struct drawing_cells *cells, size_t across, size_t down)
{
    size_t width = cells->columns * across, height = cells->rows * down, size;
    struct raster raster = {width, height, 4, xcalloc(width * height, 4)};
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            uint32_t color = cells->color[y / down * cells->columns + x / across];
            if (color == DRAWING_NO_COLOR)
                continue;
            uint8_t *pixel = raster.pixels + 4 * (y * width + x);
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
    const struct figure_data *data = w->panel[0].data;
    switch (format) {
    case EXPORT_PNG:
        return make_png(w, size);
    case EXPORT_SVG:
        return make_svg(w, size);
    case EXPORT_NPY:
        return export_npy(data, size);
    case EXPORT_CSV:
        return data ? export_csv(data, size) : export_answers_csv(w->snapshot, size);
    case EXPORT_JSON:
        return data ? export_json(json_deep_copy(w->record), data, size)
                    : export_answers_json(json_deep_copy(w->record), w->snapshot, size);
    case EXPORT_FORMAT_COUNT:
        break;
    }
    return NULL;
}

/* ---- all of it --------------------------------------------------------------------- */

static bool has_picture(const struct export_targets *targets)
{
    return export_has_format(targets, EXPORT_PNG) || export_has_format(targets, EXPORT_SVG);
}

static bool check_formats(const struct work *w, const struct export_targets *targets,
                          struct err *err)
{
    bool npy = export_has_format(targets, EXPORT_NPY);
    bool numbers = npy || export_has_format(targets, EXPORT_CSV) ||
                   export_has_format(targets, EXPORT_JSON);
    if (w->n > 1 && numbers)
        return err_set(err, ERR_USAGE, "export: several figures go into png or svg; npy, csv and "
                       "json hold one");
    if (w->n > 1 && w->request->height > 0)
        return err_set(err, ERR_USAGE, "export: the height of panels follows from their width");
    if (npy && !w->panel[0].data)
        return err_set(err, ERR_USAGE, "export: answers are no matrix: csv, json, svg or png");
    if (w->request->caption && !has_picture(targets))
        return err_set(err, ERR_USAGE, "caption: of a figure in png or svg, none is written");
    return true;
}

/* Reads the values of all figures out of the snapshot. */
static bool read_values(struct work *w, struct err *err)
{
    enum figure_kind kind[FIGURE_KIND_COUNT];
    w->n = export_kinds(w->request, kind);
    for (size_t i = 0; i < w->n; i++) {
        struct figure_panel *panel = &w->panel[i];
        if (!settle(w->snapshot, w->request, kind[i], &panel->options, err))
            return false;
        if (kind[i] == FIGURE_ANSWERS && !w->snapshot->question)
            return err_set(err, ERR_INPUT, "export: no question was asked");
        if (kind[i] == FIGURE_ANSWERS)
            continue;
        panel->data = &w->data[i];
        if (!figure_data_build(&w->data[i], w->snapshot, &panel->options, err))
            return false;
    }
    return true;
}

static bool draw(struct work *w, struct err *err)
{
    faces_open(&w->faces, w->request->builtin_face);
    struct figure_fonts fonts = faces_fonts(&w->faces);
    const struct figure_panel *panel = &w->panel[0];
    if (w->n > 1)
        return figure_draw_panels(&w->drawing, w->panel, w->n, size_min(w->request->columns, w->n),
                                  w->snapshot, &fonts, err);
    if (!panel->data)
        return figure_draw_answers(&w->drawing, w->snapshot, &panel->options, &fonts, err);
    return figure_draw(&w->drawing, panel->data, &panel->options, &fonts, err);
}

static char *make_target(const void *context, const struct export_targets *targets, size_t i,
                         unsigned number, size_t *size)
{
    const struct work *w = context;
    if (targets->at[i].format != EXPORT_FORMAT_COUNT)
        return make_file(w, targets->at[i].format, size);
    size_t picture = 0;
    while (targets->at[picture].format > EXPORT_SVG)
        picture++;
    char *path = export_target_path(&targets->at[picture], number);
    char *text = export_caption(w->snapshot, w->panel, w->n, file_name(path));
    free(path);
    *size = strlen(text);
    return text;
}

bool export_run(const struct snapshot *s, const struct export_request *request,
                struct export_result *result, struct err *err)
{
    struct work work = {.snapshot = s, .request = request};
    struct export_targets targets;
    *result = (struct export_result){0};
    export_list_targets(&targets, s, request);
    bool ok = read_values(&work, err) && check_formats(&work, &targets, err) &&
              (!has_picture(&targets) || draw(&work, err));
    if (ok) {
        work.record = make_record(&work);
        ok = export_write(&targets, request->force, make_target, &work, result, err);
    }
    export_free_targets(&targets);
    json_decref(work.record);
    faces_close(&work.faces);
    drawing_free(&work.drawing);
    for (size_t i = 0; i < FIGURE_KIND_COUNT; i++)
        figure_data_free(&work.data[i]);
    return ok;
}

bool export_maximum(const struct snapshot *s, const struct export_request *request, double *high,
                    struct err *err)
{
    struct figure_options options;
    struct figure_data data;
    enum figure_kind kind[FIGURE_KIND_COUNT];
    export_kinds(request, kind);
    if (!settle(s, request, kind[0], &options, err))
        return false;
    options.limit_low = options.limit_high = (double)NAN;
    bool ok = figure_data_build(&data, s, &options, err);
    if (ok)
        *high = data.scale.high;
    figure_data_free(&data);
    return ok;
}

/* ---- from elsewhere --------------------------------------------------------------- */

enum figure_kind export_kind_of_view(const struct view_state *v)
{
    if (v->screen == SCREEN_COMPARE && v->pinned)
        return FIGURE_DIFF;
    switch (v->focus) {
    case PANE_GATES: return FIGURE_GATE;
    case PANE_ANSWERS: return FIGURE_ANSWERS;
    case PANE_DOCUMENT: return v->value[PANE_DOCUMENT] == VALUE_LOSS ? FIGURE_LOSS : FIGURE_PLAN;
    default: return FIGURE_PLAN;
    }
}

void export_request_from_view(struct export_request *request, const struct snapshot *s,
                              const struct view_state *v)
{
    struct figure_options *figure = &request->figure;
    figure->kind = export_kind_of_view(v);
    figure->value = v->value[PANE_PLAN];
    request->gate_value = v->value[PANE_GATES];
    figure->norm = v->normalise;
    figure->scale = v->scale;
    enum pane pane = figure->kind == FIGURE_GATE ? PANE_GATES : PANE_PLAN;
    if (v->limit_pane == pane || v->limit_pane == PANE_COUNT) {
        figure->limit_low = v->limit_low;
        figure->limit_high = v->limit_high;
    }
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
}

void export_request_from_meta(struct export_request *request, const struct figure_meta *meta)
{
    struct figure_options *figure = &request->figure;
    figure->kind = meta->kind;
    for (size_t i = 0; i < meta->n_panels; i++)
        request->kind[request->n_kinds++] = meta->panel[i];
    figure->value = request->gate_value = meta->value;
    figure->norm = meta->norm;
    figure->scale = meta->scale;
    figure->limit_low = meta->limit_low;
    figure->limit_high = meta->limit_high;
    if (meta->map < MAP_COUNT)
        figure->map = meta->map;
    else
        figure->diff_map = meta->map;
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
    static const enum figure_kind panes[] = {FIGURE_GATE, FIGURE_PLAN, FIGURE_ANSWERS};
    struct export_request request;
    export_request_init(&request);
    export_request_from_view(&request, s, v);
    bool all = kind == FIGURE_KIND_COUNT;
    for (size_t i = 0; all && i < 3; i++)
        if (panes[i] != FIGURE_ANSWERS || s->question)
            request.kind[request.n_kinds++] = panes[i];
    if (!all)
        request.figure.kind = kind;
    char *stem = export_stem(s, &request);
    if (all)
        snprintf(out, size, "export gate plan %s%s.png width=183mm dpi=300",
                 s->question ? "answers " : "", stem);
    else
        snprintf(out, size, "export %s %s.png width=89mm dpi=300", figure_kind_name[kind], stem);
    free(stem);
    export_request_free(&request);
}
