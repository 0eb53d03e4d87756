/* A session file back into a snapshot. The file may come from anywhere: shapes, ranges and
 * order of everything are checked before a view sees it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/text.h"
#include "engine/model/safetensors.h"

enum { TOKENS_MAX = 1 << 27, ITERS_MAX = 1000, TEXT_MAX = 256 << 20 };

/* Takes tensors out of the file; the first that does not fit sets the error. */
struct reader {
    const struct safetensors *file;
    const char *path;
    struct err *err;
    bool ok, text_missing;
    char prefix[SESSION_PREFIX]; /* of a pin */
};

static void wrong(struct reader *r, const char *what)
{
    if (r->ok)
        err_set(r->err, ERR_INPUT, "%s: session file: %s", r->path, what);
    r->ok = false;
}

static const struct tensor *find(struct reader *r, const char *part, const char *which)
{
    char name[SESSION_TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s%s%s", r->prefix, part, *which ? "." : "", which);
    return safetensors_find(r->file, name);
}

/* Copies a tensor of exactly count values to out, which has room for them. */
static void take(struct reader *r, const char *part, const char *which, enum tensor_type type,
                 void *out, size_t count)
{
    const struct tensor *t = r->ok ? find(r, part, which) : NULL;
    char what[96];
    if (t && t->type == type && tensor_count(t) == count) {
        memcpy(out, t->data, t->bytes);
        return;
    }
    snprintf(what, sizeof what, "tensor %s%s%s%s is missing or has another shape", r->prefix, part,
             *which ? "." : "", which);
    wrong(r, what);
}

static size_t count_of(struct reader *r, const char *part, const char *which)
{
    const struct tensor *t = find(r, part, which);
    return t ? tensor_count(t) : 0;
}

static bool ascends(const uint32_t *x, size_t n, size_t most)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] > most || (i && x[i] < x[i - 1]))
            return false;
    return true;
}

static double number(const json_t *object, const char *key, double least)
{
    double x = json_number_value(json_object_get(object, key));
    return isfinite(x) && x > least ? x : least;
}

static size_t count_in(const json_t *object, const char *key, size_t most)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n < 0 ? 0 : (size_t)n < most ? (size_t)n : most;
}

static void read_special(struct reader *r, const json_t *words, struct snapshot_document *d)
{
    const json_t *list = json_object_get(words, "special");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        json_int_t t = json_integer_value(json_array_get(pair, 0));
        const char *name = json_string_value(json_array_get(pair, 1));
        char clean[64];
        if (t < 0 || (size_t)t >= d->tokens || !name || d->special[t]) {
            wrong(r, "a special token has no place");
            return;
        }
        text_sanitize(clean, sizeof clean, name, strlen(name));
        d->special[t] = xstrdup(clean);
    }
}

/* The document beside the file, if it is the one that the tokens were made of. */
static char *text_beside(const struct reader *r, const struct figure_meta *meta, size_t size)
{
    char *path = figure_meta_beside(r->path, meta->document.name), *text = NULL, hex[65];
    size_t found;
    bool there = path && file_read(path, TEXT_MAX, &text, &found, NULL);
    free(path);
    if (!there)
        return NULL;
    sha256_hex(text, found, hex);
    size_t bom = text_bom(text, found);
    if (found - bom == size && strcmp(hex, meta->document.sha256) == 0) {
        memmove(text, text + bom, size + 1);
        return text;
    }
    free(text);
    return NULL;
}

/* Dots, with a blank before each token that can spare one, so that lines break. */
static void fill_with_dots(struct snapshot_document *d)
{
    memset(d->text, '.', d->size);
    for (size_t t = 1; t < d->tokens; t++)
        if (d->end[t] > d->start[t] + 1)
            d->text[d->start[t]] = ' ';
}

static void restore_text(struct reader *r, const struct figure_meta *meta,
                         struct snapshot_document *d)
{
    char *text = text_beside(r, meta, d->size);
    r->text_missing = !text;
    if (!text) {
        fill_with_dots(d);
        return;
    }
    free(d->text);
    d->text = text;
}

