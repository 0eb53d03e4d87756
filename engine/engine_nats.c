/* What given tokens cost: a sequence that is read piece by piece, the loss map of a
 * document, and the control with another text. */
#include "engine/engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/eval/prompt.h"

/* ---- a sequence ---------------------------------------------------------------- */

enum { FEED_CHUNK = 128 };

bool nats_open(struct nats_stream *s, struct engine *e, size_t capacity, struct err *err)
{
    *s = (struct nats_stream){.e = e};
    size_t limit = e->model->config.positions;
    if (capacity > limit)
        return err_set(err, ERR_INPUT, "%zu positions are needed, the model has %zu", capacity,
                       limit);
    if (!kv_cache_init(&s->cache, e->model, capacity, err))
        return false;
    s->last = xcalloc(e->model->config.hidden, sizeof *s->last);
    return true;
}

void nats_close(struct nats_stream *s)
{
    kv_cache_free(&s->cache);
    free(s->last);
    *s = (struct nats_stream){0};
}

/* final [n, H]: the states at the positions of the labels, so that the one before the
 * first label is s->last. */
static void label_losses(const struct nats_stream *s, const real *final, size_t n,
                         const int32_t *labels, real *nll, struct arena *arena)
{
    size_t H = s->e->model->config.hidden, skip = s->begun ? 0 : 1;
    real *before = arena_array(arena, real, n * H);
    size_t *rows = arena_array(arena, size_t, n);
    memcpy(before, s->last, H * sizeof *before);
    memcpy(before + H, final, (n - 1) * H * sizeof *before);
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    if (skip)
        nll[0] = (real)NAN;
    if (n > skip)
        llama_cross_entropy(s->e->model, before, rows + skip, labels + skip, n - skip, 0,
                            nll + skip, NULL, NULL, arena);
}

static bool feed_chunk(struct nats_stream *s, const real *embeddings, size_t n,
                       const int32_t *labels, real *nll, const struct progress *progress,
                       struct err *err)
{
    size_t H = s->e->model->config.hidden, M = s->e->model->config.layers + 1;
    struct arena arena = {0};
    real *hidden = arena_array(&arena, real, M * n * H);
    struct llama_input input = {.n = n, .embeddings = embeddings};
    struct llama_output output = {.hidden = hidden};
    bool ok = llama_forward(s->e->model, &s->cache, LLAMA_ALL, &input, &output, progress, err);
    const real *final = hidden + (M - 1) * n * H;
    if (ok && labels)
        label_losses(s, final, n, labels, nll, &arena);
    if (ok) {
        memcpy(s->last, final + (n - 1) * H, H * sizeof *s->last);
        s->begun = true;
    }
    arena_free(&arena);
    return ok;
}

bool nats_feed(struct nats_stream *s, const real *embeddings, size_t n, const int32_t *labels,
               real *nll, const struct progress *progress, struct err *err)
{
    size_t H = s->e->model->config.hidden;
    for (size_t from = 0; from < n; from += FEED_CHUNK)
        if (!feed_chunk(s, embeddings + from * H, size_min(FEED_CHUNK, n - from),
                        labels ? labels + from : NULL, nll ? nll + from : NULL, progress, err))
            return false;
    return true;
}

bool nats_feed_ids(struct nats_stream *s, const int32_t *ids, size_t n, bool labels, real *nll,
                   const struct progress *progress, struct err *err)
{
    if (n == 0)
        return true;
    real *embeddings = mem_try(n * s->e->model->config.hidden, sizeof *embeddings,
                               "embeddings|a shorter text needs less", err);
    bool ok = embeddings && llama_embed(s->e->model, ids, n, embeddings, err) &&
              nats_feed(s, embeddings, n, labels ? ids : NULL, nll, progress, err);
    free(embeddings);
    return ok;
}

/* ---- loss map ------------------------------------------------------------------ */

/* full: the text so far. compressed: [BOS], the slots of the windows so far; the tokens
 * of a window are read behind them and taken back. */
