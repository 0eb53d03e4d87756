/* Axes of figures: which cells get a label, and which numbers stand beside a
 * scale. */
#ifndef VIEWS_FIGURE_AXIS_H
#define VIEWS_FIGURE_AXIS_H

#include <stdbool.h>
#include <stddef.h>

#include "views/figure.h"

/* Round numbers in [low, high]: multiples of one step, five of them when low is 0,
 * four or five otherwise. Fills value[] in ascending order and returns the count;
 * *decimals that the step needs. low < high. */
enum { AXIS_NUMBERS_MAX = 8 };
size_t axis_round_numbers(double low, double high, double value[AXIS_NUMBERS_MAX], int *decimals);

/* A number with that many decimals; very small steps as 5e-07. */
void axis_format_number(char *out, size_t size, double value, int decimals);

/* The largest 1, 2 or 5 times a power of ten that is not over top > 0, and its text. */
double axis_round_number(double top, char *out, size_t size);

struct axis_label {
    size_t at; /* cell */
    const char *text; /* borrowed from the data */
    bool strong;
};

/* The chosen labels, in order of their cells; freed by the caller. `cell`: extent
 * of a cell, `room`: what a label needs along the axis, both in pixels. No two
 * labels touch: locked and selected tokens are placed first, then the others by
 * sender mass. */
struct axis_label *axis_token_labels(const struct figure_data *data,
                                     const struct figure_options *options, double cell,
                                     double room, size_t *count);

/* Every data->row_step-th row, or every second, fourth ... of these. Slots are counted anew in
 * each window; where its first label comes too near to the one before, that one goes. */
struct axis_label *axis_row_labels(const struct figure_data *data, double cell, double room,
                                   size_t *count);

#endif