static struct snapshot_document *read_document(struct reader *r, const json_t *words,
                                               const struct figure_meta *meta)
{
    bool left_out = json_object_get(words, "text_size") != NULL;
    size_t n = count_of(r, "ids", "");
    size_t size = left_out ? count_in(words, "text_size", TEXT_MAX) : count_of(r, "text", "");
    if (n == 0 || n > TOKENS_MAX) {
        wrong(r, "it has no tokens");
        return NULL;
    }
    struct snapshot_document *d = snapshot_document_new(n);
    d->size = size;
    d->text = xcalloc(size + 1, 1);
    d->name = xstrdup(meta->document.name[0] ? meta->document.name : "document");
    snprintf(d->sha256, sizeof d->sha256, "%s", meta->document.sha256);
    take(r, "ids", "", TENSOR_I32, d->ids, n);
    take(r, "start", "", TENSOR_I32, d->start, n);
    take(r, "end", "", TENSOR_I32, d->end, n);
    if (size && !left_out)
        take(r, "text", "", TENSOR_U8, d->text, size);
    for (size_t t = 0; r->ok && t < n; t++)
        if (d->start[t] > d->end[t] || d->end[t] > size || (t && d->start[t] < d->start[t - 1]))
            wrong(r, "the tokens do not lie in the text");
    if (r->ok && left_out)
        restore_text(r, meta, d);
    read_special(r, words, d);
    return d;
}

static bool is_sound(const struct snapshot_window *w)
{
    size_t cells = w->tokens * w->slots;
    for (size_t i = 0; i < cells; i++)
        if (!isfinite(w->plan[i]) || !isfinite(w->cost[i]))
            return false;
    for (size_t t = 0; t < w->tokens; t++)
        if (!isfinite(w->mass[t]))
            return false;
    return ascends(w->span, w->slots + 1, w->tokens);
}

/* What each slot receives; a slot that received nothing was taken out of the plan. */
static float capacity_of(const struct snapshot_window *w)
{
    size_t receiving = 0;
    for (size_t j = 0; j < w->slots; j++) {
        bool receives = false;
        for (size_t t = 0; t < w->tokens && !receives; t++)
            receives = w->plan[t * w->slots + j] > 0;
        receiving += receives;
    }
    return receiving ? 1.0f / (float)receiving : w->capacity;
}

static void read_window(struct reader *r, struct snapshot *s, size_t index)
{
    char which[24];
    snprintf(which, sizeof which, "%zu", index);
    if (!find(r, "plan", which))
        return;
    size_t n = s->window_first[index + 1] - s->window_first[index];
    size_t spans = count_of(r, "span", which), rounds = count_of(r, "row-error", which);
    size_t gates = count_of(r, "gate", which);
    if (n == 0 || spans < 2 || spans > n + 1 || rounds < 1 || rounds > ITERS_MAX || gates % n) {
        wrong(r, "a window has an impossible shape");
        return;
    }
    bool history = find(r, "f", which) != NULL;
    struct snapshot_window *w = snapshot_window_new(n, spans - 1, gates / n, (unsigned)rounds - 1,
                                                    history);
    w->first = s->window_first[index];
    w->eps = s->settings.eps;
    w->has_gate = w->has_plan = true;
    take(r, "gate", which, TENSOR_F32, w->gate, gates);
    take(r, "mass", which, TENSOR_F32, w->mass, n);
    take(r, "plan", which, TENSOR_F32, w->plan, n * w->slots);
    take(r, "cost", which, TENSOR_F32, w->cost, n * w->slots);
    take(r, "span", which, TENSOR_I32, w->span, spans);
    take(r, "twin", which, TENSOR_F32, w->twin, w->slots);
    take(r, "row-error", which, TENSOR_F32, w->row_error, rounds);
    take(r, "column-error", which, TENSOR_F32, w->column_error, rounds);
    if (history) {
        take(r, "f", which, TENSOR_F32, w->f, rounds * n);
        take(r, "g", which, TENSOR_F32, w->g, rounds * w->slots);
    }
    if (r->ok && !is_sound(w))
        wrong(r, "a window holds values that no plan has");
    w->capacity = capacity_of(w);
    snapshot_set_window(s, index, w);
}

static void read_windows(struct reader *r, struct snapshot *s)
{
    size_t count = count_of(r, "window-first", "");
    if (count < 2 || count - 1 > s->document->tokens) {
        wrong(r, "it has no windows");
        return;
    }
    uint32_t *first = xcalloc(count, sizeof *first);
    take(r, "window-first", "", TENSOR_I32, first, count);
    if (r->ok && (!ascends(first, count, s->document->tokens) || first[0] != 0 ||
                  first[count - 1] != s->document->tokens))
        wrong(r, "the windows do not cover the document");
    if (r->ok)
        snapshot_set_windows(s, count - 1, first);
    free(first);
    for (size_t i = 0; r->ok && i < s->windows; i++)
        read_window(r, s, i);
}

