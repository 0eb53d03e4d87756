#include "engine/train/schedule.h"

#include <math.h>

size_t schedule_warmup_steps(double share, size_t steps)
{
    return (size_t)ceil(share * (double)steps);
}

double schedule_rate(enum schedule_kind kind, double peak, size_t warmup, size_t steps, size_t s)
{
    if (s < warmup)
        return peak * (double)s / (double)warmup;
    if (kind == SCHEDULE_CONSTANT)
        return peak;
    if (s >= steps)
        return 0;
    double left = (double)(steps - s) / (double)(steps - warmup);
    return kind == SCHEDULE_LINEAR ? peak * left : peak * 0.5 * (1 - cos(M_PI * left));
}
