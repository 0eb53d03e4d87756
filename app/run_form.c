#include "app/run_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/presets.h"
#include "app/refusal.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/train/config.h"

static const char *const phases[] = {"ntp", "sft", "prompt"};
#define PRESET_ENTRY(name) name,
static const char *const presets[] = {TRAIN_PRESETS(PRESET_ENTRY, PRESET_ENTRY)};
enum { N_PHASES = sizeof phases / sizeof *phases, N_PRESETS = sizeof presets / sizeof *presets };

void run_form_init(struct run_form *f)
{
    *f = (struct run_form){0};
    snprintf(f->phase, sizeof f->phase, "ntp");
    snprintf(f->preset, sizeof f->preset, "cpu-ntp");
}

static void drop(char **texts, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        free(texts[i]);
    *n = 0;
}

void run_form_copy(struct run_form *copy, const struct run_form *f)
{
    *copy = *f;
    for (size_t i = 0; i < f->n_data; i++)
        copy->data[i] = xstrdup(f->data[i]);
    for (size_t i = 0; i < f->n_settings; i++)
        copy->setting[i] = xstrdup(f->setting[i]);
    copy->directory = f->directory ? xstrdup(f->directory) : NULL;
}

void run_form_free(struct run_form *f)
{
    drop(f->data, &f->n_data);
    drop(f->setting, &f->n_settings);
    free(f->directory);
    *f = (struct run_form){0};
}

/* ---- words ------------------------------------------------------------------- */

static bool set_data(struct run_form *f, const char *list, struct err *err)
{
    const char *item;
    size_t length;
    drop(f->data, &f->n_data);
    f->data_proposed = false;
    if (!*list)
        return err_set(err, ERR_USAGE, "data= wants files, found nothing");
    while (value_next_item(&list, &item, &length)) {
        if (f->n_data == RUN_FORM_PARTS)
            return err_set(err, ERR_USAGE, "data: more than %d files", RUN_FORM_PARTS);
        f->data[f->n_data++] = xstrndup(item, length);
    }
    return true;
}

/* A training setting, in place of one with the same key. */
static bool set_setting(struct run_form *f, const char *word, size_t key_length, struct err *err)
{
    struct train_config scratch;
    char *key = xstrndup(word, key_length);
    train_config_defaults(&scratch);
    bool ok = train_config_set(&scratch, key, word + key_length + 1, err);
    free(key);
    if (!ok)
        return false;
    for (size_t i = 0; i < f->n_settings; i++)
        if (strncmp(f->setting[i], word, key_length + 1) == 0) {
            free(f->setting[i]);
            f->setting[i] = xstrdup(word);
            return true;
        }
    if (f->n_settings == RUN_FORM_PARTS)
        return err_set(err, ERR_USAGE, "more than %d settings" WAY "a preset file takes more",
                       RUN_FORM_PARTS);
    f->setting[f->n_settings++] = xstrdup(word);
    return true;
}

static bool is_built_in(const char *preset)
{
    for (size_t i = 0; i < N_PRESETS; i++)
        if (strcmp(preset, presets[i]) == 0)
            return true;
    return false;
}

/* Is the preset's name that of a preset of the phase: cpu-sft for sft? */
static bool is_preset_of(const char *preset, const char *phase)
{
    const char *last = strrchr(preset, '-');
    return last && strcmp(last + 1, phase) == 0;
}

static bool set_phase(struct run_form *f, const char *word)
{
    for (size_t i = 0; i < N_PHASES; i++)
        if (strcmp(word, phases[i]) == 0) {
            snprintf(f->phase, sizeof f->phase, "%s", word);
            if (is_built_in(f->preset) && !is_preset_of(f->preset, word))
                snprintf(f->preset, sizeof f->preset, "cpu-%s", word);
            return true;
        }
    return false;
}

