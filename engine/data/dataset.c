#include "engine/data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/size.h"

const char *const phase_name[PHASES] = {"ntp", "reconstruct", "sft"};
const char sft_prefix[] = "Question: ";
const char sft_suffix[] =
    "Answer the question directly with a short span only, no explanation. Answer:";

/* ---- loading ------------------------------------------------------------------ */

static void append_tokens(struct dataset *d, const int32_t *ids, size_t n)
{
    MEM_GROW(d->tokens, d->capacity, d->n_tokens + n);
    memcpy(d->tokens + d->n_tokens, ids, n * sizeof *ids);
    d->n_tokens += n;
}

/* The last `characters` characters (not bytes) of text. */
static const char *text_tail(const char *text, size_t length, size_t characters, size_t *cut)
{
    const char *p = text + length;
    for (size_t seen = 0; p > text && seen < characters; seen++)
        do
            p--;
        while (p > text && ((unsigned char)*p & 0xc0) == 0x80);
    *cut = (size_t)(p - text);
    return p;
}

static void add_text(struct dataset *d, const struct record *r, const struct tokenizer *tokenizer)
{
    struct token_list list = {0};
    tokenizer_encode(tokenizer, r->text, r->length, TOKENIZER_ADD_SPECIAL, &list);
    append_tokens(d, list.ids, list.count);
    token_list_free(&list);
}

/* Where the context [n] of a record stands: that of the record before, when it is the same
 * (a file with a line for each question), or behind all others. */
static size_t place_context(struct dataset *d, const int32_t *ids, size_t n)
{
    if (d->n_questions) {
        const struct dataset_question *last = &d->questions[d->n_questions - 1];
        if (last->context_n == n &&
            memcmp(d->tokens + last->context_at, ids, n * sizeof *ids) == 0)
            return last->context_at;
    }
    append_tokens(d, ids, n);
    return d->n_tokens - n;
}

/* The first words of the `cut` bytes that a context loses; NULL when it loses none. */
static char *cut_beginning(const struct record *r, size_t cut)
{
    enum { BYTES = 60 };
    size_t n = size_min(cut, BYTES);
    if (cut == 0)
        return NULL;
    while (n > 0 && n < cut && r->text[n] != ' ')
        n--;
    return xstrndup(r->text, n ? n : size_min(cut, BYTES));
}

/* Contexts of questions have no BOS and keep their tail. Takes the questions of
 * the record over. */
static void add_questions(struct dataset *d, struct record *r, const struct tokenizer *tokenizer,
                          size_t context_max)
{
    size_t cut;
    struct token_list list = {0};
    const char *tail =
        text_tail(r->text, r->length, SFT_CHARACTERS_PER_TOKEN * context_max, &cut);
    tokenizer_encode(tokenizer, tail, r->length - cut, 0, &list);
    size_t drop = list.count > context_max ? list.count - context_max : 0;
    size_t n = list.count - drop, at = place_context(d, list.ids + drop, n);
    size_t cut_bytes = cut + (drop && n ? list.start[drop] : 0);
    token_list_free(&list);
    for (size_t i = 0; i < r->n_questions; i++) {
        struct question *q = &r->questions[i];
        MEM_GROW(d->questions, d->question_capacity, d->n_questions + 1);
        d->questions[d->n_questions++] = (struct dataset_question){
            .context_at = at,
            .context_n = n,
            .context_cut = drop ? drop : cut,
            .cut_text = cut_beginning(r, cut_bytes),
            .id = q->id,
            .question = q->text,
            .answers = q->answers,
            .n_answers = q->n_answers,
            .line = r->line,
        };
    }
    free(r->questions);
    r->questions = NULL;
    r->n_questions = 0;
}

static bool hash_file(struct dataset *d, struct err *err)
{
    struct mapped_file file;
    if (!mapped_file_open(&file, d->path, err))
        return false;
    d->bytes = file.size;
    sha256_hex(file.data, file.size, d->sha256);
    mapped_file_close(&file);
    return true;
}

static bool load_records(struct dataset *d, struct records *records,
                         const struct tokenizer *tokenizer, size_t context_max,
                         const struct progress *progress, struct err *err)
{
    struct record r;
    struct err local = {0};
    while (records_next(records, &r, &local)) {
        bool qa = r.n_questions > 0;
        bool mixed = d->documents && qa != dataset_is_qa(d);
        if (mixed)
            err_set(&local, ERR_INPUT, "%s: line %zu: questions and plain text in one file: "
                    "found %s, expected %s as before it", d->path, r.line,
                    qa ? "a question" : "plain text", qa ? "plain text" : "a question");
        else if (qa)
            add_questions(d, &r, tokenizer, context_max);
        else
            add_text(d, &r, tokenizer);
        record_free(&r);
        d->documents++;
        if (mixed || !progress_tick(progress, "records", records_percent(records), 100, &local))
            break;
    }
    d->bad = records_bad(records);
    d->form = records_form(records);
    if (local.code == ERR_NONE)
        return true;
    if (err)
        *err = local;
    return false;
}

struct dataset *dataset_load(const char *path, const struct records_options *options,
                             const struct tokenizer *tokenizer, size_t context_max,
                             const struct progress *progress, struct err *err)
{
    struct dataset *d = xcalloc(1, sizeof *d);
    d->path = xstrdup(path);
    d->weight = 1;
    struct records *records = records_open(path, options, err);
    /* The hash last: a file that is refused need not be read to its end. */
    bool ok = records && load_records(d, records, tokenizer, context_max, progress, err) &&
              hash_file(d, err);
    records_close(records);
    if (ok) {
        dataset_hold_out(d, 0, 0);
        return d;
    }
    dataset_free(d);
    return NULL;
}

