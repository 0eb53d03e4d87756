#include "app/data_screen.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/data_rows.h"
#include "app/dialog.h"
#include "app/jobs.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/data/dataset.h"
#include "engine/data/input.h"

enum { CONTEXT = 512, PREDICT = 128, TICK_ROWS = 256 };

/* Shared between the screen and the jobs that look into it. */
struct data_set {
    atomic_uint references;
    struct dataset *dataset;
    enum phase phase;
    struct block_shape shape;
};

struct data_screen {
    char *path, *shown;       /* asked for last; that of the set */
    struct data_set *set;     /* NULL: nothing is read */
    struct samples samples;
    struct samples_text text;
    size_t asked; /* sample that is being made; SIZE_MAX: none */
};

static struct data_set *retain(struct data_set *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

static void release(struct data_set *set)
{
    if (!set || atomic_fetch_sub(&set->references, 1) != 1)
        return;
    dataset_free(set->dataset);
    free(set);
}

struct data_screen *data_screen_new(void)
{
    struct data_screen *d = xcalloc(1, sizeof *d);
    d->asked = SIZE_MAX;
    return d;
}

void data_screen_free(struct data_screen *d)
{
    if (!d)
        return;
    release(d->set);
    samples_free(&d->samples);
    samples_text_free(&d->text);
    free(d->path);
    free(d->shown);
    free(d);
}

const char *data_screen_path(const struct session *s)
{
    return s->data->path;
}

const char *data_screen_shown(const struct session *s)
{
    return s->data->set ? s->data->shown : NULL;
}

/* ---- reading, on the worker ---------------------------------------------------- */

struct load_job {
    struct job job;
    char *path;
    struct data_set *set;
    struct samples samples;
};

static void describe(struct load_job *j)
{
    const struct dataset *d = j->set->dataset;
    struct samples *s = &j->samples;
    const char *name = file_name(j->path);
    text_sanitize(s->name, sizeof s->name, name, strlen(name));
    snprintf(s->phase, sizeof s->phase, "%s", phase_name[j->set->phase]);
    snprintf(s->form, sizeof s->form, "%s", d->form);
    s->good = d->documents;
    s->bad = d->bad;
    s->refused = records_refused(d->documents, d->bad);
    s->tokens = d->n_tokens;
    s->questions = d->n_questions;
    s->context = j->set->shape.context;
    s->predict = j->set->shape.predict;
    s->n_samples = dataset_count(d, PART_TRAINING, j->set->phase, j->set->shape);
}

static bool run_load(struct job *job, void *host, const struct progress *progress, struct err *err)
{
    struct load_job *j = (struct load_job *)job;
    struct samples bad = {0};
    struct records_options records = {.any_bad = true, .bad = data_rows_bad,
                                      .context_pointer = &bad};
    const struct engine *engine = engine_host_engine(host, err);
    if (!engine)
        return false;
    const struct tokenizer *tokenizer = engine_tokenizer(engine);
    samples_free(&j->samples); /* of a time when it was interrupted */
    release(j->set);
    j->set = xcalloc(1, sizeof *j->set);
    atomic_init(&j->set->references, 1);
    j->set->shape = (struct block_shape){CONTEXT, PREDICT};
    j->set->dataset = dataset_load(j->path, &records, tokenizer, CONTEXT, progress, err);
    bool ok = j->set->dataset != NULL;
    if (ok) {
        j->set->phase = dataset_is_qa(j->set->dataset) ? PHASE_SFT : PHASE_NTP;
        describe(j);
        ok = data_rows_fill(&j->samples, j->set->dataset, j->set->phase, tokenizer, progress, err);
    }
    for (size_t i = 0; ok && i < bad.n_rows; i++) {
        *data_rows_add(&j->samples) = bad.rows[i];
        bad.rows[i].text = NULL;
    }
    samples_free(&bad);
    return ok;
}

static void show(struct session *s)
{
    struct data_screen *d = s->data;
    s->view.data.set = d->set ? &d->samples : NULL;
    s->view.data.text = d->text.context || d->text.raw ? &d->text : NULL;
}

static void load_done(struct job *job, void *context)
{
    struct session *s = context;
    struct data_screen *d = s->data;
    struct load_job *j = (struct load_job *)job;
    if (!job->ok) {
        if (job->err.code != ERR_CANCELLED)
            session_fail(s, &job->err, ":data FILE opens another", "what was open stays");
        if (!d->set && d->path && strcmp(d->path, j->path) == 0) { /* nothing to read again */
            free(d->path);
            d->path = NULL;
        }
    } else if (d->path && strcmp(d->path, j->path) == 0) {
        release(d->set);
        samples_free(&d->samples);
        samples_text_free(&d->text);
        d->set = j->set;
        free(d->shown);
        d->shown = xstrdup(j->path);
        d->samples = j->samples;
        d->asked = SIZE_MAX;
        j->set = NULL;
        j->samples = (struct samples){0};
        s->view.data.at = 0;
        s->view.data.filter[0] = '\0';
        char number[TEXT_NUMBER_MAX];
        session_note(s, "%s: %s sample%s, it took %.1f s", d->samples.name,
                     text_grouped(d->samples.n_samples, number), text_plural(d->samples.n_samples),
                     (job->ended_ms - job->started_ms) / 1e3);
    }
    show(s);
    screens_refresh(s);
}

static void load_release(struct job *job)
{
    struct load_job *j = (struct load_job *)job;
    release(j->set);
    samples_free(&j->samples);
    free(j->path);
    free(j);
}

void data_screen_open(struct session *s, const char *path)
{
    struct data_screen *d = s->data;
    struct load_job *j = xcalloc(1, sizeof *j);
    j->job = (struct job){.kind = JOB_DATA, .urgency = URGENCY_ASK, .preemptible = true,
                          .run = run_load, .done = load_done, .release = load_release};
    j->path = xstrdup(path);
    char *kept = xstrdup(path);
    free(d->path);
    d->path = kept;
    worker_cancel(s->worker, JOB_DATA | JOB_SAMPLE);
    worker_post(s->worker, &j->job);
}

void data_screen_forget(struct session *s)
{
    struct data_screen *d = s->data;
    release(d->set);
    samples_free(&d->samples);
    samples_text_free(&d->text);
    d->set = NULL;
    d->asked = SIZE_MAX;
    show(s);
    if (d->path && s->worker)
        data_screen_open(s, d->path);
}

/* ---- one sample ------------------------------------------------------------------- */

struct sample_job {
    struct job job;
    struct data_set *set;
    struct samples_text text;
    size_t line; /* of its record, where that is wanted; 0: not */
    bool bad;    /* no sample, a record alone */
};

static char *clean_text(const char *text, size_t length)
{
    size_t room = length * TEXT_ESCAPE_MAX + 1;
    char *out = xmalloc(room);
    size_t used = 0;
    for (size_t at = 0; at <= length;) { /* line ends stay: they part paragraphs */
        const char *end = memchr(text + at, '\n', length - at);
        size_t line = end ? (size_t)(end - text) - at : length - at;
        used += text_sanitize(out + used, room - used, text + at, line);
        if (!end)
            break;
        out[used++] = '\n';
        at += line + 1;
    }
    out[used] = '\0';
    return xrealloc(out, used + 1, 1);
}

/* ids as text, and with a bar between tokens. */
static void decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t n, char **text,
                   char **tokens)
{
    size_t length, used = 0, room = 1;
    char *whole = tokenizer_decode(tokenizer, ids, n, false, &length);
    *text = clean_text(whole, length);
    free(whole);
    char *bars = xcalloc(1, 1);
    for (size_t i = 0; i < n; i++) {
        char *one = tokenizer_decode(tokenizer, ids + i, 1, false, &length);
        char *clean = clean_text(one, length);
        size_t add = strlen(clean) + 1;
        bars = xrealloc(bars, room + add, 1);
        if (clean[0]) /* not what ends a text */
            used += (size_t)snprintf(bars + used, room + add - used, "%s%s", used ? "|" : "",
                                     clean);
        room += add;
        free(clean);
        free(one);
    }
    *tokens = bars;
}

