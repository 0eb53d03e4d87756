/* From text to tokens: added tokens cut the text into sections, a section is
 * normalised and cut into words, a word's bytes are merged. */
#include "engine/model/tokenizer_internal.h"

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

static void push_token(struct encoder *e, int32_t id, size_t start, size_t end)
{
    if (e->nfc) {
        start = nfc_original(e->nfc, start);
        end = nfc_original(e->nfc, end);
    }
    token_list_push(e->list, id, (uint32_t)(e->base + start), (uint32_t)(e->base + end));
}

void tokenizer_encode_word(struct encoder *e)
{
    bpe_run(&e->tokenizer->bpe, &e->work);
    for (size_t i = 0; i < e->work.count; i++) {
        const struct bpe_symbol *s = &e->work.symbols[i];
        push_token(e, s->id, s->start, s->end);
    }
    e->work.count = 0;
}

/* A byte without a token: nothing, or the unknown token. */
static void push_unknown(struct encoder *e, size_t at)
{
    const struct tokenizer *t = e->tokenizer;
    struct bpe_work *work = &e->work;
    if (t->unknown < 0)
        return;
    if (t->fuse_unknown && work->count > 0 &&
        work->symbols[work->count - 1].id == t->unknown)
        work->symbols[work->count - 1].end = (uint32_t)at + 1;
    else
        bpe_push(work, t->unknown, (uint32_t)at, (uint32_t)at + 1);
}

static void encode_bytes(struct encoder *e, const char *text, size_t from, size_t to)
{
    const int32_t *byte_ids = e->tokenizer->vocab.byte_ids;
    for (size_t at = from; at < to; at++) {
        int32_t id = byte_ids[(unsigned char)text[at]];
        if (id >= 0)
            bpe_push(&e->work, id, (uint32_t)at, (uint32_t)at + 1);
        else
            push_unknown(e, at);
    }
    tokenizer_encode_word(e);
}

void tokenizer_encode_byte_level(struct encoder *e, const char *text, size_t from,
                                 size_t to)
{
    const struct tokenizer *t = e->tokenizer;
    for (size_t end; from < to; from = end) {
        size_t word = split_first(t->split, text + from, to - from);
        end = from + size_min(word, TOKENIZER_WORD_MAX);
        int32_t id = t->ignore_merges
                         ? token_map_find(&t->vocab.map, text + from, end - from)
                         : -1;
        if (id >= 0)
            push_token(e, id, from, end);
        else
            encode_bytes(e, text, from, end);
    }
}

static void encode_section(struct encoder *e, const char *text, size_t from, size_t to)
{
    if (from == to)
        return;
    if (e->tokenizer->vocab.alphabet == VOCAB_SENTENCEPIECE)
        tokenizer_encode_spm(e, text, from, to);
    else
        tokenizer_encode_byte_level(e, text, from, to);
}

/* Cuts text[0..length) at the added tokens of a set; what lies between goes to
 * `between`. */
static void cut_at_added(struct encoder *e, const struct added_set *set, const char *text,
                         size_t length, bool parse_special,
                         void (*between)(struct encoder *, const char *, size_t, size_t,
                                         bool))
{
    size_t at = 0;
    struct added_match match;
    while (added_set_find(set, text, length, at, parse_special, &match)) {
        between(e, text, at, match.start, parse_special);
        push_token(e, match.id, match.start, match.end);
        at = match.end;
    }
    between(e, text, at, length, parse_special);
}

static void after_second_cut(struct encoder *e, const char *text, size_t from, size_t to,
                             bool parse_special)
{
    (void)parse_special;
    encode_section(e, text, from, to);
}

/* Normalises a section and looks for the added tokens that want it so. */
static void after_first_cut(struct encoder *e, const char *text, size_t from, size_t to,
                            bool parse_special)
{
    const struct tokenizer *t = e->tokenizer;
    struct nfc_text nfc = {0};
    size_t length = to - from;
    text += from;
    e->base = from;
    if (t->nfc && nfc_apply(&nfc, text, length)) {
        e->nfc = &nfc;
        text = nfc.text;
        length = nfc.length;
    }
    cut_at_added(e, &t->added_normalised, text, length, parse_special, after_second_cut);
    nfc_free(&nfc);
    e->nfc = NULL;
    e->base = 0;
}

void tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                      unsigned flags, struct token_list *list)
{
    CHECK(length < UINT32_MAX);
    struct encoder e = {.tokenizer = tokenizer, .list = list};
    bool specials = flags & TOKENIZER_ADD_SPECIAL;
    if (specials && tokenizer->adds_bos && tokenizer->bos >= 0)
        token_list_push(list, tokenizer->bos, 0, 0);
    cut_at_added(&e, &tokenizer->added, text, length, flags & TOKENIZER_PARSE_SPECIAL,
                 after_first_cut);
    if (specials && tokenizer->adds_eos && tokenizer->eos >= 0)
        token_list_push(list, tokenizer->eos, (uint32_t)length, (uint32_t)length);
    bpe_work_free(&e.work);
}