void dataset_free(struct dataset *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n_questions; i++) {
        struct dataset_question *q = &d->questions[i];
        for (size_t k = 0; k < q->n_answers; k++)
            free(q->answers[k]);
        free(q->answers);
        free(q->question);
        free(q->cut_text);
        free(q->id);
    }
    free(d->questions);
    free(d->groups);
    free(d->tokens);
    free(d->path);
    free(d);
}

bool dataset_is_qa(const struct dataset *d)
{
    return d->n_questions > 0;
}

/* ---- samples -------------------------------------------------------------------- */

void dataset_hold_out(struct dataset *d, size_t tokens, size_t questions)
{
    size_t boundary = d->n_questions - size_min(questions, d->n_questions / 10);
    while (boundary > 0 && boundary < d->n_questions &&
           d->questions[boundary].context_at == d->questions[boundary - 1].context_at)
        boundary--;
    d->train_questions = boundary;
    d->train_tokens = d->n_tokens - size_min(tokens, d->n_tokens / 10);
}

static bool same_context(const struct dataset *d, size_t a, size_t b)
{
    return d->questions[a].context_at == d->questions[b].context_at;
}

void dataset_group(struct dataset *d, size_t most)
{
    size_t end = d->train_questions;
    free(d->groups);
    d->groups = xcalloc(end + 1, sizeof *d->groups);
    d->n_groups = 0;
    for (size_t first = 0, next; first < end; first = next) {
        next = first + 1;
        while (next < end && same_context(d, first, next))
            next++;
        /* Groups of a context are as equal as they can be. */
        size_t all = next - first, parts = size_div_up(all, most);
        for (size_t i = 0; i < parts; i++)
            d->groups[d->n_groups++] = first + i * all / parts;
    }
    d->groups[d->n_groups] = end;
}

size_t dataset_count(const struct dataset *d, enum part part, enum phase phase,
                     struct block_shape shape)
{
    bool held = part == PART_HELD_OUT;
    if (phase == PHASE_SFT)
        return held ? d->n_questions - d->train_questions : d->train_questions;
    if (dataset_is_qa(d))
        return 0;
    size_t tokens = held ? d->n_tokens - d->train_tokens : d->train_tokens;
    return tokens / (shape.context + shape.predict);
}

/* Token where block i of a part begins. */
static const int32_t *block_at(const struct dataset *d, enum part part, struct block_shape shape,
                               size_t i)
{
    size_t first = part == PART_HELD_OUT ? d->train_tokens : 0;
    return d->tokens + first + i * (shape.context + shape.predict);
}

static struct sample ntp_sample(const int32_t *at, struct block_shape shape)
{
    struct sample s = sample_new(shape.context, shape.predict);
    memcpy(s.context, at, shape.context * sizeof *at);
    memcpy(s.query, at + shape.context, shape.predict * sizeof *at);
    memcpy(s.labels, s.query, shape.predict * sizeof *at);
    return s;
}

static struct sample reconstruct_sample(const int32_t *at, struct block_shape shape)
{
    struct sample s = sample_new(shape.context, shape.context);
    memcpy(s.context, at, shape.context * sizeof *at);
    memcpy(s.query, at, shape.context * sizeof *at);
    memcpy(s.labels, at, shape.context * sizeof *at);
    return s;
}

void dataset_query(const struct tokenizer *tokenizer, const char *question, struct token_list *out)
{
    size_t a = strlen(sft_prefix), b = strlen(question), c = strlen(sft_suffix);
    char *text = xmalloc(a + b + c + 1);
    memcpy(text, sft_prefix, a);
    memcpy(text + a, question, b);
    memcpy(text + a + b, sft_suffix, c + 1);
    tokenizer_encode(tokenizer, text, a + b + c, 0, out);
    free(text);
}

static struct sample sft_sample(const struct dataset *d, const struct tokenizer *tokenizer,
                                const struct dataset_question *q, struct block_shape shape)
{
    struct token_list query = {0}, answer = {0};
    dataset_query(tokenizer, q->question, &query);
    tokenizer_encode(tokenizer, q->answers[0], strlen(q->answers[0]), 0, &answer);
    if (tokenizer_eos(tokenizer) >= 0)
        token_list_push(&answer, tokenizer_eos(tokenizer), 0, 0);
    answer.count = size_min(answer.count, shape.predict);
    size_t room = shape.predict - answer.count;
    size_t cut = query.count > room ? query.count - room : 0;
    size_t context = size_min(q->context_n, shape.context), kept = query.count - cut;
    struct sample s = sample_new(context, kept + answer.count);
    s.question = true;
    memcpy(s.context, d->tokens + q->context_at + q->context_n - context,
           context * sizeof *s.context);
    memcpy(s.query, query.ids + cut, kept * sizeof *s.query);
    memcpy(s.query + kept, answer.ids, answer.count * sizeof *s.query);
    for (size_t t = 0; t < s.n_query; t++)
        s.labels[t] = t < kept ? LABEL_NONE : s.query[t];
    token_list_free(&query);
    token_list_free(&answer);
    return s;
}

struct sample dataset_sample(const struct dataset *d, const struct tokenizer *tokenizer,
                             enum part part, enum phase phase, struct block_shape shape, size_t i)
{
    size_t first_question = part == PART_HELD_OUT ? d->train_questions : 0;
    if (phase == PHASE_SFT)
        return sft_sample(d, tokenizer, &d->questions[first_question + i], shape);
    const int32_t *at = block_at(d, part, shape, i);
    return phase == PHASE_NTP ? ntp_sample(at, shape) : reconstruct_sample(at, shape);
}
