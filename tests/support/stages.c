#include "tests/support/stages.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"

void stage_train(struct stage *g)
{
    sample_training(&g->training);
    g->v.screen = SCREEN_TRAIN;
    g->v.train.run = &g->training;
    g->v.train.probe = SIZE_MAX;
}

void stage_train_probe(struct stage *g)
{
    stage_train(g);
    g->v.train.focus = TRAIN_PROBE;
    g->v.train.probe = 2;
}

void stage_train_samples(struct stage *g)
{
    stage_train(g);
    g->v.train.focus = TRAIN_SAMPLES;
}

void stage_train_log(struct stage *g)
{
    stage_train(g);
    g->v.train.focus = TRAIN_LOG;
    g->v.train.log_back = 1;
}

void stage_train_norm(struct stage *g)
{
    stage_train(g);
    g->v.train.value = TRAIN_NORM;
    g->v.train.log_scale = g->v.train.zoomed = true;
}

void stage_train_numbers(struct stage *g)
{
    stage_train(g);
    g->v.train.focus = TRAIN_NUMBERS;
    g->training.state = TRAINING_PAUSED;
}

/* The model is read: no step yet, nothing saved. */
void stage_train_new(struct stage *g)
{
    stage_train(g);
    training_log_free(&g->training.log);
    g->training.state = TRAINING_STARTING;
    g->training.saved_step = 0;
    g->v.train.probe = 0;
    g->training.eta_s = g->training.saved_ago_s = -1;
    snprintf(g->training.stage, sizeof g->training.stage, "records");
}

/* Without a run: the form, in which a setting of one's own stands beside those of the preset. */
void stage_train_form(struct stage *g)
{
    static const char *const lines[][2] = {
        {"Phase", "ntp"}, {"Preset", "cpu-ntp"}, {"Data", "harbour.txt, as on the Data screen"},
        {"Run directory", "where checkpoints and log go: Enter types it"},
        {"Settings", "steps=30"}, {"Dry run", "two steps that are thrown away"}, {"Start", ""}};
    static const char *const groups[] = {"Steps", "Optimizer", "Plan"};
    enum { LINES = sizeof lines / sizeof *lines, SETTINGS = 36 };
    for (size_t i = 0; i < LINES; i++) {
        snprintf(g->texts[i][0], sizeof g->texts[i][0], "%s", lines[i][0]);
        snprintf(g->texts[i][1], sizeof g->texts[i][1], "%s", lines[i][1]);
        g->entries[i] = (struct list_entry){.label = g->texts[i][0], .detail = g->texts[i][1]};
    }
    struct run_plan *plan = &g->plan;
    snprintf(plan->phase, sizeof plan->phase, "ntp");
    snprintf(plan->preset, sizeof plan->preset, "cpu-ntp");
    snprintf(plan->text, sizeof plan->text, "Next-token prediction in hours on a CPU.");
    snprintf(plan->sums, sizeof plan->sums, "30 steps of 8: 240 samples in all");
    for (size_t i = 0; i < SETTINGS; i++) {
        MEM_GROW(plan->settings, plan->settings_capacity, plan->n_settings + 1);
        plan->settings[plan->n_settings++] = (struct run_setting){
            .group = groups[i / 12], .key = i ? "valid_samples" : "steps",
            .help = i % 7 ? "optimizer steps" : "held-out samples of each kind in a validation, "
                                                "with a sentence that is too long for its line",
            .value = "30",
            .from = i == 0 ? SETTING_OWN : i % 3 ? SETTING_BUILT_IN : SETTING_PRESET};
    }
    plan->about[0] = "All settings under one name, with a sentence that goes on for some lines on "
                     "a screen where it has few columns.";
    plan->n_about = 1;
    g->v.screen = SCREEN_TRAIN;
    g->v.dialog_title = "Train a compressor";
    g->v.dialog_keys = "arrows and Enter choose \u00b7 Esc \u00b7 ? help";
    g->v.entries = g->entries;
    g->v.n_entries = LINES;
    g->v.overlay_at = 3;
    g->v.train.plan = plan;
}

/* A run without looks at a probe: the curve has their columns. */
void stage_train_plain(struct stage *g)
{
    stage_train(g);
    while (g->training.n_probes > 0)
        training_probe_free(&g->training.probes[--g->training.n_probes]);
    g->v.train.probe = 0;
}

void stage_data(struct stage *g)
{
    sample_samples(&g->samples, &g->sample);
    g->v.screen = SCREEN_DATA;
    g->v.data.set = &g->samples;
    g->v.data.text = &g->sample;
    g->v.data.at = g->sample.index;
}

void stage_data_sample(struct stage *g)
{
    stage_data(g);
    g->v.data.focus = DATA_SAMPLE;
    g->v.data.view = DATA_TOKENS;
}

/* The filter leaves bad records; the cursor is on one. */
void stage_data_bad(struct stage *g)
{
    stage_data(g);
    snprintf(g->v.data.filter, sizeof g->v.data.filter, "bad");
    g->v.data.at = samples_row_next(&g->samples, 0, 1, "bad");
}

void stage_eval(struct stage *g)
{
    sample_results(&g->results);
    g->v.screen = SCREEN_EVAL;
    g->v.eval.results = &g->results;
    g->v.eval.example = results_next(&g->results.sets[0], 0, 1, RESULTS_SHOW_LOST);
}

/* Long names and answers have the room that others leave. */
void stage_eval_long(struct stage *g)
{
    stage_eval(g);
    struct results_set *set = &g->results.sets[0];
    snprintf(set->name, sizeof set->name, "harbour-questions-of-autumn");
    char **gold = &set->examples[g->v.eval.example].gold;
    free(*gold);
    *gold = xstrdup("in the spring of the year 1888, after the war");
}

/* Several samples a record, and a count that says which of the two it is. */
void stage_data_records(struct stage *g)
{
    stage_data(g);
    g->samples.good = 700;
}

/* What the colours of the plan mean, where it is not the usual. */
void stage_plan_by_token(struct stage *g)
{
    stage_plan(g);
    g->v.value[PANE_PLAN] = VALUE_TOKEN_SHARE;
    g->v.normalise = NORM_TOKEN;
}

void stage_eval_running(struct stage *g)
{
    stage_eval(g);
    g->v.eval.set = 2;
    g->v.eval.filter = RESULTS_SHOW_WON;
    g->v.eval.example = 0;
}
