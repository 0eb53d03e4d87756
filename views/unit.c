/* Tokens that belong together: words and sentences (UX.md section 3).
 *
 * A word runs up to the next token that begins with a blank or a newline;
 * punctuation stands apart. A sentence ends behind . ! ? when a capital, a digit or
 * a quote follows, and at a blank line. Both look at no more than a few hundred
 * tokens, so that a text without blanks cannot make a key stroke slow. */
#include <ctype.h>
#include <string.h>

#include "views/view_state.h"

enum { WORD_REACH = 64, SENTENCE_REACH = 600 };

static const char *token_bytes(const struct snapshot_document *d, size_t token,
                               size_t *length)
{
    *length = 0;
    if (d->end[token] > d->size || d->start[token] >= d->end[token])
        return "";
    *length = d->end[token] - d->start[token];
    return d->text + d->start[token];
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_punctuation(char c)
{
    return ispunct((unsigned char)c) != 0;
}

/* "'s", "'ll": an apostrophe inside a word. */
static bool is_contraction(const char *text, size_t length)
{
    return length > 1 && text[0] == '\'' && isalpha((unsigned char)text[1]);
}

/* Is there a border between token - 1 and token? */
static bool word_starts(const struct snapshot_document *d, size_t token)
{
    size_t length, before_length;
    const char *text = token_bytes(d, token, &length);
    const char *before = token_bytes(d, token - 1, &before_length);
    if (length == 0 || before_length == 0 || is_space(text[0]))
        return true;
    char last = before[before_length - 1];
    if (is_space(last) || is_contraction(text, length))
        return is_space(last);
    return is_punctuation(text[0]) || is_punctuation(last);
}

static bool ends_sentence(const char *text, size_t length)
{
    while (length > 0 && strchr("\"')]", text[length - 1]))
        length--;
    return length > 0 && strchr(".!?", text[length - 1]);
}

static bool opens_sentence(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length && is_space(text[i]))
        i++;
    if (i == length)
        return false;
    unsigned char c = (unsigned char)text[i];
    return isupper(c) || isdigit(c) || c == '"' || c == '\'' || c >= 0x80;
}

static size_t count_newlines(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

static bool sentence_starts(const struct snapshot_document *d, size_t token)
{
    size_t length, before_length, earlier_length = 0;
    const char *text = token_bytes(d, token, &length);
    const char *before = token_bytes(d, token - 1, &before_length);
    const char *earlier = token > 1 ? token_bytes(d, token - 2, &earlier_length) : "";
    bool blank_line = count_newlines(before, before_length) > 1 ||
                      (count_newlines(before, before_length) == 1 && earlier_length > 0 &&
                       earlier[earlier_length - 1] == '\n');
    if (!opens_sentence(text, length))
        return false;
    return blank_line || ends_sentence(before, before_length);
}

void view_unit_range(const struct snapshot_document *d, enum unit unit, size_t token,
                     size_t *from, size_t *to)
{
    *from = token;
    *to = token + 1;
    if (unit == UNIT_TOKEN || token >= d->tokens)
        return;
    size_t reach = unit == UNIT_WORD ? WORD_REACH : SENTENCE_REACH;
    bool (*starts)(const struct snapshot_document *, size_t) =
        unit == UNIT_WORD ? word_starts : sentence_starts;
    size_t steps = 0;
    while (*from > 0 && steps < reach && !starts(d, *from)) {
        --*from;
        steps++;
    }
    if (steps == reach) /* no border near: blocks of fixed places */
        *from = token / reach * reach;
    while (*to < d->tokens && *to - *from < reach && !starts(d, *to))
        ++*to;
}
