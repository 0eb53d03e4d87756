/* Session files from anywhere: each row is a sound file in which one thing was changed, and the
 * words of its refusal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/model/safetensors.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/temporary.h"

enum how { GONE, ONE_MORE, OTHER_TYPE, NUMBER, WORDS };

struct row {
    enum how how;
    const char *what;        /* a tensor; WORDS: a part of the metadata */
    const char *replacement; /* WORDS */
    size_t at;               /* NUMBER: which value, and what it becomes */
    double value;
    const char *expected;
};

static const struct row rows[] = {
    {GONE, "ids", NULL, 0, 0, "it has no tokens"},
    {GONE, "end", NULL, 0, 0, "tensor end is missing or has another shape"},
    {GONE, "window-first", NULL, 0, 0, "it has no windows"},
    {GONE, "cost.1", NULL, 0, 0, "tensor cost.1 is missing"},
    {GONE, "answer-start.full", NULL, 0, 0, "tensor answer-start.full is missing"},
    {GONE, "loss-compressed", NULL, 0, 0, "tensor loss-compressed is missing"},
    {GONE, "pin0/mass.0", NULL, 0, 0, "tensor pin0/mass.0 is missing"},
    {ONE_MORE, "start", NULL, 0, 0, "tensor start is missing or has another shape"},
    {ONE_MORE, "gate.0", NULL, 0, 0, "a window has an impossible shape"},
    {ONE_MORE, "g.0", NULL, 0, 0, "tensor g.0 is missing or has another shape"},
    {ONE_MORE, "attention.full", NULL, 0, 0, "an answer does not fit its text"},
    {OTHER_TYPE, "mass.0", NULL, 0, 0, "tensor mass.0 is missing or has another shape"},
    {NUMBER, "start", NULL, 3, 1e6, "the tokens do not lie in the text"},
    {NUMBER, "end", NULL, 497, 1e6, "the tokens do not lie in the text"},
    {NUMBER, "window-first", NULL, 0, 1, "the windows do not cover the document"},
    {NUMBER, "window-first", NULL, 1, 400, "the windows do not cover the document"},
    {NUMBER, "window-first", NULL, 4, 497, "the windows do not cover the document"},
    {NUMBER, "plan.2", NULL, 9, (double)NAN, "a window holds values that no plan has"},
    {NUMBER, "cost.2", NULL, 9, (double)INFINITY, "a window holds values that no plan has"},
    {NUMBER, "mass.3", NULL, 0, (double)NAN, "a window holds values that no plan has"},
    {NUMBER, "span.0", NULL, 2, 1e6, "a window holds values that no plan has"},
    {NUMBER, "answer-start.full", NULL, 1, 1e6, "an answer does not fit its text"},
    {WORDS, "\"eps\"", "\"esp\"", 0, 0, "settings"},
    {WORDS, "\"window\":128", "\"window\":0", 0, 0, "its settings are missing"},
    {WORDS, "\"pins\":[{", "\"pins\":[{},{", 0, 0, "a pin has no name"},
    {WORDS, "\"special\":[]", "\"special\":[[498,\"x\"]]", 0, 0, "a special token has no place"},
    {WORDS, "\"special\":[]", "\"special\":[[0,\"x\"],[0,\"x\"]]", 0, 0,
     "a special token has no place"},
    {WORDS, "{\"", "[\"", 0, 0, "invalid JSON"},
};

/* What a file holds, so that it can be written again with a change. */
struct parts {
    struct safetensors *file;
    struct safetensors_entry entry[128];
    size_t n, n_pairs;
    struct safetensors_pair pair[2];
    void *changed; /* of one entry or pair, owned */
};

