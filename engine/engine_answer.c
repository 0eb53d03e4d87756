/* Answers from the full, the compressed and no context (METHOD sections 4 and 7):
 *   full        tokens of the document, question, answer prompt
 *   compressed  [BOS] slots, question, answer prompt
 *   none        [BOS] question, answer prompt
 * with the virtual tokens of a soft prompt, if there is one, before all of it. */
#include "engine/engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/eval/metrics.h"
#include "engine/eval/prompt.h"
#include "engine/model/sampler.h"

enum { ANSWER_TOKENS_DEFAULT = 20 };

/* One answer in the making. */
struct run {
    struct engine *e;
    enum answer_mode mode;
    const struct ask_options *options;
    struct arena arena;
    struct kv_cache cache;
    real *prompt;     /* [n_prompt, H] decoder input embeddings */
    size_t n_prompt;
    size_t context_at; /* first prompt position of the context */
    size_t *source;    /* [n_context] document slot or token at each context position */
    size_t n_context, sources;
    size_t context_tokens; /* of the document */
    struct snapshot_answer *answer; /* the latest version, owned here */
    struct sampler sampler;
    struct token_stream stream;
    double started;
    double compress_ms;
};

static void answer_append_text(struct snapshot_answer *a, const char *text, size_t length)
{
    size_t old = a->text ? strlen(a->text) : 0;
    a->text = xrealloc(a->text, old + length + 1, 1);
    memcpy(a->text + old, text, length);
    a->text[old + length] = '\0';
}

/* Publishes the present state of the answer. */
static void show(struct run *r)
{
    struct snapshot *next = snapshot_derive(r->e->snapshot);
    snapshot_set_answer(next, r->mode, snapshot_answer_retain(r->answer));
    engine_publish(r->e, next);
}

static void change_state(struct run *r, enum answer_state state)
{
    struct snapshot_answer *a = snapshot_answer_copy(r->answer);
    a->state = state;
    snapshot_answer_release(r->answer);
    r->answer = a;
    show(r);
}

/* ---- the prompt -------------------------------------------------------------- */

/* Document tokens that the question is about. */
static void asked_range(const struct run *r, size_t *from, size_t *to)
{
    size_t n = r->e->snapshot->document ? r->e->snapshot->document->tokens : 0;
    *to = r->options->to ? size_min(r->options->to, n) : n;
    *from = size_min(r->options->from, *to);
}

static real *given_slots(struct run *r)
{
    const struct engine *e = r->e;
    size_t n = e->n_given_slots, count = n * e->compressor.shape.H;
    real *out = arena_array(&r->arena, real, count);
    memcpy(out, e->given_slots, count * sizeof *out);
    r->source = arena_array(&r->arena, size_t, n);
    for (size_t j = 0; j < n; j++)
        r->source[j] = j;
    r->n_context = r->sources = n;
    return out;
}

static double compression_ms(const struct engine *e, size_t from, size_t to)
{
    double ms = 0;
    for (size_t i = 0; i < e->n_segments; i++) {
        const struct engine_segment *s = &e->segments[i];
        if (s->first < to && s->first + s->tokens > from)
            ms += s->times.read + s->times.gate + s->times.plan + s->times.project;
    }
    return ms;
}

/* How many positions the context takes: known before anything is read. */
static size_t count_context(struct run *r, size_t from, size_t to)
{
    if (r->mode == ANSWER_NONE || from == to)
        return 0;
    r->context_tokens = to - from;
    if (r->mode == ANSWER_FULL)
        return to - from;
    if (r->e->given_slots)
        return r->e->n_given_slots;
    return engine_slots_asked(r->e, from, to, &r->context_tokens, &r->arena);
}

/* The context as embeddings [r->n_context, H], or NULL with *err. */
static real *context_embeddings(struct run *r, size_t from, size_t to,
                                const struct progress *progress, struct err *err)
{
    struct engine *e = r->e;
    if (r->mode == ANSWER_NONE || from == to)
        return arena_array(&r->arena, real, 1);
    if (r->mode == ANSWER_COMPRESSED && e->given_slots)
        return given_slots(r);
    if (r->mode == ANSWER_COMPRESSED) {
        if (!engine_read(e, from, to, progress, err))
            return NULL;
        r->compress_ms = compression_ms(e, from, to);
        return engine_slots(e, from, to, &r->source, &r->n_context, &r->sources, &r->arena);
    }
    r->sources = e->snapshot->document->tokens;
    r->source = arena_array(&r->arena, size_t, r->n_context);
    for (size_t i = 0; i < r->n_context; i++)
        r->source[i] = from + i;
    real *out = arena_array(&r->arena, real, r->n_context * e->model->config.hidden);
    const int32_t *ids = e->snapshot->document->ids + from;
    return llama_embed(e->model, ids, r->n_context, out, err) ? out : NULL;
}

