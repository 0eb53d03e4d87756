/* Where the settings strip has its bar of iterations: for drawing and the mouse. */
#ifndef VIEWS_STRIP_H
#define VIEWS_STRIP_H

#include "views/scene.h"

struct strip_geometry {
    struct rect area;
    bool brief;
    int gap, bar, bar_columns;
    bool curve; /* senders off of each iteration in place of the bar */
};
struct strip_geometry strip_geometry(const struct scene *scene);
int strip_iteration_at(const struct scene *scene, const struct strip_geometry *geometry,
                       int column);

#endif
