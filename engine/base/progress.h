/* How a long call reports and is cancelled. Called between layers, windows,
 * tokens and steps, on the thread that made the call; returning false makes the
 * call give up with ERR_CANCELLED. A NULL `progress` means nobody listens. */
#ifndef ENGINE_BASE_PROGRESS_H
#define ENGINE_BASE_PROGRESS_H

#include <stddef.h>

#include "engine/base/err.h"

struct progress {
    /* stage: a word or two for people ("layers", "windows"); done of total. */
    bool (*tick)(void *context, const char *stage, size_t done, size_t total);
    void *context;
};

static inline bool progress_tick(const struct progress *progress, const char *stage, size_t done,
                                 size_t total, struct err *err)
{
    if (!progress || !progress->tick || progress->tick(progress->context, stage, done, total))
        return true;
    return err_set(err, ERR_CANCELLED, "stopped");
}

#endif
