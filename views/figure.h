/* Figures: one view of a snapshot as a drawing of exact size for print.
 *
 *     struct figure_options options = figure_options_default;
 *     options.kind = FIGURE_PLAN, options.from = 114, options.to = 242;
 *     struct figure_data data;
 *     if (figure_data_build(&data, snapshot, &options, &err) &&
 *         figure_draw(&drawing, &data, &options, &fonts, &err))
 *         raster_paint(&drawing, ...);
 *
 * Figures are for readers who do not have the program: they are light, with
 * axes, units and a colour bar, whatever the screen looks like. */
#ifndef VIEWS_FIGURE_H
#define VIEWS_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/mem.h"
#include "engine/snapshot.h"
#include "views/drawing.h"
#include "views/font.h"
#include "views/heat.h"
#include "views/view_state.h"

#define FIGURE_KINDS(X)                                                        \
    X(PLAN, "plan")                                                            \
    X(GATE, "gate")                                                            \
    X(MASS, "mass")                                                            \
    X(ANSWERS, "answers")                                                      \
    X(LOSS, "loss")                                                            \
    X(DIFF, "diff")
#define FIGURE_KIND_ENUM(id, name) FIGURE_##id,
enum figure_kind { FIGURE_KINDS(FIGURE_KIND_ENUM) FIGURE_KIND_COUNT };
#undef FIGURE_KIND_ENUM
extern const char *const figure_kind_name[FIGURE_KIND_COUNT];

/* Which tokens get a label. COUNT: at most that many. */
enum figure_ticks { TICKS_AUTO, TICKS_ALL, TICKS_WORDS, TICKS_NONE, TICKS_COUNT };

enum {
    FIGURE_CELL_PIXELS = 3, /* a cell is no smaller */
    FIGURE_SIDE_PIXELS = 8192,
    FIGURE_SELECTED_MAX = 16
};

struct figure_options {
    enum figure_kind kind;
    enum view_value value; /* of the plan or the gates; ignored by others */
    enum normalise norm;
    enum scale scale;
    double limit_low, limit_high; /* NAN: automatic, 0 to the maximum */
    enum color_map map, diff_map; /* diff_map: of differences */
    const struct snapshot *against; /* A of the difference, borrowed; NULL: none */
    bool against_is_b; /* then the snapshot is A */
    bool dark, transparent, turned, marginals, colorbar;
    enum figure_ticks ticks;
    size_t tick_count;
    char title[160]; /* sanitised; "" = none */
    double width_mm, height_mm; /* height 0: follows from the width */
    double dpi;
    size_t from, to; /* tokens of the document */
    enum unit unit;  /* what a column is: tokens are added up, or averaged by mass */
    int iteration;   /* of the plan; -1: the last */
    size_t selected[FIGURE_SELECTED_MAX], n_selected; /* tokens that keep their label */
    struct source locked;

    /* As a panel of several; set by figure_draw_panels. */
    char letter;               /* 'a', 'b', ...; 0: none */
    bool other_axis;           /* another panel names the tokens */
    bool other_mass;           /* another panel shows their mass */
    double left, right;        /* least margins, in points, so that grids are aligned */
};
extern const struct figure_options figure_options_default;

/* The map of its cells: diff_map for values on both sides of 0. */
enum color_map figure_map(const struct figure_options *options);

/* The value that a figure of this kind paints when `value` is asked for: itself, or
 * the one of the same name that belongs to it ("mass"), or its default. */
enum view_value figure_value_of(enum figure_kind kind, enum view_value value);

/* One token of the axis, or one word or sentence. */
struct figure_token {
    char *label;   /* for the axis: escaped, blanks around it cut; "-" where a window cuts it */
    char *text;    /* escaped, blanks kept */
    size_t number; /* in the document: of its first token */
    size_t window; /* counted from 0 */
    size_t place;  /* in its window */
    bool word;     /* begins a word */
    bool kept;     /* locked or selected */
};

/* What is drawn: rows (slots or layers) x tokens. Every format that is exported
 * is written from this. */
struct figure_data {
    enum figure_kind kind;
    size_t first, tokens, rows; /* first: token of the document */
    struct heat_grid grid; /* [rows, tokens], normalised; before colouring */
    struct heat_scale scale;
    const char *quantity;        /* "mass", "share of slot", ... */
    const char *row_title;       /* "slot", "layer" */
    struct figure_token *token;  /* [tokens] */
    char (*row_label)[48];       /* [rows] "s0", "w2:s0", "L0" */
    size_t row_step;             /* every which row has a tick, counted by ... */
    size_t *row_number;          /* [rows] the slot in its window, the layer */
    float *mass, *even;          /* [tokens] sender mass, and what an even share is */
    float *beside;               /* [rows] received by a slot; mean gate of a layer */
    double beside_full;          /* where a slot is full; 0: no such line */
    const char *beside_title;
    bool locked_row;
    size_t row; /* the locked one */
};

/* Reads the values out of the snapshot. ERR_INPUT when they are not there. Not for
 * FIGURE_ANSWERS, which has no matrix. To be freed in either case. */
bool figure_data_build(struct figure_data *data, const struct snapshot *snapshot,
                       const struct figure_options *options, struct err *err);
void figure_data_free(struct figure_data *data);

/* Faces that the figure is measured and painted with; bold may be NULL. */
struct figure_fonts {
    const struct font *regular, *bold;
};

/* Lays the figure out. Fails with ERR_USAGE and a width, height or resolution that
 * would do, when cells come out smaller than 3 pixels or the page is too large. */
bool figure_draw(struct drawing *drawing, const struct figure_data *data,
                 const struct figure_options *options, const struct figure_fonts *fonts,
                 struct err *err);

/* The table of answers; data is not needed. */
bool figure_draw_answers(struct drawing *drawing, const struct snapshot *snapshot,
                         const struct figure_options *options, const struct figure_fonts *fonts,
                         struct err *err);

/* One figure of several on a page. data NULL: the table of answers. */
struct figure_panel {
    const struct figure_data *data;
    struct figure_options options;
};

/* Several figures on a page, with letters a, b, c ... `columns` side by side; figures
 * below one another share the token axis: the first shows sender mass, the last the
 * names. Width, resolution and colours of the page are those of the first panel; its
 * height follows. */
bool figure_draw_panels(struct drawing *drawing, const struct figure_panel *panels, size_t n,
                        size_t columns, const struct snapshot *snapshot,
                        const struct figure_fonts *fonts, struct err *err);

/* "Full context", "Compressed", "No context". */
extern const char *const figure_answer_title[ANSWER_MODES];

#endif
