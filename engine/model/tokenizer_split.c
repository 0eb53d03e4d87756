#include "engine/model/tokenizer_split.h"

#include <string.h>

#include "engine/model/tokenizer_unicode.h"

/* The text that is left to cut, and which characters end it: where a tokenizer
 * sets numbers or punctuation apart first, the pattern for the rest sees the end
 * of its text there. */
struct scan {
    const char *text;
    size_t length;
    bool numbers_end;
    bool marks_end;
};

enum { SCAN_END = CHAR_SPACE + 1 };

/* [\p{P}$+<=>^~|] of SPLIT_DEFAULT. */
static bool is_mark(const char *text, size_t length)
{
    return (text[0] && strchr("$+<=>^~|", text[0])) ||
           unicode_is_punctuation(text, length);
}

/* The class of the character at `at` and its bytes; SCAN_END behind the last. */
static int class_at(const struct scan *scan, size_t at, size_t *bytes)
{
    *bytes = 0;
    if (at >= scan->length)
        return SCAN_END;
    enum char_class class = unicode_class(scan->text + at, scan->length - at, bytes);
    if (class == CHAR_NUMBER && scan->numbers_end)
        return SCAN_END;
    if (class == CHAR_OTHER && scan->marks_end &&
        is_mark(scan->text + at, scan->length - at))
        return SCAN_END;
    return (int)class;
}

/* Behind the run of characters of one class that begins at `at`. */
static size_t skip_run(const struct scan *scan, size_t at, int class)
{
    size_t bytes;
    while (class_at(scan, at, &bytes) == class)
        at += bytes;
    return at;
}

static bool is_newline(const struct scan *scan, size_t at)
{
    return at < scan->length && (scan->text[at] == '\r' || scan->text[at] == '\n');
}

/* \s+(?!\S)|\s+: a run of white space; one that something follows leaves its last
 * character to that, unless it is the only one. */
static size_t match_spaces(const struct scan *scan)
{
    size_t at = 0, last = 0, bytes;
    int class;
    while ((class = class_at(scan, at, &bytes)) == CHAR_SPACE) {
        last = at;
        at += bytes;
    }
    return class == SCAN_END || last == 0 ? at : last;
}

/* 's|'t|'re|'ve|'m|'ll|'d at the start of the text: its length, or 0. */
static size_t match_contraction(const struct scan *scan)
{
    const char *t = scan->text;
    if (scan->length < 2 || t[0] != '\'')
        return 0;
    if (t[1] == 's' || t[1] == 't' || t[1] == 'm' || t[1] == 'd')
        return 2;
    if (scan->length < 3)
        return 0;
    return (t[1] == 'l' && t[2] == 'l') || ((t[1] == 'r' || t[1] == 'v') && t[2] == 'e')
               ? 3
               : 0;
}

