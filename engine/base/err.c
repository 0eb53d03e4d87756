#include "engine/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

/* Raw text may grow fourfold when escaped; the tail is cut in that case. */
__attribute__((format(printf, 3, 0))) static bool
err_set_va(struct err *err, enum err_code code, const char *fmt, va_list args)
{
    char raw[1024];
    int n = vsnprintf(raw, sizeof raw, fmt, args);
    size_t length = n < 0 ? 0 : (size_t)n;
    if (length >= sizeof raw)
        length = sizeof raw - 1;
    err->code = code;
    text_sanitize(err->text, sizeof err->text, raw, length);
    return false;
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, fmt);
    err_set_va(err, code, fmt, args);
    va_end(args);
    return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char prefix[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    struct err old = *err;
    return err_set(err, old.code, "%s: %s", prefix, old.text);
}

bool err_add(struct err *err, const char *addition)
{
    if (!err)
        return false;
    struct err old = *err;
    return err_set(err, old.code, "%s; %s", old.text, addition);
}

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "comprexit: internal error at %s:%d: %s\n", file, line, condition);
    abort();
}