static bool check_length(const struct run *r, struct err *err)
{
    size_t needed = r->n_prompt + r->options->max_tokens;
    size_t limit = r->e->model->config.positions;
    if (r->n_prompt == 0)
        return err_set(err, ERR_INPUT, "without a context there is nothing to go on from");
    if (needed <= limit)
        return true;
    bool slots = r->mode == ANSWER_COMPRESSED;
    return err_set(err, ERR_INPUT,
                   "%zu context %s with %s need %zu positions, the model has %zu: "
                   "take less text%s%s or another model",
                   r->n_context, slots ? "slots" : "tokens",
                   r->options->continuation ? "what follows" : "question and answer", needed,
                   limit, engine_less_text(r->e), slots ? ", a higher ratio" : "");
}

/* [BOS] context query, as embeddings. The full context already begins with the
 * BOS that its tokenizer adds; slots and the empty context get the BOS that the
 * tokenizer defines, added or not (METHOD section 4). */
static bool fill_prompt(struct run *r, const struct token_list *query,
                        const struct progress *progress, struct err *err)
{
    struct engine *e = r->e;
    size_t H = e->model->config.hidden, from, to;
    int32_t bos = tokenizer_bos(e->model->tokenizer);
    bool lead = bos >= 0 && r->mode != ANSWER_FULL;
    size_t soft = r->options->continuation ? 0 : e->soft.n; /* made for questions */
    asked_range(r, &from, &to);
    r->n_context = count_context(r, from, to);
    r->context_at = soft + lead;
    r->n_prompt = r->context_at + r->n_context + query->count;
    if (!check_length(r, err))
        return false;
    const real *context = context_embeddings(r, from, to, progress, err);
    if (!context)
        return false;
    r->prompt = arena_array(&r->arena, real, r->n_prompt * H);
    real *at = r->prompt + r->context_at * H;
    if (soft)
        memcpy(r->prompt, e->soft.vectors, soft * H * sizeof(real));
    memcpy(at, context, r->n_context * H * sizeof(real));
    return (!lead || llama_embed(e->model, &bos, 1, r->prompt + soft * H, err)) &&
           (query->count == 0 ||
            llama_embed(e->model, query->ids, query->count, at + r->n_context * H, err));
}

static bool build_prompt(struct run *r, const char *question, const struct progress *progress,
                         struct err *err)
{
    struct token_list query = {0};
    if (!r->options->continuation)
        prompt_query(r->e->model->tokenizer, question, &query);
    bool ok = fill_prompt(r, &query, progress, err);
    token_list_free(&query);
    return ok;
}

/* ---- generation --------------------------------------------------------------- */

/* Forward of one position; logits and the attention of that position. */
static bool step(struct run *r, const real *embedding, real *logits, real *attention,
                 struct err *err)
{
    struct llama_input input = {.n = 1, .embeddings = embedding};
    struct llama_output output = {
        .logits = logits,
        .attention = r->options->attention ? attention : NULL,
    };
    return llama_forward(r->e->model, &r->cache, LLAMA_ALL, &input, &output, NULL, err);
}

/* Shares of the attention on the context, spread over all sources. */
static void keep_attention(const struct run *r, struct snapshot_answer *a, const real *attention)
{
    if (!a->attention)
        return;
    float *row = a->attention + a->tokens * a->sources;
    double sum = 0;
    for (size_t i = 0; i < r->n_context; i++)
        sum += (double)attention[r->context_at + i];
    for (size_t i = 0; i < r->n_context; i++)
        row[r->source[i]] = (float)((double)attention[r->context_at + i] / (sum > 0 ? sum : 1));
}

