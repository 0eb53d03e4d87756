#include "app/export_train.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/export_names.h"
#include "app/faces.h"
#include "app/png.h"
#include "app/report.h"
#include "app/run_log.h"
#include "engine/base/buffer.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "views/figure_curve.h"
#include "views/raster.h"
#include "views/svg.h"

struct work {
    struct training_log log[FIGURE_CURVES_MAX];
    char name[FIGURE_CURVES_MAX][96];
    struct figure_curve curve[FIGURE_CURVES_MAX];
    size_t n;
    struct drawing drawing;
    struct faces faces;
    json_t *record;
};

/* ---- reading ------------------------------------------------------------------ */

static bool read_run(struct work *w, const char *directory, struct err *err)
{
    struct growing reader;
    bool changed, more = true, ok = true;
    struct training_log *log = &w->log[w->n];
    if (!file_is_directory(directory))
        return err_set(err, ERR_INPUT,
                       "%s: no such run directory: view=train takes what train --run wrote",
                       directory);
    run_log_open(&reader, directory);
    while (ok && more)
        ok = run_log_read(&reader, log, &changed, &more, err);
    growing_close(&reader);
    char *clean = xstrdup(directory);
    size_t length = strlen(clean);
    while (length > 1 && clean[length - 1] == '/')
        clean[--length] = '\0';
    const char *name = file_name(clean);
    text_sanitize(w->name[w->n], sizeof w->name[w->n], name, strlen(name));
    free(clean);
    w->curve[w->n] = (struct figure_curve){log, w->name[w->n]};
    w->n++;
    if (ok && log->n_steps + log->n_checks == 0)
        return err_set(err, ERR_INPUT, "%s: its log has no steps", directory);
    return ok;
}

/* ---- files in memory ------------------------------------------------------------ */

static json_t *column(const struct training_log *log, size_t offset)
{
    json_t *list = json_array();
    for (size_t i = 0; i < log->n_steps; i++) {
        const char *step = (const char *)&log->steps[i];
        json_array_append_new(list, report_number(*(const double *)(const void *)(step + offset)));
    }
    return list;
}

static json_t *checks_json(const struct training_log *log)
{
    json_t *list = json_array();
    for (size_t i = 0; i < log->n_checks; i++) {
        const struct training_check *c = &log->checks[i];
        json_array_append_new(
            list, json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "step", (json_int_t)c->step, "kind",
                            log->kind[c->kind], "compressed", report_number(c->compressed),
                            "wrong", report_number(c->wrong), "full", report_number(c->full),
                            "none", report_number(c->none)));
    }
    return list;
}

static json_t *run_json(const struct figure_curve *c)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < c->log->n_steps; i++)
        json_array_append_new(steps, json_integer((json_int_t)c->log->steps[i].step));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "run", c->name, "step", steps, "loss",
                     column(c->log, offsetof(struct training_step, loss)), "grad_norm",
                     column(c->log, offsetof(struct training_step, norm)), "lr",
                     column(c->log, offsetof(struct training_step, lr)), "validations",
                     checks_json(c->log));
}

/* The record inside of figures: which runs, and how far they were. */
static json_t *make_record(const struct work *w)
{
    json_t *runs = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct training_log *log = &w->log[i];
        size_t step = log->n_steps ? log->steps[log->n_steps - 1].step : 0;
        json_array_append_new(runs, json_pack("{s:s, s:I}", "run", w->name[i], "step",
                                              (json_int_t)step));
    }
    return json_pack("{s:s, s:s, s:o}", "version", COMPREXIT_VERSION, "view", "train", "runs",
                     runs);
}

static char *make_json(const struct work *w, size_t *size)
{
    json_t *all = json_deep_copy(w->record), *runs = json_array();
    for (size_t i = 0; i < w->n; i++)
        json_array_append_new(runs, run_json(&w->curve[i]));
    json_object_set_new(all, "curves", runs);
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(all);
    *size = strlen(text);
    return text;
}

static void csv_number(struct buffer *t, double value)
{
    if (isfinite(value))
        buffer_printf(t, ",%.9g", value);
    else
        buffer_printf(t, ",");
}

/* A line a step and a line a validation; cells that do not apply are empty. A comma or
 * a quotation mark in a run's name is left out of the way by quoting. */
