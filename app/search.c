#include "app/search.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "app/refusal.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

/* Work that a hostile expression may cause: about a tenth of a second. */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 10000 };

struct search {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    int failure; /* of the library, 0 = none */
};

static bool has_capital(const char *needle)
{
    for (; *needle; needle++)
        if (*needle == '\\' && needle[1])
            needle++; /* \W is no capital */
        else if (*needle >= 'A' && *needle <= 'Z')
            return true;
    return false;
}

static bool prepare(struct search *search, const char *needle, struct err *err)
{
    bool expression = needle[0] == '\\' && needle[1];
    const char *pattern = expression ? needle + 1 : needle;
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    if (!expression)
        options |= PCRE2_LITERAL;
    if (expression)
        options |= PCRE2_MULTILINE;
    if (!has_capital(pattern))
        options |= PCRE2_CASELESS;
    if (PCRE2_LITERAL & options)
        options &= ~(uint32_t)PCRE2_NEVER_BACKSLASH_C;
    int code;
    PCRE2_SIZE at;
    search->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at,
                                 NULL);
    if (!search->code) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(err, ERR_USAGE, "expression \"%s\": %s at character %zu", pattern,
                       (const char *)why, (size_t)at);
    }
    search->match = pcre2_match_data_create_from_pattern(search->code, NULL);
    search->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(search->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(search->limits, DEPTH_LIMIT);
    return true;
}

static void release(struct search *search)
{
    pcre2_code_free(search->code);
    pcre2_match_data_free(search->match);
    pcre2_match_context_free(search->limits);
}

/* A match that begins in [from, to), and is not empty. */
static bool next_match(struct search *search, const char *text, size_t size, size_t from,
                       size_t to, size_t *begin, size_t *end)
{
    while (from < to) {
        int n = pcre2_match(search->code, (PCRE2_SPTR)text, size, from, PCRE2_NOTEMPTY,
                            search->match, search->limits);
        if (n < 0) {
            search->failure = n == PCRE2_ERROR_NOMATCH ? 0 : n;
            return false;
        }
        const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(search->match);
        *begin = bounds[0];
        *end = bounds[1];
        if (*begin < from)
            *begin = from;
        return *begin < to;
    }
    return false;
}

static bool last_match(struct search *search, const char *text, size_t size, size_t from,
                       size_t to, size_t *found)
{
    size_t begin, end;
    bool any = false;
    while (next_match(search, text, size, from, to, &begin, &end)) {
        *found = begin;
        any = true;
        from = end > begin ? end : begin + 1;
    }
    return any && !search->failure;
}

bool search_text(const char *text, size_t size, const char *needle, size_t from, bool backward,
                 size_t *found, bool *wrapped, struct err *err)
{
    struct search search = {0};
    size_t end;
    if (!prepare(&search, needle, err))
        return false;
    from = size_min(from, size);
    bool ok = backward ? last_match(&search, text, size, 0, from, found)
                       : next_match(&search, text, size, from, size, found, &end);
    *wrapped = false;
    if (!ok && !search.failure) {
        *wrapped = true;
        ok = backward ? last_match(&search, text, size, from, size, found)
                      : next_match(&search, text, size, 0, from, found, &end);
    }
    if (!ok && search.failure)
        err_set(err, ERR_USAGE, "the expression \"%s\" takes too long here" WAY
                "⁅/⁆ takes a simpler one", needle);
    else if (!ok)
        err_set(err, ERR_USAGE, "\"%s\" is not in the document" WAY
                "⁅/⁆ searches for another text", needle);
    release(&search);
    return ok;
}
