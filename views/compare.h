/* Two snapshots beside each other: A, the pinned one, and B, the one that Explore shows; or,
 * where the pinned one is a file to be compared with, the other way round. Both are laid
 * on one grid: columns are tokens of the document, rows are places of home spans, so that other
 * windows and ratios can be compared. */
#ifndef VIEWS_COMPARE_H
#define VIEWS_COMPARE_H

#include "views/scene.h"

/* Do both show the same document? Only then is there a difference. */
bool compare_same_document(const struct snapshot *a, const struct snapshot *b);

/* The grid of tokens [first, first + tokens). Row i holds what goes to slots at home in
 * tokens [edge[i], edge[i + 1]) of the document; a slot at home in several rows is
 * shared out. Values are mass in units of a window of `tokens` tokens. */
struct compare_grid {
    size_t first, tokens, per_cell, columns, rows;
    size_t *edge;  /* [rows + 1] */
    float *value;  /* [rows, columns] */
};

/* Rows of equal height over the tokens; zero, to be freed. */
void compare_grid_init(struct compare_grid *grid, size_t first, size_t tokens, size_t per_cell,
                       size_t rows);
void compare_grid_free(struct compare_grid *grid);
void compare_grid_fill(struct compare_grid *grid, const struct snapshot *snapshot);

/* What separates two snapshots in the tokens of a window of B. */
struct comparison {
    bool same_shape;            /* the same windows and slots */
    double moved;               /* share of the mass that goes elsewhere */
    double gates, mass;         /* half the L1 distance, mean over tokens; of the window */
    size_t most;                /* slot of B that changed most */
    double spread[2], off[2];   /* tokens a slot, senders off; A and B */
};
void compare_window(const struct snapshot *a, const struct snapshot *b, size_t window,
                    struct comparison *out);

/* Shares of a slot of both, [2] spreads and what they have in common; false when the
 * slots are others. */
bool compare_slot(const struct snapshot *a, const struct snapshot *b, size_t window, size_t slot,
                  double spread[2], double *overlap);

/* "default-x4 · eps 0.02": the compressor, and the settings that `other` has not. */
void compare_name(const struct snapshot *of, const struct snapshot *other, char *out, size_t size);

#endif
