#include "app/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

static const char unchanged[] = WAY "nothing changed";
enum { FOUND_MAX = 80 };

bool refusal_wants(const struct words *words, struct err *err, const char *fmt, ...)
{
    char wanted[256], found[FOUND_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(wanted, sizeof wanted, fmt, args);
    va_end(args);
    text_sanitize(found, sizeof found, words->rest, strlen(words->rest));
    const char *quote = found[0] ? "\"" : "";
    return err_set(err, ERR_USAGE, "%s wants %s; found %s%s%s", words->name, wanted, quote,
                   found[0] ? found : "nothing", quote);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

bool refusal_complete(const char *name, struct err *err)
{
    if (err->code == ERR_CANCELLED || ends_with(err->text, unchanged))
        return false;
    size_t length = strlen(name);
    bool proposes = ends_with(err->text, "?"); /* unknown setting "epsilon", did you mean "eps"? */
    bool begins = strncmp(err->text, name, length) == 0 && strchr(": ", err->text[length]);
    bool named = proposes || begins;
    bool way = proposes || strstr(err->text, WAY);
    /* What was found may be long: it is cut, not the way out. */
    char text[sizeof err->text - 128];
    text_sanitize(text, sizeof text, err->text, strlen(err->text));
    return err_set(err, err->code, "%s%s%s%s%s%s", named ? "" : name, named ? "" : ": ", text,
                   way ? "" : WAY ":help ", way ? "" : name, unchanged);
}
