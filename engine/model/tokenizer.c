/* The tokenizer as the rest of the program sees it: tokens back to text, and what
 * is known about single tokens. Encoding is in tokenizer_encode.c. */
#include "engine/model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/model/tokenizer_internal.h"

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    t->bos = t->eos = t->unknown = -1;
    return t;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    vocab_free(&t->vocab);
    bpe_free(&t->bpe);
    added_set_free(&t->added);
    added_set_free(&t->added_normalised);
    free(t->stops);
    free(t);
}

/* ---- lists of tokens ---- */

void token_list_push(struct token_list *list, int32_t id, uint32_t start, uint32_t end)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        list->ids = xrealloc(list->ids, capacity, sizeof *list->ids);
        list->start = xrealloc(list->start, capacity, sizeof *list->start);
        list->end = xrealloc(list->end, capacity, sizeof *list->end);
        list->capacity = capacity;
    }
    list->ids[list->count] = id;
    list->start[list->count] = start;
    list->end[list->count++] = end;
}

void token_list_free(struct token_list *list)
{
    free(list->ids);
    free(list->start);
    free(list->end);
    *list = (struct token_list){0};
}

/* ---- single tokens ---- */

static bool is_id(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && (size_t)id < t->vocab.count;
}

bool tokenizer_is_control(const struct tokenizer *t, int32_t id)
{
    return is_id(t, id) &&
           (t->vocab.types[id] == TOKEN_CONTROL || t->vocab.types[id] == TOKEN_UNKNOWN);
}

const char *tokenizer_piece(const struct tokenizer *t, int32_t id, bool special,
                            size_t *length)
{
    if (!is_id(t, id) || (tokenizer_is_control(t, id) && !special)) {
        *length = 0;
        return "";
    }
    *length = t->vocab.pieces[id].length;
    return t->vocab.pieces[id].text;
}

size_t tokenizer_vocab(const struct tokenizer *t)
{
    return t->vocab.count;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

bool tokenizer_adds_bos(const struct tokenizer *t)
{
    return t->adds_bos && t->bos >= 0;
}

bool tokenizer_is_stop(const struct tokenizer *t, int32_t id)
{
    return is_id(t, id) && t->stops[id];
}

const char *tokenizer_kind(const struct tokenizer *t)
{
    return t->vocab.alphabet == VOCAB_SENTENCEPIECE ? "spm" : split_name(t->split);
}

/* ---- back to text ---- */

/* The bytes that a token adds to a text; the one space that encoding put in front
 * of the text is left out. */
static const char *text_of(const struct tokenizer *t, int32_t id, bool special,
                           bool at_start, size_t *length)
{
    const char *piece = tokenizer_piece(t, id, special, length);
    if (at_start && t->strip_space && *length > 0 && piece[0] == ' ') {
        piece++;
        (*length)--;
    }
    return piece;
}

char *tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t count,
                       bool special, size_t *length)
{
    struct buffer text = {0};
    bool at_start = true;
    for (size_t i = 0; i < count; i++) {
        size_t bytes, plain;
        const char *piece = text_of(t, ids[i], special, at_start, &bytes);
        tokenizer_piece(t, ids[i], special, &plain);
        at_start = at_start && plain == 0;
        buffer_add(&text, piece, bytes);
    }
    return buffer_take(&text, length);
}

/* Forgets what the last call gave out; the borrowed bytes end here. */
static void drop_shown(struct token_stream *stream)
{
    memmove(stream->pending, stream->pending + stream->shown,
            stream->held - stream->shown);
    stream->held -= stream->shown;
    stream->shown = 0;
}

const char *token_stream_feed(struct token_stream *stream, const struct tokenizer *t,
                              int32_t id, size_t *length)
{
    size_t bytes, plain;
    const char *piece = text_of(t, id, false, !stream->started, &bytes);
    tokenizer_piece(t, id, false, &plain);
    stream->started = stream->started || plain > 0;
    drop_shown(stream);
    CHECK(stream->held + bytes <= sizeof stream->pending);
    memcpy(stream->pending + stream->held, piece, bytes);
    stream->held += bytes;
    stream->shown = stream->held - text_incomplete(stream->pending, stream->held);
    *length = stream->shown;
    return stream->pending;
}

const char *token_stream_flush(struct token_stream *stream, size_t *length)
{
    drop_shown(stream);
    stream->shown = *length = stream->held;
    return stream->pending;
}
