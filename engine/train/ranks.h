/* The processes of a data-parallel run (MPI; `make MPI=1`, `mpirun -np N comprexit train`).
 * Each takes its share of the samples of a step; all hold the same parameters. Without
 * MPI, or not started by mpirun, there is one. */
#ifndef ENGINE_TRAIN_RANKS_H
#define ENGINE_TRAIN_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/ops/real.h"

struct ranks {
    size_t rank, size; /* rank < size; rank 0 alone reads and writes the run directory */
};

/* Joins the others; once, before anything else here. */
struct ranks ranks_begin(void);

/* All of them call these together; with one process nothing happens. */
void ranks_end(const struct ranks *ranks);
/* x [n] becomes the sum over all processes, the same bits everywhere. */
void ranks_sum(const struct ranks *ranks, real *x, size_t n);
void ranks_sum_double(const struct ranks *ranks, double *x, size_t n);
/* Everybody gets what rank 0 has. */
void ranks_share(const struct ranks *ranks, void *data, size_t bytes);
/* Does any of them say so? */
bool ranks_any(const struct ranks *ranks, bool here);

/* Ends all of them with this exit code; for errors of one. With one process it returns. */
void ranks_abort(const struct ranks *ranks, int code);

#endif
