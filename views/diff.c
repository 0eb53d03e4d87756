#include "views/diff.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum { WORDS_MAX = 1000 };

struct word {
    size_t start, end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t split_words(const char *text, struct word *words)
{
    size_t n = 0, i = 0;
    while (n < WORDS_MAX) {
        while (text[i] && is_space(text[i]))
            i++;
        if (!text[i])
            break;
        words[n].start = i;
        while (text[i] && !is_space(text[i]))
            i++;
        words[n++].end = i;
    }
    return n;
}

static bool same_word(const char *a, struct word x, const char *b, struct word y)
{
    return x.end - x.start == y.end - y.start &&
           memcmp(a + x.start, b + y.start, x.end - x.start) == 0;
}

/* length [(n + 1) * (m + 1)]: longest common subsequence of the words from i and j on. */
static uint16_t *common_lengths(const char *a, const struct word *x, size_t n,
                                const char *b, const struct word *y, size_t m)
{
    uint16_t *length = xcalloc((n + 1) * (m + 1), sizeof *length);
    for (size_t i = n; i-- > 0;)
        for (size_t j = m; j-- > 0;) {
            uint16_t *here = length + i * (m + 1) + j;
            uint16_t down = here[m + 1], right = here[1];
            *here = same_word(a, x[i], b, y[j]) ? (uint16_t)(here[m + 2] + 1)
                    : down > right              ? down
                                                : right;
        }
    return length;
}

size_t diff_words(const char *before, const char *after, struct diff_word **words)
{
    struct word *x = xcalloc(WORDS_MAX, sizeof *x), *y = xcalloc(WORDS_MAX, sizeof *y);
    size_t n = split_words(before, x), m = split_words(after, y), count = 0, i = 0, j = 0;
    uint16_t *length = common_lengths(before, x, n, after, y, m);
    *words = xcalloc(n + m + 1, sizeof **words);
    while (i < n || j < m) {
        const uint16_t *here = length + i * (m + 1) + j;
        if (i < n && j < m && same_word(before, x[i], after, y[j])) {
            (*words)[count++] = (struct diff_word){DIFF_SAME, y[j].start, y[j].end};
            i++;
            j++;
        } else if (i < n && (j == m || here[m + 1] >= here[1])) {
            (*words)[count++] = (struct diff_word){DIFF_GONE, x[i].start, x[i].end};
            i++;
        } else {
            (*words)[count++] = (struct diff_word){DIFF_ADDED, y[j].start, y[j].end};
            j++;
        }
    }
    free(length);
    free(x);
    free(y);
    return count;
}

/* ---- missing words ---------------------------------------------------------- */

/* The word without punctuation at its ends; empty when nothing else is in it. */
static struct word bare(const char *text, struct word w)
{
    while (w.start < w.end && ispunct((unsigned char)text[w.start]))
        w.start++;
    while (w.end > w.start && ispunct((unsigned char)text[w.end - 1]))
        w.end--;
    return w;
}

static bool same_bare(const char *a, struct word x, const char *b, struct word y)
{
    if (x.end - x.start != y.end - y.start)
        return false;
    for (size_t i = 0; i < x.end - x.start; i++)
        if (tolower((unsigned char)a[x.start + i]) !=
            tolower((unsigned char)b[y.start + i]))
            return false;
    return true;
}

static void add_word(char *out, size_t size, const char *text, struct word w)
{
    char piece[128];
    size_t used = strlen(out);
    size_t length = text_sanitize(piece, sizeof piece, text + w.start, w.end - w.start);
    if (used + length + 2 > size)
        return;
    if (used > 0)
        out[used++] = ' ';
    memcpy(out + used, piece, length + 1);
}

size_t missing_words(const char *reference, const char *text, size_t *total, char *out,
                     size_t size)
{
    struct word *x = xcalloc(WORDS_MAX, sizeof *x), *y = xcalloc(WORDS_MAX, sizeof *y);
    size_t n = split_words(reference, x), m = split_words(text, y), missing = 0;
    bool *taken = xcalloc(m, sizeof *taken);
    *total = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct word w = bare(reference, x[i]);
        size_t j = 0;
        if (w.start == w.end)
            continue;
        ++*total;
        while (j < m && (taken[j] || !same_bare(reference, w, text, bare(text, y[j]))))
            j++;
        if (j < m) {
            taken[j] = true;
            continue;
        }
        missing++;
        add_word(out, size, reference, w);
    }
    free(taken);
    free(x);
    free(y);
    return missing;
}
