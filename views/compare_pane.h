/* What the files that draw the Compare screen share: pane_compare.c the maps, compare_foot.c
 * what stands below and beside them. */
#ifndef VIEWS_COMPARE_PANE_H
#define VIEWS_COMPARE_PANE_H

#include "views/compare.h"

enum { COMPARE_SIDES = 3, COMPARE_TEXT_LEAST = 3 /* rows of the document, with its heading */ };

struct compare {
    const struct snapshot *side[2]; /* as shown: left and middle, or above and in the middle */
    bool swapped; /* B comes first */
    bool same;    /* the same document */
    struct compare_grid grid[2];
    double top, top_difference;
    struct comparison numbers;
    bool all;      /* the three maps are shown, else one of them */
    bool stacked;  /* below one another */
    int cells;     /* columns of cells that a map has */
    int halves;    /* slots, or more, that a row of the screen can show */
    int map_rows;  /* of each map; the axis is below */
    int tall;      /* rows of the screen that each of them takes */
    size_t per_cell;
    bool has_axis;
    struct rect pane[COMPARE_SIDES]; /* no columns: not shown */
    struct rect foot, document;      /* with their headings; no rows: not shown */
};

/* "A", "B", "B - A", as they are shown. */
const char *compare_letter(const struct compare *m, int side);

/* Rows that numbers, answers and what the slot is made of have to say, with their heading; what
 * there are, where that is less. */
int compare_foot_rows(struct scene *scene, const struct compare *m);

void compare_draw_foot(struct scene *scene, const struct compare *m);

/* The document around the window that is compared, coloured as Explore has it. */
void compare_draw_document(struct scene *scene, const struct compare *m);

#endif
