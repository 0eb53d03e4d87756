/* What is chosen on the screens beside Explore, and what they show; part of
 * struct view_state. The data are borrowed from app/; NULL: nothing is open, and the
 * screen is a list of entries that opens something. */
#ifndef VIEWS_SCREEN_STATE_H
#define VIEWS_SCREEN_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "views/results.h"
#include "views/run_plan.h"
#include "views/samples.h"
#include "views/training.h"

enum train_pane { TRAIN_CURVE, TRAIN_NUMBERS, TRAIN_PROBE, TRAIN_SAMPLES, TRAIN_LOG, TRAIN_PANES };
extern const char *const train_pane_name[TRAIN_PANES];

/* What the curve shows: the key v walks. */
#define TRAIN_VALUES(X)                                                        \
    X(LOSS, "loss", "Loss, nats per token", loss)                              \
    X(RATE, "lr", "Learning rate", lr)                                         \
    X(NORM, "norm", "Norm of the gradient", norm)                              \
    X(SPEED, "speed", "Tokens per second", tokens)
#define TRAIN_VALUE_ENUM(id, word, title, member) TRAIN_##id,
enum train_value { TRAIN_VALUES(TRAIN_VALUE_ENUM) TRAIN_VALUE_COUNT };
#undef TRAIN_VALUE_ENUM
extern const char *const train_value_name[TRAIN_VALUE_COUNT]; /* "loss" */

struct train_state {
    const struct training *run; /* NULL: none */
    const struct run_plan *plan; /* of the form; NULL: none */
    enum train_pane focus;
    enum train_value value;
    bool log_scale, zoomed, playing;
    size_t probe;      /* which snapshot is shown; the last when it is beyond */
    size_t log_back;   /* lines of the log that are scrolled out below */
};

enum data_pane { DATA_LIST, DATA_SAMPLE, DATA_PANES };
extern const char *const data_pane_name[DATA_PANES];

struct data_state {
    const struct samples *set;       /* NULL: none */
    const struct samples_text *text; /* of one sample, perhaps of another than `at` */
    enum data_pane focus;
    size_t at; /* the chosen row */
    enum data_view { DATA_TEXT, DATA_TOKENS, DATA_RAW, DATA_VIEWS } view;
    char filter[64];
};

struct eval_state {
    const struct results *results; /* NULL: none */
    size_t set, example;           /* the chosen ones */
    enum results_filter filter;
};

#endif
