#include "app/train_form.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/data_screen.h"
#include "app/dialog.h"
#include "app/run_control.h"
#include "app/run_folder.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/train/run.h"
#include "views/key_text.h"
#include "views/token_text.h"

static const char runs_folder[] = "runs";
enum { FORM_DATA = 2 /* the line of the form */ };

static void add_runs(const struct session *s, struct list *list)
{
    char *names[RUN_FOLDER_MAX], facts[RUN_FOLDER_MAX][RUN_FOLDER_FACTS];
    size_t n = run_folder_list(runs_folder, names);
    if (n)
        list_add_text(list, " ");
    run_folder_facts(names, n, !s->no_sandbox, facts);
    for (size_t i = 0; i < n; i++) {
        char *word = list_quote(names[i]), line[512];
        snprintf(line, sizeof line, "watch %s", word);
        list_add(list, file_name(names[i]), facts[i][0] ? facts[i] : "a run: look at it", line);
        free(word);
    }
    run_folder_free(names, n);
}

static void add_estimate(struct session *s, struct list *list)
{
    struct run_estimate e;
    char total[TEXT_NUMBER_MAX], number[TEXT_NUMBER_MAX];
    char memory[TEXT_NUMBER_MAX], disk[TEXT_NUMBER_MAX];
    if (!run_control_estimate(s, &e))
        return;
    text_duration(e.total_ms, total);
    list_add_text(list, " ");
    list_add_text(list, "The dry run found: %s numbers to train",
                  text_grouped(e.parameters, number));
    list_add_text(list, "  memory  %s beside the model", text_bytes(e.memory_bytes, memory));
    list_add_text(list, "  disk    %s of checkpoints", text_bytes(e.disk_bytes, disk));
    list_add_text(list, "  time    %.2f s a step, %.1f s a validation, %s in all",
                  e.step_ms / 1e3, e.validation_ms / 1e3, total);
}

static void add_choice(struct list *list, const char *name, const char *value,
                       const char *otherwise, const char *command)
{
    char detail[384];
    text_sanitize(detail, sizeof detail, value, strlen(value));
    list_add(list, name, detail[0] ? detail : otherwise, command);
}

/* Where the form begins: at what changes by Enter, for who goes through its values; else at what
 * is missing, since without data nothing can be measured; then at what comes next. */
static size_t form_choice(struct session *s, size_t before, size_t dry_run)
{
    struct run_estimate ignored;
    if (before < FORM_DATA)
        return before;
    if (!run_control_form(s)->n_data)
        return FORM_DATA;
    return dry_run + run_control_estimate(s, &ignored);
}

/* Who looked at a file on the Data screen probably trains on it. */
static void propose_data(struct session *s)
{
    const char *path = data_screen_shown(s);
    if (path && run_form_propose(run_control_form(s), path, s->view.data.set->phase))
        run_control_forget_estimate(s);
}

void train_form_show(struct session *s)
{
    static const char title[] = "Train a compressor";
    propose_data(s);
    const struct run_form *f = run_control_form(s);
    size_t before = s->view.dialog_title == title ? s->view.overlay_at : SIZE_MAX;
    struct list *list = dialog_begin(s);
    char line[160], text[512];
    snprintf(line, sizeof line, "train %s", run_form_next_phase(f));
    add_choice(list, "Phase", f->phase, "", line);
    snprintf(line, sizeof line, "train preset=%s", run_form_next_preset(f));
    add_choice(list, "Preset", f->preset, "", line);
    run_form_data_text(f, text, sizeof text);
    if (f->data_proposed)
        text_add(text, sizeof text, ", as on the Data screen");
    add_choice(list, "Data", text, "a text file, or questions for sft: Enter types it",
               "prompt command \"train data=\"");
    add_choice(list, "Run directory", f->directory ? f->directory : "",
               "where checkpoints and log go: Enter types it",
               "prompt command \"train run=runs/\"");
    run_form_settings_text(f, text, sizeof text);
    add_choice(list, "Settings", text, "as the preset says; Enter types others, as steps=600",
               "prompt command \"train \"");
    size_t dry_run = list->count;
    list_add(list, "Dry run", "two steps that are thrown away: memory, disk, time",
             "train dry-run");
    list_add(list, "Start", f->resume ? "goes on from the newest whole checkpoint" : "",
             "train start");
    add_estimate(s, list);
    if (run_control_alive(s))
        list_add_text(list, " ");
    if (run_control_alive(s))
        list_add_text(list, "measuring ... %s stops", key_text(&s->view, "⁅C-c|^C⁆").text);
    add_runs(s, list);
    dialog_show(s, OVERLAY_NONE, title,
                "arrows and Enter choose \u00b7 Esc \u00b7 ⁅?⁆ help");
    s->view.overlay_at = form_choice(s, before, dry_run);
    s->view.train.plan = run_control_plan(s);
}