/* The same without regard to case; U+017F, the long s, is a small form of S. */
static size_t match_contraction_anycase(const struct scan *scan)
{
    char small[3] = "";
    size_t n = scan->length < 3 ? scan->length : 3;
    if (n == 3 && memcmp(scan->text, "'\xc5\xbf", 3) == 0)
        return 3;
    for (size_t i = 0; i < n; i++) {
        char c = scan->text[i];
        small[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    return match_contraction(&(struct scan){.text = small, .length = n});
}

static size_t match_gpt2(const struct scan *scan)
{
    size_t bytes, contraction = match_contraction(scan);
    if (contraction)
        return contraction;
    int class = class_at(scan, 0, &bytes);
    size_t start = 0;
    if (scan->text[0] == ' ') {
        start = 1;
        class = class_at(scan, 1, &bytes);
    }
    if (class == CHAR_SPACE || class == SCAN_END)
        return match_spaces(scan);
    return skip_run(scan, start, class);
}

/* \s*[\r\n]+: up to the last line end of the leading white space, 0 without one. */
static size_t match_line_ends(const struct scan *scan)
{
    size_t at = 0, end = 0, bytes;
    while (class_at(scan, at, &bytes) == CHAR_SPACE) {
        if (is_newline(scan, at))
            end = at + 1;
        at += bytes;
    }
    return end;
}

static size_t match_llama3(const struct scan *scan, int digits)
{
    size_t bytes, next_bytes, contraction = match_contraction_anycase(scan);
    if (contraction)
        return contraction;
    int class = class_at(scan, 0, &bytes);
    if (class == CHAR_LETTER)
        return skip_run(scan, 0, CHAR_LETTER);
    if (class == CHAR_NUMBER) {
        size_t at = bytes;
        while (--digits > 0 && class_at(scan, at, &bytes) == CHAR_NUMBER)
            at += bytes;
        return at;
    }
    int next = class_at(scan, bytes, &next_bytes);
    if (next == CHAR_LETTER && !is_newline(scan, 0))
        return skip_run(scan, bytes, CHAR_LETTER);
    if (class == CHAR_OTHER || (scan->text[0] == ' ' && next == CHAR_OTHER)) {
        size_t at = skip_run(scan, class == CHAR_OTHER ? 0 : 1, CHAR_OTHER);
        while (is_newline(scan, at))
            at++;
        return at;
    }
    size_t line_ends = match_line_ends(scan);
    return line_ends ? line_ends : match_spaces(scan);
}

static size_t match_smollm(struct scan *scan)
{
    size_t bytes;
    if (class_at(scan, 0, &bytes) == CHAR_NUMBER)
        return bytes;
    scan->numbers_end = true;
    return match_gpt2(scan);
}

static bool is_digit_at(const struct scan *scan, size_t at)
{
    return at < scan->length && scan->text[at] >= '0' && scan->text[at] <= '9';
}

/* A run of numbers, cut in front of and behind each three ASCII digits in a row. */
static size_t match_triple(const struct scan *scan)
{
    size_t at = 0, bytes;
    while (class_at(scan, at, &bytes) == CHAR_NUMBER) {
        if (is_digit_at(scan, at) && is_digit_at(scan, at + 1) &&
            is_digit_at(scan, at + 2))
            return at ? at : 3;
        at += bytes;
    }
    return at;
}

static size_t match_default(struct scan *scan)
{
    size_t bytes, at = 0;
    while (at < scan->length && is_mark(scan->text + at, scan->length - at)) {
        class_at(scan, at, &bytes);
        at += bytes;
    }
    if (at)
        return at;
    scan->marks_end = true;
    if (class_at(scan, 0, &bytes) == CHAR_NUMBER)
        return match_triple(scan);
    if (scan->text[0] == ' ' && class_at(scan, 1, &bytes) == CHAR_NUMBER)
        return 1;
    return match_gpt2(scan);
}

size_t split_first(enum split_kind kind, const char *text, size_t length)
{
    struct scan scan = {.text = text, .length = length};
    switch (kind) {
    case SPLIT_GPT2:
        return match_gpt2(&scan);
    case SPLIT_SMOLLM:
        return match_smollm(&scan);
    case SPLIT_DEFAULT:
        return match_default(&scan);
    case SPLIT_LLAMA3:
        return match_llama3(&scan, 3);
    case SPLIT_QWEN2:
        return match_llama3(&scan, 1);
    case SPLIT_NONE:
        break;
    }
    return length;
}

/* Names as GGUF files write them; the first of a kind is the one shown. */
static const struct split_alias {
    const char *name;
    enum split_kind kind;
} aliases[] = {
    {"gpt-2", SPLIT_GPT2},       {"smollm", SPLIT_SMOLLM},   {"default", SPLIT_DEFAULT},
    {"llama-bpe", SPLIT_LLAMA3}, {"llama-v3", SPLIT_LLAMA3}, {"llama3", SPLIT_LLAMA3},
    {"qwen2", SPLIT_QWEN2},
};

enum split_kind split_from_name(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strlen(aliases[i].name) == length &&
            memcmp(aliases[i].name, name, length) == 0)
            return aliases[i].kind;
    return SPLIT_NONE;
}

const char *split_name(enum split_kind kind)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (aliases[i].kind == kind)
            return aliases[i].name;
    return "none";
}

enum split_kind split_from_pattern(const char *pattern, size_t length)
{
    static const struct {
        const char *text;
        enum split_kind kind;
    } patterns[] = {
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
         "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
         SPLIT_GPT2},
        {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
         " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
         SPLIT_LLAMA3},
        {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
         " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
         SPLIT_QWEN2},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (strlen(patterns[i].text) == length &&
            memcmp(patterns[i].text, pattern, length) == 0)
            return patterns[i].kind;
    return SPLIT_NONE;
}