/* Adds one token; returns false when the answer is complete after it. */
static bool append_token(struct run *r, int32_t id, const real *attention)
{
    struct snapshot_answer *a = snapshot_answer_copy(r->answer);
    size_t length;
    const char *text = token_stream_feed(&r->stream, r->e->model->tokenizer, id, &length);
    /* Blanks and line ends before the first word are no part of the answer; a line
     * end behind it is its end. */
    bool answer = !r->options->continuation;
    while (answer && !(a->text && *a->text) && length > 0 && strchr(" \t\r\n", *text)) {
        text++;
        length--;
    }
    const char *newline = answer ? memchr(text, '\n', length) : NULL;
    bool complete = newline != NULL;
    a->ids[a->tokens] = id;
    keep_attention(r, a, attention);
    answer_append_text(a, text, complete ? (size_t)(newline - text) : length);
    a->tokens++;
    a->start[a->tokens] = (uint32_t)strlen(a->text);
    double now = clock_ms();
    if (a->tokens == 1)
        a->first_token_ms = now - r->started;
    else
        a->tokens_per_s = 1e3 * (double)(a->tokens - 1) / (now - r->started - a->first_token_ms);
    snapshot_answer_release(r->answer);
    r->answer = a;
    show(r);
    return !complete;
}

/* What an answer that ends within a character has of it. */
static void append_rest(struct run *r)
{
    size_t length;
    const char *text = token_stream_flush(&r->stream, &length);
    if (length == 0)
        return;
    struct snapshot_answer *a = snapshot_answer_copy(r->answer);
    answer_append_text(a, text, length);
    a->start[a->tokens] = (uint32_t)strlen(a->text);
    snapshot_answer_release(r->answer);
    r->answer = a;
}

static bool generate(struct run *r, const struct progress *progress, struct err *err)
{
    struct engine *e = r->e;
    size_t H = e->model->config.hidden, vocab = e->model->config.vocab;
    real *logits = arena_array(&r->arena, real, vocab);
    real *attention = arena_array(&r->arena, real, r->cache.capacity);
    real *embedding = arena_array(&r->arena, real, H);
    bool stopped = false;
    memcpy(embedding, r->prompt + (r->n_prompt - 1) * H, H * sizeof(real));
    for (size_t i = 0; i < r->options->max_tokens; i++) {
        if (!progress_tick(progress, "answers", i, r->options->max_tokens, err) ||
            !step(r, embedding, logits, attention, err))
            return false;
        int32_t id = sampler_pick(&r->sampler, logits, vocab);
        stopped = tokenizer_is_stop(e->model->tokenizer, id);
        if (stopped)
            break;
        if (!append_token(r, id, attention))
            return true;
        if (!llama_embed(e->model, &id, 1, embedding, err))
            return false;
    }
    r->answer->cut = !stopped;
    append_rest(r);
    return true;
}

static bool read_prompt(struct run *r, const struct progress *progress, struct err *err)
{
    if (!kv_cache_init(&r->cache, r->e->model, r->n_prompt + r->options->max_tokens, err))
        return false;
    /* The last token is read by the first step, which wants its attention. */
    struct llama_input input = {.n = r->n_prompt - 1, .embeddings = r->prompt};
    struct llama_output output = {0};
    return input.n == 0 ||
           llama_forward(r->e->model, &r->cache, LLAMA_ALL, &input, &output, progress, err);
}

/* Scores against the gold answer, else against the full-context answer. */
static void score(const struct run *r, struct snapshot_answer *a)
{
    const struct snapshot *s = r->e->snapshot;
    const struct snapshot_answer *full = s->answer[ANSWER_FULL];
    const char *gold = s->gold;
    a->f1 = a->exact = -1;
    if (!gold && r->mode != ANSWER_FULL && full && full->state == ANSWER_DONE)
        gold = full->text;
    if (!gold || !a->text)
        return;
    size_t start, n = metrics_answer_span(a->text, strlen(a->text), &start);
    size_t gold_start, gold_n = metrics_answer_span(gold, strlen(gold), &gold_start);
    char *mine = xstrndup(a->text + start, n);
    char *theirs = s->gold ? xstrdup(gold) : xstrndup(gold + gold_start, gold_n);
    struct metrics_score result = metrics_compare(mine, theirs);
    a->f1 = result.f1;
    if (s->gold)
        a->exact = result.exact;
    free(mine);
    free(theirs);
}

