#include "engine/train/health.h"

#include <stdio.h>

bool train_health_ok(const struct objective_result *h, double ratio, char *why, size_t size)
{
    double least = HEALTH_SPREAD_LEAST * ratio, most = HEALTH_SPREAD_MOST * ratio;
    if (!(h->senders_off <= HEALTH_SENDERS_OFF_MAX))
        snprintf(why, size, "senders off %.0e, normal up to %.0e", h->senders_off,
                 HEALTH_SENDERS_OFF_MAX);
    else if (!(h->spread >= least && h->spread <= most))
        snprintf(why, size, "spread %.1f tokens a slot, normal %.1f to %.1f", h->spread, least,
                 most);
    else
        return true;
    return false;
}
