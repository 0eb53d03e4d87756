#include "app/train_probe.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/assets.h"
#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/engine.h"

enum { LOOKS_KEPT = 32, LINES_BYTES_MAX = 1 << 20 };
enum { SAID_TOKENS = 16, ANSWER_TOKENS = 20, AROUND_BYTES = 48, FOLLOWS_BYTES = 96 };

#define LINES_NAME "probes.jsonl"
enum { PROBE_NAME_BYTES = 48 };

static void probe_name(size_t step, char out[PROBE_NAME_BYTES])
{
    snprintf(out, PROBE_NAME_BYTES, "probe-%06zu%s", step, SESSION_FILE_ENDING);
}

bool train_probe_open(struct train_probe *probe, const char *path, const char *question,
                      struct err *err)
{
    *probe = (struct train_probe){.question = question};
    if (path && strcmp(path, "none") == 0)
        return true;
    char *found = path ? xstrdup(path) : assets_path(ASSETS_DEMO_DOCUMENT);
    if (!path && !question) {
        probe->question = ASSETS_DEMO_QUESTION;
        probe->gold = ASSETS_DEMO_ANSWER;
    }
    bool ok = !found || file_read(found, DOCUMENT_BYTES_MAX, &probe->text, &probe->size, err);
    if (ok && found)
        probe->name = xstrdup(file_name(found));
    free(found);
    return ok;
}

void train_probe_close(struct train_probe *probe)
{
    free(probe->text);
    free(probe->name);
    *probe = (struct train_probe){0};
}

/* ---- looking ------------------------------------------------------------------- */

struct look {
    const struct train_probe *probe;
    const struct trainer *t;
    struct engine *engine;
    const struct progress *progress;
    size_t window; /* that is shown: the one in the middle */
    char *said;
};

static struct engine *open_engine(const struct look *l, struct err *err)
{
    const struct trainer *t = l->t;
    struct engine_options options = {.opened = t->model, .compressor = "none",
                                     .soft_prompt = t->config.soft_prompt};
    struct compress_settings settings;
    char name[64];
    train_config_settings(&t->config, t->state.step, &settings);
    if (t->config.valid_ratio > 0)
        settings.ratio = t->config.valid_ratio;
    snprintf(name, sizeof name, "step %zu", t->state.step);
    struct engine *e = engine_open(&options, err);
    if (e && engine_copy_compressor(e, &t->compressor, name, &settings, err))
        return e;
    engine_close(e);
    return NULL;
}

/* The model goes on behind the window; then it answers, so that the answer is what the
 * session file shows. */
static bool ask(struct look *l, struct err *err)
{
    const struct snapshot *s = engine_snapshot(l->engine);
    struct ask_options go_on = {.max_tokens = SAID_TOKENS, .continuation = true,
                                .to = s->window_first[l->window + 1]};
    struct ask_options answer = {.max_tokens = ANSWER_TOKENS, .attention = true,
                                 .gold = l->probe->gold};
    if (!engine_ask(l->engine, "", ANSWER_COMPRESSED, &go_on, l->progress, err))
        return false;
    const struct snapshot_answer *a = engine_snapshot(l->engine)->answer[ANSWER_COMPRESSED];
    l->said = xstrdup(a && a->text ? a->text : "");
    return !l->probe->question ||
           engine_ask(l->engine, l->probe->question, ANSWER_COMPRESSED, &answer, l->progress, err);
}

static bool look(struct look *l, struct err *err)
{
    l->engine = open_engine(l, err);
    if (!l->engine || !engine_set_document(l->engine, l->probe->text, l->probe->size,
                                           l->probe->name, err))
        return false;
    const struct snapshot *s = engine_snapshot(l->engine);
    if (s->windows == 0) {
        err_set(err, ERR_INPUT, "%s: no text to look at", l->probe->name);
        return false;
    }
    l->window = (s->windows - 1) / 2;
    return engine_read(l->engine, 0, s->document->tokens, l->progress, err) && ask(l, err);
}

/* ---- writing it down -------------------------------------------------------------- */

static bool write_session(const struct look *l, const char *path, struct err *err)
{
    struct figure_meta meta = {.kind = FIGURE_PLAN, .value = VALUE_PLAN_MASS,
                               .limit_low = (double)NAN, .limit_high = (double)NAN,
                               .window = l->window + 1, .iteration = -1};
    const struct snapshot *s = engine_snapshot(l->engine);
    figure_meta_from_snapshot(&meta, s);
    bool ok = session_file_write(path, s, &meta, NULL, true, err);
    figure_meta_free(&meta);
    return ok;
}

/* Bytes [from, to) of the text, made whole characters; to be freed. */
static char *piece(const struct snapshot_document *d, size_t from, size_t to)
{
    size_t length;
    while (from < to && ((unsigned char)d->text[from] & 0xc0) == 0x80)
        from++;
    while (to > from && to < d->size && ((unsigned char)d->text[to] & 0xc0) == 0x80)
        to--;
    return text_make_valid(d->text + from, to - from, &length);
}

