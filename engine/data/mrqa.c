#include "engine/data/mrqa.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/mem.h"

struct replacement {
    const char *from, *to;
};

/* One pass over the text; at each place the first rule that fits is applied. No
 * `to` is more than 8 bytes longer than its `from`. */
static char *replace_all(const char *text, const struct replacement *rules, size_t n)
{
    size_t length = strlen(text), used = 0;
    char *out = xmalloc(4 * length + 16);
    for (size_t i = 0; i < length;) {
        const struct replacement *rule = NULL;
        for (size_t k = 0; k < n && !rule; k++)
            if (strncmp(text + i, rules[k].from, strlen(rules[k].from)) == 0)
                rule = &rules[k];
        if (!rule) {
            out[used++] = text[i++];
            continue;
        }
        size_t add = strlen(rule->to);
        memcpy(out + used, rule->to, add);
        used += add;
        i += strlen(rule->from);
    }
    out[used] = '\0';
    return out;
}

char *mrqa_clean_context(const char *text)
{
    static const struct replacement rules[] = {
        {"[PAR] ", "\n\n"}, {"[TLE]", "Title:"}, {"[SEP]", "\nPassage:"}, {"[DOC] ", ""},
        {"[DOC]", ""},      {"<Li> ", ""},       {"</Li>", ""},           {"<Ul> ", ""},
        {"</Ul>", ""},      {"<Ol> ", ""},       {"</Ol>", ""},           {"<Dl> ", ""},
        {"</Dl>", ""},      {"<Li>", ""},        {"<Ul>", ""},            {"<Ol>", ""},
        {"<Dl>", ""},
    };
    return replace_all(text, rules, sizeof rules / sizeof *rules);
}

char *mrqa_clean_answer(const char *text)
{
    static const struct replacement rules[] = {
        {" .", "."}, {" ,", ","}, {" 's", "'s"}, {"`` ", "\""}, {" ''", "\""},
    };
    return replace_all(text, rules, sizeof rules / sizeof *rules);
}

char *mrqa_clean_question(const char *text)
{
    char *clean = mrqa_clean_answer(text);
    size_t n = strlen(clean);
    while (n > 0 && clean[n - 1] == ' ')
        clean[--n] = '\0';
    if (n > 0 && clean[n - 1] == '?')
        return clean;
    clean = xrealloc(clean, n + 2, 1);
    memcpy(clean + n, "?", 2);
    return clean;
}