static size_t all_slots(const struct snapshot *s)
{
    size_t slots = 0;
    for (size_t i = 0; i < s->windows; i++)
        slots += s->window[i] ? s->window[i]->slots : s->settings.slots_per_window;
    return slots;
}

static void read_answer(struct reader *r, struct snapshot *s, enum answer_mode mode,
                        const json_t *json)
{
    const char *name = answer_mode_name[mode];
    size_t length = count_of(r, "answer-text", name);
    int state = (int)json_integer_value(json_object_get(json, "state"));
    struct snapshot_answer *a = snapshot_answer_new();
    snapshot_set_answer(s, mode, a);
    a->state = state == ANSWER_DONE || state == ANSWER_FAILED ? (enum answer_state)state
                                                              : ANSWER_STOPPED;
    a->stale = json_is_true(json_object_get(json, "stale"));
    a->cut = json_is_true(json_object_get(json, "cut"));
    a->text = xcalloc(length + 1, 1);
    if (length)
        take(r, "answer-text", name, TENSOR_U8, a->text, length);
    a->context_positions = count_in(json, "positions", TOKENS_MAX);
    a->context_tokens = count_in(json, "context", TOKENS_MAX);
    a->settings = s->settings; /* attention on other slots is not saved */
    a->asked_from = count_in(json, "asked_from", TOKENS_MAX);
    a->asked_to = count_in(json, "asked_to", TOKENS_MAX);
    a->kv_bytes = count_in(json, "kv_bytes", SIZE_MAX >> 1);
    a->compress_ms = number(json, "compress_ms", 0);
    a->prepare_ms = number(json, "prepare_ms", 0);
    a->first_token_ms = number(json, "first_ms", 0);
    a->tokens_per_s = number(json, "tokens_per_s", 0);
    a->f1 = number(json, "f1", -1);
    a->exact = number(json, "exact", -1);
    size_t n = count_of(r, "answer-ids", name), values = count_of(r, "attention", name);
    if (n == 0)
        return;
    a->ids = xcalloc(n, sizeof *a->ids);
    a->start = xcalloc(n + 1, sizeof *a->start);
    take(r, "answer-ids", name, TENSOR_I32, a->ids, n);
    take(r, "answer-start", name, TENSOR_I32, a->start, n + 1);
    if (!r->ok || !ascends(a->start, n + 1, strlen(a->text)) || values % n) {
        wrong(r, "an answer does not fit its text");
        return;
    }
    a->tokens = n;
    a->source_first = count_in(json, "first", TOKENS_MAX);
    size_t most = mode == ANSWER_FULL ? s->document->tokens : all_slots(s);
    if (values == 0 || values / n + a->source_first > most)
        return;
    a->sources = values / n;
    a->attention = xcalloc(values, sizeof *a->attention);
    take(r, "attention", name, TENSOR_F32, a->attention, values);
}

static void read_loss(struct reader *r, struct snapshot *s)
{
    if (!find(r, "loss-full", ""))
        return;
    struct snapshot_loss *l = snapshot_loss_new(s->document->tokens);
    snapshot_set_loss(s, l);
    take(r, "loss-full", "", TENSOR_F32, l->full, l->tokens);
    take(r, "loss-compressed", "", TENSOR_F32, l->compressed, l->tokens);
}

static void read_facts(struct snapshot *s, const json_t *words, const struct figure_meta *meta)
{
    struct snapshot_facts *f = &s->facts;
    s->settings = meta->settings;
    s->settings.slots_per_window = (unsigned)count_in(words, "slots", TOKENS_MAX);
    s->settings.max_tokens = (unsigned)count_in(words, "max_tokens", TOKENS_MAX);
    snprintf(f->model, sizeof f->model, "%.*s", (int)sizeof f->model - 1, meta->model.name);
    snprintf(f->compressor, sizeof f->compressor, "%.*s", (int)sizeof f->compressor - 1,
             meta->compressor.name);
    snprintf(f->model_sha256, sizeof f->model_sha256, "%s", meta->model.sha256);
    snprintf(f->compressor_sha256, sizeof f->compressor_sha256, "%s", meta->compressor.sha256);
    f->model_bytes = meta->model.size;
    f->compressor_bytes = meta->compressor.size;
    snprintf(f->precision, sizeof f->precision, "%s", meta->precision);
    f->layers = count_in(words, "layers", 1 << 16);
    f->hidden = count_in(words, "hidden", 1 << 24);
    f->vocab = count_in(words, "vocab", 1 << 28);
    f->positions = count_in(words, "positions", TOKENS_MAX);
    f->trained_ratio = number(words, "trained_ratio", 0);
    f->trained_window = (unsigned)count_in(words, "trained_window", TOKENS_MAX);
    f->trained_eps = number(words, "trained_eps", 0);
    f->trained_iters = (unsigned)count_in(words, "trained_iters", 1 << 20);
    f->untrained = json_is_true(json_object_get(words, "untrained"));
}

