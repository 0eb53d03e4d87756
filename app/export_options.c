/* The options of exports: reading `key=value` by one table. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/export.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define FORMAT_NAME(id, name) name,
const char *const export_format_name[EXPORT_FORMAT_COUNT] = {EXPORT_FORMATS(FORMAT_NAME)};

enum { TEXT, FLAG, WRITTEN };
#define OPTION_ROW(name, kind, value, help) {#name, kind == FLAG, value, help},
const struct export_option export_options[] = {EXPORT_OPTIONS(OPTION_ROW){NULL, false, NULL, NULL}};

#define DPI_MIN 20.0
#define DPI_MAX 2400.0

void export_request_init(struct export_request *request)
{
    *request = (struct export_request){
        .figure = figure_options_default,
        .gate_value = VALUE_GATE,
        .window = 1,
        .columns = 1,
        .width = figure_options_default.width_mm,
    };
}

void export_request_free(struct export_request *request)
{
    for (size_t i = 0; i < request->n_files; i++)
        free(request->file[i]);
    free(request->caption);
    request->caption = NULL;
    request->n_files = 0;
}

void export_result_free(struct export_result *result)
{
    for (size_t i = 0; i < result->n; i++)
        free(result->path[i]);
    result->n = 0;
}

/* ---- one setter for each option ------------------------------------------------ */

#define OPTION_SET(name)                                                                           \
    static bool set_##name(struct export_request *request, const char *value, struct err *err)

/* "width=9: expected ..." */
static bool unusable(const char *key, const char *value, const char *expected, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s=%s: expected %s", key, value, expected);
}

static bool set_switch(const char *key, const char *value, bool *out, struct err *err)
{
    size_t index;
    if (!value_choice(value, "off|on", &index))
        return unusable(key, value, "on or off", err);
    *out = index == 1;
    return true;
}

/* Is value one of the words of a table? */
static bool find_word(const char *value, const char *const *words, int count, int *index)
{
    for (*index = 0; *index < count; (*index)++)
        if (strcmp(value, words[*index]) == 0)
            return true;
    return false;
}

/* "A-B", "A,B", or "A" when the second is optional. */
static bool parse_pair(const char *value, char separator, uint64_t *a, uint64_t *b)
{
    const char *split = strchr(value, separator);
    if (!split)
        return false;
    char *first = xstrndup(value, (size_t)(split - value));
    bool ok = value_count(first, a) && value_count(split + 1, b);
    free(first);
    return ok;
}

OPTION_SET(value)
{
    for (int v = 0; v < VALUE_COUNT; v++)
        if ((view_value_pane[v] == PANE_PLAN || view_value_pane[v] == PANE_GATES) &&
            strcmp(view_value_name[v], value) == 0) {
            request->figure.value = (enum view_value)v;
            request->has_value = true;
            return true;
        }
    return unusable("value", value,
                    "mass, slot-share, token-share, likeness or cost (plan), "
                    "gate or entropy (gate)", err);
}

OPTION_SET(window)
{
    uint64_t n = 0;
    if (strcmp(value, "all") != 0 && (!value_count(value, &n) || n == 0 || n > UINT32_MAX))
        return unusable("window", value, "a window, counted from 1, or all", err);
    request->window = (size_t)n;
    request->has_range = false;
    return true;
}

OPTION_SET(range)
{
    uint64_t from, to;
    if ((!parse_pair(value, '-', &from, &to) && !parse_pair(value, ',', &from, &to)) ||
        to < from || to >= UINT32_MAX)
        return unusable("range", value, "two tokens in order, as in 114-241", err);
    request->has_range = true;
    request->from = (size_t)from;
    request->to = (size_t)to;
    return true;
}

OPTION_SET(iteration)
{
    uint64_t n;
    if (!value_count(value, &n) || n > 1u << 20)
        return unusable("iteration", value, "a number of iterations", err);
    request->figure.iteration = (int)n;
    return true;
}

OPTION_SET(norm)
{
    int index;
    if (!find_word(value, normalise_name, NORM_COUNT, &index))
        return unusable("norm", value, "window, token or slot", err);
    request->figure.norm = (enum normalise)index;
    return true;
}

OPTION_SET(scale)
{
    int index;
    if (!find_word(value, scale_name, SCALE_COUNT, &index))
        return unusable("scale", value, "linear, sqrt or log", err);
    request->figure.scale = (enum scale)index;
    return true;
}

