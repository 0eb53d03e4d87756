/* Colour maps for heat, on screen and in figures: 256 levels, from compact tables
 * of published control colours with straight lines between them (viridis and magma
 * by Smith and van der Walt, cividis by Nunez, Anderton and Renslow, vik by
 * Crameri, RdBu by Brewer). Colours are 0xRRGGBB. */
#ifndef VIEWS_COLORMAP_H
#define VIEWS_COLORMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first MAP_COUNT are sequential; the diverging ones, for differences only,
 * have 0 at level 128. */
enum color_map {
    MAP_VIRIDIS,
    MAP_CIVIDIS,
    MAP_MAGMA,
    MAP_GRAY, /* 0 is white */
    MAP_COUNT,
    MAP_VIK = MAP_COUNT,
    MAP_RDBU,
    MAP_ALL
};
extern const char *const color_map_name[MAP_ALL]; /* "viridis", ..., "vik", "rdbu" */

enum { COLORMAP_LEVELS = 256 };

/* level is clamped to 0..255. */
uint32_t colormap_rgb(enum color_map map, int level);

/* False: no such map. *rainbow (may be NULL) says whether it is one of the maps that
 * are refused because they invent edges (jet, hsv, rainbow, turbo, spectral). */
bool colormap_parse(const char *name, enum color_map *map, bool *rainbow);

/* Relative luminance (0..1) and contrast (1..21) as WCAG 2 defines them. */
double color_luminance(uint32_t rgb);
double color_contrast(uint32_t a, uint32_t b);

/* Black or white, whichever stands out more on this background: at least 4.5. */
uint32_t color_ink(uint32_t background);

/* `weight` of a and the rest of b, weight in 0..1, channel by channel. */
uint32_t color_mix(uint32_t a, uint32_t b, double weight);

#endif
