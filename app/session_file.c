#include "app/session_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/text.h"
#include "engine/model/safetensors.h"

bool session_file_is(const char *path)
{
    size_t length = strlen(path), ending = strlen(SESSION_FILE_ENDING);
    return length > ending && strcmp(path + length - ending, SESSION_FILE_ENDING) == 0;
}

bool session_file_identify(const char *path, struct figure_meta_file *out, struct err *err)
{
    struct mapped_file file = {.fd = -1};
    *out = (struct figure_meta_file){0};
    if (!mapped_file_open(&file, path, err))
        return false;
    text_sanitize(out->name, sizeof out->name, file_name(path), strlen(file_name(path)));
    out->size = file.size;
    sha256_hex(file.data, file.size, out->sha256);
    mapped_file_close(&file);
    return true;
}

struct writer {
    struct safetensors_entry *entries;
    char (*names)[SESSION_TENSOR_NAME];
    size_t n, capacity;
    char prefix[SESSION_PREFIX]; /* of a pin */
};

/* `part` with the number of a window or the name of an answer behind it. */
static void put(struct writer *w, const char *part, const char *which, enum tensor_type type,
                const void *data, size_t rows, size_t columns)
{
    if (!data || w->n == w->capacity)
        return;
    snprintf(w->names[w->n], SESSION_TENSOR_NAME, "%s%s%s%s", w->prefix, part, *which ? "." : "",
             which);
    w->entries[w->n] = (struct safetensors_entry){
        .name = w->names[w->n], .type = type, .n_dims = columns ? 2 : 1, .dims = {rows, columns},
        .data = data};
    w->n++;
}

static void put_window(struct writer *w, size_t index, const struct snapshot_window *x)
{
    char which[24];
    size_t n = x->tokens, k = x->slots, rounds = (size_t)x->iters + 1;
    snprintf(which, sizeof which, "%zu", index);
    put(w, "gate", which, TENSOR_F32, x->gate, n, x->layers);
    put(w, "mass", which, TENSOR_F32, x->mass, n, 0);
    put(w, "plan", which, TENSOR_F32, x->plan, n, k);
    put(w, "cost", which, TENSOR_F32, x->cost, n, k);
    put(w, "span", which, TENSOR_I32, x->span, k + 1, 0);
    put(w, "twin", which, TENSOR_F32, x->twin, k, 0);
    put(w, "row-error", which, TENSOR_F32, x->row_error, rounds, 0);
    put(w, "column-error", which, TENSOR_F32, x->column_error, rounds, 0);
    put(w, "f", which, TENSOR_F32, x->f, rounds, n);
    put(w, "g", which, TENSOR_F32, x->g, rounds, k);
}

static void put_answer(struct writer *w, const char *name, const struct snapshot_answer *a)
{
    if (!a || !a->tokens || !a->ids || !a->start || !a->text || !a->text[0])
        return;
    put(w, "answer-text", name, TENSOR_U8, a->text, strlen(a->text), 0);
    put(w, "answer-ids", name, TENSOR_I32, a->ids, a->tokens, 0);
    put(w, "answer-start", name, TENSOR_I32, a->start, a->tokens + 1, 0);
    if (a->sources)
        put(w, "attention", name, TENSOR_F32, a->attention, a->tokens, a->sources);
}

static bool is_whole(const struct snapshot_window *w)
{
    return w && w->has_plan && w->has_gate;
}

static void put_document(struct writer *w, const struct snapshot_document *d, bool with_text)
{
    put(w, "ids", "", TENSOR_I32, d->ids, d->tokens, 0);
    put(w, "start", "", TENSOR_I32, d->start, d->tokens, 0);
    put(w, "end", "", TENSOR_I32, d->end, d->tokens, 0);
    put(w, "text", "", TENSOR_U8, with_text ? d->text : NULL, d->size, 0);
}

static void put_results(struct writer *w, const struct snapshot *s)
{
    put(w, "window-first", "", TENSOR_I32, s->window_first, s->windows + 1, 0);
    for (size_t i = 0; i < s->windows; i++)
        if (is_whole(s->window[i]))
            put_window(w, i, s->window[i]);
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++)
        put_answer(w, answer_mode_name[m], s->answer[m]);
    if (s->loss) {
        put(w, "loss-full", "", TENSOR_F32, s->loss->full, s->loss->tokens, 0);
        put(w, "loss-compressed", "", TENSOR_F32, s->loss->compressed, s->loss->tokens, 0);
    }
}

static json_t *text_json(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;
    return json ? json : json_null();
}

