/* Where the settings strip has its fields and its bar of iterations: for drawing and the mouse. */
#ifndef VIEWS_STRIP_H
#define VIEWS_STRIP_H

#include "views/scene.h"

struct strip_geometry {
    struct rect area;
    bool brief;    /* short words */
    bool no_slots; /* without the number of slots behind the ratio */
    bool note;     /* room for what is left to balance, at the end of the last row */
    bool hint;     /* and for the way to balance, where it is missed */
    int field_row[STRIP_FIELDS], field_column[STRIP_FIELDS]; /* of the screen */
    int bar, bar_columns; /* in the first row; 0 columns: none */
    bool curve;           /* senders off of each iteration in place of the bar */
};
struct strip_geometry strip_geometry(const struct scene *scene);
int strip_iteration_at(const struct scene *scene, const struct strip_geometry *geometry,
                       int column);

#endif
