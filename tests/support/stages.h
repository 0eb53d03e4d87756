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
    struct snapshot_window *held; /* whose plan is made again */
    bool muted[256], layer_off[31];
    struct training training;
    struct run_plan plan;
    struct samples samples;
    struct samples_text sample;
    struct results results;
    struct list_entry entries[32];
    char texts[32][2][96];
};

/* What was moved last. */
void stage_source(struct view_state *v, enum source_kind kind);

/* Explore and Compare. */
void stage_explore(struct stage *g);
void stage_gates(struct stage *g);
void stage_plan(struct stage *g);
void stage_answers(struct stage *g);
void stage_full_answer(struct stage *g);
void stage_plan_by_token(struct stage *g);
void stage_plan_turned(struct stage *g);
void stage_zoom_fit(struct stage *g);
void stage_zoom_cells(struct stage *g);
void stage_zoom_numbers(struct stage *g);
void stage_zoom_turned(struct stage *g);
void stage_zoom_turned_numbers(struct stage *g);
void stage_zoom_gates(struct stage *g);
void stage_zoom_gates_cells(struct stage *g);
void stage_zoom_gates_numbers(struct stage *g);
void stage_speech(struct stage *g);
void stage_strip(struct stage *g);
void stage_not_converged(struct stage *g);
void stage_few_iterations(struct stage *g);
void stage_lock(struct stage *g);
void stage_words_unit(struct stage *g);
void stage_mass_range(struct stage *g);
void stage_edits(struct stage *g);
void stage_edits_by_hand(struct stage *g);
void stage_tour(struct stage *g);
void stage_present(struct stage *g);
void stage_compare(struct stage *g);
void stage_difference(struct stage *g);
void stage_compare_other(struct stage *g);
void stage_loss(struct stage *g);
void stage_stale_untrained(struct stage *g);
void stage_other_window(struct stage *g);
void stage_answer_states(struct stage *g);
void stage_diff(struct stage *g);
void stage_message(struct stage *g);
void stage_paste(struct stage *g);

/* Boxes, and documents that are no ordinary ones. */
void stage_health(struct stage *g);
void stage_explain(struct stage *g);
void stage_words(struct stage *g);
void stage_formulas(struct stage *g);
void stage_help(struct stage *g);
void stage_help_filter(struct stage *g);
void stage_problem(struct stage *g);
void stage_start(struct stage *g);
void stage_open(struct stage *g);
void stage_open_first(struct stage *g);
void stage_wide_text(struct stage *g);
void stage_hostile(struct stage *g);
void stage_fragments(struct stage *g);
void stage_unread(struct stage *g);
void stage_no_plan(struct stage *g);
void stage_held_plan(struct stage *g);
void stage_engine_problem(struct stage *g);

/* Screens 3 to 5. */
void stage_train(struct stage *g);
void stage_train_probe(struct stage *g);
void stage_train_samples(struct stage *g);
void stage_train_log(struct stage *g);
void stage_train_norm(struct stage *g);
void stage_train_numbers(struct stage *g);
void stage_train_new(struct stage *g);
void stage_train_plain(struct stage *g);
void stage_train_form(struct stage *g);
void stage_data(struct stage *g);
void stage_data_sample(struct stage *g);
void stage_data_bad(struct stage *g);
void stage_data_records(struct stage *g);
void stage_eval(struct stage *g);
void stage_eval_running(struct stage *g);
void stage_eval_long(struct stage *g);

#endif
