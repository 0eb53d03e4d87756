/* What a run from the form would do, for the Train screen: the preset's text, all settings, how
 * many samples, validations and checkpoints they come to. */
#ifndef APP_RUN_PLAN_H
#define APP_RUN_PLAN_H

#include <stdbool.h>

#include "app/run_form.h"
#include "views/run_plan.h"

/* The plan, in place of the one before, which *plan holds; of a form that does not fit together
 * it has the reason only. Reads the preset in a thread, confined or not. */
void run_plan_make(const struct run_form *form, bool confined, struct run_plan *plan);

#endif