/* When the full answer arrives after the others, they are scored again. */
static void score_others(struct run *r)
{
    if (r->mode != ANSWER_FULL || r->e->snapshot->gold)
        return;
    for (enum answer_mode mode = ANSWER_COMPRESSED; mode < ANSWER_MODES; mode++) {
        struct snapshot_answer *old = r->e->snapshot->answer[mode];
        if (!old || old->state != ANSWER_DONE)
            continue;
        struct run other = {.e = r->e, .mode = mode, .answer = snapshot_answer_copy(old)};
        score(&other, other.answer);
        show(&other);
        snapshot_answer_release(other.answer);
    }
}

static void finish(struct run *r, bool ok, const struct err *err)
{
    struct snapshot_answer *a = snapshot_answer_copy(r->answer);
    a->state = ok                                  ? ANSWER_DONE
               : err && err->code == ERR_CANCELLED ? ANSWER_STOPPED
                                                   : ANSWER_FAILED;
    if (!a->text)
        a->text = xstrdup("");
    if (a->state == ANSWER_FAILED && err)
        memcpy(a->error, err->text, size_min(sizeof a->error - 1, strlen(err->text)));
    score(r, a);
    snapshot_answer_release(r->answer);
    r->answer = a;
    show(r);
    if (ok)
        score_others(r);
}

/* Sets the question (and forgets the answers to another one). */
static void set_question(struct engine *e, const char *question, const struct ask_options *options)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    bool same = next->question && strcmp(next->question, question) == 0;
    if (!same) {
        free(next->question);
        next->question = xstrdup(question);
        for (enum answer_mode mode = 0; mode < ANSWER_MODES; mode++)
            snapshot_set_answer(next, mode, NULL);
        snapshot_answer_release(next->previous);
        next->previous = NULL;
        next->control.tokens = 0;
    }
    free(next->gold);
    next->gold = options->gold ? xstrdup(options->gold) : NULL;
    engine_publish(e, next);
}

/* The compressed answer that is about to be replaced, to show what changed. */
static void keep_previous(struct engine *e)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    snapshot_answer_release(next->previous);
    next->previous = snapshot_answer_retain(next->answer[ANSWER_COMPRESSED]);
    engine_publish(e, next);
}

static void begin(struct run *r)
{
    r->answer = snapshot_answer_new();
    r->answer->f1 = r->answer->exact = -1;
    r->answer->settings = r->e->snapshot->settings;
    asked_range(r, &r->answer->asked_from, &r->answer->asked_to);
    change_state(r, ANSWER_PREPARING);
}

static bool prepare(struct run *r, const char *question, const struct progress *progress,
                    struct err *err)
{
    if (!build_prompt(r, question, progress, err))
        return false;
    r->started = clock_ms();
    if (!read_prompt(r, progress, err))
        return false;
    /* What was published is not changed any more: the views read it. */
    struct snapshot_answer *a = snapshot_answer_copy(r->answer);
    a->state = ANSWER_RUNNING;
    a->compress_ms = r->compress_ms;
    a->context_positions = r->n_context;
    a->context_tokens = r->context_tokens;
    a->kv_bytes = kv_cache_bytes(r->e->model, r->n_prompt);
    a->prepare_ms = clock_ms() - r->started;
    a->sources = r->options->attention && r->n_context ? r->sources : 0;
    snapshot_answer_release(r->answer);
    r->answer = a;
    show(r);
    return true;
}

bool engine_ask(struct engine *e, const char *question, enum answer_mode mode,
                const struct ask_options *options, const struct progress *progress, struct err *err)
{
    if (!e->model->tokenizer)
        return err_set(err, ERR_INPUT, "%s: the model has no tokenizer: it cannot be asked",
                       e->model->path);
    struct ask_options given = *options;
    if (!given.max_tokens)
        given.max_tokens = ANSWER_TOKENS_DEFAULT;
    set_question(e, question, &given);
    if (mode == ANSWER_COMPRESSED) {
        keep_previous(e);
        engine_remember_muted(e, MUTED_ANSWER);
    }
    struct run r = {.e = e, .mode = mode, .options = &given};
    r.sampler = (struct sampler){.temperature = given.temperature,
                                 .top_k = given.top_k,
                                 .top_p = given.top_p > 0 ? given.top_p : 1};
    rng_seed(&r.sampler.rng, given.seed);
    begin(&r);
    struct err local = {0};
    bool ok = prepare(&r, question, progress, &local) && generate(&r, progress, &local);
    finish(&r, ok, &local);
    kv_cache_free(&r.cache);
    arena_free(&r.arena);
    snapshot_answer_release(r.answer);
    if (!ok && err)
        *err = local;
    return ok;
}
