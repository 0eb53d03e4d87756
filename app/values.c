#include "app/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"

bool value_count(const char *text, uint64_t *out)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    unsigned long long unit = 1;
    if (*end == 'k' || *end == 'M')
        unit = *end++ == 'k' ? 1000 : 1000000;
    return *end == '\0' && !__builtin_mul_overflow(n, unit, out);
}

/* The number that text begins with; *end is what follows it. */
static bool leading_real(const char *text, double *out, char **end)
{
    if (!text[0] || strspn(text, "+-.0123456789eE") == 0 || strpbrk(text, "xX"))
        return false;
    errno = 0;
    *out = strtod(text, end);
    return *end != text && errno == 0 && isfinite(*out);
}

bool value_real(const char *text, double *out)
{
    char *end;
    return leading_real(text, out, &end) && *end == '\0';
}

bool value_length(const char *text, double *number, enum value_unit *unit)
{
    static const char *const name[] = {[UNIT_MM] = "mm", [UNIT_IN] = "in", [UNIT_PX] = "px"};
    size_t length = strlen(text);
    char digits[32];
    *unit = UNIT_PX;
    for (size_t u = 0; u < sizeof name / sizeof *name; u++)
        if (length > 2 && strcmp(text + length - 2, name[u]) == 0) {
            *unit = (enum value_unit)u;
            length -= 2;
            break;
        }
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    return value_real(digits, number) && *number > 0;
}

bool value_choice(const char *text, const char *words, size_t *index)
{
    size_t length = strlen(text);
    for (size_t i = 0;; i++) {
        size_t word = strcspn(words, "|");
        if (word == length && memcmp(words, text, length) == 0) {
            if (index)
                *index = i;
            return true;
        }
        if (words[word] == '\0')
            return false;
        words += word + 1;
    }
}

bool value_next_item(const char **cursor, const char **item, size_t *length)
{
    if (!*cursor)
        return false;
    *item = *cursor;
    *length = strcspn(*cursor, ",");
    *cursor = (*item)[*length] ? *item + *length + 1 : NULL;
    return true;
}

enum { DISTANCE_LENGTH_MAX = 48 };

size_t value_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), cols = strlen(b);
    if (rows > DISTANCE_LENGTH_MAX || cols > DISTANCE_LENGTH_MAX)
        return SIZE_MAX;
    size_t d[DISTANCE_LENGTH_MAX + 1][DISTANCE_LENGTH_MAX + 1];
    for (size_t i = 0; i <= rows; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= cols; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= rows; i++)
        for (size_t j = 1; j <= cols; j++) {
            size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = size_min(size_min(d[i - 1][j], d[i][j - 1]) + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = size_min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[rows][cols];
}

const char *value_nearest(const char *word, const char *const *candidates)
{
    size_t length = strlen(word), best = SIZE_MAX;
    const char *nearest = NULL;
    for (; *candidates; candidates++) {
        size_t distance = value_distance(word, *candidates);
        bool begins = length >= 2 && strncmp(word, *candidates, length) == 0;
        if (begins)
            distance = 1;
        if (distance < best) {
            best = distance;
            nearest = *candidates;
        }
    }
    size_t allowed = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    return best <= allowed ? nearest : NULL;
}
