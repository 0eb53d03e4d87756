/* What a golden screen shows: the state that view_draw gets, and what it borrows. */
#ifndef TESTS_SUPPORT_STAGES_H
#define TESTS_SUPPORT_STAGES_H

#include <stdbool.h>

#include "tests/support/sample_results.h"
#include "tests/support/sample_training.h"
#include "views/view_state.h"

struct stage {
    struct snapshot *s;
    struct view_state v;
    struct snapshot *pinned; /* of the Compare screen */
    bool muted[256], layer_off[31];
    struct training training;
    struct samples samples;
    struct samples_text sample;
    struct results results;
    struct list_entry entries[32];
    char texts[32][2][96];
};

/* Screens 3 to 5; those of Explore and Compare are set in test_screens.c. */
void stage_train(struct stage *g);
void stage_train_probe(struct stage *g);
void stage_train_samples(struct stage *g);
void stage_train_log(struct stage *g);
void stage_train_norm(struct stage *g);
void stage_train_numbers(struct stage *g);
void stage_train_new(struct stage *g);
void stage_data(struct stage *g);
void stage_data_sample(struct stage *g);
void stage_data_bad(struct stage *g);
void stage_eval(struct stage *g);
void stage_eval_running(struct stage *g);

#endif
