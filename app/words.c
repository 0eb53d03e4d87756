#include "app/words.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

static const char blanks[] = " \t";

size_t words_quote(const char *at)
{
    size_t n = strcspn(at, " \t\"");
    return at[n] == '"' && (n == 0 || at[n - 1] == '=') ? n : SIZE_MAX;
}

const char *words_end(const char *at, bool *open)
{
    size_t quote = words_quote(at);
    *open = quote != SIZE_MAX;
    if (!*open)
        return at + strcspn(at, blanks);
    for (at += quote + 1; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    *open = !*at;
    return *at ? at + 1 : at;
}

/* One word at *at, which is moved behind it; NULL when its quote never ends. */
static char *take_word(const char **at, bool *quoted)
{
    const char *p = *at;
    char *word = xmalloc(strlen(p) + 1);
    size_t quote = words_quote(p), n = quote == SIZE_MAX ? strcspn(p, blanks) : quote;
    *quoted = n == 0;
    memcpy(word, p, n);
    p += n;
    if (n == quote) {
        for (p++; *p && *p != '"'; p++) {
            if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
                p++;
            word[n++] = *p;
        }
        if (!*p) {
            free(word);
            return NULL;
        }
        p++;
    }
    word[n] = '\0';
    *at = p;
    return word;
}

static void trim_end(char *text)
{
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    text[n] = '\0';
}

/* Unfinished quotes are legal in a text ("ask What is a 6" pipe?"), so the words
 * end there and the rest stays whole. */
static bool split_arguments(struct words *words, struct err *err)
{
    const char *at = words->rest;
    for (;;) {
        at += strspn(at, blanks);
        if (!*at)
            return true;
        if (words->count == WORDS_MAX)
            return err_set(err, ERR_USAGE, "more than %d words", WORDS_MAX);
        bool *quoted = &words->quoted[words->count];
        char *word = take_word(&at, quoted);
        if (!word)
            return err_set(err, ERR_USAGE, "a quotation mark is not closed");
        words->word[words->count++] = word;
    }
}

bool words_split(struct words *words, const char *line, struct err *err)
{
    *words = (struct words){0};
    line += strspn(line, blanks);
    size_t length = *line == '#' ? 0 : strcspn(line, " \t\r\n");
    size_t bang = length > 1 && line[length - 1] == '!';
    words->force = bang;
    words->name = xstrndup(line, length - bang);
    line += length;
    words->rest = xstrdup(words->name[0] ? line + strspn(line, blanks) : "");
    trim_end(words->rest);
    bool ok = split_arguments(words, err);
    if (ok && words->count == 1 && words->quoted[0]) {
        free(words->rest);
        words->rest = xstrdup(words->word[0]);
    }
    return ok;
}

/* In place of an allocated text. */
static void expand_home(char **text, const char *home, bool inside)
{
    for (char *at = *text; (at = strstr(at, "~/")); at++) {
        size_t front = (size_t)(at - *text), length = strlen(home);
        if (front > 0 && !(inside && strchr("=,", at[-1])))
            continue;
        size_t size = strlen(*text) + length;
        char *longer = xmalloc(size);
        snprintf(longer, size, "%.*s%s%s", (int)front, *text, home, at + 1);
        free(*text);
        *text = longer;
        at = longer + front + length;
    }
}

void words_expand_home(struct words *words)
{
    const char *home = getenv("HOME");
    if (!home)
        return;
    expand_home(&words->rest, home, false);
    for (size_t i = 0; i < words->count; i++)
        expand_home(&words->word[i], home, true);
}

void words_free(struct words *words)
{
    free(words->name);
    free(words->rest);
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i]);
    *words = (struct words){0};
}
