/* Figures and data into files: one request, filled in by the explorer's command
 * (`export plan F.png width=89mm`) or by `comprexit export` (`--width 89mm`), and
 * what carries it out. Files are written whole or not at all, and nothing is
 * overwritten unasked. */
#ifndef APP_EXPORT_H
#define APP_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/figure_meta.h"
#include "app/values.h"
#include "engine/base/err.h"
#include "views/figure.h"
#include "views/view_state.h"

#define EXPORT_FORMATS(X) X(PNG, "png") X(SVG, "svg") X(NPY, "npy") X(CSV, "csv") X(JSON, "json")
#define EXPORT_FORMAT_ENUM(id, name) EXPORT_##id,
enum export_format { EXPORT_FORMATS(EXPORT_FORMAT_ENUM) EXPORT_FORMAT_COUNT };
#undef EXPORT_FORMAT_ENUM
extern const char *const export_format_name[EXPORT_FORMAT_COUNT];

/* The options, in the order of the help. One table for `key=value`, `--key value`,
 * completion and manual: key, FLAG (on or off, "on" when it stands alone), TEXT, or
 * WRITTEN (a file that is made), what its value looks like, help. */
#define EXPORT_OPTIONS(X)                                                                         \
    X(value, TEXT, "mass|slot-share|token-share|likeness|cost|gate|entropy",                      \
      "what the cells show; the last two: of gates")                                              \
    X(window, TEXT, "N|all", "window, counted from 1 (1; of losses 2)")                           \
    X(range, TEXT, "A-B", "tokens A to B in place of a window")                                   \
    X(iteration, TEXT, "N", "the plan after N iterations (the last)")                             \
    X(norm, TEXT, "window|token|slot", "divide by the largest of each token or slot")             \
    X(scale, TEXT, "linear|sqrt|log", "from values to colours")                                   \
    X(limits, TEXT, "LOW,HIGH|auto", "values of the first and last colour (0 to the maximum)")    \
    X(map, TEXT, "viridis|cividis|magma|gray|vik|rdbu", "colour map; vik and rdbu: differences")  \
    X(unit, TEXT, "token|word|sentence", "what a column of cells is")                             \
    X(turn, FLAG, NULL, "tokens down instead of across")                                          \
    X(width, TEXT, "SIZE|nature-1col|nature-2col|acl-1col|acl-2col|neurips|slide",                \
      "89mm, 3.5in, 1051px, or the column of a venue (89mm)")                                     \
    X(height, TEXT, "SIZE", "in place of one that follows from the width")                        \
    X(dpi, TEXT, "N", "pixels an inch, 20 to 2400 (300)")                                         \
    X(ticks, TEXT, "auto|all|words|none|N", "which tokens are named at the axis")                 \
    X(select, TEXT, "T,T", "tokens that keep their name at the axis")                             \
    X(title, TEXT, "TEXT", "line above the picture")                                              \
    X(marginals, TEXT, "on|off", "bars of sender mass and of slots or layers")                    \
    X(colorbar, TEXT, "on|off", "colour bar")                                                     \
    X(theme, TEXT, "light|dark", "dark for slides (light)")                                       \
    X(background, TEXT, "white|transparent", "of PNG and SVG")                                    \
    X(cells, TEXT, "auto|rect|image", "how SVG holds the cells; auto: image above 20000")         \
    X(columns, TEXT, "N", "panels side by side (1)")                                              \
    X(caption, WRITTEN, "F.tex", "LaTeX figure with a factual caption")                           \
    X(formats, TEXT, "png,svg,npy,csv,json", "formats to write, under one name")

struct export_option {
    const char *name;
    bool flag;
    const char *value, *help;
};
extern const struct export_option export_options[]; /* ends with a row without a name */

enum export_cells { CELLS_AUTO, CELLS_RECT, CELLS_IMAGE };
enum {
    EXPORT_FILES_MAX = 16,
    EXPORT_TARGETS_MAX = EXPORT_FILES_MAX + EXPORT_FORMAT_COUNT + 1, /* with the caption */
    EXPORT_CELLS_AS_RECTS = 20000
};