struct loss_work {
    struct engine *e;
    struct nats_stream full, compressed;
    struct snapshot_loss *loss; /* the version in the making */
};

static void publish_loss(struct loss_work *w)
{
    struct snapshot *next = snapshot_derive(w->e->snapshot);
    struct snapshot_loss *copy = snapshot_loss_new(w->loss->tokens);
    memcpy(copy->full, w->loss->full, copy->tokens * sizeof *copy->full);
    memcpy(copy->compressed, w->loss->compressed, copy->tokens * sizeof *copy->compressed);
    snapshot_set_loss(next, copy);
    next->loss_stale = false;
    engine_publish(w->e, next);
}

/* The tokens of a window behind the slots so far. */
static bool behind_slots(struct loss_work *w, const int32_t *ids, size_t n, real *nll,
                         const struct progress *progress, struct err *err)
{
    struct nats_stream *s = &w->compressed;
    size_t H = w->e->model->config.hidden, used = s->cache.used;
    real *last = xcalloc(H, sizeof *last);
    memcpy(last, s->last, H * sizeof *last);
    bool ok = nats_feed_ids(s, ids, n, true, nll, progress, err);
    kv_cache_truncate(&s->cache, used);
    memcpy(s->last, last, H * sizeof *last);
    free(last);
    return ok;
}

static bool append_slots(struct loss_work *w, size_t from, size_t to,
                         const struct progress *progress, struct err *err)
{
    struct arena arena = {0};
    size_t *source, count, all;
    const real *slots = engine_slots(w->e, from, to, &source, &count, &all, &arena);
    bool ok = nats_feed(&w->compressed, slots, count, NULL, NULL, progress, err);
    arena_free(&arena);
    return ok;
}

static bool loss_window(struct loss_work *w, size_t index, const struct progress *progress,
                        struct err *err)
{
    const struct snapshot *s = w->e->snapshot;
    size_t first = s->window_first[index], n = s->window_first[index + 1] - first;
    const int32_t *ids = s->document->ids + first;
    real *nll = xcalloc(n, sizeof *nll);
    bool ok = nats_feed_ids(&w->full, ids, n, true, nll, progress, err);
    for (size_t t = 0; ok && t < n; t++)
        w->loss->full[first + t] = (float)nll[t];
    if (ok && index > 0) {
        ok = behind_slots(w, ids, n, nll, progress, err);
        for (size_t t = 0; ok && t < n; t++)
            w->loss->compressed[first + t] = (float)nll[t];
    }
    free(nll);
    if (ok)
        publish_loss(w);
    return ok && append_slots(w, first, first + n, progress, err);
}

/* The windows that hold tokens [0, to), as many as the model has positions for. */
static size_t loss_windows(const struct engine *e, size_t to)
{
    const struct snapshot *s = e->snapshot;
    size_t windows = to ? snapshot_window_of(s, to - 1) + 1 : 0;
    while (windows > 0 && s->window_first[windows] > e->model->config.positions)
        windows--;
    return windows;
}

static bool loss_open(struct loss_work *w, size_t windows, struct err *err)
{
    const struct snapshot *s = w->e->snapshot;
    size_t slots = 0, longest = 0, to = s->window_first[windows];
    for (size_t i = 0; i < windows; i++) {
        slots += s->window[i]->slots;
        longest = size_max(longest, s->window[i]->tokens);
    }
    return nats_open(&w->full, w->e, to, err) &&
           nats_open(&w->compressed, w->e, 1 + slots + longest, err);
}