static void put_text(json_t *line, const char *key, const char *text, size_t size)
{
    size_t length;
    char *valid = text_make_valid(text, size, &length);
    json_object_set_new(line, key, json_stringn(valid, length));
    free(valid);
}

static json_t *line_json(const struct look *l, const char *file)
{
    const struct snapshot *s = engine_snapshot(l->engine);
    const struct snapshot_document *d = s->document;
    const struct snapshot_answer *a = s->answer[ANSWER_COMPRESSED];
    size_t cut = d->end[s->window_first[l->window + 1] - 1];
    char *lead = piece(d, cut > AROUND_BYTES ? cut - AROUND_BYTES : 0, cut);
    char *follows = piece(d, cut, size_min(cut + FOLLOWS_BYTES, d->size));
    json_t *line = json_pack("{s:I, s:s, s:I, s:s, s:s}", "step", (json_int_t)l->t->state.step,
                             "file", file, "window", (json_int_t)l->window, "lead", lead, "follows",
                             follows);
    put_text(line, "said", l->said, strlen(l->said));
    if (l->probe->question && a && a->text) {
        put_text(line, "question", l->probe->question, strlen(l->probe->question));
        put_text(line, "answer", a->text, strlen(a->text));
        json_object_set_new(line, "f1", json_real(a->f1));
    }
    free(lead);
    free(follows);
    return line;
}

static bool write_line(const struct look *l, const char *directory, const char *file,
                       struct err *err)
{
    struct append_file lines;
    json_t *json = line_json(l, file);
    char *path = file_join(directory, LINES_NAME), *text = json_dumps(json, JSON_COMPACT);
    bool ok = append_file_open(&lines, path, SIZE_MAX, err);
    if (ok) {
        ok = append_file_line(&lines, text, err);
        append_file_close(&lines);
    }
    free(text);
    free(path);
    json_decref(json);
    return ok;
}

/* ---- not too many ------------------------------------------------------------------- */

struct kept {
    size_t step;
    const char *line; /* borrowed from the file's text */
    size_t length;
};

/* The looks that count: a resumed run may have looked again. Returns how many; *out is to be
 * freed. */
static size_t list_looks(const char *text, size_t size, struct kept **out)
{
    size_t n = 0, capacity = 0;
    *out = NULL;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        json_t *line = json_loadb(text + at, length, 0, NULL);
        size_t step = (size_t)json_integer_value(json_object_get(line, "step"));
        while (line && n && (*out)[n - 1].step >= step)
            n--;
        MEM_GROW(*out, capacity, n + 1);
        if (line)
            (*out)[n++] = (struct kept){step, text + at, length};
        json_decref(line);
        at += length + 1;
    }
    return n;
}

/* Drops every second look, the first and the newest not: a long run keeps an even choice. */
static bool thin_out(const char *directory, const char *path, const struct kept *looks, size_t n,
                     size_t size, struct err *err)
{
    char *text = xmalloc(size + n + 1);
    size_t used = 0;
    for (size_t i = 0; i < n; i += 2) {
        memcpy(text + used, looks[i].line, looks[i].length);
        used += looks[i].length;
        text[used++] = '\n';
    }
    bool ok = file_replace(path, text, used, err);
    for (size_t i = 1; ok && i < n; i += 2) {
        char name[PROBE_NAME_BYTES];
        probe_name(looks[i].step, name);
        char *file = file_join(directory, name);
        unlink(file);
        free(file);
    }
    free(text);
    return ok;
}

static bool keep_few(const char *directory, struct err *err)
{
    char *path = file_join(directory, LINES_NAME), *text;
    size_t size;
    bool ok = file_read(path, LINES_BYTES_MAX, &text, &size, err);
    if (ok) {
        struct kept *looks;
        size_t n = list_looks(text, size, &looks);
        if (n > LOOKS_KEPT && n % 2)
            ok = thin_out(directory, path, looks, n, size, err);
        free(looks);
        free(text);
    }
    free(path);
    return ok;
}

bool train_probe_look(const struct train_probe *probe, const struct trainer *trainer,
                      const char *directory, const struct progress *progress, struct err *err)
{
    struct look l = {.probe = probe, .t = trainer, .progress = progress};
    char name[PROBE_NAME_BYTES];
    if (!probe->text || trainer->soft_prompt) /* a soft prompt has no slots to look at */
        return true;
    probe_name(trainer->state.step, name);
    char *path = file_join(directory, name);
    bool ok = look(&l, err) && write_session(&l, path, err) &&
              write_line(&l, directory, name, err) && keep_few(directory, err);
    engine_close(l.engine);
    free(l.said);
    free(path);
    return ok;
}
