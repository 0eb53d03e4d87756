#include "app/eval_screen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/jobs.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/eval/evaluate.h"
#include "engine/model/model.h"

enum { BUDGET = 512, ANSWER_TOKENS = 20 };
_Static_assert((int)RESULTS_MODES == (int)EVAL_MODES && (int)RESULTS_WRONG == (int)EVAL_WRONG,
               "the modes of the screen are those of the evaluation");

/* An example that is done, on its way from the worker. */
struct parcel {
    struct parcel *next;
    size_t id, wanted;
    struct results_example example;
};

struct eval_screen {
    struct results results;
    size_t next_id; /* of a set */
    pthread_mutex_t mutex;
    struct parcel *parcels; /* guarded; oldest first */
};

struct eval_screen *eval_screen_new(void)
{
    struct eval_screen *e = xcalloc(1, sizeof *e);
    pthread_mutex_init(&e->mutex, NULL);
    e->results.tail = BUDGET;
    e->results.max_tokens = ANSWER_TOKENS;
    return e;
}

static void free_parcels(struct parcel *p)
{
    while (p) {
        struct parcel *next = p->next;
        results_example_free(&p->example);
        free(p);
        p = next;
    }
}

void eval_screen_free(struct eval_screen *e)
{
    if (!e)
        return;
    results_free(&e->results);
    free_parcels(e->parcels);
    pthread_mutex_destroy(&e->mutex);
    free(e);
}

/* ---- on the worker -------------------------------------------------------------- */

struct eval_job {
    struct job job;
    struct eval_screen *screen;
    char *path;
    size_t id, limit;
    struct compress_settings settings; /* of the beginning, whatever is tried meanwhile */
    struct dataset *dataset; /* kept while the job is interrupted */
    size_t done;             /* questions of whole contexts */
    const struct tokenizer *tokenizer;
    struct parcel *batch;    /* of the context that is under way, in order */
    size_t batch_size, wanted;
};

static char *clean(const char *text)
{
    enum { BYTES = 512 };
    char out[BYTES];
    text_sanitize(out, sizeof out, text, strlen(text));
    return xstrdup(out);
}

/* The parcel of a question, made when its first answer comes. */
static struct parcel *parcel_of(struct eval_job *j, const struct dataset_question *q)
{
    size_t index = (size_t)(q - j->dataset->questions), length;
    struct parcel **at = &j->batch;
    for (; *at; at = &(*at)->next)
        if ((*at)->example.index == index)
            return *at;
    struct parcel *p = *at = xcalloc(1, sizeof *p);
    p->id = j->id;
    p->wanted = j->wanted;
    p->example.index = index;
    p->example.question = clean(q->question);
    p->example.gold = clean(q->answers[0]);
    p->example.context = tokenizer_decode(j->tokenizer, j->dataset->tokens + q->context_at,
                                          q->context_n, false, &length);
    j->batch_size++;
    return p;
}

static void predicted(void *context, const struct prediction *prediction)
{
    struct eval_job *j = context;
    struct parcel *p = parcel_of(j, prediction->question);
    enum eval_mode mode = prediction->mode;
    free(p->example.said[mode]);
    p->example.said[mode] = clean(prediction->text);
    p->example.exact[mode] = prediction->score.exact;
    p->example.f1[mode] = prediction->score.f1;
    p->example.positions[mode] = prediction->positions;
    if (mode == EVAL_COMPRESSED) {
        p->example.ms = prediction->ms;
        p->example.slots = prediction->context;
    }
}

static bool context_done(void *context, struct err *err)
{
    struct eval_job *j = context;
    (void)err;
    pthread_mutex_lock(&j->screen->mutex);
    struct parcel **end = &j->screen->parcels;
    while (*end)
        end = &(*end)->next;
    *end = j->batch;
    pthread_mutex_unlock(&j->screen->mutex);
    j->done += j->batch_size;
    j->batch = NULL;
    j->batch_size = 0;
    return true;
}

static bool load(struct eval_job *j, const struct engine *engine, const struct progress *progress,
                 struct err *err)
{
    struct records_options records = {0};
    size_t segment;
    j->tokenizer = engine_tokenizer(engine);
    if (j->dataset)
        return true;
    engine_settings(engine, &j->settings, &segment);
    j->dataset = dataset_load(j->path, &records, j->tokenizer, BUDGET, progress, err);
    if (!j->dataset)
        return false;
    j->wanted = j->dataset->n_questions;
    if (j->limit)
        j->wanted = size_min(j->limit, j->wanted);
    return true;
}

static bool run_eval(struct job *job, void *host, const struct progress *progress, struct err *err)
{
    struct eval_job *j = (struct eval_job *)job;
    struct engine *engine = engine_host_engine(host, err);
    struct evaluate_sums unused[EVAL_MODES] = {{0}};
    struct evaluate_listener listener = {predicted, context_done, j};
    if (!engine || !load(j, engine, progress, err))
        return false;
    struct evaluate_options o = {.model = engine_model(engine),
                                 .compressor = engine_compressor(engine),
                                 .budget = BUDGET,
                                 .max_tokens = ANSWER_TOKENS,
                                 .limit = j->limit,
                                 .skip = j->done,
                                 .modes = (1u << EVAL_MODES) - 1};
    o.soft_prompt = engine_soft_prompt(engine, &o.n_soft);
    o.settings = j->settings;
    free_parcels(j->batch); /* half a context, from when it was interrupted */
    j->batch = NULL;
    j->batch_size = 0;
    return evaluate(&o, j->dataset, unused, &listener, progress, err);
}

