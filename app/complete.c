#include "app/complete.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/complete_arguments.h"
#include "app/words.h"
#include "engine/base/mem.h"

/* The last word of a line that ends where the cursor is. */
struct typed {
    char *line;
    const char *text; /* behind the quotation mark in front of the word */
    size_t head;      /* bytes of the word in front of a quotation mark: key= */
    bool quoted;
};

/* The line is copied, and a quotation mark behind the key of the word taken out. */
static struct typed typed_word(const char *line, size_t point)
{
    struct typed t = {.line = xstrndup(line, point)};
    char *at = t.line + strspn(t.line, " \t");
    for (const char *end; *(end = words_end(at, &t.quoted));)
        at += (size_t)(end - at) + strspn(end, " \t");
    t.text = at;
    if (t.quoted) {
        t.head = words_quote(at);
        memmove(at + 1, at, t.head);
        t.text = at + 1;
    }
    return t;
}

/* Names with blanks want a quotation mark, and what is common to all of them then has it, too;
 * the only one is closed, unless it goes on. In a quotation readline sees what is behind the
 * mark. */
static void quote_matches(struct matches *m, const struct typed *t)
{
    bool blanks = false;
    for (size_t i = 0; i < m->count; i++)
        blanks = blanks || strpbrk(m->words[i], " \t");
    for (size_t i = 0; i < m->count && (t->quoted || blanks); i++) {
        char *word = m->words[i], *equals = strchr(word, '=');
        size_t size = strlen(word) + 3, key = equals ? (size_t)(equals + 1 - word) : 0;
        bool closed = m->count == 1 && word[strlen(word) - 1] != '/';
        char *out = xmalloc(size);
        if (t->quoted)
            snprintf(out, size, "%s", word + t->head);
        else
            snprintf(out, size, "%.*s\"%s%s", (int)key, word, word + key, closed ? "\"" : "");
        free(word);
        m->words[i] = out;
    }
}

char **complete_line(void *context, const char *line, size_t point, const char **files,
                     char hint[COMPLETE_HINT_MAX])
{
    const struct session *s = context;
    struct typed t = typed_word(line, point);
    struct matches m = {.prefix = t.text, .length = strlen(t.text)};
    *files = NULL;
    *hint = '\0';
    if (prompt_kind() == PROMPT_COMMAND) {
        char *command = xstrndup(line, point);
        complete_command(&m, s, command, files, hint);
        free(command);
    } else {
        complete_document(&m, s);
    }
    quote_matches(&m, &t);
    free(t.line);
    return m.words;
}
