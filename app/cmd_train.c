/* `comprexit train ntp|sft|prompt`: trains a compressor, or a soft prompt, for the
 * frozen model. Log lines go to standard error, the path of the best result to
 * standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/assets.h"
#include "app/batch.h"
#include "app/cli.h"
#include "app/data_options.h"
#include "app/file_wanted.h"
#include "app/interrupt.h"
#include "app/report.h"
#include "app/presets.h"
#include "app/sandbox.h"
#include "app/train_log.h"
#include "app/train_ui.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/train/run.h"

enum { DATA_MAX = STREAM_DATASETS_MAX };

struct job {
    const struct cli_arguments *arguments;
    struct run_options run;
    struct run_data data[DATA_MAX];
    char *paths[DATA_MAX];
    struct data_options options;
    struct train_log log;
};

/* ---- what was asked for -------------------------------------------------------------- */

/* "PATH" or "PATH@WEIGHT". */
static bool add_data(struct job *j, const char *text, struct err *err)
{
    if (j->run.n_data == DATA_MAX)
        return err_set(err, ERR_USAGE, "train: more than %d data files", DATA_MAX);
    double weight = 1;
    const char *at = strrchr(text, '@');
    size_t length = strlen(text);
    if (at && !file_exists(text) && value_real(at + 1, &weight))
        length = (size_t)(at - text);
    if (weight <= 0)
        return err_set(err, ERR_USAGE, "train: weight of %s is not above 0", text);
    size_t i = j->run.n_data++;
    j->paths[i] = xstrndup(text, length);
    j->data[i] = (struct run_data){j->paths[i], weight};
    return true;
}

static bool set_pair(struct train_config *c, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return err_set(err, ERR_USAGE, "--set: expected key=value, found \"%s\"", text);
    char *key = xstrndup(text, (size_t)(equals - text));
    bool ok = train_config_set(c, key, equals + 1, err);
    free(key);
    return ok;
}

/* "ntp=0.6,sft=0.4"; phases that are not named get 0. */
static bool set_mix(struct train_config *c, const char *list, struct err *err)
{
    const char *item;
    size_t length;
    c->mix_ntp = c->mix_reconstruct = c->mix_sft = 0;
    while (value_next_item(&list, &item, &length)) {
        char *pair = xcalloc(length + 5, 1);
        memcpy(pair, "mix_", 4);
        memcpy(pair + 4, item, length);
        bool ok = set_pair(c, pair, err);
        free(pair);
        if (!ok)
            return err_prefix(err, "--mix");
    }
    return true;
}

/* The key that an option sets, or NULL. */
static const char *shortcut_key(const char *option)
{
    static const struct {
        const char *option, *key;
    } shortcuts[] = {{"init", "init"}, {"steps", "steps"}, {"batch", "batch"}, {"lr", "lr"},
                     {"optimizer", "optimizer"}, {"distill", "distill"},
                     {"soft-prompt", "soft_prompt"}};
    for (size_t i = 0; i < sizeof shortcuts / sizeof *shortcuts; i++)
        if (strcmp(option, shortcuts[i].option) == 0)
            return shortcuts[i].key;
    return NULL;
}

/* Settings in the order in which they were given: of several for a key the last counts,
 * whether it is an option of its own or --set. */
static bool apply_settings(struct job *j, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    struct train_config *c = &j->run.config;
    bool steps = false; /* named: then a run that goes on takes them as well */
    for (size_t i = 0; i < a->n_given; i++) {
        const struct cli_given *given = &a->given[i];
        const char *option = given->option->name, *key = shortcut_key(option);
        if (key && !train_config_set(c, key, given->text, err))
            return err_prefix(err, "--%s", option);
        if (strcmp(option, "mix") == 0 && !set_mix(c, given->text, err))
            return false;
        if (strcmp(option, "set") == 0 && !set_pair(c, given->text, err))
            return false;
        steps |= strcmp(option, "steps") == 0 ||
                 (strcmp(option, "set") == 0 && strncmp(given->text, "steps=", 6) == 0);
    }
    j->run.steps = steps ? c->steps : 0;
    return true;
}

static bool make_config(struct job *j, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    struct train_config *c = &j->run.config;
    const char *phase = a->operands[0];
    train_config_defaults(c);
    char standard[32];
    snprintf(standard, sizeof standard, "cpu-%.16s", phase);
    const char *preset = cli_text(a, "preset");
    if (!preset_read(preset ? preset : standard, c, NULL, 0, err) ||
        !train_config_set(c, "phase", phase, err) || !apply_settings(j, err))
        return false;
    if (c->micro_batch > c->batch)
        c->micro_batch = c->batch;
    return train_config_check(c, err);
}

