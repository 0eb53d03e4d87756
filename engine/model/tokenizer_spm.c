/* SentencePiece-style BPE: spaces are U+2581, characters without a token become
 * byte tokens, and there is no pattern that cuts words. */
#include "engine/model/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

/* Pushes the character at `at`: its token, or one token for each byte. */
static void push_character(struct encoder *e, const char *text, size_t at, size_t bytes)
{
    const struct vocab *vocab = &e->tokenizer->vocab;
    int32_t id = token_map_find(&vocab->map, text + at, bytes);
    if (id >= 0) {
        bpe_push(&e->work, id, (uint32_t)at, (uint32_t)(at + bytes));
        return;
    }
    for (size_t end = at + bytes; at < end; at++)
        bpe_push(&e->work, vocab->byte_ids[(unsigned char)text[at]], (uint32_t)at,
                 (uint32_t)at + 1);
}

static bool is_space(const char *text, size_t at, size_t to)
{
    return text[at] == ' ' || vocab_is_space_mark(text + at, to - at);
}

static bool wants_prefix(const struct encoder *e, const char *text, size_t from,
                         size_t to)
{
    const struct tokenizer *t = e->tokenizer;
    if (t->prefix == SPM_PREFIX_NONE ||
        (t->prefix_unless_space && is_space(text, from, to)))
        return false;
    return t->prefix == SPM_PREFIX_EVERY || e->base + from == 0;
}

void tokenizer_encode_spm(struct encoder *e, const char *text, size_t from, size_t to)
{
    const struct tokenizer *t = e->tokenizer;
    bool after_space = wants_prefix(e, text, from, to);
    if (after_space)
        bpe_push(&e->work, t->vocab.space, (uint32_t)from, (uint32_t)from);
    for (size_t at = from, bytes; at < to; at += bytes) {
        bool space = is_space(text, at, to);
        if ((space && t->split_at_spaces) || (space && t->words_apart && !after_space) ||
            e->work.count >= TOKENIZER_WORD_MAX)
            tokenizer_encode_word(e);
        uint32_t c;
        bytes = text_decode(text + at, to - at, &c);
        if (space)
            bpe_push(&e->work, t->vocab.space, (uint32_t)at, (uint32_t)(at + bytes));
        else
            push_character(e, text, at, bytes);
        after_space = space;
    }
    tokenizer_encode_word(e);
}

/* ---- merges ---- */

/* Does a space follow anything but spaces in this piece? */
static bool crosses_space(const struct text_span *piece)
{
    for (size_t i = 1; i < piece->length; i++)
        if (piece->text[i] == ' ' && piece->text[i - 1] != ' ')
            return true;
    return false;
}

void tokenizer_spm_finish(struct tokenizer *t)
{
    t->words_apart = true;
    for (size_t i = 0; i <= t->bpe.mask; i++) {
        const struct bpe_merge *merge = &t->bpe.slots[i];
        if (merge->left >= 0 && crosses_space(&t->vocab.pieces[merge->product]))
            t->words_apart = false;
    }
}

struct scored {
    float score;
    int32_t id;
};

static int compare_scores(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Enters all ways to put a token together from two others. */
static void add_merges_of(struct tokenizer *t, const struct token_map *map,
                          const struct text_span *text, int32_t product, uint32_t rank)
{
    for (size_t cut = 1; cut < text->length; cut++) {
        if (((unsigned char)text->text[cut] & 0xc0) == 0x80)
            continue;
        int32_t left = token_map_find(map, text->text, cut);
        int32_t right =
            left < 0 ? -1 : token_map_find(map, text->text + cut, text->length - cut);
        if (right >= 0)
            bpe_add(&t->bpe, (struct bpe_merge){left, right, product, rank});
    }
}

void tokenizer_spm_merges(struct tokenizer *t, const struct text_span *texts,
                          const void *scores)
{
    size_t count = t->vocab.count, n = 0;
    struct scored *order = xcalloc(count, sizeof *order);
    struct token_map map;
    token_map_init(&map, texts, count);
    for (size_t id = 0; id < count; id++) {
        bool mergeable =
            t->vocab.types[id] == TOKEN_NORMAL || t->vocab.types[id] == TOKEN_USER;
        if (!mergeable || texts[id].length == 0)
            continue;
        token_map_put(&map, (int32_t)id);
        order[n].id = (int32_t)id;
        memcpy(&order[n++].score, (const char *)scores + id * sizeof(float),
               sizeof(float));
    }
    qsort(order, n, sizeof *order, compare_scores);
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && order[i].score != order[i - 1].score)
            rank++;
        add_merges_of(t, &map, &texts[order[i].id], order[i].id, rank);
    }
    token_map_free(&map);
    free(order);
}
