/* What the form of the Train screen holds: which run to begin. Words of the command
 * `train` change it, and the arguments of `comprexit train` come out of it. */
#ifndef APP_RUN_FORM_H
#define APP_RUN_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

enum {
    RUN_FORM_PARTS = 16,
    RUN_FORM_ARGUMENTS = 4 * RUN_FORM_PARTS + 16, /* two words a part, the others, NULL */
};

struct run_form {
    char phase[16], preset[64];
    bool resume;
    char *data[RUN_FORM_PARTS]; /* owned */
    size_t n_data;
    bool data_proposed; /* nobody named it */
    char *directory;            /* owned; NULL: none yet */
    char *setting[RUN_FORM_PARTS]; /* "key=value", owned */
    size_t n_settings;
};

void run_form_init(struct run_form *form);
void run_form_copy(struct run_form *copy, const struct run_form *form); /* to be freed */
void run_form_free(struct run_form *form);

/* One word: a phase, "resume", preset=NAME, data=FILE,... (in place of those before; with
 * @WEIGHT), run=DIR, or KEY=VALUE of the training settings. Phase and built-in preset follow
 * each other: of two that do not go together the later word holds. */
bool run_form_word(struct run_form *form, const char *word, struct err *err);

/* Data, and the phase that takes it ("ntp" or "sft": the last also suits prompt), unless data were
 * named. Does it change the form? */
bool run_form_propose(struct run_form *form, const char *path, const char *phase);

/* What is missing before a dry run or a start. */
bool run_form_complete(const struct run_form *form, bool dry_run, struct err *err);

/* The phase and the preset after the present one. */
const char *run_form_next_phase(const struct run_form *form);
const char *run_form_next_preset(const struct run_form *form);

/* "a.txt, b.txt"; "" without any. */
void run_form_data_text(const struct run_form *form, char *out, size_t size);
void run_form_settings_text(const struct run_form *form, char *out, size_t size);

/* The words behind the program's name; NULL behind the last. model may be NULL. Texts
 * are borrowed from the form and the model. */
void run_form_arguments(const struct run_form *form, const char *model, bool sandbox, bool dry_run,
                        const char *out[RUN_FORM_ARGUMENTS]);

#endif
