#include "app/run_probes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

void run_probes_open(struct growing *file, const char *directory)
{
    growing_open(file, directory, "probes.jsonl");
}

/* ---- lines ---------------------------------------------------------------------- */

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

/* A text of the line on one line of a screen, to be freed; NULL: none. */
static char *clean_text(const json_t *line, const char *key)
{
    enum { BYTES = 1024 };
    char out[BYTES];
    const char *text = text_of(line, key);
    if (!text)
        return NULL;
    char *flat = xstrdup(text);
    for (char *at = flat; (at = strpbrk(at, "\r\n\t"));)
        *at = ' ';
    text_sanitize(out, sizeof out, flat + strspn(flat, " "), strlen(flat + strspn(flat, " ")));
    free(flat);
    return xstrdup(out);
}

static void copy_text(const json_t *line, const char *key, char *out, size_t size)
{
    char *text = clean_text(line, key);
    snprintf(out, size, "%s", text ? text : "");
    free(text);
}

static void drop_from(struct training *t, size_t step)
{
    while (t->n_probes && t->probes[t->n_probes - 1].step >= step)
        training_probe_free(&t->probes[--t->n_probes]);
}

bool run_probes_line(struct training *t, const char *text, size_t length)
{
    json_t *line = json_loadb(text, length, 0, NULL);
    const json_t *step = json_object_get(line, "step"), *window = json_object_get(line, "window");
    const json_t *f1 = json_object_get(line, "f1");
    const char *file = text_of(line, "file");
    bool ok = json_is_integer(step) && json_integer_value(step) >= 0 && json_is_integer(window) &&
              json_integer_value(window) >= 0 && file && !strchr(file, '/') &&
              session_file_is(file);
    if (ok) {
        drop_from(t, (size_t)json_integer_value(step)); /* a resumed run looked again */
        MEM_GROW(t->probes, t->probes_capacity, t->n_probes + 1);
        t->probes[t->n_probes++] = (struct training_probe){
            .step = (size_t)json_integer_value(step),
            .file = xstrdup(file),
            .at = (size_t)json_integer_value(window),
            .said = clean_text(line, "said"),
            .answer = clean_text(line, "answer"),
            .f1 = json_is_number(f1) ? json_number_value(f1) : -1,
        };
        copy_text(line, "lead", t->probe_lead, sizeof t->probe_lead);
        copy_text(line, "follows", t->probe_text, sizeof t->probe_text);
        copy_text(line, "question", t->probe_question, sizeof t->probe_question);
    }
    json_decref(line);
    return ok;
}

static void take_line(void *context, const char *text, size_t length)
{
    run_probes_line(context, text, length);
}

static void forget(void *context)
{
    drop_from(context, 0);
}

bool run_probes_read(struct growing *file, struct training *t, bool *changed, struct err *err)
{
    struct growing_listener listener = {take_line, forget, t};
    bool more;
    return growing_read(file, &listener, changed, &more, err);
}

/* ---- windows ---------------------------------------------------------------------- */

char *run_probes_file(const struct training *t, size_t index)
{
    return file_join(t->directory, t->probes[index].file);
}

bool run_probes_load(struct training *t, size_t index, struct err *err)
{
    struct training_probe *probe = &t->probes[index];
    struct figure_meta meta;
    if (probe->loaded)
        return probe->window != NULL;
    probe->loaded = true;
    char *path = run_probes_file(t, index);
    struct snapshot *s = session_file_read(path, &meta, NULL, NULL, err);
    free(path);
    if (!s)
        return false;
    if (probe->at < s->windows)
        probe->window = snapshot_window_retain(s->window[probe->at]);
    snapshot_release(s);
    figure_meta_free(&meta);
    return probe->window || err_set(err, ERR_INPUT, "%s: has no window %zu", probe->file,
                                    probe->at + 1);
}