OPTION_SET(limits)
{
    double low = (double)NAN, high = (double)NAN;
    const char *comma = strchr(value, ',');
    if (strcmp(value, "auto") != 0) {
        char *first = comma ? xstrndup(value, (size_t)(comma - value)) : NULL;
        bool ok = comma && value_real(first, &low) && value_real(comma + 1, &high) && low < high;
        free(first);
        if (!ok)
            return unusable("limits", value, "two rising numbers, as in 0,0.02, or auto", err);
    }
    request->figure.limit_low = low;
    request->figure.limit_high = high;
    return true;
}

OPTION_SET(map)
{
    enum color_map map;
    bool rainbow;
    if (!colormap_parse(value, &map, &rainbow) && rainbow)
        return err_set(err, ERR_USAGE,
                       "map=%s: rainbow maps show edges where the values have none; use viridis, "
                       "cividis, magma or gray", value);
    if (!colormap_parse(value, &map, NULL))
        return unusable("map", value, "viridis, cividis, magma or gray", err);
    if (map < MAP_COUNT) {
        request->figure.map = map;
        return true;
    }
    request->figure.diff_map = map;
    request->has_diff_map = true;
    return true;
}

OPTION_SET(unit)
{
    int index;
    if (!find_word(value, unit_name, UNIT_COUNT, &index))
        return unusable("unit", value, "token, word or sentence", err);
    request->figure.unit = (enum unit)index;
    return true;
}

OPTION_SET(turn)
{
    return set_switch("turn", value, &request->figure.turned, err);
}

/* Widths of columns and pages that journals and conferences ask for. */
static const struct {
    const char *name;
    double width, height, dpi; /* mm; 0 = free */
} presets[] = {
    {"nature-1col", 89, 0, 0},  {"nature-2col", 183, 0, 0}, {"acl-1col", 77, 0, 0},
    {"acl-2col", 160, 0, 0},    {"neurips", 140, 0, 0},     {"slide", 254, 143, 150},
};

OPTION_SET(width)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(value, presets[i].name) == 0) {
            request->width = presets[i].width;
            request->width_unit = UNIT_MM;
            request->preset_dpi = presets[i].dpi;
            if (presets[i].height > 0) {
                request->height = presets[i].height;
                request->height_unit = UNIT_MM;
            }
            return true;
        }
    return value_length(value, &request->width, &request->width_unit) ||
           unusable("width", value,
                    "a length as in 89mm, 3.5in or 1051px, or nature-1col, nature-2col, acl-1col, "
                    "acl-2col, neurips or slide", err);
}

OPTION_SET(height)
{
    return value_length(value, &request->height, &request->height_unit) ||
           unusable("height", value, "a length as in 60mm, 2.4in or 700px", err);
}

OPTION_SET(dpi)
{
    double dpi;
    if (!value_real(value, &dpi) || dpi < DPI_MIN || dpi > DPI_MAX)
        return unusable("dpi", value, "a number in 20..2400", err);
    request->figure.dpi = dpi;
    request->has_dpi = true;
    return true;
}

OPTION_SET(ticks)
{
    size_t index;
    uint64_t n;
    static const enum figure_ticks kinds[] = {TICKS_AUTO, TICKS_ALL, TICKS_WORDS, TICKS_NONE};
    if (value_choice(value, "auto|all|words|none", &index)) {
        request->figure.ticks = kinds[index];
        return true;
    }
    if (!value_count(value, &n) || n > 100000)
        return unusable("ticks", value, "auto, all, words, none or a number", err);
    request->figure.ticks = n ? TICKS_COUNT : TICKS_NONE;
    request->figure.tick_count = (size_t)n;
    return true;
}

OPTION_SET(select)
{
    struct figure_options *figure = &request->figure;
    const char *item;
    size_t length;
    figure->n_selected = 0;
    for (const char *list = value; value_next_item(&list, &item, &length);) {
        uint64_t token;
        char *word = xstrndup(item, length);
        bool ok = value_count(word, &token) && figure->n_selected < FIGURE_SELECTED_MAX;
        free(word);
        if (!ok)
            return unusable("select", value, "up to 16 tokens, as in 162,165", err);
        figure->selected[figure->n_selected++] = (size_t)token;
    }
    return true;
}

OPTION_SET(title)
{
    (void)err;
    text_sanitize(request->figure.title, sizeof request->figure.title, value, strlen(value));
    return true;
}

OPTION_SET(marginals)
{
    return set_switch("marginals", value, &request->figure.marginals, err);
}

OPTION_SET(colorbar)
{
    return set_switch("colorbar", value, &request->figure.colorbar, err);
}

OPTION_SET(theme)
{
    size_t index;
    if (!value_choice(value, "auto|light|dark", &index))
        return unusable("theme", value, "light or dark", err);
    request->figure.dark = index == 2;
    return true;
}

