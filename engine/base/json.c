#include "engine/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* 2^63 - 1 has 19 digits, so shorter integers always fit. */
enum { INT64_DIGITS = 19 };

/* Index behind the string that begins at text[i] == '"', or length. */
static size_t skip_string(const char *text, size_t length, size_t i)
{
    for (i++; i < length && text[i] != '"'; i++)
        i += text[i] == '\\';
    return i < length ? i + 1 : length;
}

/* Length of the number-like word at the start of text. */
static size_t number_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && text[n] && strchr("0123456789+-.eE", text[n]))
        n++;
    return n;
}

/* Is the word an integer that int64 does not hold? Sets the place of its digits. */
static bool is_wide_integer(const char *word, size_t n, size_t *first, size_t *digits)
{
    static const char limits[2][INT64_DIGITS + 1] = {"9223372036854775807",
                                                     "9223372036854775808"};
    *first = n > 0 && word[0] == '-';
    *digits = n - *first;
    if (*digits < INT64_DIGITS || word[*first] == '0')
        return false;
    for (size_t i = *first; i < n; i++)
        if (word[i] < '0' || word[i] > '9')
            return false;
    return *digits > INT64_DIGITS ||
           memcmp(word + *first, limits[*first], INT64_DIGITS) > 0;
}

/* Rewrites 12345678901234567890 as 1.2345678901234e19, which is as long, so that
 * the bytes behind it keep their positions. */
static void make_real(char *digits, size_t n)
{
    char exponent[24];
    size_t tail = (size_t)snprintf(exponent, sizeof exponent, "e%zu", n - 1);
    memmove(digits + 2, digits + 1, n - 2);
    digits[1] = '.';
    memcpy(digits + n - tail, exponent, tail);
}

/* What must be known before Jansson sees the text. */
struct survey {
    size_t depth, values;
    char *rewritten; /* copy of the text with wide integers made real, or NULL */
};

static bool survey_byte(struct survey *s, char c, size_t at, const char *name,
                        struct err *err)
{
    if (!c) /* Jansson passes over one behind a number */
        return err_set(err, ERR_INPUT, "%s: invalid JSON at byte %zu: a NUL byte", name, at + 1);
    if (c == '[' || c == '{')
        s->depth++;
    else if (s->depth > 0 && (c == ']' || c == '}'))
        s->depth--;
    if (s->depth > JSON_DEPTH_LIMIT)
        return err_set(err, ERR_INPUT, "%s: nested deeper than %d at byte %zu", name,
                       JSON_DEPTH_LIMIT, at + 1);
    if (c == ',' || c == '[' || c == '{')
        s->values++;
    if (s->values > JSON_VALUES_LIMIT)
        return err_set(err, ERR_INPUT, "%s: more than %d values at byte %zu", name,
                       JSON_VALUES_LIMIT, at + 1);
    return true;
}

static bool survey_text(struct survey *s, const char *text, size_t length,
                        const char *name, struct err *err)
{
    for (size_t i = 0; i < length;) {
        size_t first, digits, n = number_length(text + i, length - i);
        if (n > 0) {
            if (is_wide_integer(text + i, n, &first, &digits)) {
                if (!s->rewritten)
                    s->rewritten = xstrndup(text, length);
                make_real(s->rewritten + i + first, digits);
            }
            i += n;
        } else if (text[i] == '"') {
            i = skip_string(text, length, i);
        } else if (!survey_byte(s, text[i], i, name, err)) {
            return false;
        } else {
            i++;
        }
    }
    return true;
}

/* Does Jansson's complaint mean a malformed string? */
static bool blames_string(const char *complaint)
{
    static const char *const starts[] = {"control character", "invalid Unicode",
                                         "invalid escape", "unexpected newline",
                                         "\\u0000"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(complaint, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

json_t *json_parse(const char *text, size_t length, const char *name, struct err *err)
{
    size_t bad;
    if (!text_valid(text, length, &bad)) {
        err_set(err, ERR_INPUT, "%s: invalid string at byte %zu: not UTF-8", name,
                bad + 1);
        return NULL;
    }
    struct survey survey = {0};
    if (!survey_text(&survey, text, length, name, err)) {
        free(survey.rewritten);
        return NULL;
    }
    json_error_t error;
    json_t *json =
        json_loadb(survey.rewritten ? survey.rewritten : text, length,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    free(survey.rewritten);
    if (!json)
        err_set(err, ERR_INPUT, "%s: invalid %s at byte %d: %s", name,
                blames_string(error.text) ? "string" : "JSON", error.position,
                error.text);
    return json;
}

json_t *json_parse_file(const char *path, size_t limit, struct err *err)
{
    char *text;
    size_t length;
    if (!file_read(path, limit, &text, &length, err))
        return NULL;
    json_t *json = json_parse(text, length, path, err);
    free(text);
    return json;
}
