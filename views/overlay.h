/* What boxes over the screen share: the frame (overlay_box.c), lines of a label and a text
 * that wraps (overlay_lines.c), two columns of them (overlay_columns.c), and plan health
 * (overlay_health.c). */
#ifndef VIEWS_OVERLAY_H
#define VIEWS_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "views/scene.h"

/* ---- overlay_box.c ----------------------------------------------------------- */

/* Clears the box and draws its frame with a title and texts on the right and below. The
 * cursor goes to the first line inside. */
void overlay_draw_box(struct scene *scene, struct rect box, const char *title, const char *right,
                      const char *below);

/* A box in the middle, above status and prompt, no larger than the screen. */
struct rect overlay_centred(const struct scene *scene, int rows, int columns);

/* The same over the middle of a pane, where the screen has several; PANE_COUNT: the screen's. */
struct rect overlay_over_pane(const struct scene *scene, enum pane pane, int rows, int columns);

/* What lies inside of the frame. */
struct rect overlay_inner(struct rect box);

/* The choice of the open list, or of the screen that is one, that stands in a cell: as overlay_at;
 * SIZE_MAX where none does. */
size_t overlay_choice_at(struct scene *scene, int row, int column);

/* ---- overlay_lines.c --------------------------------------------------------- */

struct overlay_line {
    const char *label, *detail; /* borrowed */
    bool disabled, heading;
    size_t index; /* of the entry */
};

struct overlay_lines {
    struct overlay_line *line; /* [n] to be freed */
    size_t n, capacity;
    int label_columns, columns; /* widest label, widest line */
    bool explains; /* the details matter: on small screens they stand below their labels */
};

/* Without a label the line is a heading. */
void overlay_add_line(struct overlay_lines *lines, const char *label, const char *detail,
                      bool disabled, size_t index);

/* After all lines are there: how wide they are. */
void overlay_measure(struct overlay_lines *lines, int most_label);

/* The entries of the list, the words of the screen, caption and formula of each pane: those
 * that the filter lets through. */
struct overlay_lines overlay_entry_lines(const struct scene *scene);
struct overlay_lines overlay_word_lines(const struct scene *scene);
struct overlay_lines overlay_formula_lines(void);

/* Draws a line, or with row < 0 only counts the rows that it takes; texts wrap. */
int overlay_draw_line(struct scene *scene, int row, int end_row, int column, int columns,
                      const struct overlay_lines *lines, const struct overlay_line *line,
                      bool chosen);

/* ---- overlay_columns.c ------------------------------------------------------- */

struct list_box {
    const char *title, *right, *below;
    bool choice;
};

/* The lines in two columns; false, and nothing is drawn, where they do not fit. */
bool overlay_draw_columns(struct scene *scene, const struct overlay_lines *lines,
                          const struct list_box *look);
bool overlay_columns_fit(struct scene *scene, const struct overlay_lines *lines);

/* ---- overlay_health.c -------------------------------------------------------- */

void overlay_draw_health(struct scene *scene);

#endif