OPTION_SET(background)
{
    size_t index;
    if (!value_choice(value, "white|transparent", &index))
        return unusable("background", value, "white or transparent", err);
    request->figure.transparent = index == 1;
    return true;
}

OPTION_SET(cells)
{
    size_t index;
    if (!value_choice(value, "auto|rect|image", &index))
        return unusable("cells", value, "auto, rect or image", err);
    request->cells = (enum export_cells)index;
    return true;
}

OPTION_SET(columns)
{
    uint64_t n;
    if (!value_count(value, &n) || n < 1 || n > FIGURE_KIND_COUNT)
        return unusable("columns", value, "a number in 1..4", err);
    request->columns = (size_t)n;
    return true;
}

OPTION_SET(caption)
{
    const char *dot = strrchr(file_name(value), '.');
    if (!dot || strcmp(dot, ".tex") != 0)
        return unusable("caption", value, "a file that ends in .tex", err);
    free(request->caption);
    request->caption = xstrdup(value);
    return true;
}

OPTION_SET(formats)
{
    const char *item;
    size_t length;
    unsigned formats = 0;
    for (const char *list = value; value_next_item(&list, &item, &length);) {
        char *word = xstrndup(item, length);
        int index;
        bool ok = find_word(word, export_format_name, EXPORT_FORMAT_COUNT, &index);
        free(word);
        if (!ok)
            return unusable("formats", value, "some of png,svg,npy,csv,json", err);
        formats |= 1u << index;
    }
    request->formats = formats;
    return true;
}

/* ---- by name --------------------------------------------------------------------- */

#define SETTER(name, kind, value, help) set_##name,
static bool (*const setters[])(struct export_request *, const char *, struct err *) = {
    EXPORT_OPTIONS(SETTER)};

bool export_set(struct export_request *request, const char *key, const char *value,
                struct err *err)
{
    const char *names[sizeof setters / sizeof *setters + 1] = {NULL};
    for (size_t i = 0; export_options[i].name; i++) {
        names[i] = export_options[i].name;
        if (strcmp(key, names[i]) == 0)
            return setters[i](request, value ? value : "on", err);
    }
    const char *nearest = value_nearest(key, names);
    return err_set(err, ERR_USAGE, "export: unknown option %s%s%s%s", key,
                   nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static bool is_flag(const char *word)
{
    for (const struct export_option *o = export_options; o->name; o++)
        if (o->flag && strcmp(word, o->name) == 0)
            return true;
    return false;
}

bool export_add_view(struct export_request *request, const char *name, struct err *err)
{
    int kind;
    if (!find_word(name, figure_kind_name, FIGURE_KIND_COUNT, &kind))
        return unusable("view", name, "plan, gate, mass, answers, loss, diff, or train alone", err);
    for (size_t i = 0; i < request->n_kinds; i++)
        if (request->kind[i] == (enum figure_kind)kind)
            return err_set(err, ERR_USAGE, "export: %s is named twice", name);
    request->kind[request->n_kinds++] = (enum figure_kind)kind;
    return true;
}

bool export_word(struct export_request *request, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    int kind;
    if (find_word(word, figure_kind_name, FIGURE_KIND_COUNT, &kind))
        return export_add_view(request, word, err);
    if (is_flag(word))
        return export_set(request, word, NULL, err);
    if (!equals || memchr(word, '/', (size_t)(equals - word)))
        return export_add_file(request, word, err);
    char *key = xstrndup(word, (size_t)(equals - word));
    bool ok = export_set(request, key, equals + 1, err);
    free(key);
    return ok;
}

/* The format that a file name ends in; EXPORT_FORMAT_COUNT when none. */
static int format_of(const char *path)
{
    const char *dot = strrchr(file_name(path), '.');
    int format;
    for (format = 0; dot && format < EXPORT_FORMAT_COUNT; format++)
        if (strcasecmp(dot + 1, export_format_name[format]) == 0)
            return format;
    return EXPORT_FORMAT_COUNT;
}

bool export_add_file(struct export_request *request, const char *path, struct err *err)
{
    if (format_of(path) == EXPORT_FORMAT_COUNT)
        return err_set(err, ERR_USAGE,
                       "%s: the ending names no format, expected .png, .svg, .npy, .csv or .json",
                       path);
    if (request->n_files == EXPORT_FILES_MAX)
        return err_set(err, ERR_USAGE, "export: more than %d files", EXPORT_FILES_MAX);
    request->file[request->n_files++] = xstrdup(path);
    return true;
}
