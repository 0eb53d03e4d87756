#include "app/run_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/presets.h"
#include "app/worker.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/train/config.h"
#include "views/key_text.h"

struct reading {
    const struct run_form *form;
    struct train_config config;
    char text[512];
};

static bool read_preset(void *context, struct err *err)
{
    struct reading *r = context;
    return preset_read(r->form->preset, &r->config, r->text, sizeof r->text, err);
}

static bool apply_settings(const struct run_form *f, struct train_config *config, struct err *err)
{
    bool ok = train_config_set(config, "phase", f->phase, err);
    for (size_t i = 0; ok && i < f->n_settings; i++) {
        const char *equals = strchr(f->setting[i], '=');
        char *key = xstrndup(f->setting[i], (size_t)(equals - f->setting[i]));
        ok = train_config_set(config, key, equals + 1, err);
        free(key);
    }
    if (ok && config->micro_batch > config->batch) /* as train does */
        config->micro_batch = config->batch;
    return ok && train_config_check(config, err);
}

/* ---- settings ---------------------------------------------------------------- */

/* The group that begins with a key of the table, or NULL. */
static const char *group_at(const char *key)
{
    static const struct {
        const char *key, *group;
    } groups[] = {{"phase", "What is learnt"},   {"steps", "Steps"},
                  {"optimizer", "Optimizer"},    {"window", "Plan"},
                  {"init", "Start"},             {"valid_every", "Looking and saving"},
                  {"frozen_precision", "Machine"}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].key, key) == 0)
            return groups[i].group;
    return NULL;
}

static bool is_own(const struct run_form *f, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < f->n_settings; i++)
        if (strncmp(f->setting[i], key, length) == 0 && f->setting[i][length] == '=')
            return true;
    return false;
}

static void list_settings(const struct run_form *f, const struct train_config *config,
                          struct run_plan *plan)
{
    struct train_config built_in;
    struct train_config_row row, other;
    const char *group = "";
    train_config_defaults(&built_in);
    for (size_t i = 0; train_config_row(config, i, &row); i++) {
        const char *begins = group_at(row.key);
        train_config_row(&built_in, i, &other);
        group = begins ? begins : group;
        MEM_GROW(plan->settings, plan->settings_capacity, plan->n_settings + 1);
        struct run_setting *setting = &plan->settings[plan->n_settings++];
        *setting = (struct run_setting){.group = group, .key = row.key, .help = row.help};
        text_sanitize(setting->value, sizeof setting->value, row.value, strlen(row.value));
        setting->from = is_own(f, row.key)                    ? SETTING_OWN
                        : strcmp(row.value, other.value) != 0 ? SETTING_PRESET
                                                              : SETTING_BUILT_IN;
    }
}

/* ---- sums -------------------------------------------------------------------- */

static void sums_text(const struct train_config *c, char *out, size_t size)
{
    char steps[TEXT_NUMBER_MAX], samples[TEXT_NUMBER_MAX];
    size_t looks = c->valid_every ? 1 + size_div_up(c->steps, c->valid_every) : 0;
    size_t saves = c->save_every ? size_div_up(c->steps, c->save_every) : 1;
    snprintf(out, size, "%s steps of %zu: %s samples in all; %zu validation%s, %zu checkpoint%s",
             text_grouped(c->steps, steps), c->batch,
             text_grouped((uint64_t)c->steps * c->batch, samples), looks, text_plural(looks), saves,
             text_plural(saves));
}

/* ---- all --------------------------------------------------------------------- */

static const char *const about[] = {
    "ntp: text is learnt, the next tokens behind a compressed context; it comes first. sft: "
    "answers to questions, from slots; it goes on from a compressor that ntp made (init=PATH). "
    "prompt: no compressor, a few virtual tokens before the full context, the fair ceiling of sft.",
    "All settings under one name. cpu-: hours on this kind of machine. cuda-: minutes on a GPU. "
    "paper-: as published, which no CPU does. Enter goes on to the next; :train preset=PATH takes "
    "a file of your own.",
    "Plain text for ntp, questions with passages (JSON lines, SQuAD, MRQA) for sft and "
    "prompt; several with commas, FILE@2 twice as often as another. The end of each file is held "
    "out. ⁅3⁆ shows a file as the trainer will see it.",
    "A folder for this run: config, log, the last checkpoints, the best one, and the compressor "
    "as the program opens it. One that has a run goes on by :train resume.",
    "KEY=VALUE in place of what the preset says, several with blanks. The keys stand beside, "
    "or in comprexit train ntp --print-config.",
    "Does two steps and throws them away: tells the memory, the disk and the time that the run "
    "would take. Nothing is written.",
    "The run is a process of its own: Explore stays usable, and it saves itself when the program "
    "ends. ⁅P⁆ holds it, ⁅S⁆ saves now, ⁅C-c|^C⁆ stops it after its step.",
    "A run in the folder runs. Enter shows its curve, numbers and looks; ⁅[⁆ ⁅]⁆ walk to the "
    "next."};

void run_plan_make(const struct run_form *form, bool confined, struct run_plan *plan)
{
    struct reading r = {.form = form};
    struct err err = {0};
    run_plan_free(plan);
    train_config_defaults(&r.config);
    text_sanitize(plan->preset, sizeof plan->preset, form->preset, strlen(form->preset));
    snprintf(plan->phase, sizeof plan->phase, "%s", form->phase);
    memcpy(plan->about, about, sizeof about);
    plan->n_about = sizeof about / sizeof *about;
    if (!worker_call(confined, read_preset, &r, &err) ||
        !apply_settings(form, &r.config, &err)) {
        text_sanitize(plan->text, sizeof plan->text, err.text, strlen(err.text));
        return;
    }
    text_sanitize(plan->text, sizeof plan->text, r.text, strlen(r.text));
    sums_text(&r.config, plan->sums, sizeof plan->sums);
    list_settings(form, &r.config, plan);
}