static bool read_arguments(struct job *j, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    const char *path;
    if (a->n_operands == 0)
        return err_set(err, ERR_USAGE, "train: expected ntp, sft or prompt");
    if (!value_choice(a->operands[0], "ntp|sft|prompt", NULL))
        return err_set(err, ERR_USAGE, "train: expected ntp, sft or prompt, found \"%s\"",
                       a->operands[0]);
    if (a->n_operands > 1 && !cli_text(a, "data"))
        return err_set(err, ERR_USAGE,
                       "train: unexpected argument %s; data files stand behind --data",
                       a->operands[1]);
    if (!make_config(j, err) || !data_options_read(&j->options, a, err))
        return false;
    j->run.records = j->options.records;
    for (size_t i = 0; (path = data_options_file(a, i)); i++)
        if (!add_data(j, path, err))
            return false;
    j->log.log_every = (size_t)cli_count(a, "log-every", 1);
    j->run.data = j->data;
    j->run.directory = j->log.directory = cli_text(a, "run");
    j->run.resume = cli_flag(a, "resume");
    j->run.accept_data_change = cli_flag(a, "accept-data-change");
    j->run.overfit_one = cli_flag(a, "overfit-one");
    return train_probe_open(&j->log.probe, cli_text(a, "probe"), cli_text(a, "probe-question"),
                            err);
}

/* ---- running ----------------------------------------------------------------------------- */

static json_t *estimate_json(const struct run_estimate *e)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "parameters",
                     (json_int_t)e->parameters, "memory_bytes", (json_int_t)e->memory_bytes,
                     "peak_bytes", (json_int_t)e->peak_bytes, "disk_bytes",
                     (json_int_t)e->disk_bytes, "step_ms", e->step_ms, "validation_ms",
                     e->validation_ms, "total_ms", e->total_ms);
}

static bool print_estimate(struct job *j, struct err *err)
{
    struct run_estimate e;
    struct progress progress = {train_log_tick, &j->log};
    if (!train_estimate(&j->run, &e, &progress, err))
        return false;
    progress_line_end(&j->log.line);
    if (j->log.control.enabled) {
        json_t *event = estimate_json(&e);
        json_object_set_new(event, "event", json_string("estimate"));
        train_control_tell(&j->log.control, event);
        return true;
    }
    char total[TEXT_NUMBER_MAX];
    text_duration(e.total_ms, total);
    if (cli_flag(j->arguments, "json")) {
        report_json(estimate_json(&e));
        return true;
    }
    printf("parameters  %zu trained\nmemory      %.0f MiB beside the model, %.0f MiB in all\n"
           "disk        %.0f MiB of checkpoints\nspeed       %.0f ms a step, %.0f ms a validation\n"
           "whole run   %s for %zu step%s\n",
           e.parameters, (double)e.memory_bytes / 1048576, (double)e.peak_bytes / 1048576,
           (double)e.disk_bytes / 1048576,
           e.step_ms, e.validation_ms, total, j->run.config.steps,
           text_plural(j->run.config.steps));
    return true;
}

/* The run directory is made first, since what may be written to must be there. Several
 * processes share memory through files, and a GPU's driver has devices to write to. */
static bool confine(const struct job *j, struct err *err)
{
    const char *device = j->run.config.device;
    if (!sandbox_wanted(j->arguments) || j->run.ranks.size > 1 || strcmp(device, "cpu") != 0)
        return true;
    if (!j->run.directory || cli_flag(j->arguments, "dry-run"))
        return sandbox_confine(NULL, 0, err);
    char *inside = file_join(j->run.directory, "log.jsonl");
    bool ok = file_make_directories(j->run.directory, err) &&
              sandbox_confine((const char *const[]){inside}, 1, err);
    free(inside);
    return ok;
}

