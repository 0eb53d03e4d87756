/* A drawing as pixels. Cells and rectangles have hard edges on whole pixels; only
 * text and slanted lines are smoothed. */
#ifndef VIEWS_RASTER_H
#define VIEWS_RASTER_H

#include <stddef.h>
#include <stdint.h>

#include "views/drawing.h"
#include "views/font.h"

struct raster {
    size_t width, height;
    size_t channels; /* 3: RGB; 4: RGB and opacity, for a transparent background */
    uint8_t *pixels; /* [height, width, channels], owned */
};

/* Pixels of a length at a resolution. */
static inline double raster_pixels(double points, double dpi)
{
    return points * dpi / 72;
}

/* Paints the drawing. bold may be NULL: then bold text is set in `regular`. */
void raster_paint(const struct drawing *drawing, const struct font *regular,
                  const struct font *bold, struct raster *raster);
void raster_free(struct raster *raster);

#endif
