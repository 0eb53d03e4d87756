/* Which part of the Explore screen stands where: a pure function of the size and of
 * what has to be shown (UX.md section 2). Areas that are shown do not overlap, are
 * not empty and lie inside the screen; an area that is not shown is all zero. */
#ifndef VIEWS_LAYOUT_H
#define VIEWS_LAYOUT_H

#include "views/view_state.h"

enum layout_kind { LAYOUT_NOTICE, LAYOUT_TINY, LAYOUT_NARROW, LAYOUT_WIDE };

enum area {
    AREA_NOTICE,
    AREA_TITLE,
    AREA_TABS, /* narrow and tiny: heading with the names of the panes */
    AREA_DOCUMENT_HEADING,
    AREA_DOCUMENT,
    AREA_GATES_HEADING,
    AREA_GATES,
    AREA_PLAN_HEADING,
    AREA_STRIP, /* settings */
    AREA_MASS,
    AREA_PLAN,
    AREA_AXIS,
    AREA_ANSWERS_HEADING,
    AREA_ANSWERS,
    AREA_RELATION_HEADING,
    AREA_RELATION,
    AREA_SUMMARY, /* narrow: answers in one line each */
    AREA_STATUS,
    AREA_KEYS,
    AREA_PROMPT,
    AREA_COUNT
};

enum {
    LAYOUT_TINY_COLUMNS = 40,
    LAYOUT_TINY_ROWS = 10,
    LAYOUT_NARROW_COLUMNS = 64,
    LAYOUT_NARROW_ROWS = 16,
    LAYOUT_WIDE_COLUMNS = 112,
    LAYOUT_WIDE_ROWS = 30,
    LAYOUT_WIDE_ROWS_LEAST = 20, /* when it is wished for: the plan scrolls */
    LAYOUT_PROMPT_ROWS = 5, /* at most */
    GRID_LABEL = 4,         /* columns of "mass", " s12" */
    GRID_BARS = 5,          /* columns of the bars on the right */
    GRID_FRAME = 3          /* frame on the left, before and behind the cells */
};

struct layout_input {
    int rows, columns;
    enum arrangement arrangement;
    enum pane focus;
    bool zoomed, turned;
    int zoom_level;
    bool gate_bars; /* entropy: no numbers, however large the cells */
    bool strip;
    int prompt_rows; /* wanted, at least 1 */
    size_t layers, slots, window; /* M, K, W; 0 when unknown */
    int answer_rows; /* of one answer, below each other; 0: as many as there are */
};

struct layout {
    enum layout_kind kind;
    struct rect area[AREA_COUNT];
};

struct layout layout_compute(const struct layout_input *input);

/* The input for a snapshot and a state. */
struct layout_input layout_input_of(const struct snapshot *snapshot,
                                    const struct view_state *state);

static inline bool layout_shows(const struct layout *layout, enum area area)
{
    return layout->area[area].rows > 0;
}

/* How cells and bars are arranged in the columns of gates, mass, plan and axis. */
struct grid_columns {
    int label, cells, n_cells, mark, bars;
};
struct grid_columns layout_grid(struct rect area);

#endif