static char *make_csv(const struct work *w, size_t *size)
{
    struct buffer t = {0};
    buffer_printf(&t, "run,step,kind,loss,grad_norm,lr,wrong,full,none\r\n");
    for (size_t i = 0; i < w->n; i++) {
        const struct training_log *log = &w->log[i];
        char name[200] = "\"";
        size_t used = 1;
        for (const char *c = w->name[i]; *c && used + 3 < sizeof name; c++) {
            if (*c == '"')
                name[used++] = '"';
            name[used++] = *c;
        }
        name[used++] = '"';
        name[used] = '\0';
        for (size_t k = 0; k < log->n_steps; k++) {
            buffer_printf(&t, "%s,%zu,train", name, log->steps[k].step);
            csv_number(&t, log->steps[k].loss);
            csv_number(&t, log->steps[k].norm);
            csv_number(&t, log->steps[k].lr);
            buffer_printf(&t, ",,,\r\n");
        }
        for (size_t k = 0; k < log->n_checks; k++) {
            const struct training_check *c = &log->checks[k];
            buffer_printf(&t, "%s,%zu,%s", name, c->step, log->kind[c->kind]);
            csv_number(&t, c->compressed);
            buffer_printf(&t, ",,");
            csv_number(&t, c->wrong);
            csv_number(&t, c->full);
            csv_number(&t, c->none);
            buffer_printf(&t, "\r\n");
        }
    }
    return buffer_take(&t, size);
}

static char *make_file(const struct work *w, enum export_format format, size_t *size)
{
    struct figure_fonts fonts = faces_fonts(&w->faces);
    char *record = json_dumps(w->record, JSON_COMPACT | JSON_ENSURE_ASCII), *file = NULL;
    if (format == EXPORT_PNG) {
        struct raster raster;
        raster_paint(&w->drawing, fonts.regular, fonts.bold, &raster);
        file = (char *)png_write(&raster, w->drawing.dpi, FIGURE_META_KEYWORD, record, size);
        raster_free(&raster);
    } else if (format == EXPORT_SVG) {
        struct svg_options options = {.metadata = record, .rect_limit = EXPORT_CELLS_AS_RECTS};
        file = svg_write(&w->drawing, &options, size);
    } else if (format == EXPORT_CSV) {
        file = make_csv(w, size);
    } else {
        file = make_json(w, size);
    }
    free(record);
    return file;
}

/* ---- all of it -------------------------------------------------------------------- */

static void list_targets(struct export_targets *targets, const struct work *w,
                         const struct export_request *request)
{
    if (request->n_files) {
        export_list_targets(targets, NULL, request);
        return;
    }
    *targets = (struct export_targets){0};
    unsigned formats = request->formats ? request->formats : 1u << EXPORT_PNG;
    for (int f = 0; f < EXPORT_FORMAT_COUNT; f++) {
        if (!(formats & 1u << f))
            continue;
        size_t size = strlen(w->name[0]) + 8;
        char *stem = xmalloc(size);
        snprintf(stem, size, "%s-train", w->name[0]);
        targets->at[targets->n++] = (struct export_target){stem, export_format_name[f],
                                                           (enum export_format)f};
    }
}

static char *make_target(const void *context, const struct export_targets *targets, size_t i,
                         unsigned number, size_t *size)
{
    (void)number;
    return make_file(context, targets->at[i].format, size);
}

bool export_train(const char *const *directories, size_t n, const struct export_request *request,
                  struct export_result *result, struct err *err)
{
    struct work *w = xcalloc(1, sizeof *w);
    struct export_targets targets = {0};
    struct figure_options options;
    *result = (struct export_result){0};
    bool ok = n > 0 ? n <= FIGURE_CURVES_MAX ||
                          err_set(err, ERR_USAGE, "export: at most %d runs in a figure",
                                  FIGURE_CURVES_MAX)
                    : err_set(err, ERR_USAGE, "export train: expected a run directory");
    for (size_t i = 0; ok && i < n; i++)
        ok = read_run(w, directories[i], err);
    ok = ok && export_page(request, &options, err);
    if (ok) {
        list_targets(&targets, w, request);
        if (export_has_format(&targets, EXPORT_NPY))
            ok = err_set(err, ERR_USAGE, "export: curves are no matrix: csv, json, svg or png");
        w->record = make_record(w);
        faces_open(&w->faces, request->builtin_face);
        struct figure_fonts fonts = faces_fonts(&w->faces);
        ok = ok && figure_draw_curves(&w->drawing, w->curve, w->n, &options, &fonts, err) &&
             export_write(&targets, request->force, make_target, w, result, err);
        faces_close(&w->faces);
    }
    export_free_targets(&targets);
    json_decref(w->record);
    drawing_free(&w->drawing);
    for (size_t i = 0; i < FIGURE_CURVES_MAX; i++)
        training_log_free(&w->log[i]);
    free(w);
    return ok;
}
