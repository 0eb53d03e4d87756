/* What both loaders, of GGUF and of tokenizer.json, do at the end or in between. */
#include "engine/model/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

bool tokenizer_add_merge(struct tokenizer *t, const struct token_map *map,
                         struct text_span left, struct text_span right, size_t index,
                         const char *name, struct err *err)
{
    char joined[2 * VOCAB_PIECE_MAX];
    struct bpe_merge merge = {.product = -1, .rank = (uint32_t)index};
    merge.left = token_map_find(map, left.text, left.length);
    merge.right = token_map_find(map, right.text, right.length);
    if (merge.left >= 0 && merge.right >= 0) {
        memcpy(joined, left.text, left.length);
        memcpy(joined + left.length, right.text, right.length);
        merge.product = token_map_find(map, joined, left.length + right.length);
    }
    if (merge.product < 0)
        return err_set(err, ERR_INPUT,
                       "%s: merge %zu: unknown token (\"%.*s\" + \"%.*s\")", name, index,
                       (int)size_min(left.length, 64), left.text,
                       (int)size_min(right.length, 64), right.text);
    bpe_add(&t->bpe, merge);
    return true;
}

bool tokenizer_split_merge(struct text_span merge, struct text_span *left,
                           struct text_span *right)
{
    const char *space =
        merge.length < 3 ? NULL : memchr(merge.text + 1, ' ', merge.length - 2);
    if (!space)
        return false;
    *left = (struct text_span){merge.text, (size_t)(space - merge.text)};
    *right = (struct text_span){space + 1, merge.length - left->length - 1};
    return true;
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
