/* Cells that are numbers, tokens across: what the zooms of gates and plan have in common. */
#ifndef VIEWS_TOKEN_TABLE_H
#define VIEWS_TOKEN_TABLE_H

#include "views/scene.h"

enum {
    TABLE_LABEL = 5, /* "[s12]" */
    TABLE_CELL = 7,
    TABLE_HEAD = 3, /* rows: index, text and sender mass of each token */
    TABLE_FOOT = 2  /* rows: what the row at the cursor is about */
};

struct token_table {
    struct rect area;
    size_t token, tokens; /* first shown, how many */
    size_t row, rows;     /* the same of what goes down: slots, or layers from the top */
    int cells, side;      /* first column of the cells, column of the frame behind them */
    size_t hidden;        /* rows that do not fit */
};

/* `count` rows, scrolled to the one `top`; `side` columns are kept behind the frame. */
struct token_table token_table(const struct scene *scene, struct rect area, int side, size_t top,
                               size_t count);

/* The cell under a place on the screen, in the window; false beside the cells. */
bool token_table_at(const struct token_table *table, int row, int column, size_t *token,
                    size_t *at);

void draw_table_head(struct scene *scene, const struct token_table *table);
void draw_table_label(struct scene *scene, const struct token_table *table, int row,
                      const char *label, enum canvas_role role);

/* 100 times the value, and how it is coloured. */
void draw_table_number(struct scene *scene, int row, int column, double value, double position,
                       bool here);

/* "...  6 more slot rows", where some are hidden. */
void draw_table_hidden(struct scene *scene, const struct token_table *table, const char *of_what);

/* At the foot: " coal 39%  dust 27% ...", the largest of share [tokens of the window]; free it
 * afterwards. `parts`: together they are all of it, so the rest is told as well. */
void draw_table_foot(struct scene *scene, struct rect table, const char *title,
                     const double *share, bool parts);

#endif