struct export_request {
    struct figure_options figure; /* kind, tokens, size and value are set by export_run */
    enum figure_kind kind[FIGURE_KIND_COUNT]; /* what to draw; several: as panels */
    size_t n_kinds;   /* 0: figure.kind */
    size_t columns;   /* of panels */
    char *caption;    /* LaTeX file to write, owned; NULL: none */
    bool has_value; /* an option named it */
    bool has_diff_map; /* an option named a map for differences */
    enum view_value gate_value; /* of the gates, where none was named; figure.value: the plan's */
    size_t window; /* from 1; 0 = all */
    bool has_range;
    size_t from, to; /* inclusive */
    double width, height; /* in their units; height 0: none given */
    enum value_unit width_unit, height_unit;
    bool has_dpi;
    double preset_dpi; /* 0: none */
    enum export_cells cells;
    unsigned formats;  /* bits 1 << enum export_format */
    char *file[EXPORT_FILES_MAX]; /* as the user named them; owned */
    size_t n_files;
    bool force;
    bool builtin_face;
    const struct edits *edits; /* borrowed; NULL: none */
    const char *question; /* for the record, where none was asked; borrowed; NULL: none */
    struct figure_meta_file against_file; /* that figure.against was read from */
    struct figure_meta_file session_file; /* that the snapshot was read from */
};

/* The figures that are asked for, in their order: how many. */
size_t export_kinds(const struct export_request *request, enum figure_kind kind[FIGURE_KIND_COUNT]);

void export_request_init(struct export_request *request);
void export_request_free(struct export_request *request);

/* The figure of the pane, or the screen, in front. */
enum figure_kind export_kind_of_view(const struct view_state *state);

/* Takes over what the explorer shows: the window or range of the cursor, values,
 * norm, scale, limits, map, turn, iteration, lock. The theme stays light. */
void export_request_from_view(struct export_request *request, const struct snapshot *snapshot,
                              const struct view_state *state);

/* Takes over the view of a figure that was exported before. */
void export_request_from_meta(struct export_request *request, const struct figure_meta *meta);

/* Sets one option; value NULL counts as "on". ERR_USAGE names key, value and what
 * would be right. */
bool export_set(struct export_request *request, const char *key, const char *value,
                struct err *err);

/* One word of the explorer's command: a view (several: panels), a flag, key=value, or
 * a file name. */
bool export_word(struct export_request *request, const char *word, struct err *err);

/* Adds a figure by name. */
bool export_add_view(struct export_request *request, const char *name, struct err *err);

/* Adds a file; its ending names the format. */
bool export_add_file(struct export_request *request, const char *path, struct err *err);

/* The command that `e` puts on the prompt; kind FIGURE_KIND_COUNT: of all panes, `E`. */
void export_suggest(const struct snapshot *snapshot, const struct view_state *state,
                    enum figure_kind kind, char *out, size_t size);

/* Files that were written. */
struct export_result {
    char *path[EXPORT_TARGETS_MAX]; /* owned */
    size_t n;
};
void export_result_free(struct export_result *result);

/* Writes everything that was asked for; without a file or format, a PNG named after
 * the document. On failure no file of this call is left half-written; those written
 * before it are in the result. */
bool export_run(const struct snapshot *snapshot, const struct export_request *request,
                struct export_result *result, struct err *err);

/* The largest value of the figure that was asked for, before limits: to give
 * several figures the same scale. */
bool export_maximum(const struct snapshot *snapshot, const struct export_request *request,
                    double *high, struct err *err);

/* Page, resolution and colours that the request names, for figures of other things than
 * a snapshot. */
bool export_page(const struct export_request *request, struct figure_options *out,
                 struct err *err);

/* Tokens [*from, *to) that the request is about. */
bool export_tokens(const struct snapshot *snapshot, const struct export_request *request,
                   size_t *from, size_t *to, struct err *err);

#endif
