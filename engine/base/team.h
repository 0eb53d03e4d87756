/* The threads of the process: they share out the parts of a loop among themselves.
 *
 * Whoever calls takes parts too, and the others help as far as they are free: nobody waits
 * for a thread that has not begun. So a machine with other work on it costs no more than
 * the share of the cores that this work takes. Each thread begins with a share of its own, one
 * piece of the items, and then takes from those of others: the same rows of one loop after the
 * other, which are in its core's cache. */
#ifndef ENGINE_BASE_TEAM_H
#define ENGINE_BASE_TEAM_H

#include <stddef.h>

enum { TEAM_THREADS_MAX = 1024 };

/* Items first..last - 1 of a loop. */
typedef void team_part(const void *loop, size_t first, size_t last);

/* Calls part(loop, first, last) for ranges of `grain` items that cover 0..count - 1 once,
 * in any order and at the same time, and returns when all are done. The ranges depend on
 * count and grain alone, and grain must on the work alone: then so do the bits. A call from
 * inside a part, or while another thread's loop runs, runs alone. */
void team_run(team_part *part, const void *loop, size_t count, size_t grain);

/* Items of a part of about `work` multiplications or so, when an item takes `each`. */
size_t team_grain(size_t each, size_t work);

/* How many threads share the loops, the caller included: as many as the process may use
 * cores (or $OMP_NUM_THREADS), or what was set last (1..TEAM_THREADS_MAX). */
size_t team_threads(void);
void team_set_threads(size_t threads);

/* From now on at most this many, whatever is set. */
void team_limit_threads(size_t most);

#endif
