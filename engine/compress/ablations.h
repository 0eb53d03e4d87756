/* METHOD section 9: what the paper takes out of the method to see what it gives.
 * Most are a line where they apply: a shut gate (gate.c), uniform mass (mass.c),
 * shuffled home spans (windows.c). Here: independent pooling instead of a plan. */
#ifndef ENGINE_COMPRESS_ABLATIONS_H
#define ENGINE_COMPRESS_ABLATIONS_H

#include "engine/compress/compressor.h"

/* Every slot is the mean of its home span: the plan of a cost that is 0 at home
 * and prohibitive elsewhere. Fills in mass, cost, plan, row 0 of f, g and errors. */
void ablation_mean_plan(double eps, struct segment_plan *plan);

#endif
