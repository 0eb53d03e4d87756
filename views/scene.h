/* What all panes need while one frame is drawn: made once from snapshot and view
 * state, private to views/. */
#ifndef VIEWS_SCENE_H
#define VIEWS_SCENE_H

#include "views/brush.h"
#include "views/key_text.h"
#include "views/layout.h"
#include "views/view_state.h"
#include "views/wrap.h"

struct scene {
    const struct snapshot *s;
    const struct view_state *v;
    struct canvas *canvas; /* NULL when only asked what stands where */
    struct view_hit *hit;  /* NULL: nobody asks what is drawn at this cell */
    int hit_row, hit_column;
    struct layout layout;
    const struct snapshot_document *document; /* NULL: none open */
    size_t token;                /* the cursor, inside the document */
    size_t window_index;         /* its window; 0 without windows */
    size_t first, tokens;        /* of that window, read or not */
    const struct snapshot_window *window; /* NULL: unread */
    bool stale;                  /* that window was made with other settings: v->held */
    struct plan_ref plan;        /* as shown: perhaps of an earlier iteration */
    float *scrubbed;             /* owned; NULL: the last iteration */
    unsigned iteration;
    struct source cursor;        /* the coordinate last moved */
    struct source light;         /* what the brush shows: the lock, else the cursor */
    struct brush brush;
};

void scene_init(struct scene *scene, const struct snapshot *snapshot,
                const struct view_state *state, struct canvas *canvas);
void scene_free(struct scene *scene);

static inline bool scene_shows(const struct scene *scene, enum area area)
{
    return layout_shows(&scene->layout, area);
}

bool scene_has_gates(const struct scene *scene);
static inline bool scene_compares(const struct scene *scene)
{
    return scene->v->screen == SCREEN_COMPARE && scene->v->pinned && scene->document;
}
bool scene_has_plan(const struct scene *scene);
bool scene_is_locked(const struct scene *scene, enum pane pane); /* the lock belongs to it */
bool scene_slot_muted(const struct scene *scene, size_t window, size_t slot);

/* How the panes arrange gates and plan in their cells. */
struct grid {
    struct rect area;
    struct grid_columns columns;
    size_t first;     /* first token shown, in the window */
    size_t per_cell;  /* tokens a cell */
    size_t row_first; /* first slot shown (plan) */
    size_t per_row;   /* slots or layers a screen row, both halves together */
    int halves;       /* values above each other in a cell: 1 or 2 */
    int used;         /* cells that hold tokens */
};
struct grid scene_gates_grid(const struct scene *scene);
struct grid scene_plan_grid(const struct scene *scene);

/* Do the tokens of the plan go down? */
bool scene_plan_is_turned(const struct scene *scene);

/* Where zoomed cells that leave room beside them tell which tokens their rows are about; no
 * columns when they do not. */
struct rect scene_grid_side(const struct scene *scene, const struct grid *grid);

/* The cell of a token of the window, -1 when it is scrolled out. */
int grid_cell_of(const struct grid *grid, size_t token);

/* The scale of the colours of gates or plan: within the limits that are set for it, if any. */
struct heat_scale scene_heat_scale(const struct scene *scene, enum pane pane,
                                   const struct heat_grid *heat);

/* ---- drawing that several panes share --------------------------------------- */

/* "── name ──── right ──" over the area; `lead` replaces the first frame character. */
void draw_heading(struct scene *scene, struct rect area, uint32_t lead, const char *name,
                  bool focus, const char *right);

/* Text joined by " · " as far as it fits; parts that do not are left out, but never
 * the first. */
struct parts {
    char text[512];
    int columns;
    int limit; /* 0: none */
};
void parts_add(struct parts *parts, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The bytes of as many parts of text ("a \u00b7 b \u00b7 c") as fit into the columns; of the first
 * in any case. */
size_t parts_that_fit(const char *text, int columns);

/* To be told while drawing: what a click into the area means. Later ones go before. */
void scene_offer_hit(struct scene *scene, struct rect area, struct view_hit hit);

/* Behind the name of a zoomed pane, how large its cells are: " (zoom: cells)"; else "". */
const char *zoom_words(const struct scene *scene);

/* A hint in the middle of a pane that has nothing to show yet. */
void draw_hint(struct scene *scene, struct rect area, const char *text);
void scene_waiting_text(const struct scene *scene, const char *otherwise, char *out, size_t size);

/* A coloured or shaded cell of two half rows; positions in 0..1, NaN = nothing. `both`
 * is the position of the two together, for cells that are not halved. Strengths below
 * 1 fade the colours. */
struct heat_pair {
    double upper, lower, both;
    double upper_strength, lower_strength;
};
void paint_heat(struct scene *scene, int row, int column, const struct heat_pair *pair);

/* One value in a whole cell. */
void paint_heat_one(struct scene *scene, int row, int column, double position, double strength);

/* Tints the cell that is there: its background, or underline, bold, reverse. */
void paint_tint(struct scene *scene, int row, int column, double position);

/* A bar of `columns` cells from the left, in eighths where there are glyphs for it. */
void paint_bar(struct scene *scene, int row, int column, int columns, double position,
               enum canvas_role role);

/* The name of a token or unit, as in sentences: "coal". */
void scene_token_name(const struct scene *scene, size_t token, char *out, size_t size);

/* ---- panes ------------------------------------------------------------------ */

void draw_title(struct scene *scene);
void draw_document(struct scene *scene);
void draw_gates(struct scene *scene);
void draw_plan(struct scene *scene);
void draw_plan_table(struct scene *scene, struct rect area);  /* zoom: numbers */
void draw_plan_turned(struct scene *scene, struct rect area); /* tokens down */
void draw_answers(struct scene *scene);
void draw_summary(struct scene *scene);
void draw_relation(struct scene *scene);
void draw_strip(struct scene *scene);
void draw_status(struct scene *scene);
void draw_prompt(struct scene *scene);
void draw_start(struct scene *scene);
void draw_compare(struct scene *scene); /* with something pinned */
void compare_sentence(const struct scene *scene, struct parts *parts);
void draw_overlay(struct scene *scene);

/* overlay_top with which the chosen line is on screen, or a text begins at it; *at_most: the last
 * line that a text can begin at. */
size_t overlay_follow(struct scene *scene, size_t *at_most);

/* Is what the overlay lists (or the screen that is a list) drawn without a box? */
bool overlay_fills_screen(const struct scene *scene);

/* The screen whose name stands at a column of the title, -1 for none. */
int title_screen_at(const struct scene *scene, int column);

#endif
