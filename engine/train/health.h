/* Is the plan that training has made a sound one? The limits are those of plan health in the
 * explorer (views/health.c), for the numbers that a validation has. */
#ifndef ENGINE_TRAIN_HEALTH_H
#define ENGINE_TRAIN_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/train/objective.h"

#define HEALTH_SENDERS_OFF_MAX 0.01
#define HEALTH_SPREAD_LEAST 0.5 /* times the ratio */
#define HEALTH_SPREAD_MOST 4.0

/* False, with what is wrong in `why`, "spread 31.2 tokens a slot, normal 2.0 to 16.0"; values
 * that are not finite are wrong. */
bool train_health_ok(const struct objective_result *health, double ratio, char *why, size_t size);

#endif
