#include "engine/train/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/eval/soft_prompt.h"

enum { NAME_MAX_BYTES = 64 };
static const char step_format[] = "step-%06zu.safetensors";

/* ---- opening ---------------------------------------------------------------------- */

bool run_dir_open(struct run_dir *dir, const char *path, size_t keep, struct err *err)
{
    *dir = (struct run_dir){.lock = -1, .log.fd = -1, .keep = keep};
    if (!file_make_directories(path, err))
        return false;
    char *lock = file_join(path, "lock");
    dir->lock = file_lock(lock, err);
    free(lock);
    if (dir->lock < 0)
        return false;
    dir->path = xstrdup(path);
    file_drop_orphans(path);
    return true;
}

void run_dir_close(struct run_dir *dir)
{
    append_file_close(&dir->log);
    file_unlock(dir->lock);
    free(dir->path);
    *dir = (struct run_dir){.lock = -1, .log.fd = -1};
}

/* ---- the checkpoints that are there -------------------------------------------------- */

static int descending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x < y) - (x > y);
}

/* Steps of all checkpoints, the newest first; the caller frees *steps. */
static size_t list_steps(const struct run_dir *dir, size_t **steps)
{
    size_t n = 0, capacity = 0;
    *steps = NULL;
    DIR *d = opendir(dir->path);
    if (!d)
        return 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        char name[NAME_MAX_BYTES];
        char *end;
        if (strncmp(entry->d_name, "step-", 5) != 0)
            continue;
        size_t step = strtoull(entry->d_name + 5, &end, 10);
        snprintf(name, sizeof name, step_format, step);
        if (strcmp(name, entry->d_name) != 0)
            continue;
        MEM_GROW(*steps, capacity, n + 1);
        (*steps)[n++] = step;
    }
    closedir(d);
    if (n)
        qsort(*steps, n, sizeof **steps, descending);
    return n;
}

static char *step_path(const struct run_dir *dir, size_t step)
{
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, step_format, step);
    return file_join(dir->path, name);
}

bool run_dir_started(const struct run_dir *dir)
{
    size_t *steps, n = list_steps(dir, &steps);
    free(steps);
    return n > 0;
}

static void drop_old(const struct run_dir *dir)
{
    size_t *steps, n = list_steps(dir, &steps);
    for (size_t i = dir->keep; i < n; i++) {
        char *path = step_path(dir, steps[i]);
        unlink(path);
        free(path);
    }
    free(steps);
}

/* ---- beginning and resuming ------------------------------------------------------------ */

static bool open_log(struct run_dir *dir, size_t keep_bytes, struct err *err)
{
    char *path = file_join(dir->path, "log.jsonl");
    bool ok = append_file_open(&dir->log, path, keep_bytes, err);
    free(path);
    return ok;
}

bool run_dir_configure(struct run_dir *dir, struct trainer *t, struct err *err)
{
    char *path = file_join(dir->path, "config");
    free(t->state.config);
    t->state.config = train_config_print(&t->config);
    bool ok = file_replace(path, t->state.config, strlen(t->state.config), err);
    free(path);
    return ok;
}

bool run_dir_begin(struct run_dir *dir, struct trainer *t, struct err *err)
{
    return run_dir_configure(dir, t, err) && open_log(dir, 0, err);
}

bool run_dir_config(const char *path, struct train_config *config, struct err *err)
{
    char *file = file_join(path, "config");
    bool ok = train_config_read(config, file, err);
    free(file);
    return ok;
}

/* Bytes of the log up to the last line of a step <= `step`, or up to the first that a
 * loss of power spoilt. */
static bool log_bytes_until(const struct run_dir *dir, size_t step, size_t *kept, struct err *err)
{
    enum { LOG_BYTES_MAX = 1 << 30 };
    char *path = file_join(dir->path, "log.jsonl"), *text;
    size_t size;
    *kept = 0;
    bool there = file_exists(path);
    bool ok = there && file_read(path, LOG_BYTES_MAX, &text, &size, err);
    free(path);
    if (!ok)
        return !there;
    for (size_t at = 0; at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        if (!end)
            break;
        size_t next = (size_t)(end - text) + 1;
        json_t *line = json_loadb(text + at, next - at, 0, NULL);
        const json_t *logged = json_object_get(line, "step");
        bool keep = json_is_integer(logged) && json_integer_value(logged) <= (json_int_t)step;
        json_decref(line);
        if (!keep)
            break;
        *kept = at = next;
    }
    free(text);
    return true;
}

