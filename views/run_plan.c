#include "views/run_plan.h"

#include <stdlib.h>

void run_plan_free(struct run_plan *plan)
{
    free(plan->settings);
    *plan = (struct run_plan){0};
}