static bool train(struct job *j, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    j->run.ranks = ranks_begin();
    if (!confine(j, err))
        return false;
    char *path = batch_model_path(a);
    j->run.model = model_open(path, NULL, 0, err);
    free(path);
    if (!j->run.model)
        return false;
    struct ranks *ranks = &j->run.ranks;
    struct run_listener listener = train_log_listener(&j->log);
    interrupt_catch();
    if (ranks->rank == 0 && !j->log.control.enabled)
        progress_line_start(&j->log.line, a);
    bool ok = cli_flag(a, "dry-run") ? print_estimate(j, err)
                                     : train_run(&j->run, &listener, err);
    progress_line_end(&j->log.line);
    model_close(j->run.model);
    if (!ok && ranks->size > 1) { /* the others wait for this one */
        report_error(err, a, cli_flag(a, "json"));
        ranks_abort(ranks, (int)err->code);
    }
    ranks_end(ranks);
    if (ok && ranks->rank == 0 && !cli_flag(a, "dry-run") && !j->log.control.enabled)
        printf("%s/compressor.safetensors\n", j->run.directory);
    return ok;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct job j = {.arguments = a, .log.arguments = a};
    if (train_ui_wanted(a))
        return train_ui_run(a, err);
    bool ok = read_arguments(&j, err);
    if (ok && cli_flag(a, "print-config")) {
        char *text = train_config_print(&j.run.config);
        fputs(text, stdout);
        free(text);
    } else if (ok && (!j.run.n_data || (!j.run.directory && !cli_flag(a, "dry-run")))) {
        ok = err_set(err, ERR_USAGE, "train: --data FILE and --run DIR are needed");
    } else if (ok) {
        if (cli_flag(a, "control"))
            train_control_open(&j.log.control);
        ok = train(&j, err);
        train_control_tell(&j.log.control,
                           json_pack("{s:s, s:i, s:s}", "event", "end", "code",
                                     ok ? 0 : (int)err->code, "message", ok ? "" : err->text));
    }
    for (size_t i = 0; i < j.run.n_data; i++)
        free(j.paths[i]);
    data_options_free(&j.options);
    train_probe_close(&j.log.probe);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "data", .kind = CLI_PATH, .value = "FILE[@WEIGHT]", .many = true,
     .help = "training file; may be given several times, and more files may follow it"},
    {.name = "run", .kind = CLI_PATH, .value = "DIR", .files = WANTED_FOLDERS,
     .help = "run directory: configuration, log, checkpoints, result"},
    {.name = "preset", .kind = CLI_TEXT, .value = "NAME",
     .help = "settings to begin with: " TRAIN_PRESET_LIST},
    {.name = "init", .kind = CLI_TEXT, .value = "published|warm|PATH",
     .help = "where the compressor starts"},
    {.name = "steps", .kind = CLI_TEXT, .value = "N", .help = "optimizer steps"},
    {.name = "batch", .kind = CLI_TEXT, .value = "B", .help = "samples a step"},
    {.name = "lr", .kind = CLI_TEXT, .value = "X", .help = "peak learning rate"},
    {.name = "optimizer", .kind = CLI_CHOICE, .value = "adamw|muon",
     .help = "muon: our extension, for the 2-D weights"},
    {.name = "mix", .kind = CLI_TEXT, .value = "ntp=X,reconstruct=Y,sft=Z",
     .help = "shares of the phases in the samples (our extension)"},
    {.name = "distill", .kind = CLI_TEXT, .value = "A",
     .help = "add A times the KL divergence from the full context (our extension)"},
    {.name = "set", .kind = CLI_TEXT, .value = "KEY=VALUE", .many = true,
     .help = "any training setting; --print-config lists them. Of several for one setting, "
             "options of their own among them, the last counts"},
    DATA_OPTIONS,
    {.name = "resume", .kind = CLI_FLAG, .help = "go on from the newest whole checkpoint of DIR"},
    {.name = "accept-data-change", .kind = CLI_FLAG,
     .help = "resume although a data file is another one now"},
    {.name = "dry-run", .kind = CLI_FLAG,
     .help = "print parameters, memory, disk and measured speed, and end"},
    {.name = "print-config", .kind = CLI_FLAG, .help = "print all settings as they would be used"},
    {.name = "overfit-one", .kind = CLI_FLAG,
     .help = "train on the first batch only: a test of the machinery"},
    {.name = "probe", .kind = CLI_PATH, .value = "FILE|none",
     .help = "text that is looked at with each validation, for the Train screen (the sample "
             "document)"},
    {.name = "probe-question", .kind = CLI_TEXT, .value = "TEXT",
     .help = "what it is asked"},
    {.name = "ui", .kind = CLI_FLAG, .help = "train in the explorer's Train screen"},
    {.name = "watch", .kind = CLI_PATH, .value = "RUN", .files = WANTED_FOLDERS,
     .help = "look at a run of any process in the explorer, through its log"},
    {.name = "control", .kind = CLI_FLAG,
     .help = "for programs that steer a run: commands (pause, resume, save, stop) on standard "
             "input, events as JSON lines on standard output"},
    {.name = "log-every", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 1e9,
     .help = "steps between log lines"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit train ntp --preset cpu-ntp --data *.txt --run runs/a --dry-run",
     "what a run would take"},
    {"comprexit train ntp --data notes.txt --run runs/a", "train with the settings for a laptop"},
    {"comprexit train ntp --run runs/a --data notes.txt --resume", "go on after a stop"},
    {"comprexit train ntp --data notes.txt --run runs/a --ui", "watch it train, pause, save"},
    {"comprexit train --watch runs/a", "look at a run that is under way elsewhere"},
    {"comprexit train sft --data squad.json --init runs/a/compressor.safetensors --run runs/b",
     "question answering on top"},
    {NULL, NULL},
};

const struct cli_command command_train = {
    .name = "train",
    .operands = "ntp|sft|prompt [FILE...]",
    .max_operands = 1 + DATA_MAX,
    .summary = "train a compressor or a soft prompt for the frozen model",
    .description =
        "ntp: next-token prediction after compressed plain text. sft: answers from compressed "
        "contexts. prompt: virtual tokens before the whole context, no compressor.\n\n"
        "Data are UTF-8 text, JSON lines, SQuAD or MRQA files, plain, gzip or zstd. Ctrl-C "
        "finishes the step, saves and ends with 130; a second one ends at once.\n\n"
        "Built with `make MPI=1`, several processes share each step: mpirun -np N comprexit train "
        "...; --batch is then what each of them takes.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_OUTPUT | CLI_SCREEN,
    .confines_itself = true,
    .run = run,
};