/* Of a line "SHA256 BYTES PATH" what is before the path: files that only lie, or are named,
 * elsewhere have not changed. */
static size_t content_length(const char *line)
{
    size_t end = strcspn(line, "\n"), blanks = 0, i = 0;
    while (i < end && (line[i] != ' ' || ++blanks < 2))
        i++;
    return i;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

static bool same_data(const char *a, const char *b)
{
    for (; *a && *b; a = next_line(a), b = next_line(b)) {
        size_t length = content_length(a);
        if (length != content_length(b) || memcmp(a, b, length) != 0)
            return false;
    }
    return *a == *b;
}

static bool check_data(const struct run_dir *dir, const struct trainer *t, const char *before,
                       bool accept, struct err *err)
{
    if (accept || same_data(before, t->state.data))
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: the data changed since the checkpoint; going on needs --accept-data-change",
                   dir->path);
}

/* Tries one checkpoint; a data set that changed is not a reason to try an older. */
static bool try_checkpoint(struct run_dir *dir, struct trainer *t, size_t step, bool accept,
                           bool *fatal, struct err *err)
{
    char *path = step_path(dir, step);
    char *data = xstrdup(t->state.data);
    bool ok = checkpoint_load(path, &t->parameters, &t->stream.state, &t->state, err);
    free(path);
    if (ok) {
        char *before = t->state.data;
        t->state.data = data;
        ok = check_data(dir, t, before, accept, err);
        *fatal = !ok;
        free(before);
    } else {
        free(data);
    }
    return ok;
}

bool run_dir_resume(struct run_dir *dir, struct trainer *t, bool accept_data_change, char *note,
                    size_t note_size, struct err *err)
{
    size_t *steps, n = list_steps(dir, &steps), used = 0;
    bool ok = false, fatal = false;
    struct err last = {0};
    note[0] = '\0';
    for (size_t i = 0; i < n && !ok && !fatal; i++) {
        ok = try_checkpoint(dir, t, steps[i], accept_data_change, &fatal, &last);
        if (!ok && !fatal && used < note_size)
            used += (size_t)snprintf(note + used, note_size - used, "%s; ", last.text);
        if (ok && i > 0 && used < note_size)
            snprintf(note + used, note_size - used, "using step %zu", steps[i]);
    }
    free(steps);
    size_t log_bytes;
    if (ok)
        return log_bytes_until(dir, t->state.step, &log_bytes, err) &&
               open_log(dir, log_bytes, err);
    if (n == 0)
        return err_set(err, ERR_INPUT, "%s: no checkpoint to resume from", dir->path);
    if (fatal) {
        if (err)
            *err = last;
        return false;
    }
    return err_set(err, ERR_INPUT, "%s: none of %zu checkpoints is whole; the newest: %s",
                   dir->path, n, last.text);
}

/* ---- saving ------------------------------------------------------------------------------ */

bool run_dir_save(struct run_dir *dir, const struct trainer *t, struct err *err)
{
    char *path = step_path(dir, t->state.step);
    /* The log first: a checkpoint promises the lines of all steps before it. */
    bool ok = append_file_sync(&dir->log, err) &&
              checkpoint_save(path, &t->parameters, &t->stream.state, &t->state, err);
    free(path);
    if (ok)
        drop_old(dir);
    return ok;
}

static void describe_recipe(const struct trainer *t, const struct validation *v, size_t n,
                            char *out, size_t size)
{
    int used = snprintf(out, size, "%s, %zu step%s of %zu sample%s", t->config.phase,
                        t->state.step, text_plural(t->state.step), t->config.batch,
                        text_plural(t->config.batch));
    if (t->start.steps && used > 0 && (size_t)used < size)
        used += snprintf(out + used, size - (size_t)used, " on top of %" PRIu64 " step%s",
                         t->start.steps, text_plural(t->start.steps));
    for (size_t i = 0; t->soft_prompt && i < n && used > 0 && (size_t)used < size; i++)
        used += snprintf(out + used, size - (size_t)used,
                         "; held-out %s: full context %.3f nats, none %.3f", v[i].kind,
                         v[i].loss[CONTEXT_FULL], v[i].loss[CONTEXT_NONE]);
    for (size_t i = 0; !t->soft_prompt && i < n && used > 0 && (size_t)used < size; i++)
        used += snprintf(out + used, size - (size_t)used,
                         "; held-out %s: %.3f nats (full %.3f, none %.3f, wrong %.3f)", v[i].kind,
                         v[i].loss[CONTEXT_COMPRESSED], v[i].loss[CONTEXT_FULL],
                         v[i].loss[CONTEXT_NONE], v[i].loss[CONTEXT_WRONG]);
}

