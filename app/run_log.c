#include "app/run_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/train/run_dir.h"

/* ---- lines ------------------------------------------------------------------- */

static double number(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* The index of a kind of held-out samples; the last one takes what is too many. */
static size_t kind_of(struct training_log *log, const char *name)
{
    char clean[TRAINING_KIND_BYTES];
    text_sanitize(clean, sizeof clean, name, strlen(name));
    for (size_t i = 0; i < log->n_kinds; i++)
        if (strcmp(log->kind[i], clean) == 0)
            return i;
    if (log->n_kinds == TRAINING_KINDS_MAX)
        return TRAINING_KINDS_MAX - 1;
    memcpy(log->kind[log->n_kinds], clean, sizeof clean);
    return log->n_kinds++;
}

static void add_check(struct training_log *log, const json_t *line, size_t step, const char *kind)
{
    MEM_GROW(log->checks, log->checks_capacity, log->n_checks + 1);
    log->checks[log->n_checks++] = (struct training_check){
        .step = step,
        .kind = kind_of(log, kind),
        .compressed = number(line, "compressed"),
        .wrong = number(line, "wrong"),
        .full = number(line, "full"),
        .none = number(line, "none"),
        .gap_closed = number(line, "gap_closed"),
        .about_text = number(line, "about_text"),
        .spread = number(line, "spread_tokens"),
        .gate_max = number(line, "gate_max"),
        .senders_off = number(line, "senders_off"),
        .seconds = number(line, "seconds"),
    };
}

static void add_step(struct training_log *log, const json_t *line, size_t step)
{
    MEM_GROW(log->steps, log->steps_capacity, log->n_steps + 1);
    log->steps[log->n_steps++] = (struct training_step){
        .step = step,
        .loss = number(line, "loss"),
        .norm = number(line, "grad_norm"),
        .lr = number(line, "lr"),
        .ms = number(line, "ms"),
        .tokens = number(line, "tokens"),
        .ratio = number(line, "ratio"),
        .passes = number(line, "passes"),
        .seconds = number(line, "seconds"),
        .skipped = json_is_true(json_object_get(line, "skipped")),
    };
}

bool run_log_line(struct training_log *log, const char *text, size_t length)
{
    json_t *line = json_loadb(text, length, 0, NULL);
    const json_t *step = json_object_get(line, "step");
    bool ok = json_is_integer(step) && json_integer_value(step) >= 0;
    size_t at = ok ? (size_t)json_integer_value(step) : 0;
    size_t before = log->n_steps ? log->steps[log->n_steps - 1].step : 0;
    const char *kind = json_string_value(json_object_get(line, "validation"));
    ok = ok && at >= before;
    if (ok && kind)
        add_check(log, line, at, kind);
    else if (ok && json_object_get(line, "loss"))
        add_step(log, line, at);
    else
        ok = false;
    log->bad_lines += !ok;
    json_decref(line);
    return ok;
}

/* ---- the growing file -------------------------------------------------------- */

void run_log_open(struct growing *file, const char *directory)
{
    growing_open(file, directory, "log.jsonl");
}

static void take_line(void *context, const char *text, size_t length)
{
    run_log_line(context, text, length);
}

/* Its run was resumed from a checkpoint. */
static void forget(void *context)
{
    training_log_free(context);
}

bool run_log_read(struct growing *file, struct training_log *log, bool *changed, bool *more,
                  struct err *err)
{
    struct growing_listener listener = {take_line, forget, log};
    return growing_read(file, &listener, changed, more, err);
}

/* ---- the directory ------------------------------------------------------------ */

/* The newest checkpoint, and how old it is. */
static void find_checkpoint(const char *directory, struct training *t)
{
    DIR *dir = opendir(directory);
    t->saved_step = 0;
    t->saved_ago_s = -1;
    for (struct dirent *item; dir && (item = readdir(dir));) {
        char *end;
        if (strncmp(item->d_name, "step-", 5) != 0)
            continue;
        size_t step = strtoull(item->d_name + 5, &end, 10);
        struct stat st;
        if (strcmp(end, ".safetensors") != 0 || step < t->saved_step)
            continue;
        char *path = file_join(directory, item->d_name);
        if (stat(path, &st) == 0) {
            t->saved_step = step;
            t->saved_ago_s = fmax(difftime(time(NULL), st.st_mtime), 0);
        }
        free(path);
    }
    if (dir)
        closedir(dir);
}

/* Bounds are generous on purpose: what is shown is cut, nothing is refused. */
static void copy_text(char *out, size_t size, const char *text)
{
    text_sanitize(out, size, text, strlen(text));
}

bool run_log_facts(const char *directory, struct training *t, struct err *err)
{
    struct train_config config;
    train_config_defaults(&config);
    if (!file_is_directory(directory))
        return err_set(err, ERR_INPUT, "%s: no such run directory", directory);
    if (!run_dir_config(directory, &config, err))
        return false;
    copy_text(t->phase, sizeof t->phase, config.phase);
    copy_text(t->shape, sizeof t->shape, config.blocks);
    t->total_steps = config.steps;
    t->batch = config.batch;
    t->keep = config.keep;
    t->clip = config.clip;
    find_checkpoint(directory, t);
    return true;
}