static void set_preset(struct run_form *f, const char *name)
{
    snprintf(f->preset, sizeof f->preset, "%s", name);
    for (size_t i = 0; is_built_in(name) && i < N_PHASES; i++)
        if (is_preset_of(name, phases[i]))
            snprintf(f->phase, sizeof f->phase, "%s", phases[i]);
}

bool run_form_word(struct run_form *f, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    size_t key = equals ? (size_t)(equals - word) : 0;
    if (!equals && strcmp(word, "resume") == 0) {
        f->resume = true;
        return true;
    }
    if (!equals)
        return set_phase(f, word) ||
               err_set(err, ERR_USAGE,
                       "expected ntp, sft, prompt, resume or KEY=VALUE, found \"%s\"", word);
    if (key == 6 && strncmp(word, "preset", key) == 0) {
        set_preset(f, equals + 1);
        return true;
    }
    if (key == 4 && strncmp(word, "data", key) == 0)
        return set_data(f, equals + 1, err);
    if (key == 3 && strncmp(word, "run", key) == 0) {
        free(f->directory);
        f->directory = equals[1] ? xstrdup(equals + 1) : NULL;
        return true;
    }
    return set_setting(f, word, key, err);
}

bool run_form_propose(struct run_form *f, const char *path, const char *phase)
{
    bool same = f->n_data == 1 && strcmp(f->data[0], path) == 0;
    if (same || (f->n_data > 0 && !f->data_proposed))
        return false;
    drop(f->data, &f->n_data);
    f->data[f->n_data++] = xstrdup(path);
    f->data_proposed = true;
    if (strcmp(phase, "ntp") == 0 || strcmp(f->phase, "ntp") == 0)
        set_phase(f, phase);
    return true;
}

bool run_form_complete(const struct run_form *f, bool dry_run, struct err *err)
{
    if (f->n_data == 0)
        return err_set(err, ERR_USAGE, "no data to train on" WAY ":train data=FILE names it");
    if (!dry_run && !f->directory)
        return err_set(err, ERR_USAGE, "no directory for the run" WAY ":train run=DIR names it");
    return true;
}

/* ---- choices ----------------------------------------------------------------- */

static const char *next_of(const char *const *list, size_t n, const char *now)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], now) == 0)
            return list[(i + 1) % n];
    return list[0];
}

const char *run_form_next_phase(const struct run_form *f)
{
    return next_of(phases, N_PHASES, f->phase);
}

const char *run_form_next_preset(const struct run_form *f)
{
    return next_of(presets, N_PRESETS, f->preset);
}

static void join(char *const *texts, size_t n, bool names, const char *glue, char *out,
                 size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? glue : "",
                                 names ? file_name(texts[i]) : texts[i]);
}

void run_form_data_text(const struct run_form *f, char *out, size_t size)
{
    join(f->data, f->n_data, true, ", ", out, size);
}

void run_form_settings_text(const struct run_form *f, char *out, size_t size)
{
    join(f->setting, f->n_settings, false, " ", out, size);
}

/* ---- arguments --------------------------------------------------------------- */

void run_form_arguments(const struct run_form *f, const char *model, bool sandbox, bool dry_run,
                        const char *out[RUN_FORM_ARGUMENTS])
{
    size_t n = 0;
    out[n++] = "train";
    out[n++] = f->phase;
    out[n++] = "--control";
    out[n++] = "--preset";
    out[n++] = f->preset;
    for (size_t i = 0; i < f->n_data; i++) {
        out[n++] = "--data";
        out[n++] = f->data[i];
    }
    for (size_t i = 0; i < f->n_settings; i++) {
        out[n++] = "--set";
        out[n++] = f->setting[i];
    }
    if (model) {
        out[n++] = "--model";
        out[n++] = model;
    }
    out[n++] = "--sandbox";
    out[n++] = sandbox ? "on" : "off";
    if (dry_run)
        out[n++] = "--dry-run";
    if (!dry_run && f->directory) {
        out[n++] = "--run";
        out[n++] = f->directory;
    }
    if (f->resume && !dry_run)
        out[n++] = "--resume";
    out[n] = NULL;
}
