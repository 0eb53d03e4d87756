#include "engine/base/text.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "engine/base/mem.h"

enum { COMBINING_MAX = 4 };

/* Bytes of the character that a lead byte announces; 0 for no lead byte. */
static size_t lead_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

/* Is `second` allowed after `lead`? Excludes overlong forms, surrogates and
 * values beyond U+10FFFF, all of which show in the second byte. */
static bool second_allowed(unsigned char lead, unsigned char second)
{
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    return second >= low && second <= high;
}

/* Length of the longest prefix of text that could begin a character. */
static size_t well_formed_prefix(const unsigned char *text, size_t length)
{
    size_t want = length ? lead_length(text[0]) : 0;
    if (want < 2 || length < 2)
        return want ? 1 : 0;
    if (!second_allowed(text[0], text[1]))
        return 1;
    size_t n = 2;
    while (n < want && n < length && (text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

size_t text_decode(const char *text, size_t length, uint32_t *codepoint)
{
    static const unsigned char lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *p = (const unsigned char *)text;
    size_t n = lead_length(p[0]);
    if (n == 0 || n > length || well_formed_prefix(p, length) < n) {
        *codepoint = TEXT_INVALID;
        return 1;
    }
    uint32_t c = p[0] & lead_mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *codepoint = c;
    return n;
}

size_t text_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(lead[n] | c);
    return n;
}

/* Bytes in front that are ASCII, eight by eight: most of most texts. */
static size_t ascii_words(const char *text, size_t length)
{
    const uint64_t high = 0x8080808080808080u;
    size_t n = 0;
    for (uint64_t word; length - n >= sizeof word; n += sizeof word) {
        memcpy(&word, text + n, sizeof word);
        if (word & high)
            break;
    }
    return n;
}

bool text_valid(const char *text, size_t length, size_t *bad)
{
    for (size_t i = 0; (i += ascii_words(text + i, length - i)) < length;) {
        uint32_t c;
        size_t n = text_decode(text + i, length - i, &c);
        if (c == TEXT_INVALID) {
            if (bad)
                *bad = i;
            return false;
        }
        i += n;
    }
    return true;
}

char *text_make_valid(const char *text, size_t length, size_t *valid_length)
{
    enum { REPLACEMENT = 0xfffd };
    char *out = xmalloc(3 * length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t n = text_decode(text + i, length - i, &c);
        if (c == TEXT_INVALID) {
            n = well_formed_prefix((const unsigned char *)text + i, length - i);
            c = REPLACEMENT;
        }
        i += n ? n : 1;
        used += text_encode(c, out + used);
    }
    out[used] = '\0';
    *valid_length = used;
    return out;
}

size_t text_bom(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

size_t text_incomplete(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const unsigned char *start = p + length - back;
        size_t want = lead_length(*start);
        if (want >= 2)
            return want > back && well_formed_prefix(start, back) == back ? back : 0;
        if (want == 1)
            return 0;
    }
    return 0;
}

/* Characters that change how others are laid out, or that cannot be seen: those
 * that Unicode lets a display ignore, but for variation selectors, which emoji are
 * full of, and the combining joiner; and the line and paragraph separators. */
static bool is_invisible(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0xad, 0xad},       {0x61c, 0x61c},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
        {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
        {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    if (c < ranges[0].first)
        return false;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static bool is_unassigned(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_CN || category == UTF8PROC_CATEGORY_CS ||
           category == UTF8PROC_CATEGORY_CO;
}

size_t text_escape(uint32_t c, char out[TEXT_ESCAPE_MAX])
{
    int n = 0;
    if (c < 0x20 || c == 0x7f)
        n = snprintf(out, TEXT_ESCAPE_MAX, "^%c", (char)(c ^ 0x40));
    else if (c >= 0x80 && c < 0xa0)
        n = snprintf(out, TEXT_ESCAPE_MAX, "<%02X>", c);
    else if (c > 0x10ffff)
        n = snprintf(out, TEXT_ESCAPE_MAX, "<U+FFFD>");
    else if (is_invisible(c) || is_unassigned(c))
        n = snprintf(out, TEXT_ESCAPE_MAX, "<U+%04X>", c);
    return (size_t)n;
}

int text_width(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c > 0x10ffff || is_invisible(c) ||
        is_unassigned(c))
        return -1;
    return utf8proc_charwidth((utf8proc_int32_t)c);
}

size_t text_sanitize(char *out, size_t size, const char *text, size_t length)
{
    size_t used = 0;
    int combining = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        char piece[TEXT_ESCAPE_MAX];
        size_t bytes = text_decode(text + i, length - i, &c), n;
        if (c == TEXT_INVALID)
            n = (size_t)snprintf(piece, sizeof piece, "<%02X>", (unsigned char)text[i]);
        else if ((n = text_escape(c, piece)) == 0)
            memcpy(piece, text + i, n = bytes);
        i += bytes;
        combining = c != TEXT_INVALID && text_width(c) == 0 ? combining + 1 : 0;
        if (combining > COMBINING_MAX)
            continue;
        if (used + n >= size)
            break;
        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = '\0';
    return used;
}

const char *text_grouped(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    char digits[TEXT_NUMBER_MAX];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%ju", (uintmax_t)n), used = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *text_rounded(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    if (n < 1000000)
        return text_grouped(n, out);
    if (n < 999995000)
        snprintf(out, TEXT_NUMBER_MAX, "%.2f M", (double)n / 1e6);
    else
        snprintf(out, TEXT_NUMBER_MAX, "%.2f G", (double)n / 1e9);
    return out;
}

const char *text_bytes(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB",
                                        "TiB",   "PiB", "EiB"};
    size_t unit = 0;
    double scaled = (double)n;
    while (scaled >= 1024) {
        scaled /= 1024;
        unit++;
    }
    bool whole = scaled == (double)(uint64_t)scaled;
    if (n == 1)
        snprintf(out, TEXT_NUMBER_MAX, "1 byte");
    else
        snprintf(out, TEXT_NUMBER_MAX, whole ? "%.0f %s" : "%.1f %s", scaled, units[unit]);
    return out;
}

const char *text_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

const char *text_duration(double ms, char out[TEXT_NUMBER_MAX])
{
    double minutes = ms / 60e3;
    if (minutes < 1)
        snprintf(out, TEXT_NUMBER_MAX, "%.0fs", ms / 1e3);
    else if (minutes < 120)
        snprintf(out, TEXT_NUMBER_MAX, "%.0fm", minutes);
    else
        snprintf(out, TEXT_NUMBER_MAX, "%.1fh", minutes / 60);
    return out;
}