bool engine_loss(struct engine *e, size_t to, const struct progress *progress, struct err *err)
{
    const struct snapshot_document *d = e->snapshot->document;
    struct loss_work w = {.e = e};
    double start = clock_ms();
    if (!d)
        return err_set(err, ERR_USAGE, "no document is open");
    to = size_min(to, d->tokens);
    size_t windows = loss_windows(e, to), end = windows ? e->snapshot->window_first[windows] : 0;
    if (windows == 0)
        return err_set(err, ERR_USAGE, "no window is short enough to tell its loss");
    if (end < to)
        engine_log(e, "loss: up to token %zu, the full text needs more positions than %zu", end - 1,
                   e->model->config.positions);
    if (!engine_read(e, 0, end, progress, err))
        return false;
    int32_t bos = e->model->tokenizer ? tokenizer_bos(e->model->tokenizer) : -1;
    engine_remember_muted(e, MUTED_LOSS);
    w.loss = snapshot_loss_new(d->tokens);
    bool ok = loss_open(&w, windows, err) &&
              (bos < 0 || nats_feed_ids(&w.compressed, &bos, 1, false, NULL, progress, err));
    for (size_t i = 0; ok && i < windows; i++) {
        engine_show_activity(e, "loss", i, windows, start);
        ok = loss_window(&w, i, progress, err);
    }
    engine_show_activity(e, "", 0, 0, start);
    nats_close(&w.full);
    nats_close(&w.compressed);
    snapshot_loss_release(w.loss);
    return ok;
}

/* ---- control -------------------------------------------------------------------- */

struct control_work {
    struct engine *e;
    struct token_list query, answer;
    size_t from, to; /* tokens of the document */
    const struct progress *progress;
};

/* A context as embeddings, [n, H]; tokens: it begins with its own BOS. */
struct control_context {
    const real *embeddings;
    size_t n;
    bool tokens;
};

/* Nats a token of the answer behind soft prompt, context and question. */
static bool answer_nats(const struct control_work *w, const struct control_context *c,
                        double *nats, struct err *err)
{
    struct engine *e = w->e;
    struct nats_stream s;
    int32_t bos = c->tokens ? -1 : tokenizer_bos(e->model->tokenizer);
    size_t n = w->answer.count;
    real *nll = xcalloc(n, sizeof *nll);
    bool ok = nats_open(&s, e, e->soft.n + (bos >= 0) + c->n + w->query.count + n, err) &&
              nats_feed(&s, e->soft.vectors, e->soft.n, NULL, NULL, w->progress, err) &&
              (bos < 0 || nats_feed_ids(&s, &bos, 1, false, NULL, w->progress, err)) &&
              nats_feed(&s, c->embeddings, c->n, NULL, NULL, w->progress, err) &&
              nats_feed_ids(&s, w->query.ids, w->query.count, false, NULL, w->progress, err) &&
              nats_feed_ids(&s, w->answer.ids, n, true, nll, w->progress, err);
    *nats = 0;
    for (size_t i = 0; i < n; i++)
        *nats += (double)nll[i] / (double)n;
    nats_close(&s);
    free(nll);
    return ok;
}

/* Do the slots fit, with question and answer? Told before anything is read. */
static bool check_positions(const struct control_work *w, struct arena *arena, struct err *err)
{
    const struct engine *e = w->e;
    size_t tokens, slots = engine_slots_asked(e, w->from, w->to, &tokens, arena);
    size_t limit = e->model->config.positions;
    bool lead = tokenizer_bos(e->model->tokenizer) >= 0;
    size_t needed = e->soft.n + lead + slots + w->query.count + w->answer.count;
    return needed <= limit ||
           err_set(err, ERR_INPUT,
                   "%zu slots with question and answer need %zu positions, the model has %zu: "
                   "take less text%s, a higher ratio or another model",
                   slots, needed, limit, engine_less_text(e));
}

/* NaN when the text is longer than what the model can read. */
static bool full_nats(const struct control_work *w, double *nats, struct arena *arena,
                      struct err *err)
{
    struct engine *e = w->e;
    size_t n = w->to - w->from;
    *nats = (double)NAN;
    if (e->soft.n + n + w->query.count + w->answer.count > e->model->config.positions)
        return true;
    real *text = arena_array(arena, real, n * e->model->config.hidden);
    struct control_context full = {.embeddings = text, .n = n, .tokens = true};
    return llama_embed(e->model, e->snapshot->document->ids + w->from, n, text, err) &&
           answer_nats(w, &full, nats, err);
}

