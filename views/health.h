/* Plan health: a few numbers that say whether gates and plan look as they should, over
 * the windows of the range, or the window of the cursor. */
#ifndef VIEWS_HEALTH_H
#define VIEWS_HEALTH_H

#include "views/view_state.h"

struct health_line {
    const char *name, *why; /* static text */
    char value[48], normal[48];
    bool ok;
    struct source worst; /* where to look; kind NONE: nowhere */
};

enum { HEALTH_LINES = 8 };

/* Fills lines in the order of display and returns how many: 0 when nothing is read. */
size_t health_compute(const struct snapshot *snapshot, const struct view_state *state,
                      struct health_line lines[HEALTH_LINES]);

#endif
