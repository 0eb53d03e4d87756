#include "engine/eval/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/eval/prompt.h"
#include "engine/model/llama.h"

const char *const eval_mode_name[EVAL_MODES] = {"full", "compressed", "wrong", "none"};

/* Vectors of one context: slots [n, H] or token embeddings [n, H]. */
struct vectors {
    real *data; /* owned */
    size_t n;
};

struct work {
    const struct evaluate_options *o;
    const struct dataset *d;
    struct evaluate_sums *sums;
    const struct evaluate_listener *listener;
    const struct progress *progress;
    size_t H, vocab;
    size_t *contexts; /* first question of every context */
    size_t n_contexts;
    struct kv_cache cache;
    real *logits; /* [vocab] */
};

/* ---- contexts ------------------------------------------------------------------------ */

/* The last `budget` tokens, with the BOS that the tokenizer adds. */
static int32_t *context_ids(const struct work *w, size_t context, size_t *n)
{
    const struct dataset_question *q = &w->d->questions[w->contexts[context]];
    const struct tokenizer *tokenizer = w->o->model->tokenizer;
    size_t bos = tokenizer_adds_bos(tokenizer);
    int32_t *ids = xcalloc(q->context_n + 1, sizeof *ids);
    if (bos)
        ids[0] = tokenizer_bos(tokenizer);
    memcpy(ids + bos, w->d->tokens + q->context_at, q->context_n * sizeof *ids);
    *n = q->context_n + bos;
    size_t drop = *n > w->o->budget ? *n - w->o->budget : 0;
    memmove(ids, ids + drop, (*n - drop) * sizeof *ids);
    *n -= drop;
    return ids;
}

static bool compress(const struct work *w, size_t context, struct vectors *out, struct err *err)
{
    size_t n, M = w->o->compressor->shape.M;
    int32_t *ids = context_ids(w, context, &n);
    struct arena arena = {0};
    struct compress_tape tape;
    real *hidden = arena_array(&arena, real, M * n * w->H);
    struct llama_input input = {.n = n, .ids = ids};
    struct llama_output output = {.hidden = hidden};
    bool ok = llama_forward(w->o->model, NULL, M - 1, &input, &output, w->progress, err) &&
              compressor_forward(w->o->compressor, &w->o->settings, hidden, n, n, &tape, &arena,
                                 w->progress, err);
    if (ok) {
        out->n = tape.plan.slots;
        out->data = xmalloc(out->n * w->H * sizeof(real));
        memcpy(out->data, tape.slots, out->n * w->H * sizeof(real));
    }
    arena_free(&arena);
    free(ids);
    return ok;
}

static bool embed_context(const struct work *w, size_t context, struct vectors *out,
                          struct err *err)
{
    size_t n;
    int32_t *ids = context_ids(w, context, &n);
    out->n = n;
    out->data = xmalloc(n * w->H * sizeof(real));
    bool ok = llama_embed(w->o->model, ids, n, out->data, err);
    free(ids);
    return ok;
}

/* Fills the cache with [soft prompt] [BOS] context; *used is the common prefix of
 * all questions of the context. */
static bool read_prefix(struct work *w, enum eval_mode mode, const struct vectors *context,
                        struct err *err)
{
    const struct evaluate_options *o = w->o;
    int32_t bos = tokenizer_bos(o->model->tokenizer);
    size_t lead = mode != EVAL_FULL && bos >= 0;
    size_t n = o->n_soft + lead + context->n;
    real *all = xmalloc((n + 1) * w->H * sizeof(real));
    if (o->n_soft)
        memcpy(all, o->soft_prompt, o->n_soft * w->H * sizeof(real));
    bool ok = !lead || llama_embed(o->model, &bos, 1, all + o->n_soft * w->H, err);
    if (context->n)
        memcpy(all + (o->n_soft + lead) * w->H, context->data, context->n * w->H * sizeof(real));
    kv_cache_truncate(&w->cache, 0);
    struct llama_input input = {.n = n, .embeddings = all};
    struct llama_output output = {0};
    ok = ok && (n == 0 || llama_forward(o->model, &w->cache, LLAMA_ALL, &input, &output,
                                        w->progress, err));
    free(all);
    return ok;
}

/* ---- one question ---------------------------------------------------------------------- */

static bool feed(struct work *w, const int32_t *ids, size_t n, struct err *err)
{
    struct llama_input input = {.n = n, .ids = ids};
    struct llama_output output = {.logits = w->logits, .first_logit = n - 1};
    return llama_forward(w->o->model, &w->cache, LLAMA_ALL, &input, &output, w->progress, err);
}

