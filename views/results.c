#include "views/results.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

const char *const results_mode_name[RESULTS_MODES] = {"full context", "compressed",
                                                      "wrong passage", "no context"};
#define NAME(id, word, text) [RESULTS_SHOW_##id] = word,
const char *const results_filter_name[RESULTS_FILTER_COUNT] = {RESULTS_FILTERS(NAME)};
#undef NAME
#define TEXT(id, word, text) [RESULTS_SHOW_##id] = text,
const char *const results_filter_text[RESULTS_FILTER_COUNT] = {RESULTS_FILTERS(TEXT)};
#undef TEXT

void results_example_free(struct results_example *e)
{
    free(e->question);
    free(e->gold);
    free(e->context);
    for (int mode = 0; mode < RESULTS_MODES; mode++)
        free(e->said[mode]);
    *e = (struct results_example){0};
}

void results_set_free(struct results_set *set)
{
    for (size_t k = 0; k < set->n; k++)
        results_example_free(&set->examples[k]);
    free(set->examples);
    free(set->path);
}

void results_free(struct results *r)
{
    for (size_t i = 0; i < r->n; i++)
        results_set_free(&r->sets[i]);
    free(r->sets);
    *r = (struct results){0};
}

struct results_score results_score(const struct results_set *set, enum results_mode mode)
{
    struct results_score s = {0};
    double squared = 0;
    for (size_t i = 0; i < set->n; i++) {
        const struct results_example *e = &set->examples[i];
        if (!e->said[mode])
            continue;
        s.n++;
        s.exact += e->exact[mode];
        s.f1 += e->f1[mode];
        squared += e->f1[mode] * e->f1[mode];
    }
    if (s.n == 0)
        return s;
    double n = (double)s.n;
    s.exact /= n;
    s.f1 /= n;
    double variance = s.n > 1 ? (squared - n * s.f1 * s.f1) / (n - 1) : 0;
    s.half = 1.96 * sqrt(fmax(variance, 0) / n);
    return s;
}

bool results_matches(const struct results_example *e, enum results_filter filter)
{
    bool full = e->exact[RESULTS_FULL] > 0, compressed = e->exact[RESULTS_COMPRESSED] > 0;
    switch (filter) {
    case RESULTS_SHOW_LOST: return full && !compressed;
    case RESULTS_SHOW_WON: return compressed && !full;
    case RESULTS_SHOW_WRONG: return !full && !compressed;
    default: return true;
    }
}

size_t results_count(const struct results_set *set, enum results_filter filter)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++)
        n += results_matches(&set->examples[i], filter);
    return n;
}

size_t results_next(const struct results_set *set, size_t from, long by,
                    enum results_filter filter)
{
    for (size_t at = from; at < set->n; at += (size_t)by)
        if (results_matches(&set->examples[at], filter))
            return at;
    return SIZE_MAX;
}

double results_kept(const struct results_set *set)
{
    struct results_score full = results_score(set, RESULTS_FULL);
    struct results_score compressed = results_score(set, RESULTS_COMPRESSED);
    return full.n > 0 && compressed.n > 0 && full.f1 > 0 ? compressed.f1 / full.f1 : (double)NAN;
}

double results_seconds(const struct results_set *set)
{
    double ms = 0;
    for (size_t i = 0; i < set->n; i++)
        ms += set->examples[i].ms / (double)set->n;
    return ms > 0 ? ms / 1e3 : (double)NAN;
}

double results_slots(const struct results_set *set)
{
    double slots = 0, n = 0;
    for (size_t i = 0; i < set->n; i++)
        if (set->examples[i].said[RESULTS_COMPRESSED]) {
            slots += (double)set->examples[i].slots;
            n++;
        }
    return n > 0 ? slots / n : (double)NAN;
}

double results_saved(const struct results_set *set)
{
    double full = 0, compressed = 0;
    for (size_t i = 0; i < set->n; i++) {
        const size_t *positions = set->examples[i].positions;
        if (positions[RESULTS_FULL] && positions[RESULTS_COMPRESSED]) {
            full += (double)positions[RESULTS_FULL];
            compressed += (double)positions[RESULTS_COMPRESSED];
        }
    }
    return compressed > 0 ? full / compressed : (double)NAN;
}
