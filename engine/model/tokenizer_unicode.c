#include "engine/model/tokenizer_unicode.h"

#include <utf8proc.h>

#include "engine/base/text.h"

/* Letters and numbers that Unicode 16 has and Unicode 15 has not: the published
 * tokenizers know them, the installed utf8proc perhaps does not. */
static const struct range {
    uint32_t first, last;
    enum char_class class;
} later_characters[] = {
    {0x1c89, 0x1c8a, CHAR_LETTER},   {0xa7cb, 0xa7cd, CHAR_LETTER},
    {0xa7da, 0xa7dc, CHAR_LETTER},   {0x105c0, 0x105f3, CHAR_LETTER},
    {0x10d40, 0x10d49, CHAR_NUMBER}, {0x10d4a, 0x10d65, CHAR_LETTER},
    {0x10d6f, 0x10d85, CHAR_LETTER}, {0x10ec2, 0x10ec4, CHAR_LETTER},
    {0x11380, 0x11389, CHAR_LETTER}, {0x1138b, 0x1138b, CHAR_LETTER},
    {0x1138e, 0x1138e, CHAR_LETTER}, {0x11390, 0x113b5, CHAR_LETTER},
    {0x113b7, 0x113b7, CHAR_LETTER}, {0x113d1, 0x113d1, CHAR_LETTER},
    {0x113d3, 0x113d3, CHAR_LETTER}, {0x116d0, 0x116e3, CHAR_NUMBER},
    {0x11bc0, 0x11be0, CHAR_LETTER}, {0x11bf0, 0x11bf9, CHAR_NUMBER},
    {0x13460, 0x143fa, CHAR_LETTER}, {0x16100, 0x1611d, CHAR_LETTER},
    {0x16130, 0x16139, CHAR_NUMBER}, {0x16d40, 0x16d6c, CHAR_LETTER},
    {0x16d70, 0x16d79, CHAR_NUMBER}, {0x18cff, 0x18cff, CHAR_LETTER},
    {0x1ccf0, 0x1ccf9, CHAR_NUMBER}, {0x1e5d0, 0x1e5ed, CHAR_LETTER},
    {0x1e5f0, 0x1e5f0, CHAR_LETTER}, {0x1e5f1, 0x1e5fa, CHAR_NUMBER},
    {0x2ebf0, 0x2ee5d, CHAR_LETTER},
};

static enum char_class later_class(uint32_t c)
{
    for (size_t i = 0; i < sizeof later_characters / sizeof *later_characters; i++)
        if (c >= later_characters[i].first && c <= later_characters[i].last)
            return later_characters[i].class;
    return CHAR_OTHER;
}

bool unicode_is_space(uint32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

static enum char_class wide_class(uint32_t c)
{
    if (c == TEXT_INVALID)
        return CHAR_OTHER;
    if (unicode_is_space(c))
        return CHAR_SPACE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return CHAR_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return CHAR_NUMBER;
    case UTF8PROC_CATEGORY_CN:
        return later_class(c);
    default:
        return CHAR_OTHER;
    }
}

enum char_class unicode_class(const char *text, size_t length, size_t *bytes)
{
    unsigned char c = (unsigned char)text[0];
    if (c < 0x80) {
        *bytes = 1;
        if ((unsigned)(c | 0x20) - 'a' < 26)
            return CHAR_LETTER;
        if ((unsigned)c - '0' < 10)
            return CHAR_NUMBER;
        return c == ' ' || (unsigned)c - 9 < 5 ? CHAR_SPACE : CHAR_OTHER;
    }
    uint32_t codepoint;
    *bytes = text_decode(text, length, &codepoint);
    return wide_class(codepoint);
}

static bool category_between(uint32_t c, utf8proc_category_t low,
                             utf8proc_category_t high)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= low && category <= high;
}

bool unicode_is_punctuation(const char *text, size_t length)
{
    uint32_t c;
    text_decode(text, length, &c);
    return c != TEXT_INVALID &&
           category_between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool unicode_is_word(uint32_t c)
{
    if (c == TEXT_INVALID)
        return false;
    bool circled_letter = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f189);
    bool joiner = c == 0x200c || c == 0x200d;
    return category_between(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) ||
           category_between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PC) ||
           circled_letter || joiner || later_class(c) != CHAR_OTHER;
}

bool unicode_joins_before(uint32_t c)
{
    if (c < 0x300 || c == TEXT_INVALID)
        return false;
    return (c >= 0x1160 && c <= 0x11ff) ||
           category_between(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME);
}