static json_t *read_json(struct reader *r, const char *key)
{
    const char *text = safetensors_metadata(r->file, key);
    json_t *json = text ? json_parse(text, strlen(text), r->path, r->err) : NULL;
    if (!text)
        wrong(r, "not one of comprexit: its record is missing");
    if (!json)
        r->ok = false;
    return json;
}

/* main: whose document a pin has, if it has none of its own; or NULL. */
static void read_all(struct reader *r, struct snapshot *s, const json_t *words,
                     const struct figure_meta *meta, const struct snapshot *main)
{
    read_facts(s, words, meta);
    if (!(s->settings.eps > 0) || s->settings.window == 0)
        wrong(r, "its settings are missing");
    s->document = main && !find(r, "ids", "") ? snapshot_document_retain(main->document)
                                              : read_document(r, words, meta);
    if (r->ok)
        read_windows(r, s);
    const json_t *answers = json_object_get(words, "answers");
    for (enum answer_mode m = 0; r->ok && m < ANSWER_MODES; m++)
        if (json_object_get(answers, answer_mode_name[m]))
            read_answer(r, s, m, json_object_get(answers, answer_mode_name[m]));
    if (r->ok)
        read_loss(r, s);
    const char *gold = json_string_value(json_object_get(words, "gold"));
    s->gold = gold ? xstrdup(gold) : NULL;
    s->question = meta->question ? xstrdup(meta->question) : NULL;
}

static void read_pin(struct reader *r, const json_t *words, const struct snapshot *main,
                     struct pins *out)
{
    const char *given = json_string_value(json_object_get(words, "name"));
    const json_t *record = json_object_get(words, "record");
    struct figure_meta meta = {0};
    char name[PIN_NAME_BYTES];
    struct snapshot *s = snapshot_derive(NULL);
    if (!given)
        wrong(r, "a pin has no name");
    r->ok = r->ok && figure_meta_from_json(&meta, record, r->path, r->err);
    if (r->ok) {
        read_all(r, s, words, &meta, main);
        figure_meta_free(&meta);
    }
    if (r->ok) {
        text_sanitize(name, sizeof name, given, strlen(given));
        pins_keep(out, name, s);
        if (json_is_true(json_object_get(words, "a")))
            out->a = out->n;
    }
    snapshot_release(s);
}

static void read_pins(struct reader *r, const json_t *list, const struct snapshot *main,
                      struct pins *out)
{
    if (json_array_size(list) > PINS_MAX)
        wrong(r, "it has too many pins");
    for (size_t i = 0; r->ok && i < json_array_size(list); i++) {
        snprintf(r->prefix, sizeof r->prefix, "pin%u/", (unsigned)i % PINS_MAX);
        read_pin(r, json_array_get(list, i), main, out);
    }
}

struct snapshot *session_file_read(const char *path, struct figure_meta *meta, bool *text_missing,
                                   struct pins *pins, struct err *err)
{
    struct safetensors *file = safetensors_open(path, err);
    struct reader r = {.file = file, .path = path, .err = err, .ok = file != NULL};
    struct snapshot *s = NULL;
    *meta = (struct figure_meta){0};
    json_t *words = file ? read_json(&r, SESSION_WORDS_KEY) : NULL;
    json_t *record = r.ok ? read_json(&r, FIGURE_META_KEYWORD) : NULL;
    r.ok = r.ok && figure_meta_from_json(meta, record, path, err);
    if (r.ok) {
        s = snapshot_derive(NULL);
        read_all(&r, s, words, meta, NULL);
    }
    if (pins)
        *pins = (struct pins){0};
    if (r.ok && pins)
        read_pins(&r, json_object_get(words, "pins"), s, pins);
    if (!r.ok) {
        if (pins)
            pins_free(pins);
        snapshot_release(s);
        figure_meta_free(meta);
        s = NULL;
    }
    if (text_missing)
        *text_missing = r.text_missing;
    json_decref(words);
    json_decref(record);
    if (file)
        safetensors_close(file);
    return s;
}