/* The record that begins in a line, as it stands; SQuAD has no lines. */
static bool read_raw(const char *path, const char *form, size_t line, char **out,
                     const struct progress *progress, struct err *err)
{
    enum { BYTES = 4000 };
    char none[] = "", *text = none;
    size_t length = 0;
    if (strcmp(form, "SQuAD") == 0) {
        *out = xstrdup("SQuAD is one document: its records have no lines of their own");
        return true;
    }
    struct input *input = input_open(path, err);
    bool ok = input != NULL;
    for (size_t i = 0; ok && i < line; i++) {
        ok = input_line(input, &text, &length, err) || err_set(err, ERR_INPUT, "%s: the file has "
                                                               "changed", path);
        if (ok && i % TICK_ROWS == 0)
            ok = progress_tick(progress, "reading", i, line, err);
    }
    if (ok) {
        length = size_min(length, BYTES);
        *out = clean_text(text, length - text_incomplete(text, length));
    }
    input_close(input);
    return ok;
}

static bool run_sample(struct job *job, void *host, const struct progress *progress,
                       struct err *err)
{
    struct sample_job *j = (struct sample_job *)job;
    const struct engine *engine = engine_host_engine(host, err);
    const struct dataset *d = j->set->dataset;
    if (!engine || (j->line && !read_raw(d->path, d->form, j->line, &j->text.raw, progress, err)))
        return false;
    if (j->bad)
        return true;
    const struct tokenizer *tokenizer = engine_tokenizer(engine);
    struct sample sample = dataset_sample(d, tokenizer, PART_TRAINING, j->set->phase,
                                          j->set->shape, j->text.index);
    size_t first = 0;
    while (first < sample.n_query && sample.labels[first] == LABEL_NONE)
        first++;
    decode(tokenizer, sample.context, sample.n_context, &j->text.context,
           &j->text.context_tokens);
    decode(tokenizer, sample.query, first, &j->text.query, &j->text.query_tokens);
    decode(tokenizer, sample.query + first, sample.n_query - first, &j->text.counted,
           &j->text.counted_tokens);
    j->text.found = -1;
    if (j->set->phase == PHASE_SFT) {
        const struct dataset_question *q = &d->questions[j->text.index];
        char *answer = clean_text(q->answers[0], strlen(q->answers[0]));
        j->text.found = strstr(j->text.context, answer) != NULL;
        free(answer);
        if (q->cut_text)
            j->text.cut = clean_text(q->cut_text, strlen(q->cut_text));
    }
    sample_free(&sample);
    return true;
}

