/* What both loaders, of GGUF and of tokenizer.json, do at the end or in between. */
#include "engine/model/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

bool tokenizer_read_vocab(struct tokenizer *tokenizer, enum vocab_alphabet alphabet,
                          const struct text_span *texts, const uint8_t *types, size_t count,
                          const char *name, struct err *err)
{
    const struct vocab_source source = {alphabet, tokenizer->ignore_merges, texts, types, count,
                                        name};
    return vocab_build(&tokenizer->vocab, &source, err);
}

/* Is this the text of token `id`? */
static bool is_joined(const struct token_map *map, size_t id, struct text_span left,
                      struct text_span right)
{
    const struct text_span *key = &map->keys[id];
    return key->length == left.length + right.length &&
           memcmp(key->text, left.text, left.length) == 0 &&
           memcmp(key->text + left.length, right.text, right.length) == 0;
}

/* The token that two others merge into, or -1. Files number tokens as their merges were found:
 * it is the one behind the last product nearly always. */
static int32_t find_product(const struct merge_list *merges, struct text_span left,
                            struct text_span right)
{
    char joined[2 * VOCAB_PIECE_MAX];
    size_t next = (size_t)merges->product + 1;
    if (!merges->map->repeats && next < merges->tokenizer->vocab.count &&
        is_joined(merges->map, next, left, right))
        return (int32_t)next;
    memcpy(joined, left.text, left.length);
    memcpy(joined + left.length, right.text, right.length);
    return token_map_find(merges->map, joined, left.length + right.length);
}

static bool complain(const struct merge_list *merges, size_t waiting, struct err *err)
{
    const struct text_span *side = &merges->sides[2 * waiting];
    return err_set(err, ERR_INPUT, "%s: merge %zu: unknown token (\"%.*s\" + \"%.*s\")",
                   merges->name, merges->entered + waiting, (int)size_min(side[0].length, 64),
                   side[0].text, (int)size_min(side[1].length, 64), side[1].text);
}

bool merge_list_finish(struct merge_list *merges, struct err *err)
{
    struct bpe_merge found[MERGES_WAITING];
    int32_t ids[2 * MERGES_WAITING];
    token_map_find_all(merges->map, merges->sides, 2 * merges->waiting, ids);
    for (size_t i = 0; i < merges->waiting; i++) {
        const struct text_span *side = &merges->sides[2 * i];
        int32_t left = ids[2 * i], right = ids[2 * i + 1];
        if (left < 0 || right < 0 || (merges->product = find_product(merges, side[0], side[1])) < 0)
            return complain(merges, i, err);
        found[i] = (struct bpe_merge){left, right, merges->product,
                                      (uint32_t)(merges->entered + i)};
    }
    bpe_add_all(&merges->tokenizer->bpe, found, merges->waiting);
    merges->entered += merges->waiting;
    merges->waiting = 0;
    return true;
}

bool merge_list_add(struct merge_list *merges, struct text_span left, struct text_span right,
                    struct err *err)
{
    merges->sides[2 * merges->waiting] = left;
    merges->sides[2 * merges->waiting + 1] = right;
    return ++merges->waiting < MERGES_WAITING || merge_list_finish(merges, err);
}

bool merge_list_add_joined(struct merge_list *merges, struct text_span merge, struct err *err)
{
    const char *text = merge.text;
    const char *space = merge.length < 3 ? NULL : memchr(text + 1, ' ', merge.length - 2);
    if (!space)
        return merge_list_finish(merges, err) &&
               err_set(err, ERR_INPUT, "%s: merge %zu is not two tokens", merges->name,
                       merges->entered);
    struct text_span left = {text, (size_t)(space - text)};
    return merge_list_add(
        merges, left, (struct text_span){space + 1, merge.length - left.length - 1}, err);
}

static int32_t find_in_set(const struct added_set *set, const char *text, size_t length)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->tokens[i].length == length &&
            memcmp(set->tokens[i].text, text, length) == 0)
            return set->tokens[i].id;
    return -1;
}

int32_t tokenizer_find_added(const struct tokenizer *t, const char *text, size_t length)
{
    int32_t id = find_in_set(&t->added, text, length);
    return id >= 0 ? id : find_in_set(&t->added_normalised, text, length);
}

void tokenizer_find_stops(struct tokenizer *t)
{
    static const char *const names[] = {
        "</s>",       "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",
        "<|eom_id|>", "<|im_end|>",    "<|end|>",         "<end_of_turn>",
    };
    t->stops = xcalloc(t->vocab.count, sizeof *t->stops);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = tokenizer_find_added(t, names[i], strlen(names[i]));
        if (id >= 0 && tokenizer_is_control(t, id))
            t->stops[id] = true;
    }
    if (t->eos >= 0)
        t->stops[t->eos] = true;
}
