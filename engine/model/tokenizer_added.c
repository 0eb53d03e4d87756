#include "engine/model/tokenizer_added.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/tokenizer_unicode.h"

bool added_set_put(struct added_set *set, const char *text, size_t length, int32_t id,
                   unsigned flags, const char *name, size_t place, struct err *err)
{
    if (length == 0)
        return err_set(err, ERR_INPUT, "%s: added token %zu: empty content", name, place);
    if (length > ADDED_TEXT_MAX)
        return err_set(err, ERR_INPUT, "%s: added token %zu: %zu bytes, at most %d", name,
                       place, length, ADDED_TEXT_MAX);
    MEM_GROW(set->tokens, set->capacity, set->count + 1);
    set->tokens[set->count++] = (struct added_token){
        .text = xstrndup(text, length), .length = length, .id = id, .flags = flags};
    set->starts[(unsigned char)text[0]] = true;
    return true;
}

/* By text, a prefix before what it begins; equal texts by id. */
static int compare_tokens(const void *a, const void *b)
{
    const struct added_token *x = a, *y = b;
    int order = memcmp(x->text, y->text, size_min(x->length, y->length));
    if (order)
        return order;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

void added_set_finish(struct added_set *set)
{
    if (set->count)
        qsort(set->tokens, set->count, sizeof *set->tokens, compare_tokens);
}

void added_set_free(struct added_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->tokens[i].text);
    free(set->tokens);
    *set = (struct added_set){0};
}

/* Of the tokens low..high, which agree in their first `depth` bytes and are
 * longer, the first whose next byte is at least `byte`. */
static size_t lower_bound(const struct added_set *set, size_t low, size_t high,
                          size_t depth, int byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((unsigned char)set->tokens[middle].text[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest token that text[0..length) begins with, or NULL. Narrows the range
 * of sorted tokens that agree with the text, byte by byte. */
static const struct added_token *longest_at(const struct added_set *set, const char *text,
                                            size_t length)
{
    const struct added_token *longest = NULL;
    size_t low = 0, high = set->count;
    for (size_t depth = 0; depth < length; depth++) {
        int byte = (unsigned char)text[depth];
        low = lower_bound(set, low, high, depth, byte);
        high = lower_bound(set, low, high, depth, byte + 1);
        if (low < high && set->tokens[low].length == depth + 1)
            longest = &set->tokens[low];
        while (low < high && set->tokens[low].length == depth + 1)
            low++;
        if (low == high)
            break;
    }
    return longest;
}

/* The character that ends at text[end), end > from, and where it begins. */
static size_t previous_character(const char *text, size_t from, size_t end, uint32_t *c)
{
    size_t start = end - 1;
    while (start > from && end - start < 4 && ((unsigned char)text[start] & 0xc0) == 0x80)
        start--;
    if (text_decode(text + start, end - start, c) != end - start) {
        *c = TEXT_INVALID;
        return end - 1;
    }
    return start;
}

static bool is_inside_word(const char *text, size_t length, size_t start, size_t end)
{
    uint32_t c;
    if (start > 0) {
        previous_character(text, 0, start, &c);
        if (unicode_is_word(c))
            return true;
    }
    if (end == length)
        return false;
    text_decode(text + end, length - end, &c);
    return unicode_is_word(c);
}

static void take_white_space(const char *text, size_t length, size_t from, unsigned flags,
                             struct added_match *match)
{
    uint32_t c;
    while ((flags & ADDED_LSTRIP) && match->start > from) {
        size_t start = previous_character(text, from, match->start, &c);
        if (!unicode_is_space(c))
            break;
        match->start = start;
    }
    while ((flags & ADDED_RSTRIP) && match->end < length) {
        size_t bytes = text_decode(text + match->end, length - match->end, &c);
        if (!unicode_is_space(c))
            break;
        match->end += bytes;
    }
}

bool added_set_find(const struct added_set *set, const char *text, size_t length,
                    size_t from, bool parse_special, struct added_match *match)
{
    if (set->count == 0)
        return false;
    for (size_t at = from; at < length; at++) {
        if (!set->starts[(unsigned char)text[at]])
            continue;
        const struct added_token *token = longest_at(set, text + at, length - at);
        if (!token)
            continue;
        size_t end = at + token->length;
        bool skipped = (token->flags & ADDED_SPECIAL) && !parse_special;
        if (skipped || ((token->flags & ADDED_SINGLE_WORD) &&
                        is_inside_word(text, length, at, end))) {
            /* Passed over as a whole: nothing is found inside of it either. */
            at = end - 1;
            continue;
        }
        *match = (struct added_match){.start = at, .end = end, .id = token->id};
        take_white_space(text, length, from, token->flags, match);
        return true;
    }
    return false;
}
