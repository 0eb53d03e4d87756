/* The figure of learning curves: loss against steps of one or several runs, with their
 * held-out losses and, for a single run, the levels of the full and of no context. */
#ifndef VIEWS_FIGURE_CURVE_H
#define VIEWS_FIGURE_CURVE_H

#include "views/figure.h"
#include "views/training.h"

enum { FIGURE_CURVES_MAX = 8 };

struct figure_curve {
    const struct training_log *log; /* borrowed */
    const char *name;               /* in the legend */
};

/* Of options: width_mm, height_mm (0: two thirds of the width), dpi, dark, transparent,
 * title, scale (log: of the loss), limits. ERR_INPUT when no run has a step. */
bool figure_draw_curves(struct drawing *drawing, const struct figure_curve *curves, size_t n,
                        const struct figure_options *options, const struct figure_fonts *fonts,
                        struct err *err);

#endif
