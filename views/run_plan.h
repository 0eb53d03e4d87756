/* What the form of the Train screen tells beside its lines: what a run from it would do. Plain
 * data, made by app/ from the form. Texts are sanitised. */
#ifndef VIEWS_RUN_PLAN_H
#define VIEWS_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

enum setting_from { SETTING_BUILT_IN, SETTING_PRESET, SETTING_OWN };

struct run_setting {
    const char *group;      /* borrowed, as are key and help: "Optimizer" */
    const char *key, *help;
    char value[64];
    enum setting_from from;
};

enum { RUN_PLAN_ABOUT = 8 };

struct run_plan {
    char phase[16], preset[64];
    char text[512];    /* what the preset says of itself, or why there is no plan */
    char sums[160];    /* "600 steps of 8 samples: 4,800 samples ..." */
    struct run_setting *settings;
    size_t n_settings, settings_capacity; /* 0: no plan */
    const char *about[RUN_PLAN_ABOUT]; /* each line of the form, the last: all others; borrowed */
    size_t n_about;
};
void run_plan_free(struct run_plan *plan); /* frees what it holds, not *plan */

#endif
