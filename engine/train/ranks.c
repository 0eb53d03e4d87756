#include "engine/train/ranks.h"

#ifdef COMPREXIT_MPI
#include <mpi.h>
#include <stdlib.h>

#include "engine/base/size.h"

/* Counts of MPI are int. */
enum { PART = 1 << 24 };

struct ranks ranks_begin(void)
{
    int rank, size;
    /* Not under mpirun: nobody to join. */
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMI_SIZE"))
        return (struct ranks){0, 1};
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return (struct ranks){(size_t)rank, (size_t)size};
}

static bool joined(void)
{
    int begun = 0, ended = 0;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    return begun && !ended;
}

void ranks_end(const struct ranks *ranks)
{
    (void)ranks;
    if (joined())
        MPI_Finalize();
}

/* One process adds and tells the others: an all-reduce may round differently on each. */
static void sum(const struct ranks *ranks, void *x, size_t bytes, size_t n, MPI_Datatype type)
{
    for (size_t first = 0; ranks->size > 1 && first < n; first += PART) {
        int count = (int)size_min(PART, n - first);
        char *at = (char *)x + first * bytes;
        MPI_Reduce(ranks->rank == 0 ? MPI_IN_PLACE : at, at, count, type, MPI_SUM, 0,
                   MPI_COMM_WORLD);
        MPI_Bcast(at, count, type, 0, MPI_COMM_WORLD);
    }
}

void ranks_sum(const struct ranks *ranks, real *x, size_t n)
{
    sum(ranks, x, sizeof *x, n, sizeof(real) == 4 ? MPI_FLOAT : MPI_DOUBLE);
}

void ranks_sum_double(const struct ranks *ranks, double *x, size_t n)
{
    sum(ranks, x, sizeof *x, n, MPI_DOUBLE);
}

void ranks_share(const struct ranks *ranks, void *data, size_t bytes)
{
    for (size_t first = 0; ranks->size > 1 && first < bytes; first += PART)
        MPI_Bcast((char *)data + first, (int)size_min(PART, bytes - first), MPI_BYTE, 0,
                  MPI_COMM_WORLD);
}

bool ranks_any(const struct ranks *ranks, bool here)
{
    int any = here;
    if (ranks->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return any != 0;
}

void ranks_abort(const struct ranks *ranks, int code)
{
    if (ranks->size > 1)
        MPI_Abort(MPI_COMM_WORLD, code);
}

#else

struct ranks ranks_begin(void)
{
    return (struct ranks){0, 1};
}

void ranks_end(const struct ranks *ranks)
{
    (void)ranks;
}

void ranks_sum(const struct ranks *ranks, real *x, size_t n)
{
    (void)ranks, (void)x, (void)n;
}

void ranks_sum_double(const struct ranks *ranks, double *x, size_t n)
{
    (void)ranks, (void)x, (void)n;
}

void ranks_share(const struct ranks *ranks, void *data, size_t bytes)
{
    (void)ranks, (void)data, (void)bytes;
}

bool ranks_any(const struct ranks *ranks, bool here)
{
    (void)ranks;
    return here;
}

void ranks_abort(const struct ranks *ranks, int code)
{
    (void)ranks, (void)code;
}

#endif