static void sample_done(struct job *job, void *context)
{
    struct session *s = context;
    struct sample_job *j = (struct sample_job *)job;
    s->data->asked = SIZE_MAX;
    if (job->ok && j->set == s->data->set) {
        samples_text_free(&s->data->text);
        s->data->text = j->text;
        j->text = (struct samples_text){0};
    }
    show(s);
    if (job->ok)
        data_screen_follow(s); /* the cursor may have moved on */
}

static void sample_release(struct job *job)
{
    struct sample_job *j = (struct sample_job *)job;
    release(j->set);
    samples_text_free(&j->text);
    free(j);
}

void data_screen_follow(struct session *s)
{
    struct data_screen *d = s->data;
    size_t at = s->view.data.at;
    if (!d->set || at >= d->samples.n_rows || d->asked != SIZE_MAX || !s->worker)
        return;
    const struct samples_row *row = &d->samples.rows[at];
    bool raw = s->view.data.view == DATA_RAW && row->line;
    bool there = d->text.index == at && (d->text.context || row->bad) && (d->text.raw || !raw);
    if (there || (row->bad && !raw))
        return;
    struct sample_job *j = xcalloc(1, sizeof *j);
    j->job = (struct job){.kind = JOB_SAMPLE, .urgency = URGENCY_READ, .run = run_sample,
                          .done = sample_done, .release = sample_release};
    j->set = retain(d->set);
    j->text.index = d->asked = at;
    j->line = raw ? row->line : 0;
    j->bad = row->bad;
    worker_post(s->worker, &j->job);
}

/* ---- into Explore ------------------------------------------------------------------- */

bool data_screen_explore(struct session *s, struct err *err)
{
    struct data_screen *d = s->data;
    size_t at = s->view.data.at;
    if (!d->set || at >= d->samples.n_samples || !d->text.context || d->text.index != at)
        return err_set(err, ERR_USAGE, "there is no sample here" WAY "the arrows choose one");
    char name[512];
    snprintf(name, sizeof name, "%s.%zu", d->path, at);
    session_set_document(s, name, xstrdup(d->text.context), strlen(d->text.context));
    dialog_screen(s, SCREEN_EXPLORE);
    if (d->set->phase != PHASE_SFT)
        return true;
    const struct dataset_question *q = &d->set->dataset->questions[at];
    return action_run_text(s, "gold", q->answers[0], err) &&
           action_run_text(s, "ask", q->question, err);
}
