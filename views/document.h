/* Where the text of the document pane stands: for drawing, scrolling and the mouse. */
#ifndef VIEWS_DOCUMENT_H
#define VIEWS_DOCUMENT_H

#include "views/scene.h"

struct document_geometry {
    struct rect area;
    int digits;  /* columns of the line's index */
    int text;    /* first column of the text */
    int minimap; /* its column; the mark of the current window stands to the left */
    struct text_layout layout;
};

struct document_geometry document_geometry(const struct scene *scene, struct rect area);

/* The line in row `row` of the pane, 0 = the one that holds document_top. False: the
 * text ends above it. */
bool document_lines(const struct scene *scene, const struct document_geometry *geometry, int row,
                    struct text_line *line);

#endif