static void parts_open(struct parts *p, const char *path)
{
    struct err err = {0};
    *p = (struct parts){.file = safetensors_open(path, &err)};
    if (!p->file)
        fail_msg("%s", err.text);
    p->n = safetensors_count(p->file);
    assert_true(p->n <= sizeof p->entry / sizeof *p->entry);
    for (size_t i = 0; i < p->n; i++) {
        const struct tensor *t = safetensors_at(p->file, i);
        p->entry[i] = (struct safetensors_entry){t->name, t->type, t->n_dims, {0}, t->data};
        memcpy(p->entry[i].dims, t->dims, sizeof t->dims);
    }
    p->n_pairs = safetensors_metadata_count(p->file);
    assert_int_equal(p->n_pairs, 2);
    for (size_t i = 0; i < p->n_pairs; i++)
        p->pair[i].key = safetensors_metadata_at(p->file, i, &p->pair[i].value);
}

static void parts_close(struct parts *p)
{
    free(p->changed);
    safetensors_close(p->file);
}

/* The last place: what pins say comes first. */
static const char *find_last(const char *text, const char *what)
{
    const char *found = NULL;
    while ((text = strstr(text, what)))
        found = text++;
    return found;
}

static void change_words(struct parts *p, const struct row *row)
{
    for (size_t i = 0; i < p->n_pairs && !p->changed; i++) {
        const char *text = p->pair[i].value, *at = find_last(text, row->what);
        if (!at)
            continue;
        size_t room = strlen(text) + strlen(row->replacement) + 1;
        char *changed = xmalloc(room);
        snprintf(changed, room, "%.*s%s%s", (int)(at - text), text, row->replacement,
                 at + strlen(row->what));
        p->pair[i].value = p->changed = changed;
    }
    if (!p->changed)
        fail_msg("no %s in the metadata", row->what);
}

static void change_tensor(struct parts *p, const struct row *row)
{
    size_t i = 0;
    while (i < p->n && strcmp(p->entry[i].name, row->what) != 0)
        i++;
    if (i == p->n)
        fail_msg("no tensor %s", row->what);
    struct safetensors_entry *e = &p->entry[i];
    const struct tensor *t = safetensors_at(p->file, i);
    p->changed = xcalloc(t->bytes + 4, 1);
    memcpy(p->changed, t->data, t->bytes);
    e->data = p->changed;
    if (row->how == GONE) {
        p->entry[i] = p->entry[--p->n];
    } else if (row->how == ONE_MORE) {
        e->n_dims = 1;
        e->dims[0] = tensor_count(t) + 1;
    } else if (row->how == OTHER_TYPE) {
        e->type = t->type == TENSOR_F32 ? TENSOR_I32 : TENSOR_F32;
    } else if (t->type == TENSOR_F32) {
        ((float *)p->changed)[row->at] = (float)row->value;
    } else {
        ((int32_t *)p->changed)[row->at] = (int32_t)row->value;
    }
}

static void refused(const char *sound, const char *damaged, const struct row *row)
{
    struct parts p;
    struct err err = {0};
    struct figure_meta meta;
    struct pins pins;
    parts_open(&p, sound);
    if (row->how == WORDS)
        change_words(&p, row);
    else
        change_tensor(&p, row);
    if (!safetensors_write(damaged, p.entry, p.n, p.pair, p.n_pairs, &err))
        fail_msg("%s", err.text);
    if (session_file_read(damaged, &meta, NULL, &pins, &err))
        fail_msg("%s %s: read", row->what, row->expected);
    if (err.code != ERR_INPUT || !strstr(err.text, row->expected) || !strstr(err.text, damaged))
        fail_msg("%s: \"%s\" does not say \"%s\"", row->what, err.text, row->expected);
    parts_close(&p);
}

static void test_refused(void **state)
{
    (void)state;
    char *folder = temporary_directory();
    char *sound = file_join(folder, "sound.cxt"), *damaged = file_join(folder, "damaged.cxt");
    struct snapshot *s = sample_snapshot();
    struct figure_meta meta = {0};
    struct pins pins = {0};
    struct err err = {0};
    snapshot_set_loss(s, snapshot_loss_new(s->document->tokens));
    figure_meta_from_snapshot(&meta, s);
    pins_keep(&pins, "before", s);
    if (!session_file_write(sound, s, &meta, &pins, true, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(sound, damaged, &rows[i]);
    pins_free(&pins);
    figure_meta_free(&meta);
    snapshot_release(s);
    free(sound);
    free(damaged);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