static bool save_compressor(const char *path, const struct trainer *t, const char *note,
                            struct err *err)
{
    struct compressor_info info = {0};
    train_config_settings(&t->config, t->state.step, &info.settings);
    info.settings.ratio = t->config.valid_ratio;
    info.steps = t->start.steps + t->state.step;
    info.samples = t->start.samples + t->state.samples;
    info.tokens = t->start.tokens + t->state.tokens;
    info.seconds = t->start.seconds + (uint64_t)t->state.seconds;
    snprintf(info.base_architecture, sizeof info.base_architecture, "%s",
             t->model->config.architecture);
    info.base_hidden = t->model->config.hidden;
    info.base_layers = t->model->config.layers;
    memcpy(info.base_sha256, t->state.base_sha256, sizeof info.base_sha256);
    snprintf(info.note, sizeof info.note, "%s", note);
    struct compressor result = t->compressor;
    result.block = parameters_result(&t->parameters);
    return compressor_save(path, &result, &info, TENSOR_BF16, err);
}

bool run_dir_save_best(struct run_dir *dir, const struct trainer *t,
                       const struct validation *validations, size_t n, struct err *err)
{
    char note[512];
    describe_recipe(t, validations, n, note, sizeof note);
    char *best = file_join(dir->path, "best.safetensors");
    char *ready = file_join(dir->path, "compressor.safetensors");
    bool ok = checkpoint_save(best, &t->parameters, &t->stream.state, &t->state, err) &&
              (t->soft_prompt ? soft_prompt_save(ready, parameters_result(&t->parameters),
                                                 t->soft_tensor.rows, t->soft_tensor.cols,
                                                 t->state.base_sha256, note, err)
                              : save_compressor(ready, t, note, err));
    free(best);
    free(ready);
    return ok;
}

/* ---- the log ------------------------------------------------------------------------------- */

/* JSON has no NaN or infinity: such a number is null. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static bool log_json(struct run_dir *dir, json_t *line, struct err *err)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    bool ok = append_file_line(&dir->log, text ? text : "{}", err);
    free(text);
    json_decref(line);
    return ok;
}

static void add_health(json_t *line, const struct objective_result *h)
{
    json_object_set_new(line, "gate_max", number(h->gate_max));
    json_object_set_new(line, "gate_entropy_bits", number(h->gate_entropy));
    json_object_set_new(line, "spread_tokens", number(h->spread));
    json_object_set_new(line, "senders_off", number(h->senders_off));
}

/* What a learning curve is drawn over: the same keys in all lines. */
static json_t *line_at(const struct trainer *t)
{
    const struct checkpoint_state *s = &t->state;
    return json_pack("{s:I, s:I, s:o}", "step", (json_int_t)s->step, "samples",
                     (json_int_t)s->samples, "seconds", number(s->seconds));
}

bool run_dir_log_step(struct run_dir *dir, const struct trainer *t, const struct step_report *r,
                      struct err *err)
{
    json_t *line = line_at(t);
    json_object_set_new(line, "loss", number(r->loss));
    json_object_set_new(line, "grad_norm", number(r->grad_norm));
    json_object_set_new(line, "lr", number(r->lr));
    json_object_set_new(line, "tokens", json_integer((json_int_t)r->tokens));
    json_object_set_new(line, "ms", number(r->ms));
    json_object_set_new(line, "ratio", number(r->ratio));
    json_object_set_new(line, "eps", number(r->eps));
    json_object_set_new(line, "passes", number(stream_passes(&t->stream)));
    if (r->skipped)
        json_object_set_new(line, "skipped", json_true());
    add_health(line, &r->health);
    return log_json(dir, line, err);
}

bool run_dir_log_validation(struct run_dir *dir, const struct trainer *t,
                            const struct validation *v, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        json_t *line = line_at(t);
        json_object_set_new(line, "validation", json_string(v[i].kind));
        json_object_set_new(line, "held_out", json_integer((json_int_t)v[i].samples));
        for (int mode = 0; mode < CONTEXT_MODES; mode++)
            json_object_set_new(line, context_mode_name[mode], number(v[i].loss[mode]));
        json_object_set_new(line, "gap_closed", number(v[i].gap_closed));
        json_object_set_new(line, "about_text", number(v[i].about_text));
        add_health(line, &v[i].health);
        if (!log_json(dir, line, err))
            return false;
    }
    return true;
}