/* The slots of another text, no more than `most`. */
static bool other_slots(struct engine *e, const char *text, size_t size, size_t most,
                        struct control_context *out, struct arena *arena,
                        const struct progress *progress, struct err *err)
{
    struct token_list list = {0};
    real *slots = NULL;
    tokenizer_encode(e->model->tokenizer, text, size, TOKENIZER_ADD_SPECIAL, &list);
    size_t wanted = size_min(list.count, (most + 1) * (size_t)ceil(e->settings.ratio));
    bool ok = engine_encode_long(e, list.ids, wanted, &slots, &out->n, arena, progress, err);
    token_list_free(&list);
    out->embeddings = slots;
    out->n = size_min(out->n, most);
    return ok;
}

/* The answer whose loss is told: the gold one, else the full context's. */
static bool reference_answer(struct engine *e, struct token_list *out, char *name, size_t size,
                             struct err *err)
{
    const struct snapshot *s = e->snapshot;
    const struct snapshot_answer *full = s->answer[ANSWER_FULL];
    const char *text = s->gold;
    if (!text && full && full->state == ANSWER_DONE)
        text = full->text;
    if (!text || !*text)
        return err_set(err, ERR_USAGE,
                       "the control wants an answer: ask first (full context), or give gold");
    text_sanitize(name, size, text, strlen(text));
    if (s->gold)
        tokenizer_encode(e->model->tokenizer, text, strlen(text), 0, out);
    else
        for (size_t i = 0; i < full->tokens; i++)
            token_list_push(out, full->ids[i], 0, 0);
    return out->count > 0 || err_set(err, ERR_USAGE, "the answer has no tokens");
}

static bool measure_contexts(struct control_work *w, const char *other, size_t other_size,
                             struct snapshot_control *out, struct arena *arena, struct err *err)
{
    struct engine *e = w->e;
    size_t *source, all;
    struct control_context none = {0}, slots = {0}, wrong = {0};
    slots.embeddings = engine_slots(e, w->from, w->to, &source, &slots.n, &all, arena);
    return other_slots(e, other, other_size, slots.n, &wrong, arena, w->progress, err) &&
           answer_nats(w, &none, &out->none, err) &&
           answer_nats(w, &slots, &out->compressed, err) &&
           answer_nats(w, &wrong, &out->wrong, err) && full_nats(w, &out->full, arena, err);
}

bool engine_control(struct engine *e, const struct ask_options *options, const char *other,
                    size_t other_size, const char *other_name, const struct progress *progress,
                    struct err *err)
{
    const struct snapshot *s = e->snapshot;
    struct control_work w = {.e = e, .progress = progress};
    struct snapshot_control result = {0};
    struct arena arena = {0};
    if (!s->document || !s->question || !e->model->tokenizer)
        return err_set(err, ERR_USAGE, "the control wants a question: a asks one");
    w.from = size_min(options->from, s->document->tokens);
    w.to = options->to ? size_min(options->to, s->document->tokens) : s->document->tokens;
    prompt_query(e->model->tokenizer, s->question, &w.query);
    bool ok = reference_answer(e, &w.answer, result.reference, sizeof result.reference, err) &&
              check_positions(&w, &arena, err) && engine_read(e, w.from, w.to, progress, err);
    engine_remember_muted(e, MUTED_CONTROL);
    ok = ok && measure_contexts(&w, other, other_size, &result, &arena, err);
    if (ok) {
        struct snapshot *next = snapshot_derive(e->snapshot);
        result.tokens = w.answer.count;
        text_sanitize(result.other, sizeof result.other, other_name, strlen(other_name));
        next->control = result;
        engine_publish(e, next);
    }
    token_list_free(&w.query);
    token_list_free(&w.answer);
    arena_free(&arena);
    return ok;
}