static size_t set_of_id(const struct results *r, size_t id)
{
    size_t at = 0;
    while (at + 1 < r->n && r->sets[at].id != id)
        at++;
    return at;
}

/* A file that could not be read is no row. */
static void drop_set(struct session *s, size_t at)
{
    struct results *r = &s->eval->results;
    results_set_free(&r->sets[at]);
    memmove(&r->sets[at], &r->sets[at + 1], (--r->n - at) * sizeof *r->sets);
    if (s->view.eval.set > at || s->view.eval.set == r->n)
        s->view.eval.set -= s->view.eval.set > 0;
    s->view.eval.example = 0;
    if (r->n == 0)
        s->view.eval.results = NULL;
}

static void eval_done(struct job *job, void *context)
{
    struct session *s = context;
    struct eval_job *j = (struct eval_job *)job;
    eval_screen_collect(s);
    size_t at = set_of_id(&s->eval->results, j->id);
    struct results_set *set = &s->eval->results.sets[at];
    bool failed = !job->ok && job->err.code != ERR_CANCELLED;
    set->state = job->ok ? RESULTS_DONE : RESULTS_STOPPED;
    if (failed && set->n == 0) {
        drop_set(s, at);
        session_fail(s, &job->err, ":eval FILE takes another", "the other rows stay");
    } else if (failed) {
        session_fail(s, &job->err, "⁅r⁆ runs the set again", "what was counted stays");
    }
    screens_refresh(s);
}

static void eval_release(struct job *job)
{
    struct eval_job *j = (struct eval_job *)job;
    dataset_free(j->dataset);
    free_parcels(j->batch);
    free(j->path);
    free(j);
}

/* The file's name without what says how it is written. */
static void name_set(struct results_set *set, const char *path)
{
    static const char *const endings[] = {".gz", ".jsonl", ".json"};
    const char *name = file_name(path);
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (length > n && strncmp(name + length - n, endings[i], n) == 0)
            length -= n;
    }
    text_sanitize(set->name, sizeof set->name, name, length);
}

/* ---- on the screen ----------------------------------------------------------------- */

void eval_screen_start(struct session *s, const char *path, size_t limit)
{
    struct eval_screen *e = s->eval;
    struct results *r = &e->results;
    MEM_GROW(r->sets, r->capacity, r->n + 1);
    struct results_set *set = &r->sets[r->n];
    *set = (struct results_set){.id = e->next_id++, .path = xstrdup(path), .limit = limit,
                                .state = RESULTS_WAITING, .ratio = s->snapshot->settings.ratio,
                                .untrained = s->snapshot->facts.untrained};
    name_set(set, path);
    snprintf(set->compressor, sizeof set->compressor, "%s", s->snapshot->facts.compressor);
    struct eval_job *j = xcalloc(1, sizeof *j);
    j->job = (struct job){.kind = JOB_EVAL, .urgency = URGENCY_EVAL, .preemptible = true,
                          .run = run_eval, .done = eval_done, .release = eval_release};
    j->screen = e;
    j->path = xstrdup(path);
    j->limit = limit;
    j->id = set->id;
    s->view.eval.results = r;
    s->view.eval.set = r->n++;
    s->view.eval.example = 0;
    worker_post(s->worker, &j->job);
}

/* NULL: none yet. */
static const struct results_set *set_in_front(const struct session *s, struct err *err)
{
    const struct results *r = &s->eval->results;
    if (r->n > 0)
        return &r->sets[size_min(s->view.eval.set, r->n - 1)];
    err_set(err, ERR_USAGE, "nothing is evaluated" WAY ":eval FILE begins");
    return NULL;
}

bool eval_screen_again(struct session *s, struct err *err)
{
    const struct results_set *set = set_in_front(s, err);
    if (!set || !file_check_readable(set->path, err))
        return false;
    char *path = xstrdup(set->path); /* the sets move */
    eval_screen_start(s, path, set->limit);
    free(path);
    return true;
}

static void take_parcel(struct session *s, struct parcel *p)
{
    struct results *r = &s->eval->results;
    struct results_set *set = &r->sets[set_of_id(r, p->id)];
    MEM_GROW(set->examples, set->capacity, set->n + 1);
    set->examples[set->n++] = p->example;
    set->wanted = p->wanted;
    set->state = RESULTS_RUNNING;
    free(p);
}

bool eval_screen_collect(struct session *s)
{
    struct eval_screen *e = s->eval;
    pthread_mutex_lock(&e->mutex);
    struct parcel *p = e->parcels;
    e->parcels = NULL;
    pthread_mutex_unlock(&e->mutex);
    bool any = p != NULL;
    while (p) {
        struct parcel *next = p->next;
        take_parcel(s, p);
        p = next;
    }
    s->dirty |= any;
    return any;
}

bool eval_screen_explore(struct session *s, struct err *err)
{
    const struct eval_state *v = &s->view.eval;
    const struct results_set *set = set_in_front(s, err);
    if (!set)
        return false;
    if (v->example >= set->n || !results_matches(&set->examples[v->example], v->filter))
        return err_set(err, ERR_USAGE, "there is no example here" WAY "the arrows choose one");
    char name[512];
    const struct results_example *x = &set->examples[v->example];
    snprintf(name, sizeof name, "%s.%zu", set->path, x->index);
    session_set_document(s, name, xstrdup(x->context), strlen(x->context));
    dialog_screen(s, SCREEN_EXPLORE);
    return action_run_text(s, "gold", x->gold, err) &&
           action_run_text(s, "ask", x->question, err);
}
