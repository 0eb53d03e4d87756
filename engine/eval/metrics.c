#include "engine/eval/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

size_t metrics_answer_span(const char *text, size_t length, size_t *start)
{
    size_t end = 0;
    while (end < length && text[end] != '.' && text[end] != '\n')
        end++;
    size_t from = 0;
    while (from < end && is_blank(text[from]))
        from++;
    while (end > from && is_blank(text[end - 1]))
        end--;
    *start = from;
    return end - from;
}

static bool is_ascii_punctuation(uint32_t c)
{
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
}

/* What str.split() of the reference takes as blank. */
static bool is_unicode_blank(uint32_t c)
{
    if (c == 0x85 || c == 0xa0 || (c >= 0x1c && c <= 0x20) || (c >= 9 && c <= 13))
        return true;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

/* Lower-cases and drops ASCII punctuation; every blank becomes one ' '. */
static size_t lower_without_punctuation(const char *text, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t n = text_decode(text + i, length - i, &c);
        if (c == TEXT_INVALID)
            out[used++] = text[i];
        else if (is_unicode_blank(c))
            out[used++] = ' ';
        else if (!is_ascii_punctuation(c))
            used += text_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)c), out + used);
        i += n;
    }
    return used;
}

/* What \w of the reference is, but for the underscore, which went with the punctuation. */
static bool is_word(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return c != TEXT_INVALID && ((category >= UTF8PROC_CATEGORY_LU &&
                                  category <= UTF8PROC_CATEGORY_LO) ||
                                 (category >= UTF8PROC_CATEGORY_ND &&
                                  category <= UTF8PROC_CATEGORY_NO));
}

static bool is_article(const char *word, size_t n)
{
    return (n == 1 && word[0] == 'a') || (n == 2 && memcmp(word, "an", 2) == 0) ||
           (n == 3 && memcmp(word, "the", 3) == 0);
}

/* Bytes of letters and digits from text[at] on. */
static size_t word_length(const char *text, size_t length, size_t at)
{
    size_t end = at;
    while (end < length) {
        uint32_t c;
        size_t n = text_decode(text + end, length - end, &c);
        if (!is_word(c))
            break;
        end += n;
    }
    return end - at;
}

/* Articles become blanks wherever they stand alone between what are no letters. */
static void blank_articles(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t n = word_length(text, length, i);
        if (is_article(text + i, n))
            memset(text + i, ' ', n);
        i += n ? n : text_decode(text + i, length - i, &c);
    }
}

char *metrics_normalize(const char *text, size_t length)
{
    char *lower = xmalloc(2 * length + 4), *out = xmalloc(2 * length + 4);
    size_t n = lower_without_punctuation(text, length, lower), used = 0;
    blank_articles(lower, n);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && lower[end] != ' ')
            end++;
        if (end > i) {
            if (used)
                out[used++] = ' ';
            memcpy(out + used, lower + i, end - i);
            used += end - i;
        }
        i = end + 1;
    }
    out[used] = '\0';
    free(lower);
    return out;
}

/* Words of a normalised text, as pointers into it (it is cut at its blanks). */
static size_t split_words(char *text, const char ***words)
{
    size_t n = 0, capacity = 0;
    *words = NULL;
    for (char *p = text; *p;) {
        MEM_GROW(*words, capacity, n + 1);
        (*words)[n++] = p;
        while (*p && *p != ' ')
            p++;
        if (*p)
            *p++ = '\0';
    }
    return n;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Size of the intersection of two bags of words, both sorted. */
static size_t common_words(const char **a, size_t n, const char **b, size_t m)
{
    size_t common = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        int order = strcmp(a[i], b[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return common;
}

static double bag_f1(char *prediction, char *gold)
{
    const char **a, **b;
    size_t n = split_words(prediction, &a), m = split_words(gold, &b);
    double f1 = 0;
    if (n && m) {
        qsort(a, n, sizeof *a, compare_words);
        qsort(b, m, sizeof *b, compare_words);
        double common = (double)common_words(a, n, b, m);
        double precision = common / (double)n, recall = common / (double)m;
        f1 = common > 0 ? 2 * precision * recall / (precision + recall) : 0;
    }
    free(a);
    free(b);
    return f1;
}

struct metrics_score metrics_compare(const char *prediction, const char *gold)
{
    char *p = metrics_normalize(prediction, strlen(prediction));
    char *g = metrics_normalize(gold, strlen(gold));
    struct metrics_score score = {.exact = strcmp(p, g) == 0 ? 1.0 : 0.0};
    score.f1 = bag_f1(p, g);
    free(p);
    free(g);
    return score;
}

struct metrics_score metrics_best(const char *prediction, const char *const *gold, size_t n_gold)
{
    struct metrics_score best = {0};
    for (size_t i = 0; i < n_gold; i++) {
        struct metrics_score score = metrics_compare(prediction, gold[i]);
        best.exact = score.exact > best.exact ? score.exact : best.exact;
        best.f1 = score.f1 > best.f1 ? score.f1 : best.f1;
    }
    return best;
}

size_t metrics_apart(size_t k, size_t n)
{
    return k % 2 ? (n + 1) / 2 + k / 2 : k / 2;
}
