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

/* The first line of the pane: the one that holds document_top. */
struct text_line document_top_line(const struct scene *scene,
                                   const struct document_geometry *geometry);

/* Text, marks and minimap from a line on. */
void document_draw(struct scene *scene, const struct document_geometry *geometry,
                   const struct text_line *top);

/* The token, or the place in the minimap, at a cell of the screen where `top` is the first line. */
struct view_hit document_hit(const struct scene *scene, const struct document_geometry *geometry,
                             const struct text_line *top, int row, int column);

#endif