/* -log softmax(logits)[id]. */
static double loss_of(const real *logits, size_t vocab, int32_t id)
{
    double max = (double)logits[0], sum = 0;
    for (size_t i = 1; i < vocab; i++)
        max = fmax(max, (double)logits[i]);
    for (size_t i = 0; i < vocab; i++)
        sum += exp((double)logits[i] - max);
    return log(sum) + max - (double)logits[id];
}

static int32_t best_of(const real *logits, size_t vocab)
{
    size_t best = 0;
    for (size_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

/* Sum of losses of the first gold answer and EOS from here; the cache is given back
 * as it was, w->logits is not. */
static bool gold_loss(struct work *w, const struct dataset_question *q, double *nll, size_t *labels,
                      struct err *err)
{
    const struct tokenizer *tokenizer = w->o->model->tokenizer;
    struct token_list answer = {0};
    tokenizer_encode(tokenizer, q->answers[0], strlen(q->answers[0]), 0, &answer);
    if (tokenizer_eos(tokenizer) >= 0)
        token_list_push(&answer, tokenizer_eos(tokenizer), 0, 0);
    size_t used = w->cache.used;
    bool ok = true;
    for (size_t i = 0; ok && i < answer.count && w->cache.used < w->cache.capacity; i++) {
        *nll += loss_of(w->logits, w->vocab, answer.ids[i]);
        ++*labels;
        if (i + 1 < answer.count)
            ok = feed(w, &answer.ids[i], 1, err);
    }
    kv_cache_truncate(&w->cache, used);
    token_list_free(&answer);
    return ok;
}

/* Does the text hold a whole answer (METHOD section 7: up to '.' or newline)? */
static bool is_complete(const char *text, size_t length)
{
    size_t start, n = metrics_answer_span(text, length, &start);
    return start + n < length && n > 0 && strcspn(text, ".\n") < length;
}

static bool generate(struct work *w, char **text, struct err *err)
{
    const struct tokenizer *tokenizer = w->o->model->tokenizer;
    int32_t *ids = xcalloc(w->o->max_tokens + 1, sizeof *ids);
    size_t n = 0, length = 0;
    bool ok = true;
    *text = xstrdup("");
    while (ok && n < w->o->max_tokens) {
        ids[n] = best_of(w->logits, w->vocab);
        if (tokenizer_is_stop(tokenizer, ids[n]))
            break;
        n++;
        free(*text);
        *text = tokenizer_decode(tokenizer, ids, n, false, &length);
        if (is_complete(*text, length))
            break;
        if (n < w->o->max_tokens)
            ok = feed(w, &ids[n - 1], 1, err);
    }
    free(ids);
    return ok;
}

/* p: all but the text and its score. */
static void report(struct work *w, struct prediction *p, const char *text)
{
    const struct dataset_question *q = p->question;
    size_t start, n = metrics_answer_span(text, strlen(text), &start);
    char *answer = text_make_valid(text + start, n, &n); /* scored as it is written down */
    p->qid = q->id;
    p->text = answer;
    p->score = metrics_best(answer, (const char *const *)q->answers, q->n_answers);
    struct evaluate_sums *s = &w->sums[p->mode];
    s->n++;
    s->exact += p->score.exact;
    s->f1 += p->score.f1;
    s->exact_squared += p->score.exact * p->score.exact;
    s->f1_squared += p->score.f1 * p->score.f1;
    s->nll += p->nll;
    s->labels += p->labels;
    s->ms += p->ms;
    if (w->listener)
        w->listener->predicted(w->listener->context, p);
    free(answer);
}

/* p: mode, question, vectors of the context, and the milliseconds shared with others. */
static bool ask(struct work *w, struct prediction *p, struct err *err)
{
    const struct dataset_question *q = p->question;
    double start = clock_ms();
    size_t prefix = w->cache.used;
    struct token_list query = {0};
    prompt_query(w->o->model->tokenizer, q->question, &query);
    bool ok = feed(w, query.ids, query.count, err);
    p->positions = w->cache.used;
    real *first = xmalloc(w->vocab * sizeof *first);
    memcpy(first, w->logits, w->vocab * sizeof *first);
    double paused = clock_ms();
    ok = ok && gold_loss(w, q, &p->nll, &p->labels, err);
    paused = clock_ms() - paused; /* a user's question has no gold answer */
    memcpy(w->logits, first, w->vocab * sizeof *first);
    char *text = NULL;
    ok = ok && generate(w, &text, err);
    p->ms += clock_ms() - start - paused;
    if (ok)
        report(w, p, text);
    kv_cache_truncate(&w->cache, prefix);
    token_list_free(&query);
    free(first);
    free(text);
    return ok;
}

/* ---- one context ------------------------------------------------------------------------- */

/* Questions [from, to) of a context, in one mode. */
static bool ask_all(struct work *w, enum eval_mode mode, const struct vectors *context, size_t from,
                    size_t to, double context_ms, struct err *err)
{
    double start = clock_ms();
    if (!read_prefix(w, mode, context, err))
        return false;
    double shared = (context_ms + clock_ms() - start) / (double)(to - from);
    for (size_t i = from; i < to; i++) {
        struct prediction p = {.mode = mode, .question = &w->d->questions[i], .ms = shared,
                               .context = context->n};
        if (!ask(w, &p, err))
            return false;
    }
    return true;
}

/* `own` and `other`: slots of this and of another context, where they are wanted. */
static bool run_context(struct work *w, size_t context, const struct vectors *own,
                        const struct vectors *other, size_t from, size_t to, double own_ms,
                        struct err *err)
{
    const struct vectors none = {0};
    for (enum eval_mode mode = 0; mode < EVAL_MODES; mode++) {
        if (!(w->o->modes & 1u << mode))
            continue;
        struct vectors full = {0};
        bool ok = mode != EVAL_FULL || embed_context(w, context, &full, err);
        const struct vectors *vectors = mode == EVAL_FULL         ? &full
                                        : mode == EVAL_COMPRESSED ? own
                                        : mode == EVAL_WRONG      ? other
                                                                  : &none;
        ok = ok && ask_all(w, mode, vectors, from, to, mode == EVAL_COMPRESSED ? own_ms : 0, err);
        free(full.data);
        if (!ok)
            return false;
    }
    return true;
}

static void find_contexts(struct work *w)
{
    const struct dataset *d = w->d;
    w->contexts = xcalloc(d->n_questions + 1, sizeof *w->contexts);
    for (size_t i = 0; i < d->n_questions; i++)
        if (i == 0 || d->questions[i].context_at != d->questions[i - 1].context_at)
            w->contexts[w->n_contexts++] = i;
    w->contexts[w->n_contexts] = d->n_questions;
}

/* Context after context; the slots of the next one are the wrong passage of this. */
static bool run_contexts(struct work *w, size_t last, struct err *err)
{
    bool slots = w->o->modes & (1u << EVAL_COMPRESSED | 1u << EVAL_WRONG);
    struct vectors own = {0}, next = {0};
    double own_ms = 0, next_ms = 0;
    bool ok = true;
    for (size_t c = 0; ok && c < w->n_contexts && w->contexts[c] < last; c++) {
        size_t from = size_max(w->contexts[c], w->o->skip);
        size_t to = size_min(w->contexts[c + 1], last);
        if (from >= to)
            continue;
        ok = progress_tick(w->progress, "questions", from, last, err);
        if (ok && slots && !own.data) {
            double start = clock_ms();
            ok = compress(w, c, &own, err);
            own_ms = clock_ms() - start;
        }
        if (ok && slots) {
            double start = clock_ms();
            ok = compress(w, (c + 1) % w->n_contexts, &next, err);
            next_ms = clock_ms() - start;
        }
        ok = ok && run_context(w, c, &own, &next, from, to, own_ms, err) &&
             (!w->listener || w->listener->context_done(w->listener->context, err));
        free(own.data);
        own = next;
        own_ms = next_ms;
        next = (struct vectors){0};
    }
    free(own.data);
    return ok;
}

bool evaluate(const struct evaluate_options *o, const struct dataset *d,
              struct evaluate_sums sums[EVAL_MODES], const struct evaluate_listener *listener,
              const struct progress *progress, struct err *err)
{
    if (!dataset_is_qa(d))
        return err_set(err, ERR_INPUT, "%s: no questions in it; expected SQuAD, MRQA or JSON lines "
                       "with context, question and answers", d->path);
    const struct llama_config *config = &o->model->config;
    struct work w = {.o = o, .d = d, .sums = sums, .listener = listener, .progress = progress,
                     .H = config->hidden, .vocab = config->vocab};
    enum { QUERY_ROOM = 256 };
    size_t capacity = o->n_soft + 1 + o->budget + QUERY_ROOM + o->max_tokens;
    if (!kv_cache_init(&w.cache, o->model, capacity, err))
        return false;
    w.logits = xmalloc(w.vocab * sizeof *w.logits);
    find_contexts(&w);
    size_t last = o->limit ? size_min(o->limit, d->n_questions) : d->n_questions;
    bool ok = run_contexts(&w, last, err);
    kv_cache_free(&w.cache);
    free(w.logits);
    free(w.contexts);
    return ok;
}

double evaluate_interval(double sum, double squared, size_t n)
{
    if (n < 2)
        return 0;
    double mean = sum / (double)n;
    double variance = (squared - (double)n * mean * mean) / (double)(n - 1);
    return 1.96 * sqrt(fmax(variance, 0) / (double)n);
}