static json_t *answer_json(const struct snapshot_answer *a)
{
    return json_pack("{s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}",
                     "state", (int)a->state, "stale", (int)a->stale, "cut", (int)a->cut,
                     "positions", (json_int_t)a->context_positions,
                     "context", (json_int_t)a->context_tokens,
                     "asked_from", (json_int_t)a->asked_from, "asked_to", (json_int_t)a->asked_to,
                     "first", (json_int_t)a->source_first, "kv_bytes", (json_int_t)a->kv_bytes,
                     "compress_ms", a->compress_ms, "prepare_ms", a->prepare_ms,
                     "first_ms", a->first_token_ms, "tokens_per_s", a->tokens_per_s,
                     "f1", a->f1, "exact", a->exact);
}

static json_t *words_json(const struct snapshot *s)
{
    const struct snapshot_facts *f = &s->facts;
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:I, s:b, s:I, s:I}",
                             "layers", (json_int_t)f->layers, "hidden", (json_int_t)f->hidden,
                             "vocab", (json_int_t)f->vocab, "positions", (json_int_t)f->positions,
                             "trained_ratio", f->trained_ratio,
                             "trained_window", (json_int_t)f->trained_window,
                             "trained_eps", f->trained_eps,
                             "trained_iters", (json_int_t)f->trained_iters,
                             "untrained", (int)f->untrained,
                             "slots", (json_int_t)s->settings.slots_per_window,
                             "max_tokens", (json_int_t)s->settings.max_tokens);
    json_t *answers = json_object(), *special = json_array();
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++)
        if (s->answer[m])
            json_object_set_new(answers, answer_mode_name[m], answer_json(s->answer[m]));
    for (size_t t = 0; s->document->special && t < s->document->tokens; t++)
        if (s->document->special[t])
            json_array_append_new(special, json_pack("[I, o]", (json_int_t)t,
                                                     text_json(s->document->special[t])));
    json_object_set_new(json, "answers", answers);
    json_object_set_new(json, "special", special);
    json_object_set_new(json, "gold", text_json(s->gold));
    return json;
}

/* Everything of a snapshot; a document that `main` has too is not repeated. */
static json_t *put_snapshot(struct writer *w, const struct snapshot *s, const struct snapshot *main,
                            bool with_text)
{
    json_t *words = words_json(s);
    if (!main || main->document != s->document) {
        put_document(w, s->document, with_text);
        if (!with_text)
            json_object_set_new(words, "text_size", json_integer((json_int_t)s->document->size));
    }
    put_results(w, s);
    return words;
}

static json_t *put_pins(struct writer *w, const struct pins *pins, const struct snapshot *main,
                        bool with_text)
{
    json_t *list = json_array();
    for (size_t i = 0; pins && i < pins->n; i++) {
        const struct pin *pin = &pins->pins[i];
        struct figure_meta meta = {0};
        snprintf(w->prefix, sizeof w->prefix, "pin%u/", (unsigned)i % PINS_MAX);
        json_t *words = put_snapshot(w, pin->snapshot, main, with_text);
        figure_meta_from_snapshot(&meta, pin->snapshot);
        json_object_set_new(words, "name", text_json(pin->name));
        json_object_set_new(words, "a", json_boolean(i + 1 == pins->a));
        json_object_set_new(words, "record", figure_meta_to_json(&meta));
        json_array_append_new(list, words);
        figure_meta_free(&meta);
    }
    return list;
}

static size_t most_tensors(const struct snapshot *s)
{
    return 10 * s->windows + 4 * ANSWER_MODES + 8;
}

bool session_file_write(const char *path, const struct snapshot *s, const struct figure_meta *meta,
                        const struct pins *pins, bool with_text, struct err *err)
{
    struct writer w = {.capacity = most_tensors(s)};
    for (size_t i = 0; pins && i < pins->n; i++)
        w.capacity += most_tensors(pins->pins[i].snapshot);
    w.entries = xcalloc(w.capacity, sizeof *w.entries);
    w.names = xcalloc(w.capacity, sizeof *w.names);
    json_t *words = put_snapshot(&w, s, NULL, with_text), *record = figure_meta_to_json(meta);
    json_object_set_new(words, "pins", put_pins(&w, pins, s, with_text));
    char *texts[] = {json_dumps(words, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS),
                     json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS)};
    const struct safetensors_pair pairs[] = {{SESSION_WORDS_KEY, texts[0]},
                                             {FIGURE_META_KEYWORD, texts[1]}};
    bool ok = safetensors_write(path, w.entries, w.n, pairs, 2, err);
    for (int i = 0; i < 2; i++)
        free(texts[i]);
    json_decref(words);
    json_decref(record);
    free(w.entries);
    free(w.names);
    return ok;
}
